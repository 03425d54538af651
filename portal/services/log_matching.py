"""Which course each open record of the treatment log belongs to, on one machine's day. Nothing is written here."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.db.models import Q, prefetch_related_objects

from portal.models import (
    CandidateDelivery,
    Course,
    CourseStatus,
    Machine,
    Patient,
    Prescription,
    SessionCandidate,
)
from portal.services.imports import instant, record_number_of


@dataclass(slots=True)
class LogRecord:
    """An open candidate of the log, and the prescription that each of its deliveries is; None where that is unknown."""

    candidate: SessionCandidate
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
    loose: list[SessionCandidate] = field(default_factory=list)


def match_records(*, machine: Machine, day: date, on_sheet: Collection[Course]) -> MatchedRecords:
    """The machine's open records of that day, each with its course, in a fixed number of queries.

    The patient is known from what was confirmed before of the log's patient, else by the record number. The course is
    the patient's one course on the sheet, else the course of that earlier confirmation, else the only active one here.
    """
    matched = MatchedRecords()
    if not machine.source_name:
        return matched
    candidates = list(_open_candidates(machine, day))
    earlier = _earlier_courses(machine, candidates)
    strangers = [candidate for candidate in candidates if candidate.source_patient_id not in earlier]
    numbers = {record_number_of(candidate) for candidate in strangers} - {""}
    patients = Patient.objects.filter(organization=machine.department.organization_id, number__in=numbers)
    patient_of = dict(patients.values_list("number", "pk"))
    wanted = {patient for _, patient in earlier.values()} | set(patient_of.values())
    here, others = defaultdict(list), defaultdict(list)
    for course in on_sheet:
        here[course.patient_id].append(course)
    standing = Course.objects.filter(
        patient__in=wanted - here.keys(), department=machine.department_id, status=CourseStatus.ACTIVE
    )
    for course in standing.select_related("patient", "department", "physician"):
        others[course.patient_id].append(course)
    found: dict[int, list[SessionCandidate]] = defaultdict(list)
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
    _know_sites(matched, found, machine)
    return matched


def _open_candidates(machine: Machine, day: date):
    midnight = datetime.combine(day, datetime.min.time())
    return SessionCandidate.objects.open().filter(
        Q(department=machine.department_id) | Q(department__isnull=True),
        organization=machine.department.organization_id,
        machine_name=machine.source_name,
        started_at__gte=midnight,
        started_at__lt=midnight + timedelta(days=1),
    )


def _earlier_courses(machine: Machine, candidates: list[SessionCandidate]) -> dict[int, tuple[int, int]]:
    """The course and patient of each patient of the log, as they were confirmed last."""
    confirmed = SessionCandidate.objects.filter(
        organization=machine.department.organization_id,
        source_patient_id__in={candidate.source_patient_id for candidate in candidates},
        session__isnull=False,
        session__voided_at__isnull=True,
    )
    last = confirmed.order_by("source_patient_id", "-started_at", "-pk").distinct("source_patient_id")
    rows = last.values_list("source_patient_id", "session__course", "session__course__patient")
    return {source: (course, patient) for source, course, patient in rows}


def _know_sites(matched: MatchedRecords, found: dict[int, list[SessionCandidate]], machine: Machine) -> None:
    """Say which prescription each site of the records is: the one it was before, else one of the same name."""
    prefetch_related_objects([c for candidates in found.values() for c in candidates], "deliveries")
    prescriptions: dict[int, dict[int, Prescription]] = defaultdict(dict)
    for prescription in Prescription.objects.filter(course__in=found).order_by("number", "pk"):
        prescriptions[prescription.course_id][prescription.pk] = prescription
    sites = {d.source_site_id for candidates in found.values() for c in candidates for d in c.deliveries.all()}
    confirmed = CandidateDelivery.objects.filter(
        candidate__organization=machine.department.organization_id,
        source_site_id__in=sites,
        prescription__course__in=found,
    )
    last = confirmed.order_by("source_site_id", "-pk").distinct("source_site_id")
    site_before = dict(last.values_list("source_site_id", "prescription"))
    for course, candidates in found.items():
        mine = prescriptions[course]
        by_name = {p.anatomical_site.casefold(): p for p in reversed(mine.values())}
        matched.of_course[course] = [
            LogRecord(
                candidate=candidate,
                started_at=instant(candidate.started_at, machine.department.zone),
                prescription_of={
                    d.pk: mine.get(site_before.get(d.source_site_id, 0)) or by_name.get(d.site_name.casefold())
                    for d in candidate.deliveries.all()
                },
            )
            for candidate in candidates
        ]
