"""Reconciliation: every kind of gap, what is none, and the columns that are compared."""

from datetime import UTC, date, datetime, timedelta

import pytest

from coding.models import LineState
from coding.reconciliation import KNOWN, Column, GapKind, reconcile
from coding.services import capture_from, void_charge_line
from portal.models import ScheduledFraction
from portal.services.sessions import void_session
from tests.builders import (
    make_authorization,
    make_department,
    make_organization,
    make_payer,
    make_policy_version,
    make_session,
    make_treated_course,
    make_user,
)

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 24, 15, tzinfo=UTC)
TODAY = date(2026, 11, 24)
MONDAY = datetime(2025, 12, 1, 15, tzinfo=UTC)
ONE_DAY = timedelta(days=1)
NO_GAPS = {kind: [] for kind in KNOWN} | {
    GapKind.EXPORTED_NOT_ACKNOWLEDGED: None,
    GapKind.PAID_LESS_THAN_EXPECTED: None,
}


@pytest.fixture
def organization(roles):
    return make_organization()


@pytest.fixture
def course(organization):
    return make_treated_course(organization)


def deliver(course, number, at=MONDAY, **changes):
    return make_session(course, started_at=at, fraction=number, **changes)


def capture(course):
    capture_from(patient=course.patient, day=date(2015, 1, 1), by=None)


def plan(course, number, day, **changes):
    planned = {"prescription": course.prescriptions.first(), "machine": course.department.machines.first()}
    return ScheduledFraction.objects.create(fraction_number=number, planned_on=day, **planned | changes)


def found_in(course, first=date(2025, 1, 1), last=date(2027, 12, 31), **changes):
    return reconcile(organization=course.organization, first=first, last=last, now=NOW, **changes)


def kinds_in(course):
    """The kind of each gap, in order of day."""
    return [gap.kind for visit in found_in(course).visits for gap in visit.gaps]


def details_of(course, kind):
    return [gap.detail for gap in found_in(course).gaps[kind]]


def test_reconcile_without_any_visit_knows_that_there_is_no_gap(organization):
    found = reconcile(organization=organization, first=TODAY, last=TODAY, now=NOW)

    assert found.visits == []
    assert found.gaps == NO_GAPS


def test_reconcile_planned_delivered_and_charged_has_no_gap(course):
    plan(course, 1, MONDAY.date())
    deliver(course, 1)
    capture(course)

    found = found_in(course)

    assert found.gaps == NO_GAPS
    assert found.total.columns == {
        Column.PRESCRIBED: 1,
        Column.SCHEDULED: 1,
        Column.DELIVERED: 1,
        Column.CHARGED: 1,
        Column.HELD: 0,
        Column.EXPORTED: 0,
        Column.PAID: None,
    }


def test_reconcile_what_payers_answer_is_not_known(course):
    deliver(course, 1)
    capture(course)

    total = found_in(course).total

    assert total.columns[Column.PAID] is None
    assert total.gaps[GapKind.EXPORTED_NOT_ACKNOWLEDGED] is None
    assert total.gaps[GapKind.PAID_LESS_THAN_EXPECTED] is None


def test_reconcile_exported_line_is_counted(course):
    session = deliver(course, 1)
    capture(course)
    session.charge_lines.update(state=LineState.EXPORTED)

    assert found_in(course).total.columns[Column.EXPORTED] == 1


# Delivered, not charged


def test_delivered_not_charged_names_day_course_and_session(course):
    session = deliver(course, 1)

    (gap,) = found_in(course).gaps[GapKind.DELIVERED_NOT_CHARGED]

    assert (gap.session_id, gap.course_id, gap.day) == (session.pk, course.pk, MONDAY.date())
    assert gap.department_id == course.department_id
    assert "not captured yet" in gap.detail


def test_delivered_not_charged_where_an_error_refuses_the_lines(course):
    deliver(course, 1, requested_modifiers=["TC"])
    capture(course)

    assert kinds_in(course) == [GapKind.DELIVERED_NOT_CHARGED]
    assert details_of(course, GapKind.DELIVERED_NOT_CHARGED) == [
        "Delivered, and an error refuses its lines: Modifier TC does not apply."
    ]


