"""Taking back what a person saved on a day sheet, step by step. Nothing is deleted: the trail keeps both ways."""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum, auto
from typing import Any

from django.db import transaction

from coding.models import ChargeLine, LineState
from portal.models import Course, Machine, Patient, SheetStep, TreatmentSession, User
from portal.services.clinic import FractionPlannedAgain, miss_fraction, restore_fraction
from portal.services.day_sheets import DayRow, row_as_it_stands
from portal.services.imports import reopen_candidate
from portal.services.sessions import amend_session, void_session

INSTANTS = ("started_at", "ended_at", "image_review_signed_at")
VOID_REASON = "Undone on the day sheet"


class Refusal(StrEnum):
    """Why a row stays as it is."""

    CHANGED = auto()
    EXPORTED = auto()
    PLANNED_AGAIN = auto()


@dataclass(slots=True)
class Undone:
    """One step taken back: the courses whose rows are as before, and why others are not. `step` is its first row."""

    step: int = 0
    courses: list[Course] = field(default_factory=list)
    refused: dict[int, Refusal] = field(default_factory=dict)


def last_step(*, machine: Machine, day: date, by: User, below: int | None = None) -> SheetStep | None:
    """The person's last step on the sheet that still stands; before step `below` if given."""
    steps = SheetStep.objects.filter(machine=machine, day=day, by=by, undone_at__isnull=True)
    if below:
        steps = steps.filter(pk__lt=below)
    return steps.order_by("-pk").first()


@transaction.atomic
def undo_last_step(
    *, machine: Machine, day: date, today: date, at: datetime, by: User, below: int | None = None
) -> Undone:
    """Make the rows of the person's last step what they were before it; capture the patients' days afterwards.

    A session that the step recorded is voided and its record of the log opened again; one that it amended is amended
    back. A row that somebody changed since, or whose line is exported, stays as it is. `below` passes over a step that
    was refused. Without a step to take back nothing is done.
    """
    last = last_step(machine=machine, day=day, by=by, below=below)
    undone = Undone()
    if last is None:
        return undone
    steps = list(
        SheetStep.objects.filter(batch=last.batch, undone_at__isnull=True).select_related("course").order_by("pk")
    )
    patients = {step.course.patient_id for step in steps}
    list(Patient.objects.filter(pk__in=patients).order_by("pk").select_for_update().values_list("pk", flat=True))
    undone.step = steps[0].pk
    for step in steps:
        row = row_as_it_stands(course=step.course, machine=machine, day=day)
        refusal = _refusal(row, step) or _restore(row, step, today=today, at=at, by=by)
        if refusal:
            undone.refused[step.course_id] = refusal
            continue
        after = row_as_it_stands(course=step.course, machine=machine, day=day)
        step.undone_at = at
        step.save(update_fields=["undone_at"])
        # The step before this one left the row as it is again now, though its sessions have a later revision.
        earlier = SheetStep.objects.filter(
            machine=machine, day=day, course=step.course, mark_after=step.before["mark"], undone_at__isnull=True
        )
        earlier.update(mark_after=after.mark)
        undone.courses.append(step.course)
    return undone


def _refusal(row: DayRow, step: SheetStep) -> Refusal | None:
    if row.mark != step.mark_after:
        return Refusal.CHANGED
    exported = ChargeLine.objects.filter(session__in=row.sessions, state=LineState.EXPORTED)
    return Refusal.EXPORTED if exported.exists() else None


def _restore(row: DayRow, step: SheetStep, *, today: date, at: datetime, by: User) -> Refusal | None:
    try:
        with transaction.atomic():
            for session in row.sessions:
                before = step.before["sessions"].get(str(session.pk))
                if before is None:
                    _take_out(session, at=at, by=by)
                else:
                    _amend_back(session, before, today=today, by=by)
            for fraction in row.planned:
                reason = step.before["missed"].get(str(fraction.pk), "")
                if reason != fraction.missed_reason:
                    if reason:
                        miss_fraction(fraction=fraction, reason=reason, by=by)
                    else:
                        restore_fraction(fraction=fraction, by=by)
    except FractionPlannedAgain:
        return Refusal.PLANNED_AGAIN
    return None


def _take_out(session: TreatmentSession, *, at: datetime, by: User) -> None:
    candidate = getattr(session, "candidate", None)
    void_session(session=session, reason=VOID_REASON, at=at, by=by)
    if candidate is not None:
        reopen_candidate(candidate=candidate, by=by)


def _amend_back(session: TreatmentSession, before: dict[str, Any], *, today: date, by: User) -> None:
    read = {name: _instant(value) if name in INSTANTS else value for name, value in before.items()}
    changes = {name: value for name, value in read.items() if getattr(session, name) != value}
    if changes:
        amend_session(
            session=session, revision=session.revision, today=today, by=by, reason="undone on the day sheet", **changes
        )


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
