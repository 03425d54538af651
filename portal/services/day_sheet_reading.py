"""A machine's day as the day sheet shows it: the columns that are shown, without a record of every row.

A sheet is read again after every row that is saved. Making its sixty planned fractions, sessions and prescriptions
records of their models takes longer than asking for them, and so does putting a query together; each is therefore put
together once. Whoever records a row reads it by `portal.services.day_sheets.day_rows`.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import date, datetime, time
from functools import cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from portal.models import DeliveredFraction, Machine, Prescription, ScheduledFraction, TreatmentSession
from portal.services.answers import Given, GivenKeys, Query, answer
from portal.services.day_sheets import DayRow, MachineDay, delivered_numbers, in_order_of_time
from portal.services.log_matching import match_records

PRESCRIPTION = (
    "pk",
    "course_id",
    "anatomical_site",
    "fractions",
    "motion_management",
    "motion_documentation",
    "signed_at",
)
COURSE = ("organization_id", "patient_id", "patient__family_name", "patient__given_name")
SESSION = (
    "pk",
    "course_id",
    "revision",
    "department__time_zone",
    "started_at",
    "completion",
    "is_inpatient",
    "guidance",
    "motion_management",
    "image_review_signed_at",
    "candidate__started_at",
)


class ReadPatient(NamedTuple):
    family_name: str
    given_name: str

    @property
    def full_name(self) -> str:
        return f"{self.family_name}, {self.given_name}"


class ReadCourse(NamedTuple):
    pk: int
    organization_id: int
    patient_id: int
    patient: ReadPatient


class ReadPrescription(NamedTuple):
    pk: int
    course_id: int
    anatomical_site: str
    fractions: int
    motion_management: str
    motion_documentation: str
    signed_at: datetime | None


class ReadPlan(NamedTuple):
    """A planned fraction."""

    pk: int
    fraction_number: int
    planned_time: time | None
    missed_reason: str
    prescription_id: int
    prescription: ReadPrescription


class ReadDelivery(NamedTuple):
    """A fraction that a session delivered."""

    fraction_number: int | None
    prescription: ReadPrescription


class ReadSession(NamedTuple):
    """A session; `logged_at` is the log's wall clock where the session was made of a record."""

    pk: int
    course_id: int
    revision: int
    time_zone: str
    started_at: datetime
    completion: str
    is_inpatient: bool
    guidance: str
    motion_management: str
    image_review_signed_at: datetime | None
    logged_at: datetime | None

    @property
    def local_start(self) -> datetime:
        """The start on the department's clock."""
        return self.started_at.astimezone(ZoneInfo(self.time_zone))


class SessionElsewhere(NamedTuple):
    """A session of a course of the sheet at another machine of the department, or at one that nobody named."""

    pk: int
    machine: str | None
    local_start: datetime


def machine_day(*, machine: Machine, day: date) -> MachineDay:
    """The whole day, in a fixed number of queries."""
    asked = {"machine": machine.pk, "day": day}
    rows = _planned_rows(**asked)
    sessions = [ReadSession._make(values) for values in answer(_sessions(), **asked)]
    if sessions:
        _add_sessions(rows, sessions, machine.pk, day)
    on_sheet = [row.course for row in rows.values()]
    matched = match_records(machine=machine, day=day, on_sheet=on_sheet, prescriptions_of=_prescriptions_of)
    for course, records in matched.of_course.items():
        rows.setdefault(course, DayRow(matched.courses[course])).records = records
    return MachineDay(
        machine=machine,
        day=day,
        rows=in_order_of_time(rows.values(), machine),
        loose=matched.loose,
        highest=_highest_fractions(rows.values()),
        elsewhere=_sessions_elsewhere(rows, machine, day),
    )


def _planned_rows(machine: int, day: date) -> dict[int, DayRow]:
    """The rows that are planned, by course."""
    rows: dict[int, DayRow] = {}
    prescriptions: dict[int, ReadPrescription] = {}
    for pk, number, clock, missed, *others in answer(_planned(), machine=machine, day=day):
        read = ReadPrescription._make(others[: len(PRESCRIPTION)])
        prescription = prescriptions.setdefault(read.pk, read)
        row = rows.get(read.course_id)
        if row is None:
            row = rows[read.course_id] = DayRow(_course(read.course_id, *others[len(PRESCRIPTION) :]))
        row.planned.append(ReadPlan(pk, number, clock, missed, read.pk, prescription))
    return rows


