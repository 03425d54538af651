"""Queries and rows behind charge review, the report on charges and its files."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from io import BytesIO
from typing import Any

import xlsxwriter
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum, TextChoices
from django.db.models.functions import TruncMonth
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from coding.models import ChargeLine, LineState, SessionHold
from payers.models import Payer
from portal.models import User

PAYER = "ruling__policy_version__policy__payer"
# How a filter names lines that no payer's policy ruled; no slug holds this sign.
NO_PAYER = "~none"
# A spreadsheet would run text that begins like this as a formula.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
BYTE_ORDER_MARK = "\ufeff"


class Grouping(TextChoices):
    """What charges can be grouped by, in the order in which the columns stand."""

    PAYER = "payer", gettext_lazy("Payer")
    MONTH = "month", gettext_lazy("Month")
    CODE = "code", gettext_lazy("Code")
    STATE = "state", gettext_lazy("State")


class Missing(TextChoices):
    """The amounts that a line may lack."""

    CHARGE = "charge", gettext_lazy("Charge amount")
    EXPECTED = "expected", gettext_lazy("Expected amount")


GROUP_FIELDS = {
    Grouping.PAYER: (f"{PAYER}__name", f"{PAYER}__slug"),
    Grouping.MONTH: ("month",),
    Grouping.CODE: ("code",),
    Grouping.STATE: ("state",),
}


@dataclass(frozen=True, slots=True)
class ChargeFilters:
    """Which live lines are meant; an empty filter leaves everything. Both ends of the dates are inclusive.

    Owner, reason and `held_since` are asked of the open holds of a line: one hold must answer to all three. A filing
    deadline is asked only of lines that are not exported.
    """

    payer: Payer | None = None
    is_without_payer: bool = False
    department_id: int | None = None
    machine_id: int | None = None
    physician_id: int | None = None
    state: str = ""
    code: str = ""
    reason: str = ""
    owner_id: int | None = None
    is_without_owner: bool = False
    held_since: datetime | None = None
    missing: str = ""
    start: date | None = None
    end: date | None = None
    file_from: date | None = None
    file_through: date | None = None


def charge_lines(*, user: User, filters: ChargeFilters) -> QuerySet:
    """The live lines that the person may see and the filters leave."""
    wanted = session_wanted(filters)
    if filters.payer is not None:
        wanted &= Q(**{PAYER: filters.payer})
    if filters.is_without_payer:
        wanted &= Q(ruling__policy_version__isnull=True)
    if filters.state:
        wanted &= Q(state=filters.state)
    if filters.code:
        wanted &= Q(code=filters.code)
    if filters.missing:
        wanted &= Q(**{f"{filters.missing}_amount__isnull": True})
    # The day stands on the line too, and there in the order of the pages.
    if filters.start is not None:
        wanted &= Q(date_of_service__gte=filters.start)
    if filters.end is not None:
        wanted &= Q(date_of_service__lte=filters.end)
    if is_of_holds(filters):
        on_the_line = Q(Q(claim_form="") | Q(claim_form=OuterRef("claim_form"))) & Q(
            Q(role="") | Q(role=OuterRef("role"))
        )
        holds = holds_wanted(filters)
        # Holds are few beside lines: named as a set, their sessions lead to the lines and not the other way round.
        wanted &= Q(session__in=holds.values("session"))
        wanted &= Q(Exists(holds.filter(on_the_line, session=OuterRef("session"))))
    if is_of_deadline(filters):
        # A line that is not exported always stands under the current ruling of its session.
        wanted &= ~Q(state=LineState.EXPORTED) & Q(ruling__is_current=True) & deadline_wanted(filters, "ruling__")
    return ChargeLine.objects.live().visible_to(user).filter(wanted)


def session_wanted(filters: ChargeFilters) -> Q:
    """Department, machine and physician of the session."""
    wanted = Q()
    if filters.department_id is not None:
        wanted &= Q(session__department=filters.department_id)
    if filters.machine_id is not None:
        wanted &= Q(session__machine=filters.machine_id)
    if filters.physician_id is not None:
        wanted &= Q(session__physician=filters.physician_id)
    return wanted


def is_of_holds(filters: ChargeFilters) -> bool:
    """Whether the filters ask for something of holds."""
    return bool(
        filters.reason or filters.owner_id is not None or filters.is_without_owner or filters.held_since is not None
    )


def holds_wanted(filters: ChargeFilters) -> QuerySet:
    """The open holds that answer to reason, owner and age."""
    wanted = Q()
    if filters.reason:
        wanted &= Q(name=filters.reason)
    if filters.owner_id is not None:
        wanted &= Q(owner=filters.owner_id)
    if filters.is_without_owner:
        wanted &= Q(owner__isnull=True)
    if filters.held_since is not None:
        wanted &= Q(opened_at__lte=filters.held_since)
    return SessionHold.objects.open().filter(wanted)


def is_of_deadline(filters: ChargeFilters) -> bool:
    """Whether the filters ask for a deadline."""
    return filters.file_from is not None or filters.file_through is not None


def deadline_wanted(filters: ChargeFilters, of_ruling: str = "") -> Q:
    """Rulings whose last day to file lies in the days asked for; a deadline that nobody knows is in none."""
    wanted = Q()
    if filters.file_from is not None:
        wanted &= Q(**{f"{of_ruling}file_by__gte": filters.file_from})
    if filters.file_through is not None:
        wanted &= Q(**{f"{of_ruling}file_by__lte": filters.file_through})
    return wanted


@dataclass(frozen=True, slots=True)
class GroupKey:
    """What the lines of a row have in common under one grouping: as people read it, and as a filter names it."""

    grouping: Grouping
    label: str
    value: str


@dataclass(frozen=True, slots=True)
class ChargeRow:
    """Lines that agree in every grouping. A sum over lines without any amount is None, never zero."""

    keys: tuple[GroupKey, ...]
    lines: int
    units: int
    charged: Decimal | None
    without_charge: int
    expected: Decimal | None
    without_expected: int


def charge_rows(lines: QuerySet, groupings: Sequence[Grouping]) -> list[ChargeRow]:
    """The lines summed by the groupings, in their order."""
    fields = [field for grouping in groupings for field in GROUP_FIELDS[grouping]]
    groups = lines.annotate(month=TruncMonth("date_of_service")).order_by(*fields).values(*fields)
    return [
        _row(tuple(_group_key(grouping, group) for grouping in groupings), group)
        for group in groups.annotate(**_sums())
    ]


def charge_total(lines: QuerySet) -> ChargeRow:
    """All the lines together."""
    return _row((), lines.order_by().aggregate(**_sums()))


def _sums() -> dict[str, Any]:
    return {
        "lines": Count("pk"),
        "all_units": Sum("units"),
        "charged": Sum("charge_amount"),
        "with_charge": Count("charge_amount"),
        "expected": Sum("expected_amount"),
        "with_expected": Count("expected_amount"),
    }


def _row(keys: tuple[GroupKey, ...], sums: dict[str, Any]) -> ChargeRow:
    return ChargeRow(
        keys=keys,
        lines=sums["lines"],
        units=sums["all_units"] or 0,
        charged=sums["charged"],
        without_charge=sums["lines"] - sums["with_charge"],
        expected=sums["expected"],
        without_expected=sums["lines"] - sums["with_expected"],
    )


def _group_key(grouping: Grouping, group: dict[str, Any]) -> GroupKey:
    value = group[GROUP_FIELDS[grouping][-1]]
    if grouping is Grouping.PAYER:
        return GroupKey(grouping, group[f"{PAYER}__name"] or _("No payer"), value or NO_PAYER)
    if grouping is Grouping.MONTH:
        return GroupKey(grouping, f"{value:%Y-%m}", value.isoformat())
    if grouping is Grouping.STATE:
        return GroupKey(grouping, str(LineState(value).label), value)
    return GroupKey(grouping, value, value)


@dataclass(frozen=True, slots=True)
class ChargeReport:
    """What page and files show alike: what was asked for, in words, the rows, and all of them together."""

    filters: list[tuple[str, str]]
    groupings: tuple[Grouping, ...]
    rows: list[ChargeRow]
    total: ChargeRow

    @property
    def headings(self) -> list[str]:
        return [str(grouping.label) for grouping in self.groupings]


def charge_report(
    *, user: User, filters: ChargeFilters, in_words: list[tuple[str, str]], groupings: tuple[Grouping, ...]
) -> ChargeReport:
    """The report on the live lines that the person may see and the filters leave, in two queries."""
    lines = charge_lines(user=user, filters=filters)
    return ChargeReport(in_words, groupings, charge_rows(lines, groupings), charge_total(lines))


def report_table(report: ChargeReport) -> Iterator[list[Any]]:
    """The table of a report: headings, rows and the total. Counts are int, amounts Decimal, a missing one is a word."""
    yield [
        *report.headings,
        _("Lines"),
        _("Units"),
        _("Charge amount"),
        _("Lines without a charge amount"),
        _("Expected amount"),
        _("Lines without an expected amount"),
    ]
    for row in report.rows:
        yield [*(key.label for key in row.keys), *_numbers(row)]
    yield [_("All"), *[""] * (len(report.groupings) - 1), *_numbers(report.total)]


def _numbers(row: ChargeRow) -> list[Any]:
    missing = _("missing")
    return [
        row.lines,
        row.units,
        missing if row.charged is None else row.charged,
        row.without_charge,
        missing if row.expected is None else row.expected,
        row.without_expected,
    ]


def report_csv(report: ChargeReport) -> Iterator[str]:
    """The report as lines of CSV: its filters, then its table. No cell begins a formula."""
    writer = csv.writer(Echo())
    yield BYTE_ORDER_MARK
    for name, value in _printed_filters(report):
        yield writer.writerow([harmless(name), harmless(value)])
    yield writer.writerow([])
    for cells in report_table(report):
        yield writer.writerow([harmless(cell) if isinstance(cell, str) else cell for cell in cells])


def report_xlsx(report: ChargeReport) -> bytes:
    """The report as a workbook: its filters, then its table; text is written as text and never as a formula."""
    out = BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    sheet = book.add_worksheet(_("Charges"))
    bold, money = book.add_format({"bold": True}), book.add_format({"num_format": "$#,##0.00"})
    filters = _printed_filters(report)
    for place, (name, value) in enumerate(filters):
        sheet.write_string(place, 0, name, bold)
        sheet.write_string(place, 1, value)
    first = len(filters) + 1
    for place, cells in enumerate(report_table(report), start=first):
        for column, cell in enumerate(cells):
            if isinstance(cell, str):
                sheet.write_string(place, column, cell, bold if place == first else None)
            else:
                sheet.write_number(place, column, cell, money if isinstance(cell, Decimal) else None)
    sheet.freeze_panes(first + 1, 0)
    sheet.set_column(0, len(report.groupings) + 5, 20)
    book.close()
    return out.getvalue()


def harmless(text: str) -> str:
    """Text that a spreadsheet would run as a formula gets an apostrophe before it."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def _printed_filters(report: ChargeReport) -> list[tuple[str, str]]:
    return report.filters or [(_("Filters"), _("none: all live lines"))]


class Echo:
    """A file that hands back what is written to it, so that a long table leaves line by line."""

    def write(self, text: str) -> str:
        return text
