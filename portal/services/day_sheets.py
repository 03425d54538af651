"""One machine's day, row by row: what was planned and recorded for each course, and recording it from the day sheet."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from django.db import transaction
from django.db.models import Max

from portal.models import (
    Completion,
    Course,
    DeliveredFraction,
    EntrySource,
    Machine,
    Patient,
    Prescription,
    ScheduledFraction,
    TreatmentSession,
    User,
)
from portal.services.clinic import miss_fraction, restore_fraction
from portal.services.sessions import amend_session, record_session


class Outcome(StrEnum):
    """What a row of the sheet says of a course's day at the machine."""

    TREATED = "treated"
    TWICE = "twice"
    PARTIAL = "partial"
    INPATIENT = "inpatient"
    MISSED = "missed"


class RowChanged(Exception):
    """Somebody else saved the row after this person had opened the sheet."""

    def __init__(self, row: "DayRow") -> None:
        super().__init__(f"the row of course {row.course.pk} has changed")
        self.row = row


@dataclass(frozen=True, slots=True)
class RowEntry:
    """What a person enters in a row: one start for each session that took place.

    `review_signed_at` goes to the sessions that had begun by then; `is_review_changed` tells an emptied field from one
    that was left alone.
    """

    outcome: Outcome
    starts: tuple[datetime, ...] = ()
    guidance: str = ""
    missed_reason: str = ""
    review_signed_at: datetime | None = None
    is_review_changed: bool = False


@dataclass(slots=True)
class DayRow:
    """One course on one machine's day: its planned fractions and its standing sessions, each in order."""

    course: Course
    planned: list[ScheduledFraction] = field(default_factory=list)
    sessions: list[TreatmentSession] = field(default_factory=list)

    @property
    def mark(self) -> str:
        """What the row rests on: another mark, and somebody has changed it."""
        parts = [f"s{session.pk}.{session.revision}" for session in self.sessions]
        parts += [f"{'m' if fraction.missed_reason else 'p'}{fraction.pk}" for fraction in self.planned]
        return " ".join(parts)

    @property
    def outcome(self) -> Outcome | None:
        """What is recorded, or None where nothing is yet, or where the sheet has no word for it."""
        if not self.sessions:
            return Outcome.MISSED if self.is_missed else None
        first = self.sessions[0]
        if len(self.sessions) == 2:
            return Outcome.TWICE if all(_is_plain(session) for session in self.sessions) else None
        if first.completion == Completion.PARTIAL and not first.is_inpatient:
            return Outcome.PARTIAL
        if first.completion == Completion.COMPLETE:
            return Outcome.INPATIENT if first.is_inpatient else Outcome.TREATED
        return None

    @property
    def is_missed(self) -> bool:
        return bool(self.planned) and all(fraction.missed_reason for fraction in self.planned)

    @property
    def is_beyond_the_sheet(self) -> bool:
        """Whether more is recorded than the row can say, so that it is amended session by session."""
        guidances = {session.guidance for session in self.sessions}
        return bool(self.sessions) and (len(self.sessions) > 2 or len(guidances) > 1 or self.outcome is None)

    @property
    def is_entered(self) -> bool:
        return bool(self.sessions) or self.is_missed

    @property
    def prescriptions(self) -> list[Prescription]:
        """What is planned for the day, each once."""
        return list({fraction.prescription_id: fraction.prescription for fraction in self.planned}.values())


def day_rows(*, machine: Machine, day: date, courses: Collection[int] | None = None) -> list[DayRow]:
    """The rows of a machine's day in order of time, in a fixed number of queries; only those of `courses` if given."""
    planned = (
        ScheduledFraction.objects.filter(machine=machine, planned_on=day)
        .select_related("prescription__course__patient", "prescription__course__department", "machine")
        .order_by("planned_time", "prescription__course", "fraction_number", "pk")
    )
    sessions = (
        TreatmentSession.objects.standing()
        .filter(machine=machine, date_of_service=day)
        .select_related("course__patient", "course__department", "department", "recorded_by")
        .prefetch_related("delivered_fractions__prescription")
        .order_by("started_at", "pk")
    )
    if courses is not None:
        planned = planned.filter(prescription__course__in=courses)
        sessions = sessions.filter(course__in=courses)
    rows: dict[int, DayRow] = {}
    for fraction in planned:
        course = fraction.prescription.course
        rows.setdefault(course.pk, DayRow(course)).planned.append(fraction)
    for session in sessions:
        rows.setdefault(session.course_id, DayRow(session.course)).sessions.append(session)
    return sorted(
        rows.values(), key=lambda row: (_clock_of(row, machine), row.course.patient.family_name, row.course.pk)
    )


def highest_fractions(
    prescriptions: Collection[int], *, before: datetime | None = None, besides: Collection[int] = ()
) -> dict[int, int]:
    """The highest number delivered of each prescription by standing sessions that started before the instant.

    Sessions in `besides` do not count, nor do those where the beam never went on. A prescription without any is absent.
    """
    delivered = (
        DeliveredFraction.objects.filter(
            prescription__in=prescriptions, session__voided_at__isnull=True, fraction_number__isnull=False
        )
        .exclude(session__completion=Completion.NOT_STARTED)
        .exclude(session__in=besides)
    )
    if before is not None:
        delivered = delivered.filter(session__started_at__lt=before)
    numbers = delivered.order_by().values("prescription").annotate(highest=Max("fraction_number"))
    return dict(numbers.values_list("prescription", "highest"))


