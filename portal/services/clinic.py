"""Who is treated and what is ordered: patients, courses, prescriptions and the fractions planned for them."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, time, timedelta
from itertools import islice

from django.db import models, transaction
from django.db.models import Max

from portal.models import (
    LAST_DAY,
    Course,
    DeliveredFraction,
    Machine,
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


class FractionDelivered(Exception):
    """A fraction that a session delivered was not missed."""


@dataclass(frozen=True, slots=True)
class PlannedDay:
    """One fraction of a plan that is not saved yet."""

    fraction_number: int
    planned_on: date


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


def fractions_left_to_plan(*, prescription: Prescription, moves_from: date | None = None) -> list[int]:
    """The fraction numbers that are neither planned nor delivered, in order; missed ones count as not planned.

    With `moves_from`, those planned on or after that day are left to plan anew.
    """
    planned = prescription.scheduled_fractions.filter(missed_reason="")
    if moves_from is not None:
        planned = planned.filter(planned_on__lt=moves_from)
    settled = {*planned.values_list("fraction_number", flat=True), *_delivered_numbers(prescription)}
    return [number for number in range(1, prescription.fractions + 1) if number not in settled]


def lay_out_fractions(
    *,
    numbers: Collection[int],
    first_day: date,
    weekdays: Collection[int],
    skipped: Collection[date] = (),
    a_day: int = 1,
) -> list[PlannedDay]:
    """The numbers in order on the weekdays (Monday is 0) from the first day on, so many a day, past skipped days.

    Shorter than `numbers` only where the calendar ends. Raises ValueError without a weekday.
    """
    if not weekdays:
        raise ValueError("a plan needs at least one weekday")
    slots = (day for day in _days_from(first_day) if day.weekday() in weekdays and day not in skipped)
    places = (day for day in slots for _ in range(a_day))
    ordered = sorted(numbers)
    return [PlannedDay(n, day) for n, day in zip(ordered, islice(places, len(ordered)), strict=False)]


@transaction.atomic
def plan_fractions(
    *, prescription: Prescription, plan: Collection[PlannedDay], machine: Machine, at: time | None, by: User
) -> list[ScheduledFraction]:
    """Put the plan on the machine's days. A number that still stands on a day, undelivered, moves to its new day.

    Raises FractionDelivered where a number of the plan has been delivered meanwhile.
    """
    course = prescription.course
    _lock_patient(course.patient_id)
    numbers = [planned.fraction_number for planned in plan]
    if _delivered_numbers(prescription) & set(numbers):
        raise FractionDelivered(str(prescription))
    prescription.scheduled_fractions.filter(fraction_number__in=numbers, missed_reason="").delete()
    scheduled = ScheduledFraction.objects.bulk_create(
        ScheduledFraction(
            prescription=prescription,
            fraction_number=planned.fraction_number,
            planned_on=planned.planned_on,
            planned_time=at,
            machine=machine,
        )
        for planned in plan
    )
    days = sorted(planned.planned_on for planned in plan)
    sentence = (
        f"{len(scheduled)} fractions of course {course} planned on {machine}, {days[0]:%m/%d/%Y} to {days[-1]:%m/%d/%Y}"
    )
    _record(prescription, "plan_fractions", sentence, by, course.organization_id)
    return scheduled


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


def _days_from(first: date) -> Iterator[date]:
    """Every day from the first to the last one that the portal knows."""
    for offset in range((LAST_DAY - first).days + 1):
        yield first + timedelta(days=offset)


def _delivered_numbers(prescription: Prescription) -> set[int]:
    """The fraction numbers that a standing session delivered, in whole or in part."""
    delivered = DeliveredFraction.objects.filter(
        prescription=prescription, fraction_number__isnull=False, session__voided_at__isnull=True
    )
    return set(delivered.values_list("fraction_number", flat=True))


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
