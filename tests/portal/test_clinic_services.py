"""Patients, courses, prescriptions and planned fractions as services keep them."""

from datetime import UTC, date, datetime

import pytest

from portal.models import AuditEvent
from portal.services.clinic import (
    FractionPlannedAgain,
    amend_course,
    amend_patient,
    amend_prescription,
    miss_fraction,
    open_course,
    record_patient,
    record_prescription,
    restore_fraction,
    suggest_account_number,
)
from tests.builders import (
    make_course,
    make_department,
    make_organization,
    make_patient,
    make_prescription,
    make_scheduled_fraction,
    make_treated_course,
    make_user,
)

pytestmark = pytest.mark.django_db


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


def test_restore_fraction_takes_a_miss_back(organization, coder):
    prescription = make_prescription(make_treated_course(organization))
    fraction = make_scheduled_fraction(prescription)
    missed = miss_fraction(fraction=fraction, reason="Patient ill", by=coder)

    restored = restore_fraction(fraction=missed, by=coder)

    actions = AuditEvent.objects.about(fraction).values_list("action", flat=True)
    assert restored.missed_reason == ""
    assert list(actions) == ["restore_fraction", "miss_fraction"]


def test_restore_fraction_that_stands_on_another_day_by_now(organization, coder):
    prescription = make_treated_course(organization).prescriptions.get()
    missed = miss_fraction(fraction=make_scheduled_fraction(prescription), reason="Patient ill", by=coder)
    make_scheduled_fraction(prescription, planned_on=date(2025, 12, 2))

    with pytest.raises(FractionPlannedAgain, match="2025-12-02"):
        restore_fraction(fraction=missed, by=coder)
