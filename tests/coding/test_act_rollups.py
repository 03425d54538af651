"""What is kept of acts by day: equal to the audit trail and the lines themselves, whatever was done since."""

import random
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from zoneinfo import ZoneInfo

import pytest
from django.db.models.functions import TruncDate
from django.utils import timezone

from coding.act_rollups import ActsAsked, act_sums, refresh_acts
from coding.models import LINES_CAPTURED, ActMark, ActRollup, ChargeLine
from coding.services import capture_from
from portal.models import AuditEvent
from portal.services.audit import record_event
from tests.builders import make_department, make_organization, make_session, make_treated_course, make_user

pytestmark = pytest.mark.django_db
NEW_YORK, KIRITIMATI = "America/New_York", "Pacific/Kiritimati"
FIRST_DAY = date(2026, 3, 2)
DAYS = 20


@pytest.fixture
def organization(roles):
    return make_organization()


@pytest.fixture
def course(organization):
    """A course in a department whose calendar is a day ahead of most others."""
    return make_treated_course(
        organization, department=make_department(organization, time_zone=KIRITIMATI, name="Line Islands")
    )


@pytest.fixture
def people(organization, course):
    return [make_user(organization, role="coder"), make_user(organization, role="manager"), None]


@pytest.fixture
def at(monkeypatch):
    """Sets the instant at which rows say that they were added."""
    return lambda instant: monkeypatch.setattr(timezone, "now", lambda: instant)


def an_instant():
    return datetime.combine(FIRST_DAY, time(), UTC) + timedelta(minutes=random.randint(0, DAYS * 24 * 60))


def enter(course, person):
    """A session with its lines; where the person is None the system has captured it."""
    session = make_session(course, started_at=datetime(2025, 12, 1, 15, tzinfo=UTC) + timedelta(days=next(days)))
    capture_from(patient=course.patient, day=session.date_of_service, by=person)


def act(course, person):
    action = random.choice(["record_session", "release_hold", "save_view"])
    record_event(subject=course, action=action, sentence="Done.", by=person, organization=course.organization)


days = count()
ACTS = (enter, act, act, act, lambda course, person: refresh_acts())


def counted(user, asked, by):
    """The same as `act_sums`, counted from the audit trail and the lines one by one."""
    events = AuditEvent.objects.visible_to(user).annotate(day=TruncDate("at", tzinfo=asked.zone))
    lines = ChargeLine.objects.visible_to(user).filter(ruling__captured_by__isnull=False)
    lines = lines.annotate(day=TruncDate("created_at", tzinfo=asked.zone))
    acts = [*events.values_list("day", "by", "action")]
    acts += [(day, person, LINES_CAPTURED) for day, person in lines.values_list("day", "ruling__captured_by")]
    sums = Counter()
    for day, person, action in acts:
        is_wanted = action in asked.actions if asked.actions else action != LINES_CAPTURED
        if is_wanted and asked.first <= day <= (asked.last or day):
            values = {"by": person, "action": action, "week": day - timedelta(days=day.weekday())}
            sums[tuple(values[name] for name in by)] += 1
    return dict(sums)


# By which clock, over which days and what acts: all of them, and edges that lie within what was done.
ASKED = [
    ActsAsked(ZoneInfo(zone), first, last, actions)
    for zone in (NEW_YORK, KIRITIMATI)
    for first, last in ((date(2026, 1, 1), None), (date(2026, 3, 4), date(2026, 3, 10)), (date(2026, 3, 9), None))
    for actions in ((), ("record_session", LINES_CAPTURED))
]
GROUPINGS = (("by", "action"), ("by", "week", "action"), ("week",))


def kept_acts(user):
    return [act_sums(user=user, asked=asked, by=by) for asked in ASKED for by in GROUPINGS]


def acts_one_by_one(user):
    return [counted(user, asked, by) for asked in ASKED for by in GROUPINGS]


