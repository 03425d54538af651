"""What is kept of live lines by month: equal to the lines themselves, whatever was done to them since."""

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext

from coding.models import ChargeLine, ChargeRollup, FeeSchedule, Grain, LineState, RollupMark
from coding.reports import ChargeFilters, charge_lines, line_sums
from coding.rollups import APART, OF_LINE, month_after, refresh_rollups, sums_of_lines
from coding.services import capture_from, mark_exported, void_charge_line
from portal.services.sessions import amend_session
from tests.builders import (
    TODAY,
    make_department,
    make_machine,
    make_organization,
    make_physician,
    make_session,
    make_treated_course,
    make_user,
)

pytestmark = pytest.mark.django_db
EVERYTHING = tuple(OF_LINE)
# What each grain keeps apart, each thing alone, and what a report groups by.
GROUPINGS = (
    *APART.values(),
    *((name,) for name in OF_LINE),
    ("payer", "month", "code", "state"),
    ("physician", "code"),
    ("machine", "code"),
    ("payer", "physician"),
    ("setting", "code", "month"),
    ("payer", "code", "year"),
    (),
)
FIRST_START = datetime(2025, 12, 29, 15, tzinfo=UTC)


@pytest.fixture
def organization(roles):
    return make_organization()


@pytest.fixture
def manager(organization):
    return make_user(organization, role="manager")


@pytest.fixture
def courses(organization):
    """Three courses in three settings, a week of sessions each across the turn of the year, captured."""
    FeeSchedule.objects.create(
        organization=organization, code="77386", effective_from=date(2015, 1, 1), amount=Decimal("1500.00")
    )
    settings = ("hospital_on_campus", "hospital_off_campus_nonexcepted", "freestanding")
    courses = [make_treated_course(organization, setting=setting) for setting in settings]
    for course in courses:
        for day in range(5):
            make_session(course, fraction=day + 1, started_at=FIRST_START + timedelta(days=day))
        capture(course)
    return courses


def capture(course):
    capture_from(patient=course.patient, day=date(2015, 1, 1), by=None)


def sums_by_everything(user, **filters):
    return line_sums(user=user, filters=ChargeFilters(**filters), by=EVERYTHING)


def lines_by_everything(user, **filters):
    return sums_of_lines(charge_lines(user=user, filters=ChargeFilters(**filters)), EVERYTHING)


def kept_sums(user, **filters):
    """The sums as reports have them, under every grouping."""
    return {by: line_sums(user=user, filters=ChargeFilters(**filters), by=by) for by in GROUPINGS}


def sums_of_raw_lines(user, **filters):
    """The same counted from the lines one by one."""
    lines = charge_lines(user=user, filters=ChargeFilters(**filters))
    return {by: sums_of_lines(lines, by) for by in GROUPINGS}


def a_session(course):
    return course.sessions.order_by("date_of_service").first()


def amend(course, by, **facts):
    session = a_session(course)
    amend_session(session=session, revision=session.revision, today=TODAY, by=by, **facts)
    capture(course)


def export(course, by):
    lines = ChargeLine.objects.live().filter(session__course=course, state=LineState.READY)
    mark_exported(lines=list(lines.select_related("session__course")), by=by)


# What can be done to lines; each takes a course and a person.
ACTS = (
    lambda course, by: make_session(course, started_at=FIRST_START + timedelta(days=random.randint(5, 60))),
    lambda course, by: capture(course),
    lambda course, by: amend(course, by, guidance="none"),
    lambda course, by: amend(course, by, guidance="cbct", image_review_signed_at=None),
    lambda course, by: amend(course, by, physician=make_physician(course.organization)),
    lambda course, by: amend(course, by, machine=make_machine(course.department)),
    lambda course, by: amend(course, by, is_inpatient=True),
    lambda course, by: amend(course, by, is_inpatient=False),
    lambda course, by: amend(course, by, started_at=FIRST_START + timedelta(days=random.randint(-40, 40))),
    lambda course, by: export(course, by),
    lambda course, by: [
        void_charge_line(line=line, reason="Entered twice", by=by)
        for line in ChargeLine.objects.live().filter(session__course=course).select_related("session__course")[:1]
    ],
    lambda course, by: course.department.statuses.update_or_create(
        effective_from=FIRST_START.date() + timedelta(days=random.randint(0, 9)),
        defaults={"setting": "hospital_off_campus_excepted"},
    ),
    lambda course, by: refresh_rollups(),
    lambda course, by: refresh_rollups(organization=course.organization),
)


def test_refresh_sums_every_marked_month_and_takes_its_marks_away(courses):
    refreshed = refresh_rollups()

    assert refreshed == 6
    assert not RollupMark.objects.exists()
    assert set(
        ChargeRollup.objects.order_by().values_list("grain").annotate(counted=Sum("lines")).values_list("counted")
    ) == {(ChargeLine.objects.live().count(),)}
    assert set(ChargeRollup.objects.values_list("grain", flat=True)) == set(Grain)


def test_refresh_of_an_organization_leaves_the_others_marked(courses):
    other = make_treated_course(make_organization())
    make_session(other)
    capture(other)

    refresh_rollups(organization=courses[0].organization)

    assert set(RollupMark.objects.values_list("department", flat=True)) == {other.department_id}


def test_refresh_without_a_mark_does_nothing(courses):
    refresh_rollups()

    assert refresh_rollups() == 0


def test_refresh_command_says_how_many_months_it_summed(courses, capsys):
    call_command("refresh_rollups")

    assert capsys.readouterr().out.startswith("months: 6, days: ")


