"""Sessions, plans and charges of many courses as the few values that their ledgers compare.

A ledger of one course reads whole rows. Reconciliation reads every fraction that a thousand patients ever had to judge
one day of theirs, and there making a model of each row takes ten times as long as reading it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Q

from coding.ledger import CourseRows, lines_to_show
from coding.models import ChargeLine, SessionHold, SessionRuling
from coding.shaping import ClinicRows
from portal.models import Department, Patient, Prescription, ScheduledFraction, TreatmentSession


class Related(tuple):
    """Related rows that were read already, asked for as those of a model are."""

    __slots__ = ()

    def all(self) -> "Related":
        return self


NOTHING = Related()


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
    fraction_number: int
    planned_on: date
    machine_id: int
    department_id: int
    missed_reason: str
    prescription: BriefPrescription
    prescription_id: int


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


class ClinicInBrief(ClinicRows):
    """What a ledger needs of some patients, from which nothing can be ruled on.

    `voided` are the voided sessions by course. `departments` are all of the organization by id.
    """

    def __init__(self, patients: Iterable[Patient], departments: Mapping[int, Department]) -> None:
        patients = list(patients)
        self._departments = departments
        self.voided: dict[int, list[BriefSession]] = defaultdict(list)
        of_patients = Prescription.objects.filter(course__patient__in=patients).order_by()
        self._prescriptions = {
            row[0]: BriefPrescription(*row) for row in of_patients.values_list("pk", "course_id", "number", "fractions")
        }
        super().__init__(patients, many=True)

    def _read_sessions(self, wanted: list[int], *, many: bool) -> None:
        fractions: dict[int, list[BriefFraction]] = defaultdict(list)
        sessions: dict[int, tuple[int, BriefSession]] = {}
        rows = TreatmentSession.objects.filter(course__patient__in=wanted).order_by()
        for patient_id, prescription_id, number, *values in rows.values_list(
            "course__patient_id",
            "delivered_fractions__prescription_id",
            "delivered_fractions__fraction_number",
            "pk",
            "course_id",
            "department_id",
            "machine_id",
            "date_of_service",
            "started_at",
            "completion",
            "voided_at",
        ):
            if values[0] not in sessions:
                sessions[values[0]] = (patient_id, BriefSession(*values, self._departments[values[2]], NOTHING))
            if prescription_id is not None:
                prescription = self._prescriptions[prescription_id]
                fractions[values[0]].append(BriefFraction(prescription, prescription_id, number))
        for patient_id, session in sessions.values():
            delivered = fractions[session.pk]
            if len(delivered) > 1:
                delivered.sort(key=lambda fraction: fraction.prescription.number)
            session.delivered_fractions = Related(delivered)
            if session.voided_at is None:
                self.sessions[patient_id].append(session)
            else:
                self.voided[session.course_id].append(session)

    def rows_of(self, courses: list[int], first: date, last: date) -> CourseRows:
        """Plans and voided sessions of the courses, and charges, holds and rulings of `first` through `last`."""
        wanted = Q(session__course__in=courses, session__date_of_service__range=(first, last))
        lines = ChargeLine.objects.filter(wanted, replaced_in__isnull=True).order_by()
        holds: dict[int, list[SessionHold]] = defaultdict(list)
        for hold in SessionHold.objects.open().filter(wanted).only("session_id", "name"):
            holds[hold.session_id].append(hold)
        rulings = SessionRuling.objects.current().filter(wanted).order_by()
        planned: dict[int, list[BriefPlanned]] = defaultdict(list)
        for *values, prescription_id in (
            ScheduledFraction.objects.filter(prescription__course__in=courses)
            .order_by("planned_on", "planned_time", "fraction_number", "pk")
            .values_list(
                "pk",
                "fraction_number",
                "planned_on",
                "machine_id",
                "machine__department_id",
                "missed_reason",
                "prescription_id",
            )
        ):
            prescription = self._prescriptions[prescription_id]
            planned[prescription.course_id].append(BriefPlanned(*values, prescription, prescription_id))
        return CourseRows(
            lines=lines_to_show(
                BriefLine(*row) for row in lines.values_list("pk", "session_id", "claim_form", "role", "state", "code")
            ),
            holds=holds,
            rulings={row[0]: BriefRuling(*row) for row in rulings.values_list("session_id", "findings", "error_names")},
            voided=self.voided,
            planned=planned,
        )
