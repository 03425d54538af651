"""One course as its page shows it: plans, sessions and charges as the few values of them that are shown.

They have the names of the models' fields, as those of many courses have (`courses_in_brief`), and for the same reason:
making a model of each row takes longer than reading it.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cache, cached_property
from typing import Any

from django.db.models import FilteredRelation, Q, QuerySet

from coding.courses_in_brief import NOTHING, BriefFraction, BriefLine, BriefPlanned, BriefSession, Related
from coding.ledger import CourseLedger, CourseRows, ledger_of, lines_to_show
from coding.models import ChargeLine, SessionHold
from coding.shaping import PatientRecord
from payers.models import Authorization, Coverage, PolicyVersion
from portal.models import Course, Department, Prescription, ScheduledFraction, TreatmentSession


@dataclass(slots=True, eq=False)
class ShownSession(BriefSession):
    void_reason: str
    machine_name: str | None

    @property
    def local_start(self) -> datetime:
        """The start on the department's clock."""
        return self.started_at.astimezone(self.department.zone)


@dataclass(slots=True, eq=False)
class ShownPlanned(BriefPlanned):
    planned_time: time | None
    machine_name: str


@dataclass(slots=True, eq=False)
class ShownLine(BriefLine):
    modifiers: list[str]
    units: int


@dataclass(slots=True, eq=False)
class ShownHold:
    session_id: int
    name: str


@dataclass(slots=True, eq=False)
class ShownRuling:
    session_id: int
    findings: list[dict[str, Any]]
    file_by: date | None


def ledger_to_show(course: Course, *, today: date) -> CourseLedger:
    """The ledger of `course_ledger`, with no more of each row than the course's page shows.

    Reads `patient` and `department` of the course, and the department's `billers`.
    """
    rows = CourseToShow(course)
    prescriptions = tuple(p for p in rows.prescriptions.values() if p.course_id == course.pk)
    return ledger_of(course, prescriptions, PatientRecord(course.patient, rows), rows.of_course(), today)


class CourseToShow:
    """Everything of `ClinicRows` and `CourseRows` that the ledger of one course is made from, in a fixed number of
    queries.

    The patient's other courses are read too: their visits stand beside those of this one. `prescriptions` are all of
    the patient, by id.
    """

    def __init__(self, course: Course) -> None:
        self._course, patient = course, course.patient_id
        self.prescriptions = {p.pk: p for p in _prescriptions().filter(course__patient=patient)}
        for prescription in self.prescriptions.values():
            if prescription.course_id == course.pk:
                prescription.course = course
        self._rulings: dict[int, ShownRuling] = {}
        sessions = self._read_sessions()
        self.sessions = {patient: [session for session in sessions if session.voided_at is None]}
        self._voided = [session for session in sessions if session.voided_at and session.course_id == course.pk]
        self.coverages = {patient: list(_coverages().filter(patient=patient))}
        self.authorizations = {patient: list(_authorizations().filter(course__patient=patient))}

    @cached_property
    def versions(self) -> list[PolicyVersion]:
        """The published versions of the patient's payers, which only a course across a change of codes asks for."""
        payers = {coverage.payer_id for coverages in self.coverages.values() for coverage in coverages}
        published = PolicyVersion.objects.published().filter(policy__payer__in=payers)
        return list(published.with_terms().order_by("effective_from", "revision"))

    def of_course(self) -> CourseRows:
        """What was planned and voided, charged, held and ruled on in the course."""
        course = self._course.pk
        holds: dict[int, list[ShownHold]] = defaultdict(list)
        for row in _holds().filter(session__course=course):
            holds[row[0]].append(ShownHold(*row))
        return CourseRows(
            lines=lines_to_show(ShownLine(*row) for row in _lines().filter(session__course=course)),
            holds=holds,
            rulings=self._rulings,
            voided={course: self._voided},
            planned={
                course: [
                    ShownPlanned(*row[:6], self.prescriptions[row[1]], *row[6:])
                    for row in _planned().filter(prescription__course=course)
                ]
            },
        )

    def _read_sessions(self) -> list[ShownSession]:
        """The patient's sessions, voided ones too, each with the fractions that it delivered and its ruling."""
        sessions: dict[int, list[Any]] = {}
        fractions: dict[int, list[BriefFraction]] = defaultdict(list)
        for pk, ruling_id, findings, file_by, prescription_id, number, *values in _sessions().filter(
            course__patient=self._course.patient_id
        ):
            sessions[pk] = values
            if ruling_id is not None:
                self._rulings[pk] = ShownRuling(pk, findings, file_by)
            if prescription_id is not None:
                prescription = self.prescriptions[prescription_id]
                fractions[pk].append(BriefFraction(prescription, prescription_id, number))
        departments = self._departments({department_id for _course, department_id, *_others in sessions.values()})
        for delivered in fractions.values():
            delivered.sort(key=lambda fraction: fraction.prescription.number)
        return [
            ShownSession(
                pk,
                *values[:7],
                departments[values[1]],
                Related(fractions[pk]) if pk in fractions else NOTHING,
                *values[7:],
            )
            for pk, values in sessions.items()
        ]

    def _departments(self, wanted: Iterable[int]) -> dict[int, Department]:
        """By id: that of the course, and others only where the patient was treated in them."""
        known = {self._course.department_id: self._course.department}
        if others := set(wanted) - known.keys():
            known |= Department.objects.prefetch_related("billers").in_bulk(others)
        return known


# What every course asks alike, put together once: only whose rows they are is said at each.


@cache
def _prescriptions() -> QuerySet[Prescription]:
    return Prescription.objects.order_by("number").select_related("signed_by", "plan_approved_by")


@cache
def _coverages() -> QuerySet[Coverage]:
    return Coverage.objects.filter(rank=1).order_by("-starts_on").select_related("payer")


@cache
def _authorizations() -> QuerySet[Authorization]:
    return Authorization.objects.order_by("starts_on", "id").select_related("payer")


@cache
def _sessions() -> QuerySet[TreatmentSession]:
    """A row for each fraction that a session delivered, or one where it delivered none."""
    current = FilteredRelation("rulings", condition=Q(rulings__is_current=True))
    return (
        TreatmentSession.objects.annotate(current=current)
        .order_by()
        .values_list(
            "pk",
            "current",
            "current__findings",
            "current__file_by",
            "delivered_fractions__prescription",
            "delivered_fractions__fraction_number",
            "course",
            "department",
            "machine",
            "date_of_service",
            "started_at",
            "completion",
            "voided_at",
            "void_reason",
            "machine__name",
        )
    )


@cache
def _lines() -> QuerySet[ChargeLine]:
    standing = ChargeLine.objects.filter(replaced_in__isnull=True).order_by()
    return standing.values_list("pk", "session", "claim_form", "role", "state", "code", "modifiers", "units")


@cache
def _holds() -> QuerySet[SessionHold]:
    return SessionHold.objects.open().values_list("session", "name")


@cache
def _planned() -> QuerySet[ScheduledFraction]:
    return ScheduledFraction.objects.order_by("planned_on", "planned_time", "fraction_number", "pk").values_list(
        "pk",
        "prescription",
        "fraction_number",
        "planned_on",
        "missed_reason",
        "machine",
        "machine__department",
        "planned_time",
        "machine__name",
    )
