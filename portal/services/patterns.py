"""Filling a pattern: a prescription's fractions laid out on days, planned, recorded as delivered, and taken back."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from types import MappingProxyType

from django.db import transaction

from portal.models import (
    LAST_DAY,
    AuditEvent,
    DeliveredFraction,
    EntrySource,
    Guidance,
    Machine,
    Patient,
    Prescription,
    ScheduledFraction,
    TreatmentSession,
    User,
)
from portal.services.audit import record_event
from portal.services.sessions import record_session, void_session

FILL, UNDO = "fill_pattern", "undo_pattern"


class FractionDelivered(Exception):
    """A fraction of the pattern has been delivered."""


class PatternChanged(Exception):
    """What the pattern made is no longer as it left it, so it cannot be undone as a whole."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """How fraction numbers fall on days. Monday is 0; `closed` maps a day to the reason why nobody is treated.

    `starts` are the usual starts of a day in order; fractions beyond them have none.
    """

    numbers: tuple[int, ...]
    first_day: date
    weekdays: frozenset[int]
    a_day: int = 1
    starts: tuple[time, ...] = ()
    skipped: frozenset[date] = frozenset()
    double_days: frozenset[date] = frozenset()
    closed: Mapping[date, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class PlannedFraction:
    """One fraction of a pattern that is not saved yet."""

    fraction_number: int
    planned_on: date
    planned_time: time | None = None


@dataclass(frozen=True, slots=True)
class SkippedDay:
    """A day that would have been a treatment day; the reason is empty where a person asked to skip it."""

    day: date
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Layout:
    """The fractions in order, and the treatment days between them that the pattern goes around."""

    fractions: tuple[PlannedFraction, ...]
    skipped: tuple[SkippedDay, ...]


@dataclass(frozen=True, slots=True)
class FilledPattern:
    """What filling a pattern made; `event` is what it is undone by."""

    event: AuditEvent
    fractions: list[ScheduledFraction]
    sessions: list[TreatmentSession]


@dataclass(frozen=True, slots=True)
class Delivery:
    """A session that took place as planned: when it started, and the fraction that it delivered."""

    fraction_number: int
    started_at: datetime


def fractions_left_to_plan(*, prescription: Prescription, moves_from: date | None = None) -> list[int]:
    """The fraction numbers that are neither planned nor delivered, in order; missed ones count as not planned.

    With `moves_from`, those planned on or after that day are left to plan anew.
    """
    planned = prescription.scheduled_fractions.filter(missed_reason="")
    if moves_from is not None:
        planned = planned.filter(planned_on__lt=moves_from)
    settled = {*planned.values_list("fraction_number", flat=True), *_delivered_numbers(prescription)}
    return [number for number in range(1, prescription.fractions + 1) if number not in settled]


def lay_out_pattern(pattern: Pattern) -> Layout:
    """The numbers in order from the first day on, past days that are skipped or closed.

    A double day takes two fractions, or as many as every day if that is more. Fewer fractions than numbers only where
    the calendar ends. Raises ValueError without a weekday.
    """
    if not pattern.weekdays:
        raise ValueError("a pattern needs at least one weekday")
    fractions: list[PlannedFraction] = []
    skipped: list[SkippedDay] = []
    numbers = sorted(pattern.numbers)
    for day in _days_from(pattern.first_day):
        left = numbers[len(fractions) :]
        if not left:
            break
        if day.weekday() not in pattern.weekdays:
            continue
        if day in pattern.closed or day in pattern.skipped:
            skipped.append(SkippedDay(day, pattern.closed.get(day, "")))
            continue
        places = max(pattern.a_day, 2) if day in pattern.double_days else pattern.a_day
        for place, number in enumerate(left[:places]):
            start = pattern.starts[place] if place < len(pattern.starts) else None
            fractions.append(PlannedFraction(number, day, start))
    return Layout(tuple(fractions), tuple(skipped))


@transaction.atomic
def fill_pattern(
    *,
    prescription: Prescription,
    fractions: Sequence[PlannedFraction],
    machine: Machine,
    today: date,
    by: User,
    deliveries: Collection[Delivery] = (),
    guidance: str = Guidance.NONE,
) -> FilledPattern:
    """Plan the fractions on the machine, and record a session for each delivery as planned.

    A number that still stands on a day, undelivered, moves to its new day. Each session is recorded with `guidance` and
    without a signed image review: nobody said when it was signed. Capture the patient's charges afterwards. Raises
    FractionDelivered where a number of the pattern has been delivered meanwhile.
    """
    course = prescription.course
    _lock_patient(course.patient_id)
    numbers = [planned.fraction_number for planned in fractions]
    if _delivered_numbers(prescription) & set(numbers):
        raise FractionDelivered(str(prescription))
    moved = prescription.scheduled_fractions.filter(fraction_number__in=numbers, missed_reason="")
    before = [_as_kept(fraction) for fraction in moved]
    moved.delete()
    scheduled = ScheduledFraction.objects.bulk_create(
        ScheduledFraction(
            prescription=prescription,
            fraction_number=planned.fraction_number,
            planned_on=planned.planned_on,
            planned_time=planned.planned_time,
            machine=machine,
        )
        for planned in fractions
    )
    sessions = [
        record_session(
            course=course,
            started_at=delivery.started_at,
            today=today,
            by=by,
            fractions=[(prescription, delivery.fraction_number)],
            machine=machine,
            physician=course.physician,
            source=EntrySource.FORM,
            guidance=guidance,
        )
        for delivery in deliveries
    ]
    days = sorted(planned.planned_on for planned in fractions)
    recorded = f"; {len(sessions)} recorded as delivered" if sessions else ""
    event = record_event(
        subject=prescription,
        action=FILL,
        sentence=(
            f"{len(scheduled)} fractions of course {course} planned on {machine}, "
            f"{days[0]:%m/%d/%Y} to {days[-1]:%m/%d/%Y}{recorded}"
        ),
        by=by,
        organization=course.organization_id,
        changes={
            "planned_fractions": (before, [fraction.pk for fraction in scheduled]),
            "sessions": ([], [session.pk for session in sessions]),
        },
    )
    return FilledPattern(event, scheduled, sessions)


@transaction.atomic
def undo_pattern(
    *, event: AuditEvent, prescription: Prescription, reason: str, at: datetime, by: User
) -> FilledPattern:
    """Remove the fractions that a pattern planned, put those that it moved back, and void the sessions it recorded.

    All or nothing: raises PatternChanged where a fraction was moved, missed or delivered since, or a session amended or
    voided. Capture the patient's charges afterwards.
    """
    course = prescription.course
    _lock_patient(course.patient_id)
    made = _made_by(event, prescription)
    if made is None:
        raise PatternChanged(str(prescription))
    for session in made.sessions:
        void_session(session=session, reason=reason, at=at, by=by)
    ScheduledFraction.objects.filter(pk__in=[fraction.pk for fraction in made.fractions]).delete()
    before, after = event.changes["planned_fractions"]
    put_back = ScheduledFraction.objects.bulk_create(
        ScheduledFraction(
            prescription=prescription,
            fraction_number=number,
            planned_on=date.fromisoformat(day),
            planned_time=time.fromisoformat(start) if start else None,
            machine_id=machine,
        )
        for number, day, start, machine in before
    )
    undone = record_event(
        subject=prescription,
        action=UNDO,
        sentence=f"{len(made.fractions)} planned fractions of course {course} taken back",
        by=by,
        organization=course.organization_id,
        changes={"planned_fractions": (after, [fraction.pk for fraction in put_back])},
    )
    return FilledPattern(undone, made.fractions, made.sessions)


def last_pattern(*, prescription: Prescription) -> FilledPattern | None:
    """The pattern that was filled last, where it still stands as it was made; None without one, or once undone."""
    event = (
        AuditEvent.objects.about(prescription).filter(action__in=(FILL, UNDO)).select_related("by").order_by("-pk")
    ).first()
    return _made_by(event, prescription) if event and event.action == FILL else None


def _made_by(event: AuditEvent, prescription: Prescription) -> FilledPattern | None:
    """What the pattern made, or None where any of it has changed since."""
    planned, recorded = (event.changes[field][1] for field in ("planned_fractions", "sessions"))
    fractions = list(prescription.scheduled_fractions.filter(pk__in=planned, missed_reason=""))
    sessions = list(
        TreatmentSession.objects.standing()
        .filter(pk__in=recorded, revision=1)
        .select_related("course", "department")
        .order_by("started_at")
    )
    delivered = (
        DeliveredFraction.objects.filter(
            prescription=prescription,
            fraction_number__in=[fraction.fraction_number for fraction in fractions],
            session__voided_at__isnull=True,
        )
        .exclude(session__in=sessions)
        .exists()
    )
    if delivered or len(fractions) != len(planned) or len(sessions) != len(recorded):
        return None
    return FilledPattern(event, fractions, sessions)


def _as_kept(fraction: ScheduledFraction) -> list[object]:
    """A planned fraction that moves, as the trail keeps it: number, day, start and machine."""
    start = fraction.planned_time.isoformat() if fraction.planned_time else None
    return [fraction.fraction_number, fraction.planned_on.isoformat(), start, fraction.machine_id]


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