def test_delivered_not_charged_where_a_hold_leaves_no_line(course):
    deliver(course, 1, has_treatment_record=False)
    capture(course)

    assert details_of(course, GapKind.DELIVERED_NOT_CHARGED) == [
        "Delivered, and held without a delivery line: Treatment record missing."
    ]


def test_delivered_not_charged_where_the_line_was_voided(organization, course):
    session = deliver(course, 1)
    capture(course)
    delivery = session.charge_lines.get(role="delivery")
    void_charge_line(line=delivery, reason="Billed elsewhere", by=make_user(organization))

    assert details_of(course, GapKind.DELIVERED_NOT_CHARGED) == [
        "Delivered; its line was voided and nothing took its place."
    ]


def test_delivered_not_charged_not_where_the_line_is_held(course):
    course.prescriptions.update(signed_at=None, signed_by=None)
    deliver(course, 1)
    capture(course)

    found = found_in(course)

    assert found.gaps == NO_GAPS
    assert (found.total.columns[Column.CHARGED], found.total.columns[Column.HELD]) == (1, 1)


def test_delivered_not_charged_not_for_an_inpatient(course):
    deliver(course, 1, is_inpatient=True)
    capture(course)

    assert GapKind.DELIVERED_NOT_CHARGED not in kinds_in(course)


def test_delivered_not_charged_not_where_the_department_bills_guidance_alone(course):
    deliver(course, 1)
    course.department.billers.filter(claim_form="institutional").delete()
    capture(course)

    assert kinds_in(course) == []


# Charged, not delivered


def test_charged_not_delivered_where_the_session_is_void(organization, course):
    session = deliver(course, 1)
    capture(course)
    session.charge_lines.update(state=LineState.EXPORTED)
    void_session(session=session, reason="Other patient", at=MONDAY, by=make_user(organization))
    capture(course)

    assert kinds_in(course) == [GapKind.CHARGED_NOT_DELIVERED]
    assert details_of(course, GapKind.CHARGED_NOT_DELIVERED) == [
        "The session is void, and still charged: 77014, 77386."
    ]


def test_charged_not_delivered_where_the_beam_was_never_on(course):
    session = deliver(course, 1)
    capture(course)
    session.charge_lines.update(state=LineState.EXPORTED)
    session.completion = "not_started"
    session.save()
    capture(course)

    assert kinds_in(course) == [GapKind.CHARGED_NOT_DELIVERED]


def test_charged_not_delivered_not_where_the_lines_went_with_the_session(organization, course):
    session = deliver(course, 1)
    capture(course)
    void_session(session=session, reason="Other patient", at=MONDAY, by=make_user(organization))
    capture(course)

    assert kinds_in(course) == []


# Missed without a reason


def test_missed_without_reason_the_day_after(course):
    plan(course, 1, TODAY - ONE_DAY)

    (gap,) = found_in(course).gaps[GapKind.MISSED_WITHOUT_REASON]

    assert (gap.session_id, gap.course_id, gap.day) == (None, course.pk, TODAY - ONE_DAY)


def test_missed_without_reason_not_on_the_day_itself(course):
    plan(course, 1, TODAY)

    assert kinds_in(course) == []


def test_missed_without_reason_not_where_the_reason_is_given(course):
    plan(course, 1, TODAY - ONE_DAY, missed_reason="Machine down")

    found = found_in(course)

    assert found.gaps == NO_GAPS
    assert (found.total.columns[Column.SCHEDULED], found.total.columns[Column.DELIVERED]) == (1, 0)


def test_missed_without_reason_not_where_another_day_made_it_up(course):
    plan(course, 1, MONDAY.date())
    deliver(course, 1, MONDAY + ONE_DAY)
    capture(course)

    assert kinds_in(course) == []


def test_missed_without_reason_where_the_numbers_moved_on(course):
    plan(course, 1, MONDAY.date())
    plan(course, 2, MONDAY.date() + ONE_DAY)
    deliver(course, 1, MONDAY + ONE_DAY)
    capture(course)

    (gap,) = found_in(course).gaps[GapKind.MISSED_WITHOUT_REASON]

    assert gap.day == MONDAY.date()


