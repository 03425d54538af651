"""One machine's day, row by row: what was planned, logged and recorded for each course, and recording it from there."""

import hashlib
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum, auto
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Expression, Max, Q, QuerySet
from django.utils.functional import cached_property

from portal.models import (
    AuditEvent,
    Completion,
    Course,
    DeliveredFraction,
    EntrySource,
    Machine,
    MotionManagement,
    Patient,
    Prescription,
    ScheduledFraction,
    SessionCandidate,
    SheetStep,
    TreatmentSession,
    User,
)
from portal.services.clinic import miss_fraction, restore_fraction
from portal.services.imports import confirm_candidate
from portal.services.log_matching import LogRecord, OpenRecord, match_records
from portal.services.sessions import amend_session, record_session

# What a row can change of a session, and so what taking a step back restores.
FACTS = (
    "started_at",
    "ended_at",
    "completion",
    "is_inpatient",
    "guidance",
    "motion_management",
    "image_review_signed_at",
)


class Outcome(StrEnum):
    """What a row of the sheet says of a course's day at the machine."""

    TREATED = "treated"
    TWICE = "twice"
    PARTIAL = "partial"
    INPATIENT = "inpatient"
    MISSED = "missed"


class Remark(StrEnum):
    """What to look at in a row. A row with any of them is confirmed by itself, never with the matched ones."""

    MOTION_UNDOCUMENTED = auto()
    UNSIGNED = auto()
    ALL_DELIVERED = auto()
    OTHER_FRACTION = auto()
    NOT_PLANNED = auto()
    PLANNED_TWICE = auto()
    ONE_RECORD_OF_TWO = auto()
    MORE_RECORDS = auto()
    PARTIAL_RECORD = auto()
    OTHER_SITES = auto()
    UNKNOWN_SITES = auto()
    MISSED_BUT_LOGGED = auto()
    RECORD_LEFT = auto()
    ELSEWHERE = auto()


class RowChanged(Exception):
    """Somebody else saved the row after this person had opened the sheet."""

    def __init__(self, row: "DayRow") -> None:
        super().__init__(f"the row of course {row.course.pk} has changed")
        self.row = row


@dataclass(frozen=True, slots=True)
class RowEntry:
    """What a person enters in a row: one start for each session that took place.

    `motion` is blank where the session followed the prescription, None where the row leaves it alone.
    `review_signed_at` goes to the sessions that had begun by then; `is_review_changed` tells an emptied field from one
    that was left alone.
    """

    outcome: Outcome
    starts: tuple[datetime, ...] = ()
    guidance: str = ""
    missed_reason: str = ""
    review_signed_at: datetime | None = None
    is_review_changed: bool = False
    motion: str | None = None


