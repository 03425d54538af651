"""The ledger of a course: what its columns say, and each way in which they disagree."""

from datetime import UTC, date, datetime, timedelta

import pytest

from coding.ledger import Disagreement, course_ledger
from coding.models import LineState
from coding.services import capture_from
from portal.models import ScheduledFraction
from portal.services.sessions import void_session
from tests.builders import (
    make_authorization,
    make_organization,
    make_payer,
    make_policy_version,
    make_prescription,
    make_session,
    make_treated_course,
    make_user,
)

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 24)
MONDAY = datetime(2025, 12, 1, 15, tzinfo=UTC)
ONE_DAY = timedelta(days=1)


@pytest.fixture
def organization(roles):
    return make_organization()


@pytest.fixture
def course(organization):
    return make_treated_course(organization)


def deliver(course, number, at, **changes):
    return make_session(course, started_at=at, fraction=number, **changes)


def capture(course):
    capture_from(patient=course.patient, day=date(2015, 1, 1), by=None)


def plan(course, number, day, **changes):
    planned = {"prescription": course.prescriptions.first(), "machine": course.department.machines.first()}
    return ScheduledFraction.objects.create(fraction_number=number, planned_on=day, **planned | changes)


def rows_of(course):
    return course_ledger(course, today=TODAY).rows


def test_course_ledger_row_of_a_delivered_and_charged_session(course):
    session = deliver(course, 1, MONDAY)
    capture(course)

    (row,) = rows_of(course)

    assert (row.session, row.is_delivered, row.disagreements, row.paid) == (session, True, (), None)
    assert [line.code for line in row.charged] == ["77386", "77014"]


def test_course_ledger_totals(course):
    plan(course, 1, MONDAY.date())
    plan(course, 2, MONDAY.date() + ONE_DAY, missed_reason="Patient ill")
    deliver(course, 1, MONDAY)
    capture(course)

    ledger = course_ledger(course, today=TODAY)

    assert (ledger.prescribed, ledger.planned, ledger.visits, ledger.visits_left) == (33, 1, 1, 32)
    assert (ledger.charged, ledger.held, ledger.authorized_left, ledger.paid) == (2, 0, None, None)


def test_course_ledger_counts_a_line_that_is_held(course):
    course.prescriptions.update(signed_at=None, signed_by=None)
    deliver(course, 1, MONDAY)
    capture(course)

    ledger = course_ledger(course, today=TODAY)

    assert ledger.held == ledger.charged > 0
    assert ledger.rows[0].disagreements == ()


def test_course_ledger_planned_day_that_passed_without_a_session(course):
    plan(course, 1, TODAY - ONE_DAY)

    (row,) = rows_of(course)

    assert row.disagreements == (Disagreement.PLANNED_NOT_DELIVERED,)


def test_course_ledger_planned_day_that_has_not_passed(course):
    plan(course, 1, TODAY)

    (row,) = rows_of(course)

    assert row.disagreements == ()


def test_course_ledger_planned_day_that_was_missed_for_a_reason(course):
    plan(course, 1, MONDAY.date(), missed_reason="Machine down")

    (row,) = rows_of(course)

    assert (row.is_missed, row.disagreements) == (True, ())


def test_course_ledger_planned_fraction_that_another_day_delivered(course):
    plan(course, 1, MONDAY.date())
    deliver(course, 1, MONDAY + ONE_DAY)
    capture(course)

    planned, delivered = rows_of(course)

    assert planned.disagreements == (Disagreement.DELIVERED_ON_ANOTHER_DAY,)
    assert planned.fractions[0].other_day == date(2025, 12, 2)
    assert delivered.disagreements == ()


def test_course_ledger_session_of_a_planned_day_covers_it_whatever_its_number(course):
    plan(course, 5, MONDAY.date())
    deliver(course, 4, MONDAY)
    capture(course)

    (row,) = rows_of(course)

    assert (row.is_planned, row.disagreements) == (True, ())


def test_course_ledger_session_that_no_plan_has(course):
    plan(course, 1, MONDAY.date())
    deliver(course, 1, MONDAY)
    deliver(course, 2, MONDAY + ONE_DAY)
    capture(course)

    _, extra = rows_of(course)

    assert extra.disagreements == (Disagreement.DELIVERED_NOT_PLANNED,)


def test_course_ledger_session_before_the_plan_began(course):
    deliver(course, 1, MONDAY)
    plan(course, 2, MONDAY.date() + ONE_DAY)
    capture(course)

    before, planned = rows_of(course)

    assert (before.is_planned, before.disagreements) == (False, ())
    assert planned.disagreements == (Disagreement.PLANNED_NOT_DELIVERED,)


def test_course_ledger_same_fraction_on_two_days(course):
    deliver(course, 1, MONDAY)
    deliver(course, 1, MONDAY + ONE_DAY)
    capture(course)

    first, second = rows_of(course)

    assert first.disagreements == ()
    assert second.disagreements == (Disagreement.DELIVERED_TWICE,)
    assert second.fractions[0].other_day == MONDAY.date()


