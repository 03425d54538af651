"""The demo of a coder's day: sheets that wait to be entered, courses worth a look, holds that somebody works on."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import count

from coding.demo_clinic import SITES, TWICE_DAILY, Clinic, Site
from coding.hold_services import assign_hold, note_hold, place_hold
from coding.models import ChargeLine, LineState, SessionHold
from portal.models import DeliveredFraction, Machine, ScheduledFraction, TreatmentSession, ViewPlace
from portal.services.imports import import_treatment_log
from portal.services.views import save_view
from portal.treatment_log_files import SourceSite, TreatedField, TreatmentLog

OROPHARYNX = next(site for site in SITES if site.name == "Oropharynx")
LEFT_LUNG = next(site for site in SITES if site.name == "Left lower lobe of lung")

# The machine whose last working day waits to be entered: thirty patients, nearly all of them in the treatment log.
MACHINE_TO_ENTER = "Aurora 3"
# What happened to the patients of that day whom the sheet does not confirm by itself, by their planned time.
EXCEPTIONS = {time(8, 40): "missed", time(10, 40): "twice", time(12, 40): "partial", time(14, 40): "inpatient"}
NOT_IN_THE_LOG = {time(8, 40), time(9, 40), time(13, 40), time(14, 40)}
PATIENTS_TO_ENTER = 30
# A machine with as many patients on one day as a machine can have.
FULL_MACHINE = "Aurora 4"
PATIENTS_OF_FULL_MACHINE = 60
SECOND_START = time(17, 10)
MINUTES_OF_A_FIELD = 4


@dataclass(frozen=True, slots=True)
class Example:
    """A course across the seam that shows something, known by its account number."""

    account: str
    machine: str = "MAIN2"
    first_day: date = date(2025, 12, 8)
    payer: str = "medicare"
    site: Site = OROPHARYNX
    is_planned: bool = True
    never_recorded: tuple[int, ...] = ()
    recorded_twice: tuple[int, ...] = ()
    fractions: int | None = None


READY_FOR_A_PATTERN = Example(
    "RA-350001", machine="OAKS1", first_day=date(2025, 12, 1), payer="aetna", is_planned=False
)
EXAMPLES = (
    READY_FOR_A_PATTERN,
    Example("RA-350002", never_recorded=(9, 20), recorded_twice=(14,)),
    Example("RA-350003", payer="cigna", fractions=36),
    Example("RA-350004", site=TWICE_DAILY),
)
TWO_AUTHORIZED_LEFT = "RA-350005"
# Open holds of one reason each: who works on it, days until it is due, and what was noted.
WORKED_ON = (
    ("coder", -6, "Asked the payer for a new reference; answer promised for Friday."),
    ("coder", -2, "Payer called: it is under way."),
    ("coder", 0, ""),
    ("manager", 2, "Compared with the treatment record: both deliveries are in it."),
    ("coder", 5, ""),
    ("manager", -1, ""),
    ("coder", 9, "Asked the physician by telephone; the paper follows."),
    ("manager", None, ""),
)


def add_example_courses(clinic: Clinic) -> None:
    """Courses across the turn of 2026: fractions missing, doubled or beyond the order, and one ready to be planned."""
    machines = {
        machine.source_name: machine
        for machine in Machine.objects.filter(department__organization=clinic.organization).select_related("department")
    }
    for example in EXAMPLES:
        machine = machines[example.machine]
        prescription = clinic.open_course(
            machine=machine,
            site=example.site,
            payer=clinic.payers[example.payer],
            first_day=example.first_day,
            account_number=example.account,
        )
        if not example.is_planned:
            continue
        clinic.treat(
            prescription=prescription,
            machine=machine,
            first_day=example.first_day,
            starts=[time(7, 30), time(13, 45)] if example.site.sessions_a_day == 2 else [time(11, 10)],
            until=clinic.now,
            guidance="cbct",
            fractions=example.fractions,
            never_recorded=example.never_recorded,
        )
        sessions = TreatmentSession.objects.filter(course=prescription.course)
        for session in sessions.filter(delivered_fractions__fraction_number__in=example.recorded_twice):
            _record_again(clinic, session)
    _add_course_with_two_authorized_left(clinic, machines["MAIN2"])


def add_days_to_enter(clinic: Clinic) -> None:
    """Two more machines: their last working day and today are planned and logged, and nothing is entered yet."""
    department = clinic.departments["main"]
    for name, source_name, patients, minutes in (
        (MACHINE_TO_ENTER, "MAIN3", PATIENTS_TO_ENTER, 20),
        (FULL_MACHINE, "MAIN4", PATIENTS_OF_FULL_MACHINE, 12),
    ):
        machine = Machine.objects.create(department=department, name=name, source_name=source_name)
        first_start = datetime.combine(clinic.working_day, time(7), department.zone)
        for place in range(patients):
            _add_patient_to_enter(clinic, machine, (first_start + timedelta(minutes=minutes * place)).time(), place)
        log = _log_of(clinic, machine)
        import_treatment_log(organization=clinic.organization, log=log, by=clinic.users["coder"], department=department)


def work_on_holds(clinic: Clinic) -> None:
    """Give open holds owners, due days and notes, hold one line by hand, and share two views of the lists."""
    at, manager = clinic.now, clinic.users["manager"]
    holds = SessionHold.objects.open().filter(organization=clinic.organization)
    one_of_each = holds.order_by("name", "pk").distinct("name")
    for hold, (owner, days, note) in zip(one_of_each, WORKED_ON, strict=False):
        due_on = None if days is None else clinic.today + timedelta(days=days)
        assign_hold(hold=hold, owner=clinic.users[owner], due_on=due_on, by=manager)
        if note:
            note_hold(hold=hold, text=note, at=at, by=clinic.users[owner])
    ready = ChargeLine.objects.live().filter(session__course__account_number=TWO_AUTHORIZED_LEFT, state=LineState.READY)
    place_hold(
        line=ready.order_by("date_of_service", "pk").first(),
        reason="The physician asked to wait until the addendum is signed.",
        at=at,
        by=clinic.users["coder"],
    )
    for place, name, query in (
        (ViewPlace.CHARGES, "Held, Medicare", f"state=held&payer={clinic.payers['medicare'].slug}"),
        (ViewPlace.HOLDS, "Images to sign", "reason=IMAGE_UNSIGNED"),
    ):
        save_view(place=place, name=name, query=query, is_shared=True, by=manager)


def _add_patient_to_enter(clinic: Clinic, machine: Machine, begins: time, place: int) -> None:
    """A course under way at the machine: delivered to the day before the last working day, planned to its end."""
    is_twice = machine.name == MACHINE_TO_ENTER and EXCEPTIONS.get(begins) == "twice"
    site = TWICE_DAILY if is_twice else SITES[place % len(SITES)]
    days = clinic.treatment_days(machine, clinic.working_day, step=-1)
    first_day = [next(days) for _ in range(3 + place % 8)][-1]
    payer = list(clinic.payers.values())[place % len(clinic.payers)]
    clinic.treat(
        prescription=clinic.open_course(machine=machine, site=site, payer=payer, first_day=first_day),
        machine=machine,
        first_day=first_day,
        starts=[begins, SECOND_START] if is_twice else [begins],
        until=datetime.combine(clinic.working_day, time(0), machine.department.zone),
        guidance="cbct",
    )


def _log_of(clinic: Clinic, machine: Machine) -> TreatmentLog:
    """What the machine's log has of the last working day, and of today up to this minute."""
    log = TreatmentLog()
    keys = count(machine.pk * 1_000_000)
    planned = ScheduledFraction.objects.filter(
        machine=machine, planned_on__in=[clinic.working_day, clinic.today]
    ).select_related("prescription__course__patient")
    for fraction in planned.order_by("planned_on", "planned_time", "pk"):
        is_as_told = machine.name == MACHINE_TO_ENTER and fraction.planned_on == clinic.working_day
        if is_as_told and fraction.planned_time in NOT_IN_THE_LOG:
            continue
        is_partial = is_as_told and EXCEPTIONS.get(fraction.planned_time) == "partial"
        late = timedelta(minutes=clinic.random.randrange(-2, 7))
        started_at = datetime.combine(fraction.planned_on, fraction.planned_time) + late
        ended_at = started_at + timedelta(minutes=2 * MINUTES_OF_A_FIELD)
        if ended_at.replace(tzinfo=machine.department.zone) < clinic.now:
            _log_session(log, fraction, started_at, is_partial, keys)
    return log


