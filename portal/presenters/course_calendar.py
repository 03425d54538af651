"""The cells of a course laid out by weeks, with the days on which nobody is treated and the days codes change."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Q
from django.utils.translation import gettext as _

from coding.codebook_files import load_codebook
from coding.ledger import CourseLedger
from coding.pattern_services import outlook
from portal.models import ClosedDay
from portal.presenters.course_cells import Cell

SATURDAY = 5
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Seam:
    """A day from which sessions of the course take other delivery codes."""

    day: date
    ended: tuple[str, ...]
    begun: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Day:
    """One square of the calendar. `closed` says why nobody was treated; `seam_side` where the week's seam passes it."""

    day: date
    label: str
    names_month: bool
    cells: tuple[Cell, ...]
    closed: str
    seam_side: str


@dataclass(frozen=True, slots=True)
class Week:
    """One row of the calendar; `empty_before` counts the weeks without anything that were left out above it."""

    number: int
    label: str
    year: str
    days: tuple[Day, ...]
    lines: int
    seam: Seam | None
    empty_before: int


def weekday_names(cells: Iterable[Cell]) -> list[str]:
    """The columns: Monday to Friday, and the weekend's only where something stands on it."""
    names = [_("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Sun")]
    return names[: max([SATURDAY, *(cell.day.weekday() + 1 for cell in cells)])]


def calendar_weeks(ledger: CourseLedger, cells: Sequence[Cell]) -> list[Week]:
    """The weeks from the first cell to the last; those without a cell are counted, not drawn."""
    if not cells:
        return []
    columns = len(weekday_names(cells))
    by_day: dict[date, list[Cell]] = defaultdict(list)
    for cell in cells:
        by_day[cell.day].append(cell)
    first, last = cells[0].day, cells[-1].day
    closed = _closed_days(ledger, first, last)
    seams = _seams(ledger, first, last)
    monday = first_monday = first - timedelta(days=first.weekday())
    weeks: list[Week] = []
    empty = 0
    while monday <= last:
        dates = [monday + timedelta(days=offset) for offset in range(7)]
        seam = next((s for s in seams if s.day in dates), None)
        named = {day for day in dates if day == first or day.day == 1}
        if not seam and not any(by_day[day] for day in dates):
            empty += 1
        else:
            changes_year = not weeks or weeks[-1].days[0].day.year != monday.year
            weeks.append(
                Week(
                    number=(monday - first_monday).days // 7 + 1,
                    label=f"{monday:%b} {monday.day}",
                    year=str(monday.year) if changes_year else "",
                    days=tuple(
                        Day(
                            day=day,
                            label=f"{day:%b} {day.day}" if day in named else str(day.day),
                            names_month=day in named,
                            cells=tuple(by_day[day]),
                            closed=_closed_words(closed, by_day[day], day),
                            seam_side=_seam_side(seam, day, monday),
                        )
                        for day in dates[:columns]
                    ),
                    lines=sum(len(cell.lines) for day in dates for cell in by_day[day]),
                    seam=seam,
                    empty_before=empty,
                )
            )
            empty = 0
        monday += timedelta(days=7)
    return weeks


def _seam_side(seam: Seam | None, day: date, monday: date) -> str:
    """Before the seam the line runs under the squares, at it down their left side, from it on over them."""
    if seam is None:
        return ""
    if day < seam.day:
        return "before"
    return "at" if day == seam.day and day != monday else "after"


def _closed_words(closed: Mapping[date, str], cells: Sequence[Cell], day: date) -> str:
    """Why nobody was treated; a day with a session was not closed after all."""
    return "" if any(cell.kind == "session" for cell in cells) else closed.get(day, "")


def _closed_days(ledger: CourseLedger, first: date, last: date) -> dict[date, str]:
    """The days on which the department, or a machine of the course, did not treat, with why."""
    machines = {row.session.machine_id for row in ledger.rows if row.session}
    machines |= {row.planned.machine_id for row in ledger.rows if row.planned}
    closed = ClosedDay.objects.filter(department=ledger.course.department_id, day__range=(first, last))
    of_course = closed.filter(Q(machine=None) | Q(machine__in=machines - {None})).order_by("day", "machine__name")
    words: dict[date, list[str]] = defaultdict(list)
    for day, machine, reason in of_course.values_list("day", "machine__name", "reason"):
        words[day].append(f"{machine}: {reason}" if machine else reason)
    return {day: "; ".join(reasons) for day, reasons in words.items()}


def _seams(ledger: CourseLedger, first: date, last: date) -> list[Seam]:
    """The days after the first and up to the last from which sessions of the course take other delivery codes."""
    starts = {choice.period.starts_on for choice in load_codebook().delivery_choices if choice.period.starts_on}
    days = sorted(day for day in starts if first < day <= last)
    around = [day for start in days for day in (start - ONE_DAY, start)]
    seams = []
    outlooks = [
        outlook(prescription=prescription, days=around, record=ledger.record).codes
        for prescription in (ledger.prescriptions if days else ())
    ]
    for start in days:
        before = {code for codes in outlooks for code in codes[start - ONE_DAY]}
        after = {code for codes in outlooks for code in codes[start]}
        if before != after:
            seams.append(Seam(start, tuple(sorted(before - after)), tuple(sorted(after - before))))
    return seams
