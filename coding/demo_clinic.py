"""A fictitious clinic for the demo: every name and number is invented, and every trap of coding is among them."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from django.db import connection

from coding.hold_services import release_hold
from coding.models import ChargeLine, ContractRate, FeeSchedule, LineState, SessionHold
from coding.services import capture_from, mark_exported
from payers.models import Authorization, Coverage, Payer
from payers.pack_services import install_packs
from payers.reading_services import ask_readers
from portal.models import (
    AuditEvent,
    Course,
    DeliveredFraction,
    Department,
    DepartmentBiller,
    DepartmentStatus,
    Machine,
    Organization,
    Patient,
    Physician,
    Prescription,
    ScheduledFraction,
    TreatmentSession,
    User,
)
from portal.npi import is_npi
from portal.roles import install_roles
from portal.services.closed_days import close_days, federal_holidays

SEED = 20261124
SEAM = date(2026, 1, 1)
# A machine whose last working day is entered until noon.
PARTLY_ENTERED = "WEST1"
FAMILY_NAMES = (
    "Abernathy Alder Ashgrove Barrow Birch Brightwater Calloway Cedar Coldbrook Dunmore Elmhurst "
    "Fairbank Fenwick Garnet Greenway Halloway Hazel Holloway Ironwood Juniper Kestrel Larkin Linden "
    "Marlowe Meadows Northgate Oakley Pemberton Quarry Ravensdale Redfern Rowan Sable Sedgwick Silverton "
    "Stonebridge Thornton Underhill Vale Westbrook Willowby Yarrow"
).split()
GIVEN_NAMES = (
    "Ada Ben Cora Dev Elin Felix Gia Hugo Ines Jude Kit Lena Milo Nora Otto Pia Quinn Rosa Sven Tess Uma "
    "Viktor Wren Yara Zeno"
).split()
PRICES = {
    ("77385", ""): "1450.00",
    ("77386", ""): "1980.00",
    ("77402", ""): "410.00",
    ("77407", ""): "1120.00",
    ("77412", ""): "1690.00",
    ("G6015", ""): "1240.00",
    ("G6016", ""): "1235.00",
    ("77014", "26"): "165.00",
    ("77014", ""): "420.00",
    ("77387", "26"): "150.00",
    ("G6002", "26"): "95.00",
    ("G6002", ""): "240.00",
}
# What one commercial payer has agreed, by code, modifier and setting, from the first day on; invented like all here.
CONTRACT_PAYER = "aetna"
CONTRACT = {
    date(2025, 1, 1): {
        ("77385", "", ""): "1105.00",
        ("77386", "", ""): "1180.00",
        ("77387", "26", ""): "61.50",
        ("G6015", "", "freestanding"): "742.00",
    },
    SEAM: {
        ("77402", "", ""): "298.00",
        ("77407", "", ""): "655.00",
        ("77407", "", "freestanding"): "590.00",
        ("77412", "", ""): "1240.00",
        ("77387", "26", ""): "64.00",
    },
    date(2026, 7, 1): {("77407", "", ""): "672.50", ("77412", "", ""): "1271.00"},
}


@dataclass(frozen=True, slots=True)
class Site:
    """An anatomical site as it is usually treated: technique, dose a fraction, fractions, diagnosis, motion."""

    name: str
    technique: str
    dose_cgy: int
    fractions: int
    diagnoses: tuple[str, ...]
    motion: str = "none"
    isocenters: str = "single"
    sessions_a_day: int = 1


SITES = (
    Site("Tongue", "imrt_complex", 200, 33, ("C02.1",)),
    Site("Floor of mouth", "imrt_complex", 200, 30, ("C04.0",)),
    Site("Oropharynx", "imrt_complex", 200, 35, ("C10.9",)),
    Site("Larynx", "imrt_complex", 225, 28, ("C32.0",)),
    Site("Right upper lobe of lung", "imrt_complex", 200, 30, ("C34.11",), motion="active"),
    Site("Left lower lobe of lung", "imrt_complex", 200, 30, ("C34.32",)),
    Site("Pancreas", "imrt_complex", 180, 28, ("C25.0",), motion="active"),
    Site("Rectum", "imrt_complex", 180, 28, ("C20",)),
    Site("Cervix", "imrt_complex", 180, 25, ("C53.9",)),
    Site("Brain and spine", "imrt_complex", 180, 30, ("C71.9",), isocenters="multiple"),
    Site("Prostate", "imrt_simple", 250, 28, ("C61",)),
    Site("Left breast", "imrt_simple", 266, 16, ("C50.412",)),
)
TWICE_DAILY = Site("Nasopharynx, hyperfractionated", "imrt_complex", 120, 44, ("C11.9",), sessions_a_day=2)
MOTION_DOCUMENTED = (
    "Tumor moves 14 mm with breathing. Optical surface system, gating window 3 mm; the beam is held outside the window "
    "and resumes within it."
)
GUIDANCE = ("cbct", "cbct", "cbct", "stereoscopic", "ultrasound", "none")


@dataclass(frozen=True, slots=True)
class Trap:
    """One way in which a session goes wrong or is special: changes to session, prescription or course of one day."""

    name: str
    day: date = date(2025, 12, 3)
    department: str = "main"
    payer: str = "medicare"
    session: dict[str, Any] = field(default_factory=dict)
    prescription: dict[str, Any] = field(default_factory=dict)
    course: dict[str, Any] = field(default_factory=dict)
    fraction: int = 5
    earlier_fraction: int | None = None
    second_after: tuple[int, ...] = ()
    authorization: dict[str, Any] | None = field(default_factory=dict)
    is_covered: bool = True
    is_entered_twice: bool = False


TRAPS = (
    Trap("Partial before 2026", session={"completion": "partial"}),
    Trap("Partial in 2026", day=date(2026, 2, 18), session={"completion": "partial"}),
    Trap("Beam never on", session={"completion": "not_started"}),
    Trap("Two sites in one visit", second_after=(20,)),
    Trap("Second session a minute early", second_after=(359,), prescription={"sessions_a_day": 2}),
    Trap("Second session at six hours", second_after=(360,), prescription={"sessions_a_day": 2}),
    Trap("Three sessions in a day", second_after=(240, 365), prescription={"sessions_a_day": 3}),
    Trap("Second session not ordered", second_after=(400,)),
    Trap(
        "Second session beyond the practitioner's limit",
        department="oaks",
        payer="unitedhealthcare",
        second_after=(400,),
        prescription={"sessions_a_day": 2},
    ),
    Trap("Second session, freestanding", department="oaks", second_after=(375,), prescription={"sessions_a_day": 2}),
    Trap("Second session, off campus", department="west", second_after=(380,), prescription={"sessions_a_day": 2}),
    Trap("Surface guidance before 2026", session={"guidance": "surface"}),
    Trap("Surface guidance alone in 2026", day=date(2026, 2, 11), session={"guidance": "surface"}),
    Trap("Three-dimensional before 2026", prescription={"technique": "3d"}),
    Trap("Three-dimensional in 2026", day=date(2026, 2, 11), prescription={"technique": "3d"}),
    Trap("Compensator", prescription={"technique": "compensator"}),
    Trap("Compensator, freestanding", department="oaks", prescription={"technique": "compensator"}),
    Trap(
        "Several isocenters in one site", day=date(2026, 2, 18), payer="cigna", prescription={"isocenters": "multiple"}
    ),
    Trap(
        "Motion active, undocumented",
        day=date(2026, 2, 18),
        payer="aetna",
        prescription={"motion_management": "active", "motion_documentation": ""},
        course={"diagnoses": ["C50.412"]},
    ),
    Trap("Left breast as complex", course={"diagnoses": ["C50.412"]}),
    Trap("Inpatient", session={"is_inpatient": True}),
    Trap("Inpatient at the freestanding center", department="oaks", session={"is_inpatient": True}),
    Trap("Hospital keyed G6015", session={"requested_code": "G6015"}),
    Trap("Keyed 77386 in 2026", day=date(2026, 2, 12), session={"requested_code": "77386"}),
    Trap("Keyed 26 on delivery", session={"requested_code": "77386", "requested_modifiers": ["26"]}),
    Trap("Keyed TC", session={"requested_modifiers": ["TC"]}),
    Trap("Keyed 22", session={"requested_modifiers": ["22"]}),
    Trap("Keyed 53", session={"requested_modifiers": ["53"], "completion": "partial"}),
    Trap("Keyed 73", session={"requested_modifiers": ["73"], "completion": "not_started"}),
    Trap("PO and PN together", department="west", session={"requested_modifiers": ["PO", "PN"]}),
    Trap("Five modifiers", department="west", session={"requested_modifiers": ["52", "76", "GA", "PO", "59"]}),
    Trap("Hospital also keyed 77387", session={"other_codes_same_day": ["77387"]}),
    Trap("Stereotactic the same day", session={"other_codes_same_day": ["77373"]}),
    Trap("Simple and complex the same day", session={"other_codes_same_day": ["77385"]}),
    Trap("Entered twice", is_entered_twice=True),
    Trap("Fraction beyond the prescription", fraction=34, prescription={"fractions": 33}),
    Trap("Fraction skipped", fraction=7, earlier_fraction=5),
    Trap("No authorization", payer="aetna", authorization=None),
    Trap("Authorized units used up", payer="cigna", authorization={"units": 1}, fraction=6, earlier_fraction=5),
    Trap("Authorization ended", payer="cigna", authorization={"ends_on": date(2025, 12, 2)}),
    Trap("Authorization for the old code", day=date(2026, 1, 6), payer="cigna", authorization={"codes": ["77386"]}),
    Trap(
        "Old authorization that the payer maps",
        day=date(2026, 1, 6),
        payer="unitedhealthcare",
        authorization={"codes": ["77386"]},
    ),
    Trap("No diagnosis", course={"diagnoses": []}),
    Trap("Header instead of a billable code", course={"diagnoses": ["C06.8"]}),
    Trap("Encounter code alone", course={"diagnoses": ["Z51.0"]}),
    Trap("Encounter code and malignancy", course={"diagnoses": ["Z51.0", "C02.1"]}),
    Trap("Symptom alone", payer="aetna", course={"diagnoses": ["R63.4"]}),
    Trap("ICD-9 after 2015", course={"diagnoses": ["141.2"]}),
    Trap("Denial expected, no notice", course={"diagnoses": ["M72.2"]}, session={"beneficiary_notice": "none"}),
    Trap("Denial expected, notice signed", course={"diagnoses": ["M72.2"]}, session={"beneficiary_notice": "signed"}),
    Trap("Plan not approved", prescription={"plan_approved_at": None, "plan_approved_by": None}),
    Trap("Prescription not signed", prescription={"signed_at": None, "signed_by": None}),
    Trap("No treatment record", session={"has_treatment_record": False}),
    Trap("Image review not signed", session={"image_review_signed_at": None}),
    Trap("Supervision not documented", department="oaks", session={"is_supervision_documented": False}),
    Trap("Substitute physician", session={"is_locum": True}),
    Trap("Resident took part", day=date(2026, 2, 18), session={"has_resident": True}),
    Trap("No physician", session={"physician": None}),
    Trap("No coverage", is_covered=False),
    Trap("Filed late", day=date(2025, 11, 20), session={"coded_on": date(2026, 11, 23)}),
    Trap("Before the code", day=date(2014, 12, 15), course={"diagnoses": ["141.2"]}),
    Trap("First day of the code", day=date(2015, 1, 1), course={"diagnoses": ["141.2"]}),
    Trap("ICD-10 before its day", day=date(2015, 6, 1)),
    Trap("Off campus in 2016", day=date(2016, 6, 15), department="west"),
    Trap("Last day of the code", day=date(2025, 12, 31)),
    Trap("First day of the new codes", day=date(2026, 1, 2)),
    Trap("Medicare Advantage, off campus", department="west", payer="humana-ma"),
    Trap("Medicaid in 2026", day=date(2026, 5, 12), payer="medicaid"),
    Trap("Workers' compensation in 2026", day=date(2026, 2, 17), payer="workers-compensation"),
)


class Clinic:
    """One fictitious organization while it is being made: rows are gathered and written in bulk."""

    def __init__(
        self, *, name: str, slug: str, suffix: str, courses: int, recent: int, now: datetime, password: str
    ) -> None:
        self.random = random.Random(f"{SEED}{slug}")
        self.now = now
        self.letter = slug[0].upper()
        self.serial = count(1)
        self.organization = Organization.objects.create(
            name=name, slug=slug, publishing_needs_second_person=True, is_fictitious=True
        )
        self.users = self._people(suffix, password)
        install_packs(organization=self.organization, by=self.users["admin"])
        self.payers = {payer.slug: payer for payer in self.organization.payers.all()}
        self.departments = self._places()
        self.today = now.astimezone(self.departments["main"].zone).date()
        self.closed = self._close()
        self.working_day = self._last_working_day()
        self.physicians = self._physicians()
        self._price()
        self._agree()
        self.patients: list[Patient] = []
        for _ in range(courses):
            self._course(self._day_between(date(2025, 10, 20), date(2025, 12, 22)))
        for _ in range(recent):
            self._course(self._day_between(self.today - timedelta(days=70), self.today + timedelta(days=3)))

    def add_traps(self) -> None:
        """One course for each way in which a session goes wrong or is special."""
        for trap in TRAPS:
            self._trap(trap)

    def _people(self, suffix: str, password: str) -> dict[str, User]:
        roles = install_roles()
        people = {"coder": "coder", "manager": "manager", "admin": "admin", "auditor": "auditor"}
        if not suffix:
            people["admin2"] = "admin"
        users = {}
        for name, role in people.items():
            users[name] = User.objects.create(
                username=f"{name}{suffix}",
                first_name=name.capitalize(),
                last_name=f"of {self.organization.name}",
                password=password,
                organization=self.organization,
            )
            users[name].groups.add(roles[role])
        return users

    def _places(self) -> dict[str, Department]:
        name = self.organization.name.split()[0]
        plans = (
            ("main", f"{name} Main Campus", "hospital_on_campus", "22", "282N00000X", 2),
            ("west", f"{name} West Pavilion", "hospital_off_campus_excepted", "19", "282N00000X", 2),
            ("oaks", f"{name} Oaks Center", "freestanding", "11", "261QX0203X", 1),
        )
        departments = {}
        for key, title, setting, place, taxonomy, machines in plans:
            department = Department.objects.create(
                organization=self.organization,
                name=title,
                npi=self._npi(),
                taxonomy=taxonomy,
                ccn="" if setting == "freestanding" else "999999",
                place_of_service=place,
                confirms_matched_rows=True,
            )
            DepartmentStatus.objects.create(department=department, setting=setting, effective_from=date(2010, 1, 1))
            for claim_form, biller, title in (
                [("global", "freestanding_owner", f"{name} Oaks Partners")]
                if setting == "freestanding"
                else [
                    ("institutional", "hospital", f"{name} Hospital"),
                    ("professional", "physician_group", f"{name} Radiation Oncologists"),
                ]
            ):
                DepartmentBiller.objects.create(
                    department=department,
                    claim_form=claim_form,
                    biller=biller,
                    name=title,
                    npi=self._npi(),
                    taxonomy="2085R0001X" if claim_form == "professional" else taxonomy,
                )
            Machine.objects.bulk_create(
                Machine(department=department, name=f"{title_of(key)} {number}", source_name=f"{key.upper()}{number}")
                for number in range(1, machines + 1)
            )
            departments[key] = department
        return departments

    def _close(self) -> set[tuple[int, int | None, date]]:
        """Close every department on the holidays, and one machine for service; what is closed, by department."""
        by = self.users["admin"]
        years = range(SEAM.year - 1, self.today.year + 2)
        holidays = {holiday.day: holiday.name for year in years for holiday in federal_holidays(year)}
        closed_days = []
        for department in self.departments.values():
            closed_days += close_days(department=department, machine=None, reasons=holidays, by=by)
        machine = self.departments["main"].machines.get(source_name="MAIN1")
        service_days = (date(2025, 12, 10), next(_weekdays(self.today + timedelta(days=8))))
        service = dict.fromkeys(service_days, "Machine down for service")
        closed_days += close_days(department=machine.department, machine=machine, reasons=service, by=by)
        return {(closed.department_id, closed.machine_id, closed.day) for closed in closed_days}

    def _last_working_day(self) -> date:
        machine = self.departments["main"].machines.first()
        return next(self.treatment_days(machine, self.today - timedelta(days=1), step=-1))

    def _physicians(self) -> list[Physician]:
        names = (("Osei", "Ruth"), ("Lindqvist", "Tor"), ("Marchetti", "Ana"), ("Bellweather", "Sam"))
        return [
            Physician.objects.create(
                organization=self.organization,
                family_name=family,
                given_name=given,
                npi=self._npi(),
                taxonomy="2085R0203X" if family == "Bellweather" else "2085R0001X",
            )
            for family, given in names
        ]

    def _price(self) -> None:
        FeeSchedule.objects.bulk_create(
            FeeSchedule(
                organization=self.organization,
                code=code,
                modifier=modifier,
                effective_from=date(2015, 1, 1),
                amount=Decimal(amount),
            )
            for (code, modifier), amount in PRICES.items()
        )

    def _agree(self) -> None:
        ContractRate.objects.bulk_create(
            ContractRate(
                organization=self.organization,
                payer=self.payers[CONTRACT_PAYER],
                code=code,
                modifier=modifier,
                setting=setting,
                effective_from=first,
                amount=Decimal(amount),
                source="Demo contract, fictitious",
            )
            for first, rates in CONTRACT.items()
            for (code, modifier, setting), amount in rates.items()
        )

    def _npi(self) -> str:
        """A made-up NPI with a right check digit."""
        first_nine = f"1{self.random.randrange(10**8):08d}"
        return next(first_nine + str(digit) for digit in range(10) if is_npi(first_nine + str(digit)))

    def _day_between(self, first: date, last: date) -> date:
        return first + timedelta(days=self.random.randrange((last - first).days + 1))

    def _patient(self) -> Patient:
        number = next(self.serial)
        patient = Patient(
            organization=self.organization,
            number=f"{self.letter}X-{number:06d}",
            family_name=self.random.choice(FAMILY_NAMES),
            given_name=self.random.choice(GIVEN_NAMES),
            born_on=self._day_between(date(1938, 1, 1), date(1985, 12, 31)),
        )
        patient.save()
        self.patients.append(patient)
        return patient

    def _cover(self, patient: Patient, payer: Payer) -> None:
        Coverage.objects.create(
            organization=self.organization,
            patient=patient,
            payer=payer,
            rank=1,
            member_number=f"M{self.random.randrange(10**8):08d}",
            starts_on=date(2014, 1, 1),
        )

    def _authorize(self, course: Course, payer: Payer, **changes: Any) -> None:
        Authorization.objects.create(
            **{
                "organization": self.organization,
                "course": course,
                "payer": payer,
                "number": f"AU-{self.random.randrange(10**6):06d}",
                "starts_on": date(2014, 1, 1),
            }
            | changes
        )

    def _open_course(self, department: Department, site: Site, **changes: Any) -> Course:
        patient = self._patient()
        return Course.objects.create(
            **{
                "organization": self.organization,
                "patient": patient,
                "department": department,
                "account_number": f"{self.letter}A-{100000 + next(self.serial)}",
                "physician": self.random.choice(self.physicians),
                "diagnoses": list(site.diagnoses),
            }
            | changes
        )

    def _prescribe(self, course: Course, site: Site, first_day: date, **changes: Any) -> Prescription:
        signed = datetime.combine(first_day - timedelta(days=6), time(16), UTC)
        return Prescription.objects.create(
            **{
                "course": course,
                "anatomical_site": site.name,
                "technique": site.technique,
                "dose_per_fraction_cgy": site.dose_cgy,
                "fractions": site.fractions,
                "sessions_a_day": site.sessions_a_day,
                "isocenters": site.isocenters,
                "motion_management": site.motion,
                "motion_documentation": MOTION_DOCUMENTED if site.motion == "active" else "",
                "signed_at": signed,
                "signed_by": course.physician,
                "plan_approved_at": signed + timedelta(days=2),
                "plan_approved_by": course.physician,
            }
            | changes
        )

    def _course(self, first_day: date) -> None:
        """A whole course of one of the usual sites: planned, delivered up to today, now and then missed."""
        department = self.random.choice([*self.departments.values(), self.departments["main"]])
        machine = self.random.choice(list(department.machines.all()))
        site = TWICE_DAILY if self.random.random() < 0.04 else self.random.choice(SITES)
        start = time(7 + self.random.randrange(10), self.random.choice((0, 15, 30, 45)))
        entered_until = datetime.combine(self.today, time(0), department.zone)
        if machine.source_name == PARTLY_ENTERED:
            entered_until = datetime.combine(self.working_day, time(12), department.zone)
        prescription = self.open_course(
            machine=machine, site=site, payer=self.random.choice(list(self.payers.values())), first_day=first_day
        )
        planned = self.treat(
            prescription=prescription,
            machine=machine,
            first_day=first_day,
            starts=[time(7, 30), time(13, 45)] if site.sessions_a_day == 2 else [start],
            until=entered_until,
            chance_of_missing=0.015,
        )
        course, last_day = prescription.course, planned[-1].planned_on
        # This payer authorizes until the last day of the plan, the others without an end.
        course.authorizations.filter(payer=self.payers["aetna"]).update(ends_on=last_day)
        if last_day < self.today:
            course.status = "completed"
            course.save(update_fields=["status"])

    def open_course(
        self, *, machine: Machine, site: Site, payer: Payer, first_day: date, units: int | None = None, **changes: Any
    ) -> Prescription:
        """Open a covered course with a signed prescription; `changes` are fields of the course.

        A payer other than Medicare authorized it, for as many sessions as are ordered where `units` does not say.
        """
        course = self._open_course(machine.department, site, **changes)
        self._cover(course.patient, payer)
        if payer.kind != "medicare":
            self._authorize(course, payer, starts_on=first_day - timedelta(days=10), units=units or site.fractions)
        return self._prescribe(course, site, first_day)

    def treat(
        self,
        *,
        prescription: Prescription,
        machine: Machine,
        first_day: date,
        starts: list[time],
        until: datetime,
        guidance: str = "",
        chance_of_missing: float = 0,
        fractions: int | None = None,
        never_recorded: tuple[int, ...] = (),
    ) -> list[ScheduledFraction]:
        """Plan a prescription from a day on, and record its sessions up to an instant; the planned fractions in order.

        `fractions` is how many are planned where that differs from the order. Those in `never_recorded` lie in the
        past and were neither delivered nor missed.
        """
        guidance = guidance or self.random.choice(GUIDANCE)
        course, zone = prescription.course, machine.department.zone
        planned, sessions, delivered = [], [], []
        days = self.treatment_days(machine, first_day)
        number = 1
        last_number = fractions or prescription.fractions
        while number <= last_number:
            day = next(days)
            for begins in starts[: last_number - number + 1]:
                is_past = datetime.combine(day, begins, zone) < until
                is_missed = is_past and len(starts) == 1 and self.random.random() < chance_of_missing
                planned.append(
                    ScheduledFraction(
                        prescription=prescription,
                        fraction_number=number,
                        planned_on=day,
                        planned_time=begins,
                        machine=machine,
                        missed_reason="Patient unwell" if is_missed else "",
                    )
                )
                if is_missed:
                    continue
                if is_past and number not in never_recorded:
                    session = self.session(course, machine.department, machine, day, begins, guidance)
                    sessions.append(session)
                    delivered.append(
                        DeliveredFraction(session=session, prescription=prescription, fraction_number=number)
                    )
                number += 1
        ScheduledFraction.objects.bulk_create(planned)
        self.remember(course, sessions, delivered)
        return planned

    def treatment_days(self, machine: Machine, first_day: date, step: int = 1) -> Iterator[date]:
        """The days from one on, or back from it where `step` is -1, on which the machine treats."""
        for day in _weekdays(first_day, step):
            if not {(machine.department_id, None, day), (machine.department_id, machine.pk, day)} & self.closed:
                yield day

    def _trap(self, trap: Trap) -> None:
        department, payer = self.departments[trap.department], self.payers[trap.payer]
        site = SITES[0]
        course = self._open_course(department, site, **trap.course)
        if trap.is_covered:
            self._cover(course.patient, payer)
        prescription = self._prescribe(course, site, trap.day, **trap.prescription)
        if trap.authorization is not None and payer.kind != "medicare":
            self._authorize(course, payer, **trap.authorization)
        machine = department.machines.first()
        starts = [datetime.combine(trap.day, time(8, 0), department.zone)]
        starts += [
            starts[0] + timedelta(minutes=sum(trap.second_after[: n + 1])) for n in range(len(trap.second_after))
        ]
        sessions, fractions = [], []
        if trap.earlier_fraction is not None:
            before = trap.day - timedelta(days=1)
            sessions.append(self.session(course, department, machine, before, time(8, 0), "cbct"))
            fractions.append((sessions[-1], trap.earlier_fraction))
        for place, begins in enumerate(starts):
            facts = {"guidance": "cbct"} | trap.session
            session = self.session(course, department, machine, trap.day, begins.timetz(), **facts)
            session.started_at, session.ended_at = begins, begins + timedelta(minutes=14)
            sessions.append(session)
            is_same_visit = place > 0 and trap.second_after[place - 1] < department.minutes_of_one_visit
            fractions.append((session, trap.fraction + (0 if is_same_visit else place)))
        if trap.is_entered_twice:
            sessions.append(self.session(course, department, machine, trap.day, time(8, 0), "cbct"))
            fractions.append((sessions[-1], trap.fraction))
        self.remember(
            course,
            sessions,
            [
                DeliveredFraction(session=session, prescription=prescription, fraction_number=number)
                for session, number in fractions
            ],
        )

    def session(
        self,
        course: Course,
        department: Department,
        machine: Machine,
        day: date,
        begins: time,
        guidance: str,
        **changes: Any,
    ) -> TreatmentSession:
        """A session that is still to be remembered."""
        started_at = datetime.combine(day, begins.replace(tzinfo=None), department.zone)
        return TreatmentSession(
            **{
                "organization": self.organization,
                "course": course,
                "department": department,
                "machine": machine,
                "physician": course.physician,
                "started_at": started_at,
                "ended_at": started_at + timedelta(minutes=14),
                "date_of_service": day,
                "coded_on": min(day + timedelta(days=3), self.today),
                "guidance": guidance,
                "image_review_signed_at": started_at + timedelta(hours=2) if guidance != "none" else None,
                "source": "demo",
                "recorded_by": self.users["coder"],
            }
            | changes
        )

    def remember(self, course: Course, sessions: list[TreatmentSession], fractions: list[DeliveredFraction]) -> None:
        """Write sessions with what they delivered, and that a person recorded them."""
        TreatmentSession.objects.bulk_create(sessions)
        DeliveredFraction.objects.bulk_create(fractions)
        AuditEvent.objects.bulk_create(
            AuditEvent(
                organization=self.organization,
                by=self.users["coder"],
                action="record_session",
                subject_kind=TreatmentSession._meta.label_lower,
                subject_id=session.pk,
                sentence=f"Session of {session.date_of_service:%m/%d/%Y} recorded (Demo data)",
            )
            for session in sessions
        )

    def capture(self) -> None:
        """Capture every patient's charges through the one door, as any other entry would."""
        _gather_statistics()
        for patient in self.patients:
            capture_from(patient=patient, day=date(2000, 1, 1), by=self.users["coder"])
        _gather_statistics()

    def work_a_little(self) -> None:
        """Leave traces of work: some soft holds released, the first month's ready lines exported."""
        soft = SessionHold.objects.open().filter(organization=self.organization, is_hard=False)
        for hold in soft.filter(name="COMPLEXITY_DOCUMENTATION")[:5]:
            release_hold(
                hold=hold, note="Checked against the physician's documentation.", at=self.now, by=self.users["coder"]
            )
        lines = ChargeLine.objects.live().filter(
            organization=self.organization, state=LineState.READY, session__date_of_service__lt=date(2025, 11, 1)
        )
        first_lines = list(lines.select_related("session__course").order_by("pk")[:60])
        mark_exported(lines=first_lines, by=self.users["manager"])
        # One change of a payer's policy waits to be read, so that the readers' pages have something to show.
        version = self.payers["humana-ma"].policy.versions.in_force(on=self.today).with_terms().first()
        ask_readers(version=version, at=self.now)


def title_of(department_key: str) -> str:
    return {"main": "Aurora", "west": "Borealis", "oaks": "Canopus"}[department_key]


def _weekdays(first_day: date, step: int = 1) -> Iterator[date]:
    day = first_day
    while True:
        if day.weekday() < 5:
            yield day
        day += timedelta(days=step)


def _gather_statistics() -> None:
    """Tell the planner of rows that came in one go: plans made for empty tables would take minutes."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