def _course(pk: int, organization: int, patient: int, family_name: str, given_name: str) -> ReadCourse:
    return ReadCourse(pk, organization, patient, ReadPatient(family_name, given_name))


def _add_sessions(rows: dict[int, DayRow], sessions: list[ReadSession], machine: int, day: date) -> None:
    """Put the standing sessions and what they delivered into their rows."""
    unplanned = {session.course_id for session in sessions} - rows.keys()
    if unplanned:
        for pk, *values in answer(_courses(), machine=machine, day=day):
            rows.setdefault(pk, DayRow(_course(pk, *values)))
    delivered = defaultdict(list)
    for session, number, *values in answer(_delivered(), machine=machine, day=day):
        delivered[session].append(ReadDelivery(number, ReadPrescription._make(values)))
    for session in sessions:
        row = rows[session.course_id]
        row.sessions.append(session)
        row.delivered += delivered[session.pk]


def _highest_fractions(rows: Iterable[DayRow]) -> dict[int, int]:
    """The highest number delivered of each planned prescription, where the row does not tell what it delivered."""
    prescriptions = [p.pk for row in rows if not row.delivered for p in row.prescriptions]
    return dict(answer(_highest(), prescriptions=prescriptions)) if prescriptions else {}


def _prescriptions_of(courses: Collection[int]) -> list[ReadPrescription]:
    return [ReadPrescription._make(values) for values in answer(_prescriptions(), courses=list(courses))]


def _sessions_elsewhere(courses: Collection[int], machine: Machine, day: date) -> dict[int, list[SessionElsewhere]]:
    """Without them a course that was moved would look untreated here and be entered twice."""
    sessions: dict[int, list[SessionElsewhere]] = defaultdict(list)
    zone = machine.department.zone
    found = answer(_elsewhere(), department=machine.department_id, machine=machine.pk, day=day)
    for course, pk, name, started_at in found:
        if course in courses:
            sessions[course].append(SessionElsewhere(pk, name, started_at.astimezone(zone)))
    return sessions


def sessions_of_day() -> QuerySet:
    """The standing sessions of the `machine` and `day` that are given."""
    return TreatmentSession.objects.standing().filter(machine=Given("machine"), date_of_service=Given("day"))


@cache
def _planned() -> Query:
    shown = ["pk", "fraction_number", "planned_time", "missed_reason"]
    shown += [f"prescription__{name}" for name in PRESCRIPTION]
    shown += [f"prescription__course__{name}" for name in COURSE]
    order = ("planned_time", "prescription__course_id", "fraction_number", "pk")
    planned = ScheduledFraction.objects.filter(machine=Given("machine"), planned_on=Given("day"))
    return planned.order_by(*order).values_list(*shown).query.sql_with_params()


@cache
def _sessions() -> Query:
    return sessions_of_day().order_by("started_at", "pk").values_list(*SESSION).query.sql_with_params()


@cache
def _courses() -> Query:
    shown = [f"course__{name}" for name in COURSE]
    return sessions_of_day().order_by().values_list("course_id", *shown).query.sql_with_params()


@cache
def _delivered() -> Query:
    shown = [f"prescription__{name}" for name in PRESCRIPTION]
    order = ("session_id", "prescription__number", "prescription_id")
    delivered = DeliveredFraction.objects.filter(session__in=sessions_of_day()).order_by(*order)
    return delivered.values_list("session_id", "fraction_number", *shown).query.sql_with_params()


@cache
def _highest() -> Query:
    return delivered_numbers(GivenKeys("prescriptions")).query.sql_with_params()


@cache
def _prescriptions() -> Query:
    prescriptions = Prescription.objects.filter(course__in=GivenKeys("courses")).order_by("number", "pk")
    return prescriptions.values_list(*PRESCRIPTION).query.sql_with_params()


@cache
def _elsewhere() -> Query:
    sessions = TreatmentSession.objects.standing().filter(department=Given("department"), date_of_service=Given("day"))
    others = sessions.exclude(machine=Given("machine")).order_by("started_at", "pk")
    return others.values_list("course_id", "pk", "machine__name", "started_at").query.sql_with_params()
