"""The demo of a coder's day: what waits on the sheets, which courses are worth a look, who works on the holds."""

from datetime import UTC, datetime

import pytest

from coding.demo_clinic import Clinic
from coding.demo_day import (
    EXAMPLES,
    FULL_MACHINE,
    MACHINE_TO_ENTER,
    READY_FOR_A_PATTERN,
    TWO_AUTHORIZED_LEFT,
    add_days_to_enter,
    add_example_courses,
    work_on_holds,
)
from coding.models import ChargeLine, SessionHold
from portal.models import (
    ClosedDay,
    Course,
    DeliveredFraction,
    Machine,
    SavedView,
    ScheduledFraction,
    SessionCandidate,
    TreatmentSession,
)
from portal.services.day_sheets import day_rows

pytestmark = pytest.mark.django_db
# A Tuesday in November, ten in the morning in New York.
NOW = datetime(2026, 11, 24, 15, tzinfo=UTC)


@pytest.fixture
def clinic() -> Clinic:
    """The demo's clinic without any of its courses."""
    return Clinic(name="Riverbend Care", slug="riverbend", suffix="", courses=0, recent=0, now=NOW, password="!")


def candidates_of(clinic: Clinic, machine: str):
    """What the log has of the machine on the last working day."""
    source = Machine.objects.get(name=machine).source_name
    return SessionCandidate.objects.open().filter(machine_name=source, started_at__date=clinic.working_day)


def test_day_to_enter_has_thirty_rows_and_nothing_entered(clinic: Clinic) -> None:
    add_days_to_enter(clinic)

    rows = day_rows(machine=Machine.objects.get(name=MACHINE_TO_ENTER), day=clinic.working_day)

    assert len(rows) == 30
    assert not any(row.is_entered for row in rows)


def test_log_of_the_day_to_enter_has_one_course_twice_and_one_partial(clinic: Clinic) -> None:
    add_days_to_enter(clinic)

    found = candidates_of(clinic, MACHINE_TO_ENTER).prefetch_related("deliveries")

    assert len(found) == 27
    assert len({candidate.patient_number for candidate in found}) == 26
    assert sum(candidate.is_partial for candidate in found) == 1


def test_log_of_today_ends_at_this_minute(clinic: Clinic) -> None:
    add_days_to_enter(clinic)

    today = SessionCandidate.objects.filter(started_at__date=clinic.today)

    assert today.exists()
    assert not today.filter(ended_at__gt=datetime(2026, 11, 24, 10)).exists()


def test_full_machine_has_sixty_patients_in_one_day(clinic: Clinic) -> None:
    add_days_to_enter(clinic)

    rows = day_rows(machine=Machine.objects.get(name=FULL_MACHINE), day=clinic.working_day)

    assert len(rows) == 60
    assert candidates_of(clinic, FULL_MACHINE).count() == 60


@pytest.mark.parametrize("now", [datetime(2026, 11, 29, 15, tzinfo=UTC), datetime(2026, 11, 30, 15, tzinfo=UTC)])
def test_last_working_day_passes_over_weekend_and_holiday(now) -> None:
    clinic = Clinic(name="Riverbend Care", slug="riverbend", suffix="", courses=0, recent=0, now=now, password="!")

    assert f"{clinic.working_day:%m/%d}" == "11/27"


def test_no_fraction_is_planned_on_a_closed_day(clinic: Clinic) -> None:
    add_example_courses(clinic)
    add_days_to_enter(clinic)

    closed = ClosedDay.objects.filter(machine__isnull=True).values("day")

    assert ClosedDay.objects.filter(machine__name="Aurora 1").count() == 2
    assert not ScheduledFraction.objects.filter(planned_on__in=closed).exists()


def test_course_ready_for_a_pattern_is_signed_authorized_and_unplanned(clinic: Clinic) -> None:
    add_example_courses(clinic)

    course = Course.objects.get(account_number=READY_FOR_A_PATTERN.account)
    prescription = course.prescriptions.get()

    assert (prescription.fractions, prescription.scheduled_fractions.count()) == (35, 0)
    assert prescription.signed_at is not None
    assert course.authorizations.get().units == 35


@pytest.mark.parametrize(
    ("account", "numbers"),
    [
        (EXAMPLES[1].account, [*range(1, 9), *range(10, 20), *range(21, 36), 14]),
        (EXAMPLES[2].account, [*range(1, 37)]),
        (EXAMPLES[3].account, [*range(1, 45)]),
        (TWO_AUTHORIZED_LEFT, [*range(1, 19)]),
    ],
)
def test_example_course_delivered_its_fractions(clinic: Clinic, account, numbers) -> None:
    add_example_courses(clinic)

    delivered = DeliveredFraction.objects.filter(session__course__account_number=account)

    assert sorted(delivered.values_list("fraction_number", flat=True)) == sorted(numbers)


def test_fraction_that_is_missing_was_planned(clinic: Clinic) -> None:
    add_example_courses(clinic)

    planned = ScheduledFraction.objects.filter(prescription__course__account_number=EXAMPLES[1].account)

    assert planned.filter(fraction_number__in=[9, 20], missed_reason="").count() == 2


def test_holds_have_owners_due_days_and_notes(clinic: Clinic) -> None:
    clinic.add_traps()
    add_example_courses(clinic)
    clinic.capture()

    work_on_holds(clinic)

    held = SessionHold.objects.open().filter(owner__isnull=False)
    assert held.count() == 8
    assert held.filter(due_on__lt=clinic.today).count() == 3
    assert held.filter(notes__isnull=False).count() == 4
    assert SessionHold.objects.open().filter(placed_by__isnull=False).count() == 1
    assert SavedView.objects.filter(is_shared=True).count() == 2


def test_beyond_the_order_is_held(clinic: Clinic) -> None:
    add_example_courses(clinic)

    clinic.capture()

    beyond = TreatmentSession.objects.get(
        course__account_number=EXAMPLES[2].account, delivered_fractions__fraction_number=36
    )
    assert set(ChargeLine.objects.live().filter(session=beyond).values_list("state", flat=True)) == {"held"}