@dataclass
class DayRow:
    """One course on one machine's day: its planned fractions, standing sessions and open log records, in order.

    `delivered` is what the sessions delivered. They are records of the models where the row is recorded, and only what
    is shown of them where it is shown. What follows from them is found once: a row is not added to once it is asked.
    """

    course: Course
    planned: list[ScheduledFraction] = field(default_factory=list)
    sessions: list[TreatmentSession] = field(default_factory=list)
    delivered: list[DeliveredFraction] = field(default_factory=list)
    records: list[LogRecord] = field(default_factory=list)

    @cached_property
    def mark(self) -> str:
        """What the row rests on, in twelve digits: another mark, and somebody has changed it."""
        parts = [f"s{session.pk}.{session.revision}" for session in self.sessions]
        parts += [f"p{fraction.pk}{fraction.missed_reason}" for fraction in self.planned]
        parts += [f"c{record.candidate.pk}" for record in self.records]
        return hashlib.blake2s(" ".join(parts).encode(), digest_size=6).hexdigest()

    @cached_property
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

    @cached_property
    def is_missed(self) -> bool:
        return bool(self.planned) and all(fraction.missed_reason for fraction in self.planned)

    @cached_property
    def is_beyond_the_sheet(self) -> bool:
        """Whether more is recorded than the row can say, so that it is amended session by session."""
        kinds = {(session.guidance, session.motion_management) for session in self.sessions}
        return bool(self.sessions) and (len(self.sessions) > 2 or len(kinds) > 1 or self.outcome is None)

    @cached_property
    def is_entered(self) -> bool:
        return bool(self.sessions) or self.is_missed

    @cached_property
    def prescriptions(self) -> list[Prescription]:
        """What is planned for the day, each once."""
        return list({fraction.prescription_id: fraction.prescription for fraction in self.planned}.values())

    @cached_property
    def visit(self) -> list[Prescription]:
        """What the day treats: as planned, else as recorded, else as the log has it."""
        if self.prescriptions:
            return self.prescriptions
        recorded = [delivered.prescription for delivered in self.delivered]
        logged = [prescription for record in self.records for prescription in record.prescriptions]
        return list({p.pk: p for p in recorded or logged}.values())

    @property
    def has_unclear_record(self) -> bool:
        """Whether nobody can tell here which prescription the log's record delivered."""
        return len(self.prescriptions) != 1 and not all(record.is_known for record in self.records)

    @cached_property
    def is_motion_prescribed(self) -> bool:
        return any(p.motion_management == MotionManagement.ACTIVE for p in self.visit)

    @cached_property
    def is_planned_twice(self) -> bool:
        return len({fraction.prescription_id for fraction in self.planned}) < len(self.planned)

    @property
    def expected(self) -> Outcome:
        """What the row most likely is: as recorded, else as the log has it, else as planned."""
        if self.outcome:
            return self.outcome
        if len(self.records) == 1 and self.records[0].candidate.is_partial:
            return Outcome.PARTIAL
        is_twice = len(self.records) == 2 if self.records else self.is_planned_twice
        return Outcome.TWICE if is_twice else Outcome.TREATED


@dataclass(slots=True)
class MachineDay:
    """A machine's day: its rows, the log's records without a row, and what bears on the rows from elsewhere.

    `highest` is the highest fraction delivered of each planned prescription whose row has not delivered any;
    `elsewhere` the sessions of each course that day on another machine of the department, or on one that nobody named.
    """

    machine: Machine
    day: date
    rows: list[DayRow]
    loose: list[OpenRecord]
    highest: dict[int, int]
    elsewhere: dict[int, list[Any]]
    _remarks: dict[int, list[Remark]] = field(default_factory=dict)

    def remarks(self, row: DayRow) -> list[Remark]:
        """What to look at in the row, before or after it is entered."""
        if row.course.pk not in self._remarks:
            self._remarks[row.course.pk] = self._look_at(row)
        return self._remarks[row.course.pk]

    def _look_at(self, row: DayRow) -> list[Remark]:
        told = []
        is_open = not row.sessions
        for prescription in row.prescriptions:
            is_active = prescription.motion_management == MotionManagement.ACTIVE
            if is_active and not prescription.motion_documentation.strip():
                told.append(Remark.MOTION_UNDOCUMENTED)
            if is_open and prescription.signed_at is None:
                told.append(Remark.UNSIGNED)
            if is_open and self.highest.get(prescription.pk, 0) >= prescription.fractions:
                told.append(Remark.ALL_DELIVERED)
        if is_open and any(planned != following for planned, following in self.numbers(row)):
            told.append(Remark.OTHER_FRACTION)
        if not row.planned:
            told.append(Remark.NOT_PLANNED)
        if not row.is_entered:
            told += self._remarks_on_records(row)
        elif row.records:
            told.append(Remark.MISSED_BUT_LOGGED if row.is_missed and is_open else Remark.RECORD_LEFT)
        if self.elsewhere.get(row.course.pk):
            told.append(Remark.ELSEWHERE)
        return list(dict.fromkeys(told))

    def numbers(self, row: DayRow) -> list[tuple[int, int]]:
        """Of each planned prescription the first planned number, and the one that follows the last delivered."""
        first: dict[int, int] = {}
        for fraction in row.planned:
            first.setdefault(fraction.prescription_id, fraction.fraction_number)
        return [(number, self.highest.get(pk, number - 1) + 1) for pk, number in first.items()]

    def is_matched(self, row: DayRow) -> bool:
        """Whether patient, plan and fraction of an open row are those of one complete record, and nothing is odd."""
        return not row.is_entered and len(row.records) == 1 and not self.remarks(row)

    def _remarks_on_records(self, row: DayRow) -> list[Remark]:
        told = []
        if row.is_planned_twice:
            told.append(Remark.ONE_RECORD_OF_TWO if len(row.records) == 1 else Remark.PLANNED_TWICE)
        elif len(row.records) > 1:
            told.append(Remark.MORE_RECORDS)
        if any(record.candidate.is_partial for record in row.records):
            told.append(Remark.PARTIAL_RECORD)
        if not all(record.is_known for record in row.records):
            told.append(Remark.UNKNOWN_SITES)
        elif row.planned and any(
            {p.pk for p in record.prescriptions} != {p.pk for p in row.prescriptions} for record in row.records
        ):
            told.append(Remark.OTHER_SITES)
        return told


