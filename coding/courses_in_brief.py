"""Sessions, plans and charges of many courses as the few values that their ledgers compare.

`course_ledger` reads whole rows. Reconciliation reads every fraction that a thousand patients ever had to judge
one day of theirs, and there making a model of each row takes ten times as long as reading it. What stands here has the
names of the models' fields, so that `PatientRecord` and `ledger_rows` take either.
"""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any

from django.db.models import Q

from coding.ledger import CourseRows, lines_to_show
from coding.models import ChargeLine, SessionHold, SessionRuling
from payers.models import Authorization, Coverage, Payer, PolicyVersion
from portal.models import (
    Course,
    Department,
    Machine,
    Organization,
    Prescription,
    ScheduledFraction,
    TreatmentSession,
)


class Related(tuple):
    """Related rows that were read already, asked for as those of a model are."""

    __slots__ = ()

    def all(self) -> "Related":
        return self


NOTHING = Related()


@dataclass(slots=True, eq=False)
class BriefPatient:
    pk: int


@dataclass(slots=True, eq=False)
class BriefCourse:
    pk: int
    patient_id: int
    department_id: int


@dataclass(slots=True, eq=False)
class BriefPrescription:
    pk: int
    course_id: int
    number: int
    fractions: int


@dataclass(slots=True, eq=False)
class BriefFraction:
    """A delivered fraction."""

    prescription: BriefPrescription
    prescription_id: int
    fraction_number: int | None


@dataclass(slots=True, eq=False)
class BriefSession:
    pk: int
    course_id: int
    department_id: int
    machine_id: int | None
    date_of_service: date
    started_at: datetime
    completion: str
    voided_at: datetime | None
    department: Department
    delivered_fractions: Related


@dataclass(slots=True, eq=False)
class BriefPlanned:
    """A planned fraction; its department is that of its machine."""

    pk: int
    prescription_id: int
    fraction_number: int
    planned_on: date
    missed_reason: str
    machine_id: int
    prescription: BriefPrescription
    department_id: int


@dataclass(slots=True, eq=False)
class BriefLine:
    pk: int
    session_id: int
    claim_form: str
    role: str
    state: str
    code: str


@dataclass(slots=True, eq=False)
class BriefRuling:
    session_id: int
    findings: list[dict[str, Any]]
    error_names: list[str]


@dataclass(slots=True, eq=False)
class BriefCoverage:
    starts_on: date
    ends_on: date | None
    payer: Payer


@dataclass(slots=True, eq=False)
class BriefAuthorization:
    pk: int
    course_id: int
    payer_id: int
    number: str
    codes: list[str]
    units: int | None
    starts_on: date
    ends_on: date | None


class SharedByCourses:
    """What all courses of an organization have in common, by id; policies are read once they are asked for."""

    def __init__(self, organization: Organization) -> None:
        self.organization = organization
        self.departments: dict[int, Department] = {
            department.pk: department for department in organization.departments.prefetch_related("billers")
        }
        machines = Machine.objects.filter(department__in=self.departments)
        self.department_of_machine: dict[int, int] = dict(machines.values_list("pk", "department"))
        self.payers: dict[int, Payer] = Payer.objects.filter(organization=organization).in_bulk()

    @cached_property
    def versions(self) -> list[PolicyVersion]:
        """The published versions of every payer's policy, in order of start."""
        published = PolicyVersion.objects.published().filter(policy__payer__organization=self.organization)
        return list(published.select_related("policy").order_by("effective_from", "revision"))