def test_sums_are_those_of_the_lines_while_every_month_is_marked(courses, manager):
    assert kept_sums(manager) == sums_of_raw_lines(manager)


def test_sums_are_those_of_the_lines_once_no_month_is_marked(courses, manager):
    refresh_rollups()

    assert kept_sums(manager) == sums_of_raw_lines(manager)


def test_sums_of_young_months_come_from_what_is_kept(courses, manager):
    refresh_rollups()
    ChargeRollup.objects.update(units=9)

    assert {sums.units for sums in sums_by_everything(manager).values()} == {9}


def test_sums_count_a_correction_once_the_line_it_names_in_another_month_is_void(courses, manager):
    course = courses[0]
    export(course, manager)
    refresh_rollups()
    amend(course, manager, started_at=datetime(2026, 1, 9, 15, tzinfo=UTC))
    refresh_rollups()
    for line in ChargeLine.objects.filter(corrections__isnull=False).select_related("session__course"):
        void_charge_line(line=line, reason="Sent by mistake", by=manager)

    assert ChargeLine.objects.live().filter(corrects__isnull=False).exists()
    assert kept_sums(manager) == sums_of_raw_lines(manager)
    refresh_rollups()
    assert kept_sums(manager) == sums_of_raw_lines(manager)


def test_change_of_a_line_marks_the_month_of_the_correction_that_names_it(courses, manager):
    course = courses[0]
    export(course, manager)
    amend(course, manager, started_at=datetime(2026, 1, 9, 15, tzinfo=UTC))
    refresh_rollups()
    named = ChargeLine.objects.filter(corrections__isnull=False).select_related("session__course").first()

    void_charge_line(line=named, reason="Sent by mistake", by=manager)

    assert (course.department_id, date(2026, 1, 1)) in RollupMark.objects.values_list("department", "month")


@pytest.mark.parametrize("seed", range(6))
def test_sums_are_those_of_the_lines_after_whatever_was_done(courses, manager, seed):
    random.seed(seed)

    for _ in range(12):
        random.choice(ACTS)(random.choice(courses), manager)

    assert kept_sums(manager) == sums_of_raw_lines(manager)
    refresh_rollups()
    assert kept_sums(manager) == sums_of_raw_lines(manager)


@pytest.mark.parametrize(
    "filters",
    [
        {},
        {"code": "77386"},
        {"setting": "freestanding"},
        {"modifier": "26"},
        {"modifiers": ()},
        {"state": "ready"},
        {"is_without_payer": True},
        {"is_without_physician": True},
        {"start": date(2026, 1, 1)},
        {"end": date(2025, 12, 31)},
        {"start": date(2025, 12, 30), "end": date(2026, 1, 1)},
        {"missing": "charge"},
    ],
)
@pytest.mark.parametrize("is_refreshed", [False, True])
def test_sums_hold_to_the_filters(courses, manager, filters, is_refreshed):
    refreshed = is_refreshed and refresh_rollups()

    assert bool(refreshed) is is_refreshed
    assert kept_sums(manager, **filters) == sums_of_raw_lines(manager, **filters)


def test_sums_hold_to_department_payer_physician_and_machine(courses, manager):
    refresh_rollups()
    course = courses[1]
    chosen = {
        "department_id": course.department_id,
        "payer": course.patient.coverages.get().payer,
        "physician_id": a_session(course).physician_id,
        "machine_id": a_session(course).machine_id,
    }

    sums = kept_sums(manager, **chosen)

    assert sums[EVERYTHING]
    assert sums == sums_of_raw_lines(manager, **chosen)


def test_sums_are_of_what_the_person_sees(courses, organization):
    person = make_user(organization, role="manager", sees_all_departments=False)
    person.departments.set([courses[2].department, make_department(organization)])
    refresh_rollups()

    sums = line_sums(user=person, filters=ChargeFilters(), by=("department",))

    assert list(sums) == [(courses[2].department_id,)]


def test_sums_leave_other_organizations_out(courses):
    refresh_rollups()
    stranger = make_user(make_organization(), role="manager")

    assert sums_by_everything(stranger) == {}


def test_sums_ask_two_questions_whatever_is_marked(courses, manager):
    with CaptureQueriesContext(connection) as marked:
        sums_by_everything(manager)
    refresh_rollups()

    with CaptureQueriesContext(connection) as kept:
        sums_by_everything(manager)

    assert (len(marked), len(kept)) == (2, 2)


@pytest.mark.parametrize(
    ("month", "next_month"),
    [(date(2025, 11, 1), date(2025, 12, 1)), (date(2025, 12, 1), date(2026, 1, 1))],
)
def test_month_after_goes_over_the_turn_of_the_year(month, next_month):
    assert month_after(month) == next_month


def test_session_that_moves_without_its_lines_marks_both_departments(courses, manager):
    refresh_rollups()
    session = a_session(courses[0])
    elsewhere = make_department(session.organization)

    type(session).objects.filter(pk=session.pk).update(department=elsewhere, machine=None)

    marked = set(RollupMark.objects.values_list("department", flat=True))
    assert marked == {courses[0].department_id, elsewhere.pk}
    assert kept_sums(manager) == sums_of_raw_lines(manager)


def test_setting_from_another_day_marks_the_months_from_it_on(courses, manager):
    refresh_rollups()
    department = courses[0].department

    department.statuses.create(setting="hospital_off_campus_excepted", effective_from=date(2026, 1, 1))

    assert set(RollupMark.objects.values_list("department", "month")) == {(department.pk, date(2026, 1, 1))}
    assert kept_sums(manager) == sums_of_raw_lines(manager)
