"""Which course each open record of the treatment log belongs to, on one machine's day. Nothing is written here."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from typing import NamedTuple

from django.db.models import Q, QuerySet

from portal.models import (
    CandidateDelivery,
    Course,
    CourseStatus,
    Machine,
    Patient,
    Prescription,
    SessionCandidate,
)
from portal.services.answers import Given, GivenKeys, GivenTexts, Query, answer
from portal.services.imports import instant, record_number_of


class OpenDelivery(NamedTuple):
    """What an open record gave of one site of the log."""

    pk: int
    source_site_id: int
    site_name: str


@dataclass(slots=True)
class OpenRecord:
    """An open candidate of the log, as far as it is needed to know whose it is. `pk` is the candidate's."""

    pk: int
    source_patient_id: int
    patient_number: str
    started_at: datetime
    is_partial: bool = False
    deliveries: list[OpenDelivery] = field(default_factory=list)


@dataclass(slots=True)
class LogRecord:
    """An open record of the log, and the prescription that each of its deliveries is; None where that is unknown."""

    candidate: OpenRecord
    started_at: datetime
    prescription_of: dict[int, Prescription | None]

    @property
    def prescriptions(self) -> list[Prescription]:
        """What the record delivered, each once, as far as it is known."""
        return list({p.pk: p for p in self.prescription_of.values() if p is not None}.values())

    @property
    def is_known(self) -> bool:
        """Whether every site of the record is a prescription of the course."""
        return bool(self.prescription_of) and None not in self.prescription_of.values()


@dataclass(slots=True)
class MatchedRecords:
    """The open records of a machine's day by course, each in order of start, and those whose course nobody can tell."""

    of_course: dict[int, list[LogRecord]] = field(default_factory=dict)
    courses: dict[int, Course] = field(default_factory=dict)
    loose: list[OpenRecord] = field(default_factory=list)


def match_records(
    *,
    machine: Machine,
    day: date,
    on_sheet: Iterable[Course],
    prescriptions_of: Callable[[Collection[int]], Iterable[Prescription]],
) -> MatchedRecords:
    """The machine's open records of that day, each with its course, in a fixed number of queries.

    The patient is known from what was confirmed before of the log's patient, else by the record number. The course is
    the patient's one course on the sheet, else the course of that earlier confirmation, else the only active one here.
    `prescriptions_of` gives those of several courses, each course's in order.
    """
    matched = MatchedRecords()
    if not machine.source_name:
        return matched
    organization = machine.department.organization_id
    midnight = datetime.combine(day, datetime.min.time())
    source = {
        "organization": organization,
        "department": machine.department_id,
        "source_name": machine.source_name,
        "midnight": midnight,
        "next_midnight": midnight + timedelta(days=1),
    }
    candidates = _open_records(answer(_open(), **source))
    if not candidates:
        return matched
    earlier = {patient: (course, of_ours) for patient, course, of_ours in answer(_earlier(), **source)}
    strangers = [candidate for candidate in candidates if candidate.source_patient_id not in earlier]
    numbers = {record_number_of(candidate) for candidate in strangers} - {""}
    patient_of: dict[str, int] = {}
    if numbers:
        patient_of = dict(answer(_patients(), organization=organization, numbers=list(numbers)))
    wanted = {patient for _, patient in earlier.values()} | set(patient_of.values())
    here, others = defaultdict(list), defaultdict(list)
    for course in on_sheet:
        here[course.patient_id].append(course)
    if wanted - here.keys():
        standing = Course.objects.filter(
            patient__in=wanted - here.keys(), department=machine.department_id, status=CourseStatus.ACTIVE
        )
        for course in standing.select_related("patient", "department", "physician"):
            others[course.patient_id].append(course)
    found: dict[int, list[OpenRecord]] = defaultdict(list)
    for candidate in candidates:
        course_before, patient = earlier.get(candidate.source_patient_id, (None, None))
        patient = patient or patient_of.get(record_number_of(candidate))
        choices = here[patient] or others[patient]
        course = next((c for c in choices if c.pk == course_before), choices[0] if len(choices) == 1 else None)
        if course is None:
            matched.loose.append(candidate)
        else:
            matched.courses[course.pk] = course
            found[course.pk].append(candidate)
    if found:
        _know_sites(matched, found, machine, prescriptions_of)
    return matched


