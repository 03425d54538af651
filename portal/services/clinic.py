"""Who is treated and what is ordered: patients, courses, prescriptions, and planned fractions that were missed."""

from collections.abc import Mapping

from django.db import models, transaction
from django.db.models import Max

from portal.models import (
    Course,
    Organization,
    Patient,
    Prescription,
    ScheduledFraction,
    User,
)
from portal.services.audit import changed_fields, record_event


class FractionPlannedAgain(Exception):
    """The missed fraction already stands on another day."""

    def __init__(self, other: ScheduledFraction) -> None:
        super().__init__(f"fraction {other.fraction_number} is planned on {other.planned_on}")
        self.other = other


@transaction.atomic
def record_patient(*, organization: Organization, by: User, **facts: object) -> Patient:
    """Remember a person who is treated. `facts` are fields of Patient: number, names, date of birth."""
    patient = Patient.objects.create(organization=organization, **facts)
    _record(patient, "record_patient", f"Patient {patient.number} recorded", by, organization.pk)
    return patient


@transaction.atomic
def amend_patient(*, patient: Patient, by: User, **changes: object) -> Patient:
    """Change a patient's number, names or date of birth; the trail names the fields, not the names in them."""
    patient, changed = _amend(patient, changes)
    told = {field: pair if field == "number" else ("(kept out)", "(kept out)") for field, pair in changed.items()}
    _record(patient, "amend_patient", f"Patient {patient.number} amended", by, patient.organization_id, told)
    return patient


def suggest_account_number(*, organization: Organization) -> str:
    """An account number that no course of the organization has: one above the highest of the last course's kind.

    The number that people gave last says how accounts are numbered here. Without any, it is A-100001.
    """
    last = organization.courses.order_by("-pk").values_list("account_number", flat=True).first() or "A-100000"
    stem = last.rstrip("0123456789")
    digits = last[len(stem) :] or "0"
    taken = set(organization.courses.filter(account_number__startswith=stem).values_list("account_number", flat=True))
    number = int(digits) + 1
    while f"{stem}{number:0{len(digits)}d}" in taken:
        number += 1
    return f"{stem}{number:0{len(digits)}d}"


@transaction.atomic
def open_course(*, patient: Patient, by: User, **facts: object) -> Course:
    """Open the patient's next course. `facts` are fields of Course, among them department and account number."""
    _lock_patient(patient.pk)
    number = (patient.courses.aggregate(highest=Max("number"))["highest"] or 0) + 1
    course = Course.objects.create(patient=patient, organization_id=patient.organization_id, number=number, **facts)
    _record(course, "open_course", f"Course {course} opened", by, course.organization_id)
    return course


@transaction.atomic
def amend_course(*, course: Course, by: User, **changes: object) -> Course:
    """Change a course. Its diagnoses and physician bear on charges: capture the patient's days again afterwards."""
    _lock_patient(course.patient_id)
    course, changed = _amend(course, changes)
    _record(course, "amend_course", f"Course {course} amended", by, course.organization_id, changed)
    return course


@transaction.atomic
def record_prescription(*, course: Course, by: User, **facts: object) -> Prescription:
    """Add the course's next prescription. `facts` are fields of Prescription; doses are in cGy a fraction."""
    _lock_patient(course.patient_id)
    number = (course.prescriptions.aggregate(highest=Max("number"))["highest"] or 0) + 1
    prescription = Prescription.objects.create(course=course, number=number, **facts)
    sentence = f"Prescription {number} of course {course} recorded: {prescription}"
    _record(prescription, "record_prescription", sentence, by, course.organization_id)
    return prescription


@transaction.atomic
def amend_prescription(*, prescription: Prescription, by: User, **changes: object) -> Prescription:
    """Change what is ordered or documented; capture the patient's days again afterwards."""
    _lock_patient(prescription.course.patient_id)
    prescription, changed = _amend(prescription, changes)
    course = prescription.course
    sentence = f"Prescription {prescription.number} of course {course} amended"
    _record(prescription, "amend_prescription", sentence, by, course.organization_id, changed)
    return prescription


@transaction.atomic
def miss_fraction(*, fraction: ScheduledFraction, reason: str, by: User) -> ScheduledFraction:
    """Say that a planned fraction was not delivered that day, and why; its number is then free to be planned again."""
    course = fraction.prescription.course
    _lock_patient(course.patient_id)
    fraction, changed = _amend(fraction, {"missed_reason": reason})
    sentence = f"Fraction of {fraction.planned_on:%m/%d/%Y} missed: {reason}"
    _record(fraction, "miss_fraction", sentence, by, course.organization_id, changed)
    return fraction


@transaction.atomic
def restore_fraction(*, fraction: ScheduledFraction, by: User) -> ScheduledFraction:
    """Take back that a fraction was missed: it is planned again on its day.

    Raises FractionPlannedAgain where its number stands on another day by now.
    """
    course = fraction.prescription.course
    _lock_patient(course.patient_id)
    other = (
        ScheduledFraction.objects.filter(
            prescription=fraction.prescription_id, fraction_number=fraction.fraction_number, missed_reason=""
        )
        .exclude(pk=fraction.pk)
        .first()
    )
    if other is not None:
        raise FractionPlannedAgain(other)
    fraction, changed = _amend(fraction, {"missed_reason": ""})
    sentence = f"Fraction of {fraction.planned_on:%m/%d/%Y} planned again"
    _record(fraction, "restore_fraction", sentence, by, course.organization_id, changed)
    return fraction


def _lock_patient(patient_id: int) -> None:
    """What bears on a patient's charges is written one person at a time."""
    Patient.objects.select_for_update().get(pk=patient_id)


def _amend(record: models.Model, changes: Mapping[str, object]) -> tuple[models.Model, dict[str, tuple]]:
    """Save the changes on the row as it stands now; the row, and each changed field with (before, after)."""
    record = type(record).objects.select_for_update(of=("self",)).get(pk=record.pk)
    before = {field: getattr(record, field) for field in changes}
    for field, value in changes.items():
        setattr(record, field, value)
    record.save(update_fields=list(changes))
    return record, changed_fields(before, changes)


def _record(
    subject: models.Model,
    action: str,
    sentence: str,
    by: User,
    organization_id: int,
    changes: Mapping[str, tuple] | None = None,
) -> None:
    record_event(
        subject=subject, action=action, sentence=sentence[:400], by=by, organization=organization_id, changes=changes
    )