def test_missed_without_reason_not_where_a_second_session_of_a_planned_day_made_it_up(course):
    plan(course, 1, MONDAY.date())
    plan(course, 2, MONDAY.date() + ONE_DAY)
    deliver(course, 1, MONDAY + ONE_DAY)
    deliver(course, 2, MONDAY + ONE_DAY + timedelta(hours=7))
    capture(course)

    assert GapKind.MISSED_WITHOUT_REASON not in kinds_in(course)


# Duplicates


def test_duplicate_of_another_day_is_counted_once_and_as_nothing_else(course):
    deliver(course, 1)
    deliver(course, 1, MONDAY + ONE_DAY)
    capture(course)

    assert kinds_in(course) == [GapKind.DUPLICATE]
    assert details_of(course, GapKind.DUPLICATE) == [
        "Fraction 1 was delivered already on 12/01/2025. It is charged again."
    ]


def test_duplicate_entry_is_not_delivered_and_not_charged(course):
    deliver(course, 1)
    deliver(course, 1)
    capture(course)

    found = found_in(course)

    assert kinds_in(course) == [GapKind.DUPLICATE]
    assert (found.total.columns[Column.DELIVERED], found.total.columns[Column.PRESCRIBED]) == (1, 1)


def test_duplicate_not_for_the_rest_of_a_partial_fraction(course):
    deliver(course, 1, completion="partial")
    deliver(course, 1, MONDAY + ONE_DAY)
    capture(course)

    assert kinds_in(course) == []


# Extra, and over the prescription


def test_extra_on_a_day_that_the_plan_does_not_have(course):
    plan(course, 1, MONDAY.date())
    deliver(course, 1)
    extra = deliver(course, 2, MONDAY + ONE_DAY)
    capture(course)

    (gap,) = found_in(course).gaps[GapKind.EXTRA]

    assert gap.session_id == extra.pk
    assert kinds_in(course) == [GapKind.EXTRA]


def test_extra_not_where_there_is_no_plan(course):
    deliver(course, 1)
    capture(course)

    assert kinds_in(course) == []


def test_over_prescription_not_by_the_last_fraction(course):
    deliver(course, 33)
    capture(course)

    assert kinds_in(course) == []


def test_over_prescription_by_the_fraction_after_the_last(course):
    plan(course, 33, MONDAY.date())
    deliver(course, 33)
    deliver(course, 34, MONDAY + ONE_DAY)
    capture(course)

    assert kinds_in(course) == [GapKind.OVER_PRESCRIPTION]
    assert details_of(course, GapKind.OVER_PRESCRIPTION) == ["Fraction 34 was delivered, and 33 are prescribed."]


def test_over_prescription_by_a_visit_whose_number_nobody_knows(course):
    course.prescriptions.update(fractions=1)
    deliver(course, 1)
    deliver(course, None, MONDAY + ONE_DAY)
    capture(course)

    assert kinds_in(course) == [GapKind.OVER_PRESCRIPTION]


# Authorization short


def test_authorization_short_by_the_visit_after_the_last_unit(course):
    make_authorization(course, course.patient.coverages.get().payer, units=1)
    deliver(course, 1)
    after = deliver(course, 2, MONDAY + ONE_DAY)
    capture(course)

    (gap,) = found_in(course).gaps[GapKind.AUTHORIZATION_SHORT]

    assert gap.session_id == after.pk
    assert gap.detail == "Earlier visits use all 1 authorized units."


def test_authorization_short_on_the_day_after_its_end(course):
    payer = course.patient.coverages.get().payer
    make_authorization(course, payer, starts_on=MONDAY.date(), ends_on=MONDAY.date())
    deliver(course, 1)
    deliver(course, 2, MONDAY + ONE_DAY)
    capture(course)

    (gap,) = found_in(course).gaps[GapKind.AUTHORIZATION_SHORT]

    assert gap.day == MONDAY.date() + ONE_DAY


def test_authorization_short_where_the_payer_asks_and_none_is_on_file(organization):
    payer = make_payer(organization)
    make_policy_version(payer, terms={"authorization_required": True})
    course = make_treated_course(organization, payer=payer)
    deliver(course, 1)
    plan(course, 2, TODAY)
    capture(course)

    assert kinds_in(course) == [GapKind.AUTHORIZATION_SHORT, GapKind.AUTHORIZATION_SHORT]