def _open_records(rows: Iterable[tuple]) -> list[OpenRecord]:
    """The records in order of start; each row is one with one of its deliveries, or with None."""
    records: dict[int, OpenRecord] = {}
    for pk, source_patient, number, started_at, delivery, site, name, fields_on, fields_complete in rows:
        record = records.get(pk)
        if record is None:
            record = records[pk] = OpenRecord(pk, source_patient, number, started_at)
        if delivery is not None:
            record.deliveries.append(OpenDelivery(delivery, site, name))
            record.is_partial = record.is_partial or fields_complete < fields_on
    return list(records.values())


def _know_sites(
    matched: MatchedRecords,
    found: dict[int, list[OpenRecord]],
    machine: Machine,
    prescriptions_of: Callable[[Collection[int]], Iterable[Prescription]],
) -> None:
    """Say which prescription each site of the records is: the one it was before, else one of the same name."""
    prescriptions: dict[int, dict[int, Prescription]] = defaultdict(dict)
    for prescription in prescriptions_of(found):
        prescriptions[prescription.course_id][prescription.pk] = prescription
    sites = {d.source_site_id for candidates in found.values() for c in candidates for d in c.deliveries}
    site_before: dict[int, int] = {}
    if sites:
        organization = machine.department.organization_id
        site_before = dict(answer(_sites(), organization=organization, sites=list(sites), courses=list(found)))
    zone = machine.department.zone
    for course, candidates in found.items():
        mine = prescriptions[course]
        by_name = {p.anatomical_site.casefold(): p for p in reversed(mine.values())}
        matched.of_course[course] = [
            LogRecord(
                candidate=candidate,
                started_at=instant(candidate.started_at, zone),
                prescription_of={
                    d.pk: mine.get(site_before.get(d.source_site_id, 0)) or by_name.get(d.site_name.casefold())
                    for d in candidate.deliveries
                },
            )
            for candidate in candidates
        ]


def _open_candidates() -> QuerySet[SessionCandidate]:
    """The open candidates of the day from `midnight` to `next_midnight` at the machine of the log that is given."""
    return SessionCandidate.objects.open().filter(
        Q(department=Given("department")) | Q(department__isnull=True),
        organization=Given("organization"),
        machine_name=Given("source_name"),
        started_at__gte=Given("midnight"),
        started_at__lt=Given("next_midnight"),
    )


@cache
def _open() -> Query:
    deliveries = ("pk", "source_site_id", "site_name", "fields_on", "fields_complete")
    shown = ["pk", "source_patient_id", "patient_number", "started_at", *(f"deliveries__{name}" for name in deliveries)]
    candidates = _open_candidates().order_by("started_at", "pk", "deliveries__pk")
    return candidates.values_list(*shown).query.sql_with_params()


@cache
def _earlier() -> Query:
    """The course and patient of each patient of the log, as they were confirmed last."""
    confirmed = SessionCandidate.objects.filter(
        organization=Given("organization"),
        source_patient_id__in=_open_candidates().order_by().values("source_patient_id"),
        session__isnull=False,
        session__voided_at__isnull=True,
    )
    last = confirmed.order_by("source_patient_id", "-started_at", "-pk").distinct("source_patient_id")
    shown = ("source_patient_id", "session__course", "session__course__patient")
    return last.values_list(*shown).query.sql_with_params()


@cache
def _patients() -> Query:
    patients = Patient.objects.filter(organization=Given("organization"), number__in=GivenTexts("numbers")).order_by()
    return patients.values_list("number", "pk").query.sql_with_params()


@cache
def _sites() -> Query:
    """The prescription that each site of the log was confirmed to be last, of those of these courses."""
    confirmed = CandidateDelivery.objects.filter(
        candidate__organization=Given("organization"),
        source_site_id__in=GivenKeys("sites"),
        prescription__course__in=GivenKeys("courses"),
    )
    last = confirmed.order_by("source_site_id", "-pk").distinct("source_site_id")
    return last.values_list("source_site_id", "prescription").query.sql_with_params()