def day_rows(*, machine: Machine, day: date, courses: Collection[int] | None = None) -> list[DayRow]:
    """The rows of a machine's day in order of time, in a fixed number of queries; only those of `courses` if given."""
    planned = (
        ScheduledFraction.objects.filter(machine=machine, planned_on=day)
        .select_related("prescription__course__patient")
        .order_by("planned_time", "prescription__course_id", "fraction_number", "pk")
    )
    rows: dict[int, DayRow] = {}
    for fraction in planned:
        course = fraction.prescription.course
        rows.setdefault(course.pk, DayRow(course)).planned.append(fraction)
    _add_sessions(rows, machine, day)
    on_sheet = [row.course for row in rows.values()]
    matched = match_records(machine=machine, day=day, on_sheet=on_sheet, prescriptions_of=_prescriptions)
    for course, records in matched.of_course.items():
        rows.setdefault(course, DayRow(matched.courses[course])).records = records
    return in_order_of_time([row for row in rows.values() if courses is None or row.course.pk in courses], machine)


def in_order_of_time(rows: Iterable[DayRow], machine: Machine) -> list[DayRow]:
    """The rows as they stand on the sheet."""
    zone = machine.department.zone
    return sorted(rows, key=lambda row: (_clock_of(row, zone), row.course.patient.family_name, row.course.pk))


def _prescriptions(courses: Collection[int]) -> QuerySet[Prescription]:
    return Prescription.objects.filter(course__in=courses).order_by("number", "pk")


def _add_sessions(rows: dict[int, DayRow], machine: Machine, day: date) -> None:
    """Put the standing sessions into their rows.

    Most of what stands around a session is known from the plan already; reading it again with each session would take
    longer than all the rest.
    """
    sessions = list(
        TreatmentSession.objects.standing()
        .filter(machine=machine, date_of_service=day)
        .select_related("candidate")
        .prefetch_related("delivered_fractions")
        .order_by("started_at", "pk")
    )
    unplanned = {session.course_id for session in sessions} - rows.keys()
    courses = Course.objects.select_related("patient").in_bulk(unplanned)
    prescriptions = {f.prescription_id: f.prescription for row in rows.values() for f in row.planned}
    delivered = [delivered for session in sessions for delivered in session.delivered_fractions.all()]
    prescriptions |= Prescription.objects.in_bulk({d.prescription_id for d in delivered} - prescriptions.keys())
    for fraction in delivered:
        fraction.prescription = prescriptions[fraction.prescription_id]
    for session in sessions:
        row = rows.get(session.course_id) or rows.setdefault(session.course_id, DayRow(courses[session.course_id]))
        session.course = row.course
        if session.department_id == machine.department_id:
            session.department = machine.department
        row.sessions.append(session)
        row.delivered += session.delivered_fractions.all()


