"""Days on which a department does not treat, or one of its machines is down."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db import transaction
from django.db.models import Q

from portal.models import ClosedDay, Department, Machine, ScheduledFraction, User
from portal.services.audit import record_event

SATURDAY, SUNDAY = 5, 6
ONE_DAY = timedelta(days=1)
# Pub. L. 117-17 of June 17, 2021.
FIRST_JUNETEENTH = 2021


@dataclass(frozen=True, slots=True)
class Holiday:
    """A holiday by name: the day that the law names, and the day on which it is observed."""

    name: str
    falls_on: date

    @property
    def day(self) -> date:
        if self.falls_on.weekday() == SATURDAY:
            return self.falls_on - ONE_DAY
        return self.falls_on + ONE_DAY if self.falls_on.weekday() == SUNDAY else self.falls_on


def federal_holidays(year: int) -> tuple[Holiday, ...]:
    """The legal public holidays of the United States, in order: the eleven of 5 U.S.C. 6103(a), ten before 2021.

    One that falls on a Saturday is observed on the Friday before it (5 U.S.C. 6103(b)(1)), one on a Sunday on the
    Monday after it (Executive Order 11582, section 3). So New Year's Day may be observed in the year before.
    """
    holidays = [
        Holiday("New Year's Day", date(year, 1, 1)),
        Holiday("Birthday of Martin Luther King, Jr.", _nth(3, 0, year, 1)),
        Holiday("Washington's Birthday", _nth(3, 0, year, 2)),
        Holiday("Memorial Day", _last_monday_of_may(year)),
        Holiday("Juneteenth National Independence Day", date(year, 6, 19)),
        Holiday("Independence Day", date(year, 7, 4)),
        Holiday("Labor Day", _nth(1, 0, year, 9)),
        Holiday("Columbus Day", _nth(2, 0, year, 10)),
        Holiday("Veterans Day", date(year, 11, 11)),
        Holiday("Thanksgiving Day", _nth(4, 3, year, 11)),
        Holiday("Christmas Day", date(year, 12, 25)),
    ]
    return tuple(h for h in holidays if year >= FIRST_JUNETEENTH or not h.name.startswith("Juneteenth"))


def closed_days_from(*, machine: Machine, first_day: date) -> dict[date, str]:
    """Each day from the first on that the machine or its whole department is closed, with its reason."""
    days = (
        ClosedDay.objects.filter(department=machine.department_id, day__gte=first_day)
        .filter(Q(machine=machine) | Q(machine__isnull=True))
        # Nulls come last, so that the reason of the whole department stands before that of the machine.
        .order_by("day", "machine_id")
    )
    return {closed.day: closed.reason for closed in days}


def fractions_planned_on(*, department: Department, machine: Machine | None, days: Collection[date]) -> int:
    """How many fractions stand planned on the days on the machine, or on any of the department's."""
    planned = ScheduledFraction.objects.filter(missed_reason="", planned_on__in=days, machine__department=department)
    return (planned.filter(machine=machine) if machine else planned).count()


@transaction.atomic
def close_days(
    *, department: Department, machine: Machine | None, reasons: Mapping[date, str], by: User
) -> list[ClosedDay]:
    """Close the department, or one machine of it, on the days, each for its reason; days closed already stay as is."""
    Department.objects.select_for_update().get(pk=department.pk)
    already = set(department.closed_days.filter(machine=machine, day__in=reasons).values_list("day", flat=True))
    closed = ClosedDay.objects.bulk_create(
        ClosedDay(department=department, machine=machine, day=day, reason=reason)
        for day, reason in sorted(reasons.items())
        if day not in already
    )
    if closed:
        _record(department, "close_days", f"{machine or department} closed on {_days_in_words(closed)}", by)
    return closed


@transaction.atomic
def reopen_day(*, closed: ClosedDay, by: User) -> None:
    """Treat on a day that was to be closed."""
    department, place = closed.department, closed.machine or closed.department
    closed.delete()
    _record(department, "reopen_day", f"{place} open on {closed.day:%m/%d/%Y}, was closed: {closed.reason}", by)


def days_between(first: date, last: date) -> list[date]:
    """Every day from the first to the last, both included."""
    return [first + timedelta(days=offset) for offset in range((last - first).days + 1)]


def _record(department: Department, action: str, sentence: str, by: User) -> None:
    record_event(
        subject=department, action=action, sentence=sentence[:400], by=by, organization=department.organization_id
    )


def _days_in_words(closed: Sequence[ClosedDay]) -> str:
    """At most a dozen days with their reasons; a longer stretch by its ends."""
    if len(closed) > 12:
        first, last = closed[0], closed[-1]
        return f"{len(closed)} days, {first.day:%m/%d/%Y} to {last.day:%m/%d/%Y}: {first.reason}"
    return ", ".join(f"{row.day:%m/%d/%Y} ({row.reason})" for row in closed)


def _nth(count: int, weekday: int, year: int, month: int) -> date:
    """The third Monday, say, of a month; Monday is 0."""
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (count - 1))


def _last_monday_of_may(year: int) -> date:
    last = date(year, 5, 31)
    return last - timedelta(days=last.weekday())