@pytest.mark.parametrize("seed", range(4))
def test_sums_are_those_of_the_trail_and_the_lines_whatever_was_done(course, people, at, seed):
    random.seed(seed)

    for _ in range(30):
        at(an_instant())
        random.choice(ACTS)(course, random.choice(people))

    manager = people[1]
    assert kept_acts(manager) == acts_one_by_one(manager)
    refresh_acts()
    assert kept_acts(manager) == acts_one_by_one(manager)


def test_sums_of_young_days_come_from_what_is_kept(course, people, at):
    at(datetime(2026, 3, 4, 15, tzinfo=UTC))
    act(course, people[0])
    refresh_acts()
    ActRollup.objects.update(times=9)

    sums = act_sums(user=people[1], asked=ASKED[0], by=("by",))

    assert sums == {(people[0].pk,): 9}


def test_act_marks_its_day_and_refresh_takes_the_mark_away(course, people, at):
    at(datetime(2026, 3, 4, 23, 59, tzinfo=UTC))
    refresh_acts()

    act(course, people[0])

    assert list(ActMark.objects.values_list("organization", "day")) == [(course.organization_id, date(2026, 3, 4))]
    assert refresh_acts() == 1
    assert not ActMark.objects.exists()


def test_line_marks_the_day_of_its_capture(course, people, at):
    at(datetime(2026, 3, 4, 15, tzinfo=UTC))
    enter(course, people[0])
    refresh_acts()
    at(datetime(2026, 3, 9, 15, tzinfo=UTC))

    enter(course, people[0])

    assert set(ActMark.objects.values_list("day", flat=True)) == {date(2026, 3, 9)}


def test_clock_that_nobody_read_by_before_is_summed_too(course, people, at):
    at(datetime(2026, 3, 4, 10, 30, tzinfo=UTC))
    act(course, people[0])
    refresh_acts()

    make_department(course.organization, time_zone="Pacific/Pago_Pago")

    asked = ActsAsked(ZoneInfo("Pacific/Pago_Pago"), date(2026, 1, 1), None, ("record_session", "release_hold"))
    assert act_sums(user=people[1], asked=asked, by=("week",)) == counted(people[1], asked, ("week",))
    refresh_acts()
    assert act_sums(user=people[1], asked=asked, by=("week",)) == counted(people[1], asked, ("week",))
    assert ActRollup.objects.filter(zone="Pacific/Pago_Pago", day=date(2026, 3, 3)).exists()


def test_lines_are_counted_of_the_departments_that_the_person_sees(course, people, at):
    at(datetime(2026, 3, 4, 15, tzinfo=UTC))
    enter(course, people[0])
    elsewhere = make_treated_course(course.organization)
    enter(elsewhere, people[0])
    refresh_acts()
    person = make_user(course.organization, role="manager", sees_all_departments=False)
    person.departments.set([elsewhere.department])
    asked = ActsAsked(ZoneInfo(NEW_YORK), date(2026, 1, 1), None, (LINES_CAPTURED,))

    sums = act_sums(user=person, asked=asked, by=("by",))

    assert sums == {(people[0].pk,): elsewhere.organization.charge_lines.filter(session__course=elsewhere).count()}


def test_sums_leave_other_organizations_out(course, people, at):
    at(datetime(2026, 3, 4, 15, tzinfo=UTC))
    act(course, people[0])
    stranger = make_user(make_organization(), role="manager")

    assert kept_acts(stranger) == [{}] * len(kept_acts(stranger))
    refresh_acts()
    assert kept_acts(stranger) == [{}] * len(kept_acts(stranger))


def test_sums_of_kept_days_ask_two_questions(course, people, at, django_assert_num_queries):
    at(datetime(2026, 3, 4, 15, tzinfo=UTC))
    enter(course, people[0])
    refresh_acts()

    with django_assert_num_queries(2):
        act_sums(user=people[1], asked=ASKED[1], by=("by", "week", "action"))