def highest_fractions(
    prescriptions: Collection[int], *, before: datetime | None = None, besides: Collection[int] = ()
) -> dict[int, int]:
    """The highest number delivered of each prescription by standing sessions that started before the instant.

    Sessions in `besides` do not count, nor do those where the beam never went on. A prescription without any is absent.
    """
    return dict(delivered_numbers(prescriptions, before=before, besides=besides))


def delivered_numbers(
    prescriptions: Collection[int] | Expression, *, before: datetime | None = None, besides: Collection[int] = ()
) -> QuerySet:
    """Each prescription with its highest number, as `highest_fractions` has them."""
    delivered = DeliveredFraction.objects.filter(
        prescription__in=prescriptions, session__voided_at__isnull=True, fraction_number__isnull=False
    ).exclude(session__completion=Completion.NOT_STARTED)
    if besides:
        delivered = delivered.exclude(session__in=besides)
    if before is not None:
        delivered = delivered.filter(session__started_at__lt=before)
    numbers = delivered.order_by().values("prescription").annotate(highest=Max("fraction_number"))
    return numbers.values_list("prescription", "highest")


@transaction.atomic
def record_day_row(
    *,
    row: DayRow,
    machine: Machine,
    day: date,
    mark: str,
    entry: RowEntry,
    today: date,
    at: datetime,
    by: User,
    batch: uuid.UUID | None = None,
) -> DayRow:
    """Record what a row says: sessions anew, from the log or amended, or its planned fractions missed. The row after.

    `mark` is that of the row which the person saw. What the row was before is kept as a step that can be taken back;
    rows of one `batch` are one step. Raises RowChanged when the row is another one by now, ValueError where the entry
    has fewer starts than sessions are recorded, or a record of the log has a site that nobody knows, and
    FractionPlannedAgain where a missed fraction that was delivered after all stands on another day.
    """
    Patient.objects.select_for_update().get(pk=row.course.patient_id)
    row = row_as_it_stands(course=row.course, machine=machine, day=day)
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
        for place, session in enumerate(row.sessions):
            _amend(session, entry.starts[place], entry, today, by)
        records = _records_by_place(row, entry)
        for place in range(len(row.sessions), len(entry.starts)):
            record = records.get(place)
            if record is None:
                _record(row, place, entry.starts[place], machine, entry, today, by)
            else:
                _confirm(row, place, entry.starts[place], record, machine, entry, today, at, by)
    after = row_as_it_stands(course=row.course, machine=machine, day=day)
    if after.mark != mark:
        SheetStep.objects.create(
            organization_id=row.course.organization_id,
            machine=machine,
            day=day,
            course=row.course,
            by=by,
            batch=batch or uuid.uuid4(),
            before=_remembered(row),
            mark_after=after.mark,
            at=at,
        )
    return after


def row_as_it_stands(*, course: Course, machine: Machine, day: date) -> DayRow:
    """The course's row; an empty one where nothing is planned, logged or recorded any more."""
    found = day_rows(machine=machine, day=day, courses=[course.pk])
    return found[0] if found else DayRow(course)


def last_change(row: DayRow) -> AuditEvent | None:
    """Who changed something of the row last, and when."""
    sessions = [session.pk for session in row.sessions]
    about = Q(subject_kind=TreatmentSession._meta.label_lower, subject_id__in=sessions)
    fractions = [fraction.pk for fraction in row.planned]
    about |= Q(subject_kind=ScheduledFraction._meta.label_lower, subject_id__in=fractions)
    events = AuditEvent.objects.filter(about, organization=row.course.organization_id)
    return events.select_related("by").order_by("-at", "-pk").first()


def _remembered(row: DayRow) -> dict[str, object]:
    """The row as a step keeps it."""
    return {
        "mark": row.mark,
        "sessions": {session.pk: {name: _plain(getattr(session, name)) for name in FACTS} for session in row.sessions},
        "missed": {fraction.pk: fraction.missed_reason for fraction in row.planned},
    }


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