class ClinicInBrief:
    """What ledgers need of some patients: everything of `ClinicRows` but what rulings are made from.

    `courses` are the courses of the patients by id, and `voided` their voided sessions by course.
    """

    def __init__(self, patients: Collection[int], shared: SharedByCourses) -> None:
        self._shared = shared
        of_patients = Course.objects.filter(patient__in=patients).order_by("pk")
        self.courses = {row[0]: BriefCourse(*row) for row in of_patients.values_list("pk", "patient", "department")}
        # By courses and not through them, here and below: a list of ids finds its index however many rows there are.
        ordered = Prescription.objects.filter(course__in=self.courses).order_by()
        self._prescriptions = {
            row[0]: BriefPrescription(*row) for row in ordered.values_list("pk", "course", "number", "fractions")
        }
        self.sessions: dict[int, list[BriefSession]] = defaultdict(list)
        self.voided: dict[int, list[BriefSession]] = defaultdict(list)
        self._read_sessions()
        self.coverages: dict[int, list[BriefCoverage]] = defaultdict(list)
        coverages = Coverage.objects.filter(patient__in=patients, rank=1)
        for patient_id, starts_on, ends_on, payer_id in coverages.values_list(
            "patient", "starts_on", "ends_on", "payer"
        ):
            self.coverages[patient_id].append(BriefCoverage(starts_on, ends_on, shared.payers[payer_id]))
        self.authorizations: dict[int, list[BriefAuthorization]] = defaultdict(list)
        authorizations = Authorization.objects.filter(course__in=self.courses).order_by("starts_on", "id")
        for row in authorizations.values_list(
            "pk", "course", "payer", "number", "codes", "units", "starts_on", "ends_on"
        ):
            authorization = BriefAuthorization(*row)
            self.authorizations[self.courses[authorization.course_id].patient_id].append(authorization)

    @property
    def versions(self) -> list[PolicyVersion]:
        return self._shared.versions

    def _read_sessions(self) -> None:
        sessions: dict[int, BriefSession] = {}
        fractions: dict[int, list[BriefFraction]] = defaultdict(list)
        departments = self._shared.departments
        rows = TreatmentSession.objects.filter(course__in=self.courses).order_by()
        for row in rows.values_list(
            "pk",
            "course",
            "department",
            "machine",
            "date_of_service",
            "started_at",
            "completion",
            "voided_at",
            "delivered_fractions__prescription",
            "delivered_fractions__fraction_number",
        ):
            pk, prescription_id = row[0], row[8]
            if pk not in sessions:
                sessions[pk] = BriefSession(*row[:8], departments[row[2]], NOTHING)
            if prescription_id is not None:
                prescription = self._prescriptions[prescription_id]
                fractions[pk].append(BriefFraction(prescription, prescription_id, row[9]))
        for pk, delivered in fractions.items():
            if len(delivered) > 1:
                delivered.sort(key=lambda fraction: fraction.prescription.number)
            sessions[pk].delivered_fractions = Related(delivered)
        for session in sessions.values():
            if session.voided_at is None:
                self.sessions[self.courses[session.course_id].patient_id].append(session)
            else:
                self.voided[session.course_id].append(session)

    def rows_of(self, courses: Collection[int], first: date, last: date) -> CourseRows:
        """Plans and voided sessions of some courses, and their charges, holds and rulings of `first` through `last`."""
        wanted = Q(session__course__in=courses, session__date_of_service__range=(first, last))
        lines = ChargeLine.objects.filter(wanted, replaced_in__isnull=True).order_by()
        holds: dict[int, list[SessionHold]] = defaultdict(list)
        for hold in SessionHold.objects.open().filter(wanted).only("session_id", "name"):
            holds[hold.session_id].append(hold)
        rulings = SessionRuling.objects.current().filter(wanted).order_by()
        of_courses = set(courses)
        prescriptions = [one.pk for one in self._prescriptions.values() if one.course_id in of_courses]
        planned: dict[int, list[BriefPlanned]] = defaultdict(list)
        fractions = ScheduledFraction.objects.filter(prescription__in=prescriptions)
        for row in fractions.order_by("planned_on", "planned_time", "fraction_number", "pk").values_list(
            "pk", "prescription", "fraction_number", "planned_on", "missed_reason", "machine"
        ):
            prescription = self._prescriptions[row[1]]
            fraction = BriefPlanned(*row, prescription, self._shared.department_of_machine[row[5]])
            planned[prescription.course_id].append(fraction)
        return CourseRows(
            lines=lines_to_show(
                BriefLine(*row) for row in lines.values_list("pk", "session", "claim_form", "role", "state", "code")
            ),
            holds=holds,
            rulings={row[0]: BriefRuling(*row) for row in rulings.values_list("session", "findings", "error_names")},
            voided=self.voided,
            planned=planned,
        )