def test_authorization_short_by_planned_visits_beyond_what_is_left(course):
    make_authorization(course, course.patient.coverages.get().payer, units=2)
    deliver(course, 1)
    capture(course)
    plan(course, 2, TODAY)
    plan(course, 3, TODAY + ONE_DAY)

    (gap,) = found_in(course).gaps[GapKind.AUTHORIZATION_SHORT]

    assert (gap.session_id, gap.day) == (None, TODAY + ONE_DAY)


def test_authorization_short_counts_planned_visits_before_the_window(course):
    make_authorization(course, course.patient.coverages.get().payer, units=1)
    plan(course, 1, TODAY)
    plan(course, 2, TODAY + ONE_DAY)

    found = found_in(course, first=TODAY + ONE_DAY)

    assert len(found.gaps[GapKind.AUTHORIZATION_SHORT]) == 1


def test_authorization_short_not_where_nobody_asks(course):
    deliver(course, 1)
    capture(course)
    plan(course, 2, TODAY)

    assert kinds_in(course) == []


# The window, the departments, the number of queries


def test_reconcile_window_includes_both_ends(course):
    plan(course, 1, MONDAY.date())
    plan(course, 2, MONDAY.date() + ONE_DAY)
    plan(course, 3, MONDAY.date() + 2 * ONE_DAY)

    found = found_in(course, first=MONDAY.date(), last=MONDAY.date() + ONE_DAY)

    assert [visit.day.day for visit in found.visits] == [1, 2]


def test_reconcile_earlier_sessions_decide_what_a_later_one_is(course):
    deliver(course, 1)
    deliver(course, 1, MONDAY + ONE_DAY)
    capture(course)

    found = found_in(course, first=MONDAY.date() + ONE_DAY)

    assert len(found.gaps[GapKind.DUPLICATE]) == 1


def test_reconcile_shows_a_person_only_the_departments_that_are_theirs(organization, course):
    elsewhere = make_treated_course(organization, department=make_department(organization))
    deliver(course, 1)
    deliver(elsewhere, 1)
    person = make_user(organization, "manager", sees_all_departments=False)
    person.departments.add(course.department)

    found = found_in(course, user=person)

    assert {visit.course_id for visit in found.visits} == {course.pk}


def test_reconcile_of_one_department(organization, course):
    elsewhere = make_treated_course(organization, department=make_department(organization))
    deliver(course, 1)
    deliver(elsewhere, 1)

    found = found_in(course, department_id=elsewhere.department_id)

    assert [visit.course_id for visit in found.visits] == [elsewhere.pk]


def test_reconcile_never_crosses_organizations(course):
    deliver(course, 1)

    found = reconcile(organization=make_organization(), first=date(2025, 1, 1), last=TODAY, now=NOW)

    assert found.visits == []


def test_reconcile_tallies_by_day_and_by_course(course):
    deliver(course, 1)
    deliver(course, 2, MONDAY + ONE_DAY)
    capture(course)
    plan(course, 3, TODAY - ONE_DAY)

    found = found_in(course)

    assert [day.day for day, _department in found.by_day()] == [23, 2, 1]
    assert found.by_day()[(TODAY - ONE_DAY, course.department_id)].gap_count == 1
    assert found.by_course()[course.pk] == found.total


def test_reconciliation_narrowed_to_a_kind_and_a_course(organization, course):
    deliver(course, 1)
    deliver(make_treated_course(organization, department=course.department), 1)
    plan(course, 2, TODAY - ONE_DAY)

    found = found_in(course)

    assert len(found.narrowed(kind=GapKind.DELIVERED_NOT_CHARGED).visits) == 2
    assert len(found.narrowed(kind=GapKind.DELIVERED_NOT_CHARGED, course_id=course.pk).visits) == 1


def test_reconcile_needs_as_many_queries_for_many_as_for_one(
    organization, course, django_assert_num_queries, django_assert_max_num_queries
):
    deliver(course, 1)
    plan(course, 3, TODAY)
    capture(course)
    with django_assert_max_num_queries(30) as counted:
        found_in(course)
    other = make_treated_course(organization, department=course.department)
    deliver(course, 2, MONDAY + ONE_DAY)
    deliver(other, 1)
    plan(other, 2, TODAY)
    capture(other)

    with django_assert_num_queries(len(counted)):
        found_in(course)