def test_course_ledger_same_entry_twice(course):
    deliver(course, 1, MONDAY)
    deliver(course, 1, MONDAY)
    capture(course)

    _, second = rows_of(course)

    assert (second.is_delivered, second.disagreements) == (False, (Disagreement.DELIVERED_TWICE,))


def test_course_ledger_rest_of_a_partial_fraction_is_no_duplicate(course):
    deliver(course, 1, MONDAY, completion="partial")
    deliver(course, 1, MONDAY + ONE_DAY)
    capture(course)

    assert [row.disagreements for row in rows_of(course)] == [(), ()]


def test_course_ledger_last_prescribed_fraction_is_within(course):
    deliver(course, 33, MONDAY)
    capture(course)

    (row,) = rows_of(course)

    assert row.disagreements == ()


def test_course_ledger_fraction_beyond_the_prescription(course):
    deliver(course, 34, MONDAY)
    capture(course)

    (row,) = rows_of(course)

    assert row.disagreements == (Disagreement.DELIVERED_BEYOND_PRESCRIPTION,)
    assert {hold.name for hold in row.holds} == {"OVER_PRESCRIPTION"}


def test_course_ledger_delivered_session_without_a_line(course):
    deliver(course, 1, MONDAY, has_treatment_record=False)
    capture(course)

    (row,) = rows_of(course)

    assert row.disagreements == (Disagreement.DELIVERED_NOT_CHARGED,)


def test_course_ledger_session_not_ruled_on_yet(course):
    deliver(course, 1, MONDAY)

    (row,) = rows_of(course)

    assert row.disagreements == (Disagreement.DELIVERED_NOT_CHARGED,)


def test_course_ledger_inpatient_session_owes_no_line_here(course):
    deliver(course, 1, MONDAY, is_inpatient=True)
    capture(course)

    (row,) = rows_of(course)

    assert Disagreement.DELIVERED_NOT_CHARGED not in row.disagreements


def test_course_ledger_beam_never_on(course):
    deliver(course, 1, MONDAY, completion="not_started")
    capture(course)

    (row,) = rows_of(course)

    assert (row.is_delivered, row.charged, row.disagreements) == (False, (), ())


def test_course_ledger_exported_line_of_a_voided_session(organization, course):
    session = deliver(course, 1, MONDAY)
    capture(course)
    session.charge_lines.update(state=LineState.EXPORTED)
    void_session(session=session, reason="Other patient", at=MONDAY, by=make_user(organization))
    capture(course)

    (row,) = rows_of(course)

    assert row.disagreements == (Disagreement.CHARGED_NOT_DELIVERED,)


def test_course_ledger_charge_of_a_payer_that_asks_for_an_authorization(organization):
    payer = make_payer(organization)
    make_policy_version(payer, terms={"authorization_required": True})
    course = make_treated_course(organization, payer=payer)
    deliver(course, 1, MONDAY)
    capture(course)

    (row,) = rows_of(course)

    assert row.disagreements == (Disagreement.CHARGED_NOT_AUTHORIZED,)


def test_course_ledger_last_authorized_unit_and_the_one_after(course):
    make_authorization(course, course.patient.coverages.get().payer, units=1)
    deliver(course, 1, MONDAY)
    deliver(course, 2, MONDAY + ONE_DAY)
    capture(course)

    last, after = rows_of(course)

    assert (last.authorization.used, last.disagreements) == (0, ())
    assert (after.authorization.used, after.disagreements) == (1, (Disagreement.CHARGED_NOT_AUTHORIZED,))


def test_course_ledger_day_after_an_authorization_ended(course):
    payer = course.patient.coverages.get().payer
    make_authorization(course, payer, starts_on=MONDAY.date(), ends_on=MONDAY.date())
    deliver(course, 1, MONDAY)
    deliver(course, 2, MONDAY + ONE_DAY)
    capture(course)

    assert [row.disagreements for row in rows_of(course)] == [(), (Disagreement.CHARGED_NOT_AUTHORIZED,)]


def test_course_ledger_prescriptions_of_one_day_share_a_visit(course):
    make_prescription(course, fractions=10)
    deliver(course, 1, MONDAY)
    capture(course)

    ledger = course_ledger(course, today=TODAY)

    assert (ledger.prescribed, ledger.visits, ledger.visits_left) == (43, 1, 32)


def test_course_ledger_prescriptions_planned_one_after_the_other_share_none(course):
    boost = make_prescription(course, fractions=1)
    plan(course, 1, TODAY)
    plan(course, 1, TODAY + ONE_DAY, prescription=boost)
    course.prescriptions.filter(number=1).update(fractions=1)

    ledger = course_ledger(course, today=TODAY)

    assert ledger.visits_left == 2
