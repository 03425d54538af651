"""Patients, courses, prescriptions and planned fractions as services keep them."""

from datetime import UTC, date, datetime, time

import pytest

from portal.models import AuditEvent
from portal.services.clinic import (
    FractionDelivered,
    FractionPlannedAgain,
    PlannedDay,
    amend_course,
    amend_patient,
    amend_prescription,
    fractions_left_to_plan,
    lay_out_fractions,
    miss_fraction,
    open_course,
    plan_fractions,
    record_patient,
    record_prescription,
    restore_fraction,
    suggest_account_number,
)
from tests.builders import (
    make_course,
    make_department,
    make_machine,
    make_organization,
    make_patient,
    make_prescription,
    make_session,
    make_treated_course,
    make_user,
)

pytestmark = pytest.mark.django_db
WORKDAYS = range(5)


@pytest.fixture
def organization():
    return make_organization()


@pytest.fixture
def coder(organization):
    return make_user(organization)


def test_record_patient_leaves_no_name_in_the_trail(organization, coder):
    patient = record_patient(
        organization=organization, number="FX-1", family_name="Alder", given_name="Marian", born_on=None, by=coder
    )

    event = AuditEvent.objects.about(patient).get()
    assert (event.action, event.sentence, event.by) == ("record_patient", "Patient FX-1 recorded", coder)


def test_amend_patient_says_which_field_changed_and_keeps_the_names_out(organization, coder):
    patient = make_patient(organization, family_name="Alder")

    amended = amend_patient(patient=patient, family_name="Elder", by=coder)

    event = AuditEvent.objects.about(patient).get()
    assert amended.family_name == "Elder"
    assert event.changes == {"family_name": ["(kept out)", "(kept out)"]}


def test_open_course_numbers_it_after_the_patients_last(organization, coder):
    department = make_department(organization)
    first = make_course(make_patient(organization), department)

    second = open_course(patient=first.patient, department=department, account_number="B-2", diagnoses=[], by=coder)

    assert (second.number, second.organization) == (2, organization)


def test_amend_course_records_what_it_was(organization, coder):
    course = make_course(make_patient(organization), make_department(organization), diagnoses=["C02.1"])

    amend_course(course=course, diagnoses=["C02.2"], by=coder)

    assert AuditEvent.objects.about(course).get().changes == {"diagnoses": [["C02.1"], ["C02.2"]]}


def test_suggest_account_number_without_any_course(organization):
    assert suggest_account_number(organization=organization) == "A-100001"


def test_suggest_account_number_follows_the_last_one_and_passes_taken_ones(organization):
    department, patient = make_department(organization), make_patient(organization)
    make_course(patient, department, account_number="LX-0010")
    make_course(patient, department, account_number="LX-0009")

    suggested = suggest_account_number(organization=organization)

    assert suggested == "LX-0011"


def test_record_prescription_numbers_it_within_the_course(organization, coder):
    course = make_treated_course(organization)

    second = record_prescription(
        course=course, anatomical_site="Neck", dose_per_fraction_cgy=180, fractions=28, by=coder
    )

    assert second.number == 2


def test_amend_prescription_records_what_it_was(organization, coder):
    prescription = make_treated_course(organization).prescriptions.get()
    signed = datetime(2025, 11, 3, 9, tzinfo=UTC)

    amend_prescription(prescription=prescription, signed_at=signed, by=coder)

    changes = AuditEvent.objects.about(prescription).get().changes
    assert changes == {"signed_at": ["2015-01-01T12:00:00+00:00", "2025-11-03T09:00:00+00:00"]}


def test_lay_out_fractions_passes_weekends_and_skipped_days():
    plan = lay_out_fractions(
        numbers=[1, 2, 3], first_day=date(2025, 12, 24), weekdays=WORKDAYS, skipped=[date(2025, 12, 25)]
    )

    assert plan == [
        PlannedDay(1, date(2025, 12, 24)),
        PlannedDay(2, date(2025, 12, 26)),
        PlannedDay(3, date(2025, 12, 29)),
    ]


def test_lay_out_fractions_twice_a_day():
    plan = lay_out_fractions(numbers=[1, 2, 3], first_day=date(2025, 12, 1), weekdays=WORKDAYS, a_day=2)

    assert [planned.planned_on.day for planned in plan] == [1, 1, 2]


def test_lay_out_fractions_ends_with_the_calendar():
    plan = lay_out_fractions(numbers=[1, 2], first_day=date(2099, 12, 31), weekdays=range(7))

    assert plan == [PlannedDay(1, date(2099, 12, 31))]