def _records_by_place(row: DayRow, entry: RowEntry) -> dict[int, LogRecord]:
    """The log's record of each session that is new: of two starts the nearer one."""
    free = list(range(len(row.sessions), len(entry.starts)))
    records: dict[int, LogRecord] = {}
    for record in row.records:
        if free:
            place = min(free, key=lambda p: abs(entry.starts[p] - record.started_at))
            free.remove(place)
            records[place] = record
    return records


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
        image_review_signed_at=_review_of(started_at, entry),
        motion_management=entry.motion or "",
        **_facts(entry),
    )


def _confirm(
    row: DayRow,
    place: int,
    started_at: datetime,
    record: LogRecord,
    machine: Machine,
    entry: RowEntry,
    today: date,
    at: datetime,
    by: User,
) -> None:
    """Make the session of the log's record, so that both are linked; another start that was typed amends it."""
    only = row.prescriptions[0] if len(row.prescriptions) == 1 else None
    prescription_of = {pk: prescription or only for pk, prescription in record.prescription_of.items()}
    if None in prescription_of.values():
        raise ValueError("a record with an unknown site is confirmed on its own page")
    visit = list({p.pk: p for p in prescription_of.values()}.values())
    numbers = {p.pk: number for p, number in _fractions_to_deliver(row, place, record.started_at, visit)}
    session = confirm_candidate(
        candidate=SessionCandidate(pk=record.candidate.pk),
        course=row.course,
        department=machine.department,
        fractions={pk: (p, numbers[p.pk]) for pk, p in prescription_of.items()},
        today=today,
        at=at,
        by=by,
        machine=machine,
        physician=row.course.physician,
        image_review_signed_at=_review_of(started_at, entry),
        motion_management=entry.motion or "",
        **_facts(entry),
    )
    if started_at != session.started_at:
        _amend(session, started_at, entry, today, by)


def _amend(session: TreatmentSession, started_at: datetime, entry: RowEntry, today: date, by: User) -> None:
    """Amend what the row changed; a session that it leaves as it was is not touched."""
    wanted = {"started_at": started_at, **_facts(entry)}
    if entry.motion is not None:
        wanted["motion_management"] = entry.motion
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
        "guidance": entry.guidance,
    }


def _review_of(started_at: datetime, entry: RowEntry) -> datetime | None:
    signed_at = entry.review_signed_at
    return signed_at if signed_at is not None and signed_at >= started_at else None


def _fractions_to_deliver(
    row: DayRow, place: int, started_at: datetime, visit: list[Prescription] | None = None
) -> list[tuple[Prescription, int | None]]:
    """Each prescription of the visit with its next number: the one after the last delivered, else the planned one.

    `visit` is what the log says was delivered; without it the plan tells: the second visit of a day delivers what is
    planned or ordered twice; where nothing is, what the first one delivered.
    """
    planned: dict[int, list[int]] = defaultdict(list)
    for fraction in row.planned:
        planned[fraction.prescription_id].append(fraction.fraction_number)
    is_planned = visit is None
    visit = row.prescriptions if visit is None else visit
    if place and is_planned:
        visit = [p for p in visit if len(planned[p.pk]) > place or p.sessions_a_day > place] or visit
    visit = visit or row.visit
    highest = highest_fractions([p.pk for p in visit], before=started_at)
    return [
        (p, highest[p.pk] + 1 if p.pk in highest else min(planned[p.pk]) + place if planned[p.pk] else None)
        for p in visit
    ]


def _is_plain(session: TreatmentSession) -> bool:
    return session.completion == Completion.COMPLETE and not session.is_inpatient


def _clock_of(row: DayRow, zone: ZoneInfo) -> str:
    """The time by which a row stands on the sheet: when it was planned, else when it began; the untimed come last."""
    planned = [fraction.planned_time for fraction in row.planned if fraction.planned_time]
    if planned:
        return f"{min(planned):%H:%M}"
    if row.sessions or row.records:
        first = (row.sessions or row.records)[0]
        return f"{first.started_at.astimezone(zone):%H:%M}"
    return "99:99"