@transaction.atomic
def record_day_row(
    *, row: DayRow, machine: Machine, day: date, mark: str, entry: RowEntry, today: date, by: User
) -> DayRow:
    """Record what a row says: sessions anew or amended, or its planned fractions missed. The row as it stands after.

    `mark` is that of the row which the person saw. Raises RowChanged when the row is another one by now, ValueError
    where the entry has fewer starts than sessions are recorded, and FractionPlannedAgain where a missed fraction that
    was delivered after all stands on another day.
    """
    Patient.objects.select_for_update().get(pk=row.course.patient_id)
    found = day_rows(machine=machine, day=day, courses=[row.course.pk])
    row = found[0] if found else DayRow(row.course)
    if row.mark != mark:
        raise RowChanged(row)
    if len(entry.starts) < len(row.sessions):
        raise ValueError("a session that is recorded is voided by itself, not by leaving it out")
    if entry.outcome is Outcome.MISSED:
        for fraction in row.planned:
            if fraction.missed_reason != entry.missed_reason:
                miss_fraction(fraction=fraction, reason=entry.missed_reason, by=by)
    else:
        if row.is_missed and not row.sessions:
            for fraction in row.planned:
                restore_fraction(fraction=fraction, by=by)
        for place, started_at in enumerate(entry.starts):
            if place < len(row.sessions):
                _amend(row.sessions[place], started_at, entry, today, by)
            else:
                _record(row, place, started_at, machine, entry, today, by)
    return day_rows(machine=machine, day=day, courses=[row.course.pk])[0]


def _record(
    row: DayRow, place: int, started_at: datetime, machine: Machine, entry: RowEntry, today: date, by: User
) -> None:
    record_session(
        course=row.course,
        started_at=started_at,
        today=today,
        by=by,
        fractions=_fractions_to_deliver(row, place, started_at),
        department=machine.department,
        machine=machine,
        physician=row.course.physician,
        source=EntrySource.DAY_SHEET,
        guidance=entry.guidance,
        image_review_signed_at=_review_of(started_at, entry),
        **_facts(entry),
    )


def _amend(session: TreatmentSession, started_at: datetime, entry: RowEntry, today: date, by: User) -> None:
    """Amend what the row changed; a session that it leaves as it was is not touched."""
    wanted = {"started_at": started_at, "guidance": entry.guidance, **_facts(entry)}
    if entry.is_review_changed:
        wanted["image_review_signed_at"] = _review_of(started_at, entry)
    changes = {name: value for name, value in wanted.items() if getattr(session, name) != value}
    if "started_at" in changes and session.ended_at is not None:
        changes["ended_at"] = session.ended_at + (started_at - session.started_at)
    if changes:
        amend_session(session=session, revision=session.revision, today=today, by=by, reason="day sheet", **changes)


def _facts(entry: RowEntry) -> dict[str, object]:
    return {
        "completion": Completion.PARTIAL if entry.outcome is Outcome.PARTIAL else Completion.COMPLETE,
        "is_inpatient": entry.outcome is Outcome.INPATIENT,
    }


def _review_of(started_at: datetime, entry: RowEntry) -> datetime | None:
    signed_at = entry.review_signed_at
    return signed_at if signed_at is not None and signed_at >= started_at else None


def _fractions_to_deliver(row: DayRow, place: int, started_at: datetime) -> list[tuple[Prescription, int | None]]:
    """Each prescription of the visit with its next number: the one after the last delivered, else the planned one.

    The second visit of a day delivers what is planned or ordered twice; where nothing is, what the first one delivered.
    """
    planned: dict[int, list[int]] = defaultdict(list)
    for fraction in row.planned:
        planned[fraction.prescription_id].append(fraction.fraction_number)
    visit = row.prescriptions
    if place:
        visit = [p for p in visit if len(planned[p.pk]) > place or p.sessions_a_day > place] or visit
    if not visit and row.sessions:
        visit = [delivered.prescription for delivered in row.sessions[0].delivered_fractions.all()]
    highest = highest_fractions([p.pk for p in visit], before=started_at)
    return [
        (p, highest[p.pk] + 1 if p.pk in highest else min(planned[p.pk]) + place if planned[p.pk] else None)
        for p in visit
    ]


def _is_plain(session: TreatmentSession) -> bool:
    return session.completion == Completion.COMPLETE and not session.is_inpatient


def _clock_of(row: DayRow, machine: Machine) -> str:
    """The time by which a row stands on the sheet: when it was planned, else when it began; the untimed come last."""
    planned = [fraction.planned_time for fraction in row.planned if fraction.planned_time]
    if planned:
        return f"{min(planned):%H:%M}"
    if row.sessions:
        return f"{row.sessions[0].started_at.astimezone(machine.department.zone):%H:%M}"
    return "99:99"
