"""The demo's known gaps: two courses with what no trap shows, and how many of each kind there are."""

from datetime import date, time, timedelta
from types import MappingProxyType

from coding.demo_clinic import SITES, Clinic
from coding.models import ChargeLine, LineState
from coding.reconciliation import GapKind
from coding.services import capture_from, mark_exported
from portal.models import DeliveredFraction, Machine, TreatmentSession
from portal.services.sessions import void_session

# The days over which the demo's gaps are known: the courses across the turn of 2026, and every trap of those months.
FIRST_KNOWN, LAST_KNOWN = date(2025, 10, 1), date(2026, 6, 30)
# So many gaps of each knowable kind are in those days, in the organization that has the traps.
EXPECTED_GAPS = MappingProxyType(
    {
        # Nine sessions that an error refuses, and two that are held without a line.
        GapKind.DELIVERED_NOT_CHARGED: 11,
        # Two sessions that were sent and then voided.
        GapKind.CHARGED_NOT_DELIVERED: 2,
        # Fractions 9 and 20 of one course, and the two days whose session was voided.
        GapKind.MISSED_WITHOUT_REASON: 4,
        # One treatment entered twice, one fraction recorded again that day, and one recorded twice within a visit.
        GapKind.DUPLICATE: 3,
        # Two sessions after the last planned day of a course that was planned short.
        GapKind.EXTRA: 2,
        # Fraction 34 of 33, and 36 of 35.
        GapKind.OVER_PRESCRIPTION: 2,
        # None on file, units used up twice, ended, and given for the old code.
        GapKind.AUTHORIZATION_SHORT: 5,
    }
)
SENT_AND_VOIDED = "RA-350006"
BEYOND_THE_PLAN = "RA-350007"
GUIDED_BY = "cbct"
FIRST_DAY = date(2026, 1, 12)
PLANNED = 6


def add_gaps(clinic: Clinic) -> None:
    """A course of which two sessions were sent and then voided, and one that went on after its plan had ended."""
    coder, manager = clinic.users["coder"], clinic.users["manager"]
    machine = Machine.objects.select_related("department").get(
        department=clinic.departments["main"], source_name="MAIN2"
    )
    for account in (SENT_AND_VOIDED, BEYOND_THE_PLAN):
        prescription = clinic.open_course(
            machine=machine,
            site=SITES[0],
            payer=clinic.payers["medicare"],
            first_day=FIRST_DAY,
            account_number=account,
        )
        planned = clinic.treat(
            prescription=prescription,
            machine=machine,
            first_day=FIRST_DAY,
            starts=[time(16, 40)],
            until=clinic.now,
            guidance=GUIDED_BY,
            fractions=PLANNED,
        )
    _treat_after_the_plan(clinic, machine, prescription, planned[-1].planned_on)
    for account in (SENT_AND_VOIDED, BEYOND_THE_PLAN):
        course = clinic.organization.courses.select_related("patient").get(account_number=account)
        capture_from(patient=course.patient, day=FIRST_DAY, by=coder)
    sessions = TreatmentSession.objects.filter(course__account_number=SENT_AND_VOIDED, organization=clinic.organization)
    for session in sessions.select_related("course__patient").order_by("started_at")[:2]:
        lines = ChargeLine.objects.live().filter(session=session, state=LineState.READY)
        mark_exported(lines=list(lines.select_related("session__course")), by=manager)
        void_session(session=session, reason="Entered for another patient", at=clinic.now, by=manager)
        capture_from(patient=session.course.patient, day=session.date_of_service, by=manager)


def _treat_after_the_plan(clinic: Clinic, machine: Machine, prescription, last_planned: date) -> None:
    days = clinic.treatment_days(machine, last_planned + timedelta(days=1))
    for number in (PLANNED + 1, PLANNED + 2):
        session = clinic.session(prescription.course, machine.department, machine, next(days), time(16, 40), GUIDED_BY)
        delivered = DeliveredFraction(session=session, prescription=prescription, fraction_number=number)
        clinic.remember(prescription.course, [session], [delivered])
