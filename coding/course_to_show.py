"""One course as its page shows it: plans, sessions and charges as the few values of them that are shown.

They have the names of the models' fields, as those of many courses have (`courses_in_brief`), and for the same reason:
making a model of each row takes longer than reading it.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cached_property
from typing import Any

from coding.courses_in_brief import NOTHING, BriefFraction, BriefLine, BriefPlanned, BriefSession, Related
from coding.ledger import CourseLedger, CourseRows, ledger_of, lines_to_show
from coding.models import ChargeLine, SessionHold, SessionRuling
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
    """Everything of `ClinicRows` that the ledger of one course is made from, in a fixed number of queries.

    The patient's other courses are read too: their visits stand beside those of this one. `prescriptions` are all of
    the patient, by id.
    """

    def __init__(self, course: Course) -> None:
        self._course, patient = course, course.patient_id
        ordered = Prescription.objects.filter(course__patient=patient).order_by("number")
        self.prescriptions = {p.pk: p for p in ordered.select_related("signed_by", "plan_approved_by")}
        for prescription in self.prescriptions.values():
            if prescription.course_id == course.pk:
                prescription.course = course
        sessions = self._read_sessions()
        self.sessions = {patient: [session for session in sessions if session.voided_at is None]}
        self._voided = [session for session in sessions if session.voided_at and session.course_id == course.pk]
        coverages = Coverage.objects.filter(patient=patient, rank=1).order_by("-starts_on")
        self.coverages = {patient: list(coverages.select_related("payer"))}
        authorizations = Authorization.objects.filter(course__patient=patient).order_by("starts_on", "id")
        self.authorizations = {patient: list(authorizations.select_related("payer"))}

    @cached_property
    def versions(self) -> list[PolicyVersion]:
        """The published versions of the patient's payers, which only a course across a change of codes asks for."""
        payers = {coverage.payer_id for coverages in self.coverages.values() for coverage in coverages}
        published = PolicyVersion.objects.published().filter(policy__payer__in=payers)
        return list(published.with_terms().order_by("effective_from", "revision"))

    def of_course(self) -> CourseRows:
        """What was planned and voided, charged, held and ruled on in the course."""
        planned = ScheduledFraction.objects.filter(prescription__course=self._course)
        lines = ChargeLine.objects.filter(session__course=self._course, replaced_in__isnull=True).order_by()
        holds: dict[int, list[ShownHold]] = defaultdict(list)
        open_holds = SessionHold.objects.open().filter(session__course=self._course)
        for row in open_holds.values_list("session", "name"):
            holds[row[0]].append(ShownHold(*row))
        rulings = SessionRuling.objects.current().filter(session__course=self._course).order_by()
        return CourseRows(
            lines=lines_to_show(
                ShownLine(*row)
                for row in lines.values_list(
                    "pk", "session", "claim_form", "role", "state", "code", "modifiers", "units"
                )
            ),
            holds=holds,
            rulings={row[0]: ShownRuling(*row) for row in rulings.values_list("session", "findings", "file_by")},
            voided={self._course.pk: self._voided},
            planned={
                self._course.pk: [
                    ShownPlanned(*row[:6], self.prescriptions[row[1]], *row[6:])
                    for row in planned.order_by("planned_on", "planned_time", "fraction_number", "pk").values_list(
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
                ]
            },
        )

    def _read_sessions(self) -> list[ShownSession]:
        """The patient's sessions, voided ones too, each with the fractions that it delivered."""
        sessions: dict[int, list[Any]] = {}
        fractions: dict[int, list[BriefFraction]] = defaultdict(list)
        rows = TreatmentSession.objects.filter(course__patient=self._course.patient_id).order_by()
        for *values, prescription_id, number in rows.values_list(
            "pk",
            "course",
            "department",
            "machine",
            "date_of_service",
            "started_at",
            "completion",
            "voided_at",
            "void_reason",
            "machine__name",
            "delivered_fractions__prescription",
            "delivered_fractions__fraction_number",
        ):
            sessions[values[0]] = values
            if prescription_id is not None:
                prescription = self.prescriptions[prescription_id]
                fractions[values[0]].append(BriefFraction(prescription, prescription_id, number))
        departments = self._departments({values[2] for values in sessions.values()})
        for delivered in fractions.values():
            delivered.sort(key=lambda fraction: fraction.prescription.number)
        return [
            ShownSession(
                *values[:8],
                departments[values[2]],
                Related(fractions[pk]) if pk in fractions else NOTHING,
                *values[8:],
            )
            for pk, values in sessions.items()
        ]

    def _departments(self, wanted: Iterable[int]) -> dict[int, Department]:
        """By id: that of the course, and others only where the patient was treated in them."""
        known = {self._course.department_id: self._course.department}
        if others := set(wanted) - known.keys():
            known |= Department.objects.prefetch_related("billers").in_bulk(others)
        return known