def test_lay_out_fractions_without_a_weekday():
    with pytest.raises(ValueError, match="at least one weekday"):
        lay_out_fractions(numbers=[1], first_day=date(2025, 12, 1), weekdays=[])


def test_plan_fractions_puts_them_on_the_machine(organization, coder):
    course = make_treated_course(organization)
    machine = make_machine(course.department)

    scheduled = plan_fractions(
        prescription=course.prescriptions.get(),
        plan=[PlannedDay(1, date(2025, 12, 1)), PlannedDay(2, date(2025, 12, 2))],
        machine=machine,
        at=time(7, 40),
        by=coder,
    )

    assert [(s.fraction_number, s.planned_on.day, s.machine) for s in scheduled] == [(1, 1, machine), (2, 2, machine)]


def test_plan_fractions_moves_one_that_stands_on_another_day(organization, coder):
    prescription = make_treated_course(organization).prescriptions.get()
    machine = make_machine(prescription.course.department)
    plan_fractions(
        prescription=prescription, plan=[PlannedDay(1, date(2025, 12, 1))], machine=machine, at=None, by=coder
    )

    plan_fractions(
        prescription=prescription, plan=[PlannedDay(1, date(2025, 12, 3))], machine=machine, at=None, by=coder
    )

    assert [s.planned_on.day for s in prescription.scheduled_fractions.all()] == [3]


def test_plan_fractions_refuses_a_delivered_one(organization, coder):
    course = make_treated_course(organization)
    make_session(course, fraction=1)

    with pytest.raises(FractionDelivered):
        plan_fractions(
            prescription=course.prescriptions.get(),
            plan=[PlannedDay(1, date(2025, 12, 1))],
            machine=make_machine(course.department),
            at=None,
            by=coder,
        )


def test_fractions_left_to_plan_counts_missed_ones_and_not_delivered_ones(organization, coder):
    course = make_treated_course(organization)
    prescription = amend_prescription(prescription=course.prescriptions.get(), fractions=4, by=coder)
    make_session(course, fraction=1)
    two_and_three = [PlannedDay(2, date(2025, 12, 4)), PlannedDay(3, date(2025, 12, 5))]
    machine = make_machine(course.department)
    missed, _ = plan_fractions(prescription=prescription, plan=two_and_three, machine=machine, at=None, by=coder)
    miss_fraction(fraction=missed, reason="Machine down", by=coder)

    left = fractions_left_to_plan(prescription=prescription)

    assert left == [2, 4]


def test_fractions_left_to_plan_with_those_that_move(organization, coder):
    prescription = amend_prescription(
        prescription=make_treated_course(organization).prescriptions.get(), fractions=3, by=coder
    )
    plan = [PlannedDay(1, date(2025, 12, 1)), PlannedDay(2, date(2025, 12, 2))]
    machine = make_machine(prescription.course.department)
    plan_fractions(prescription=prescription, plan=plan, machine=machine, at=None, by=coder)

    left = fractions_left_to_plan(prescription=prescription, moves_from=date(2025, 12, 2))

    assert left == [2, 3]


def test_restore_fraction_takes_a_miss_back(organization, coder):
    prescription = make_prescription(make_treated_course(organization))
    machine = make_machine(prescription.course.department)
    plan = [PlannedDay(1, date(2025, 12, 1))]
    (fraction,) = plan_fractions(prescription=prescription, plan=plan, machine=machine, at=None, by=coder)
    missed = miss_fraction(fraction=fraction, reason="Patient ill", by=coder)

    restored = restore_fraction(fraction=missed, by=coder)

    actions = AuditEvent.objects.about(fraction).values_list("action", flat=True)
    assert restored.missed_reason == ""
    assert list(actions) == ["restore_fraction", "miss_fraction"]


def test_restore_fraction_that_stands_on_another_day_by_now(organization, coder):
    prescription = make_treated_course(organization).prescriptions.get()
    machine = make_machine(prescription.course.department)
    (first,) = plan_fractions(
        prescription=prescription, plan=[PlannedDay(1, date(2025, 12, 1))], machine=machine, at=None, by=coder
    )
    missed = miss_fraction(fraction=first, reason="Patient ill", by=coder)
    plan_fractions(
        prescription=prescription, plan=[PlannedDay(1, date(2025, 12, 2))], machine=machine, at=None, by=coder
    )

    with pytest.raises(FractionPlannedAgain, match="2025-12-02"):
        restore_fraction(fraction=missed, by=coder)
