"""Reasons for gaps, and the sign-off of a department's day."""

from datetime import UTC, date, datetime, timedelta

import pytest

from coding.reconciliation import GapKind
from coding.reconciliation_services import (
    DayIsSigned,
    DayNotOver,
    GapsOpen,
    give_reason,
    open_gaps,
    sign_off_day,
    take_reason_back,
    withdraw_sign_off,
)
from coding.services import capture_from
from portal.models import AuditEvent, DaySignOff, GapReason
from tests.builders import make_organization, make_scheduled_fraction, make_session, make_treated_course, make_user

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 24, 15, tzinfo=UTC)
DAY = date(2025, 12, 1)


@pytest.fixture
def course(roles):
    return make_treated_course(make_organization())


@pytest.fixture
def manager(course):
    return make_user(course.organization, role="manager")


@pytest.fixture
def missed(course):
    """A planned fraction that nobody delivered, on DAY."""
    return make_scheduled_fraction(course.prescriptions.get(), planned_on=DAY)


def say_why(course, manager, **changes):
    given = {
        "department": course.department,
        "day": DAY,
        "kind": GapKind.MISSED_WITHOUT_REASON,
        "course": course,
        "session": None,
        "reason": "Treated at the other campus",
        "at": NOW,
        "by": manager,
    }
    return give_reason(**given | changes)


def sign(course, manager, day=DAY):
    return sign_off_day(department=course.department, day=day, now=NOW, by=manager)


def test_open_gaps_are_those_without_a_reason(course, manager, missed):
    before = open_gaps(department=course.department, day=DAY, now=NOW)
    say_why(course, manager)

    assert [gap.kind for gap in before] == [GapKind.MISSED_WITHOUT_REASON]
    assert open_gaps(department=course.department, day=DAY, now=NOW) == []


def test_give_reason_of_another_kind_leaves_the_gap_open(course, manager, missed):
    say_why(course, manager, kind=GapKind.EXTRA)

    assert len(open_gaps(department=course.department, day=DAY, now=NOW)) == 1


def test_give_reason_again_replaces_the_words(course, manager, missed):
    say_why(course, manager)
    say_why(course, manager, reason="Patient moved away")

    assert GapReason.objects.get().reason == "Patient moved away"


def test_give_reason_leaves_an_audit_row_without_its_words(course, manager, missed):
    say_why(course, manager)

    event = AuditEvent.objects.get(action="give_gap_reason")
    assert (event.by, event.sentence) == (manager, "Reason given for a gap of 12/01/2025: missed without reason")


@pytest.mark.parametrize("changes", [{"reason": "  "}, {"kind": GapKind.PAID_LESS_THAN_EXPECTED}])
def test_give_reason_refuses_no_words_and_what_nobody_knows(course, manager, missed, changes):
    with pytest.raises(ValueError, match="a reason is a sentence"):
        say_why(course, manager, **changes)


def test_give_reason_refused_once_the_day_is_signed(course, manager):
    sign(course, manager)

    with pytest.raises(DayIsSigned):
        say_why(course, manager)


def test_take_reason_back_opens_the_gap_again(course, manager, missed):
    reason = say_why(course, manager)

    take_reason_back(reason=reason, by=manager)

    assert len(open_gaps(department=course.department, day=DAY, now=NOW)) == 1
    assert AuditEvent.objects.filter(action="take_gap_reason_back").count() == 1


def test_take_reason_back_refused_once_the_day_is_signed(course, manager, missed):
    reason = say_why(course, manager)
    sign(course, manager)

    with pytest.raises(DayIsSigned):
        take_reason_back(reason=reason, by=manager)


def test_sign_off_day_refused_while_a_gap_is_open(course, manager, missed):
    with pytest.raises(GapsOpen) as refused:
        sign(course, manager)

    assert [gap.course_id for gap in refused.value.gaps] == [course.pk]
    assert not DaySignOff.objects.exists()


def test_sign_off_day_once_the_gap_has_a_reason(course, manager, missed):
    say_why(course, manager)

    signed = sign(course, manager)

    assert (signed.department, signed.day, signed.signed_by) == (course.department, DAY, manager)
    assert AuditEvent.objects.get(action="sign_off_day").sentence == "Day 12/01/2025 signed off"


def test_sign_off_day_once_the_gap_is_fixed(course, manager, missed):
    make_session(course, started_at=datetime(2025, 12, 1, 15, tzinfo=UTC), fraction=1)
    capture_from(patient=course.patient, day=DAY, by=manager)

    assert sign(course, manager).day == DAY


def test_sign_off_day_twice_is_safe(course, manager):
    assert sign(course, manager) == sign(course, manager)


@pytest.mark.parametrize("day", [NOW.date(), NOW.date() + timedelta(days=1)])
def test_sign_off_day_refused_before_it_is_over(course, manager, day):
    with pytest.raises(DayNotOver):
        sign(course, manager, day)


def test_sign_off_day_yesterday_in_the_department(course, manager):
    assert sign(course, manager, NOW.date() - timedelta(days=1)).day == date(2026, 11, 23)


def test_withdraw_sign_off_opens_the_day_again(course, manager):
    withdraw_sign_off(sign_off=sign(course, manager), by=manager)

    assert not DaySignOff.objects.exists()
    assert AuditEvent.objects.filter(action="withdraw_sign_off").count() == 1