def _log_session(
    log: TreatmentLog, fraction: ScheduledFraction, started_at: datetime, is_partial: bool, keys: count
) -> None:
    """Two fields of one session; the second one is broken off where the session is partial."""
    prescription = fraction.prescription
    patient, site = prescription.course.patient, prescription.pk
    log.patient_numbers[patient.pk] = patient.number
    log.sites[site] = SourceSite(
        site_id=site,
        source_patient_id=patient.pk,
        name=prescription.anatomical_site,
        technique="VMAT",
        dose_per_fraction_cgy=prescription.dose_per_fraction_cgy,
        fractions=prescription.fractions,
    )
    for number in (1, 2):
        begins = started_at + timedelta(minutes=(number - 1) * MINUTES_OF_A_FIELD)
        key = next(keys)
        log.treated.append(
            TreatedField(
                key=key,
                line=len(log.treated) + 2,
                source_patient_id=patient.pk,
                machine_name=fraction.machine.source_name,
                site_id=site,
                field_id=site * 10 + number,
                started_at=begins,
                ended_at=begins + timedelta(minutes=MINUTES_OF_A_FIELD),
                is_complete=not (is_partial and number == 2),
            )
        )


def _record_again(clinic: Clinic, session: TreatmentSession) -> None:
    """The same fraction a second time, later the same day, as when two people enter one sheet of paper."""
    delivered = session.delivered_fractions.get()
    begins = (session.local_start + timedelta(minutes=20)).time()
    again = clinic.session(session.course, session.department, session.machine, session.date_of_service, begins, "cbct")
    clinic.remember(
        session.course,
        [again],
        [
            DeliveredFraction(
                session=again, prescription=delivered.prescription, fraction_number=delivered.fraction_number
            )
        ],
    )


def _add_course_with_two_authorized_left(clinic: Clinic, machine: Machine) -> None:
    """A course under way of which the payer authorized two sessions more than were delivered."""
    days = clinic.treatment_days(machine, clinic.working_day, step=-1)
    first_day = [next(days) for _ in range(18)][-1]
    prescription = clinic.open_course(
        machine=machine,
        site=LEFT_LUNG,
        payer=clinic.payers["cigna"],
        first_day=first_day,
        units=20,
        account_number=TWO_AUTHORIZED_LEFT,
    )
    clinic.treat(
        prescription=prescription,
        machine=machine,
        first_day=first_day,
        starts=[time(15, 20)],
        until=datetime.combine(clinic.today, time(0), machine.department.zone),
        guidance="cbct",
    )
