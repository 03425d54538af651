"""Queries and rows behind charge review, the report on charges and its files."""

import csv
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from io import BytesIO
from operator import getitem
from typing import Any, NamedTuple

import xlsxwriter
from django.db.models import Exists, OuterRef, Q, QuerySet, TextChoices
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from coding.engine.periods import ONE_DAY
from coding.engine.vocabulary import Setting
from coding.lag import DAYS_TO_FIRST_LINE, lag_wanted
from coding.models import ChargeLine, ChargeRollup, LineState, SessionHold
from coding.models.rates import CONTRACT_FROM
from coding.rollups import (
    NO_LINES,
    PAYER,
    SETTING,
    LineSums,
    counts_of_lines,
    counts_of_months,
    sums_of_lines,
    sums_of_months,
)
from payers.models import Payer
from portal.models import Department, DepartmentSetting, Physician, User

# How a filter names lines that no payer's policy ruled, and sessions that name no physician; no slug holds this sign.
NO_PAYER = NO_PHYSICIAN = "~none"
# How a filter and a report name lines without any modifier.
NO_MODIFIERS = "none"
SETTING_LABELS = {**dict(DepartmentSetting.choices), Setting.INPATIENT.value: gettext_lazy("Inpatient")}
# A spreadsheet would run text that begins like this as a formula.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
BYTE_ORDER_MARK = "\ufeff"


class Grouping(TextChoices):
    """What charges can be grouped by, in the order in which the columns stand."""

    PAYER = "payer", gettext_lazy("Payer")
    MONTH = "month", gettext_lazy("Month")
    SETTING = "setting", gettext_lazy("Setting")
    DEPARTMENT = "department", gettext_lazy("Department")
    PHYSICIAN = "physician", gettext_lazy("Physician")
    CODE = "code", gettext_lazy("Code")
    MODIFIERS = "modifiers", gettext_lazy("Modifiers")
    STATE = "state", gettext_lazy("State")


class Missing(TextChoices):
    """The amounts that a line may lack."""

    CHARGE = "charge", gettext_lazy("Charge amount")
    EXPECTED = "expected", gettext_lazy("Expected amount")


class ExpectedBy(TextChoices):
    """Whose rates an expected amount rests on."""

    NATIONAL = "national", gettext_lazy("National rates")
    CONTRACT = "contract", gettext_lazy("Your own rates, by contract")

    @classmethod
    def of(cls, expected_from: str) -> "ExpectedBy":
        """By what a line says of its expected amount, where it has one."""
        return cls.CONTRACT if expected_from.startswith(CONTRACT_FROM) else cls.NATIONAL


# What is grouped by where nobody chose.
USUAL_GROUPINGS = (Grouping.PAYER, Grouping.MONTH, Grouping.CODE, Grouping.STATE)


@dataclass(frozen=True, slots=True)
class ChargeFilters:
    """Which live lines are meant; an empty filter leaves everything. Both ends of the dates are inclusive.

    `modifier` is one that a line carries, `modifiers` are all that it carries, in their order.
    Owner, reason and `held_since` are asked of the open holds of a line: one hold must answer to all three. A filing
    deadline is asked only of lines that are not exported.
    """

    payer: Payer | None = None
    is_without_payer: bool = False
    department_id: int | None = None
    machine_id: int | None = None
    physician_id: int | None = None
    is_without_physician: bool = False
    setting: str = ""
    state: str = ""
    code: str = ""
    modifier: str = ""
    modifiers: tuple[str, ...] | None = None
    reason: str = ""
    owner_id: int | None = None
    is_without_owner: bool = False
    held_since: datetime | None = None
    missing: str = ""
    expected_by: str = ""
    lag: str = ""
    start: date | None = None
    end: date | None = None
    file_from: date | None = None
    file_through: date | None = None


def charge_lines(*, user: User, filters: ChargeFilters) -> QuerySet:
    """The live lines that the person may see and the filters leave."""
    lines = ChargeLine.objects.live().visible_to(user)
    if filters.setting:
        lines = lines.alias(setting_that_day=SETTING).filter(setting_that_day=filters.setting)
    wanted = session_wanted(filters) & _line_wanted(filters, payer=PAYER)
    if filters.missing:
        wanted &= Q(**{f"{filters.missing}_amount__isnull": True})
    if filters.lag:
        lines = lines.alias(days_to_first_line=DAYS_TO_FIRST_LINE)
        wanted &= lag_wanted(filters.lag, days="days_to_first_line")
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
    return lines.filter(wanted)


def _line_wanted(filters: ChargeFilters, *, payer: str) -> Q:
    """What lines and their kept sums are asked alike; `payer` is where either has its payer."""
    wanted = Q()
    if filters.payer is not None:
        wanted &= Q(**{payer: filters.payer})
    if filters.is_without_payer:
        wanted &= Q(**{f"{payer}__isnull": True})
    if filters.state:
        wanted &= Q(state=filters.state)
    if filters.code:
        wanted &= Q(code=filters.code)
    if filters.modifier:
        wanted &= Q(modifiers__contains=[filters.modifier])
    if filters.modifiers is not None:
        wanted &= Q(modifiers=list(filters.modifiers))
    if filters.expected_by:
        by_contract = Q(expected_from__startswith=CONTRACT_FROM)
        is_of_contract = filters.expected_by == ExpectedBy.CONTRACT
        wanted &= by_contract if is_of_contract else ~by_contract & ~Q(expected_from="")
    return wanted


def line_sums(*, user: User, filters: ChargeFilters, by: Sequence[str]) -> dict[tuple, LineSums]:
    """The sums of exactly the lines of `charge_lines`, keyed by the values of `by` (`coding.rollups`), in that order.

    They come from what is kept by month where the filters ask only for what is kept, and from the lines otherwise.
    """
    lines = partial(charge_lines, user=user, filters=filters)
    return sums_of_months(lines, by=by, **_kept(user, filters)) if _are_kept(filters) else sums_of_lines(lines(), by)


def line_counts(*, user: User, filters: ChargeFilters, by: Sequence[str]) -> dict[tuple, int]:
    """How many lines `line_sums` sums, which is sooner told."""
    lines = partial(charge_lines, user=user, filters=filters)
    return (
        counts_of_months(lines, by=by, **_kept(user, filters)) if _are_kept(filters) else counts_of_lines(lines(), by)
    )


def _kept(user: User, filters: ChargeFilters) -> dict[str, Any]:
    """The kept sums that the filters leave, and what they ask of a line, as `coding.rollups` wants both."""
    wanted = _line_wanted(filters, payer="payer")
    if filters.department_id is not None:
        wanted &= Q(department=filters.department_id)
    if filters.machine_id is not None:
        wanted &= Q(machine=filters.machine_id)
    if filters.physician_id is not None:
        wanted &= Q(physician=filters.physician_id)
    if filters.is_without_physician:
        wanted &= Q(physician__isnull=True)
    if filters.setting:
        wanted &= Q(setting=filters.setting)
    if filters.start is not None:
        wanted &= Q(month__gte=filters.start)
    if filters.end is not None:
        wanted &= Q(month__lte=filters.end)
    rollups = ChargeRollup.objects.filter(wanted, organization=user.organization_id)
    if not user.sees_all_departments:
        rollups = rollups.filter(department__users=user)
    asked = {
        name
        for name, is_asked in (
            ("payer", filters.payer is not None or filters.is_without_payer),
            ("machine", filters.machine_id is not None),
            ("physician", filters.physician_id is not None or filters.is_without_physician),
            ("modifiers", filters.modifier or filters.modifiers is not None),
            ("expected_from", filters.expected_by),
        )
        if is_asked
    }
    return {"rollups": rollups, "asked": asked, "organization_id": user.organization_id}


def _are_kept(filters: ChargeFilters) -> bool:
    """Whether the filters ask for whole months, and for nothing that is not kept with the sums."""
    begins_a_month = filters.start is None or filters.start.day == 1
    ends_a_month = filters.end is None or (filters.end + ONE_DAY).day == 1
    is_of_lines = filters.missing or filters.lag
    return begins_a_month and ends_a_month and not (is_of_lines or is_of_holds(filters) or is_of_deadline(filters))


def session_wanted(filters: ChargeFilters) -> Q:
    """Department, machine and physician of the session."""
    wanted = Q()
    if filters.department_id is not None:
        wanted &= Q(session__department=filters.department_id)
    if filters.machine_id is not None:
        wanted &= Q(session__machine=filters.machine_id)
    if filters.physician_id is not None:
        wanted &= Q(session__physician=filters.physician_id)
    if filters.is_without_physician:
        wanted &= Q(session__physician__isnull=True)
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
    is_last: bool = False

    @property
    def order(self) -> tuple[bool, str, str]:
        return (self.is_last, self.label.casefold(), self.value)


class ChargeRow(NamedTuple):
    """Lines that agree in every grouping. A sum over lines without any amount is None, never zero."""

    keys: tuple[GroupKey, ...]
    sums: LineSums

    @property
    def lines(self) -> int:
        return self.sums.lines

    @property
    def units(self) -> int:
        return self.sums.units

    @property
    def charged(self) -> Decimal | None:
        return None if self.without_charge == self.lines else self.sums.charged

    @property
    def without_charge(self) -> int:
        return self.sums.without_charge

    @property
    def expected(self) -> Decimal | None:
        return None if self.without_expected == self.lines else self.sums.expected

    @property
    def without_expected(self) -> int:
        return self.sums.without_expected


def charge_rows(*, user: User, filters: ChargeFilters, groupings: Sequence[Grouping]) -> list[ChargeRow]:
    """The lines summed by the groupings, in their order; what has no payer or physician stands last in its group."""
    sums = line_sums(user=user, filters=filters, by=[grouping.value for grouping in groupings])
    names = [names_of(grouping, {key[place] for key in sums}) for place, grouping in enumerate(groupings)]
    ranks = [
        {value: rank for rank, value in enumerate(sorted(named, key=lambda value, named=named: named[value].order))}
        for named in names
    ]
    ordered = sorted(sums, key=lambda key: tuple(map(getitem, ranks, key)))
    return [ChargeRow(tuple(map(getitem, names, key)), sums[key]) for key in ordered]


def charge_total(rows: Collection[ChargeRow]) -> ChargeRow:
    """All the rows together."""
    columns = zip(*(row.sums for row in rows), strict=True)
    return ChargeRow((), LineSums(*map(sum, columns)) if rows else NO_LINES)


def names_of(grouping: Grouping, values: Collection[Any]) -> dict[Any, GroupKey]:
    """Each value under a grouping as people read it and as a filter names it; records are looked up in one query."""
    if grouping is Grouping.PAYER:
        payers = Payer.objects.filter(pk__in={value for value in values if value}).values_list("pk", "name", "slug")
        named = {pk: GroupKey(grouping, name, slug) for pk, name, slug in payers}
        return named | {None: GroupKey(grouping, _("No payer"), NO_PAYER, is_last=True)}
    if grouping is Grouping.DEPARTMENT:
        departments = Department.objects.filter(pk__in=values).values_list("pk", "name")
        return {pk: GroupKey(grouping, name, str(pk)) for pk, name in departments}
    if grouping is Grouping.PHYSICIAN:
        physicians = Physician.objects.in_bulk({value for value in values if value})
        named = {pk: GroupKey(grouping, str(physician), str(pk)) for pk, physician in physicians.items()}
        return named | {None: GroupKey(grouping, _("No physician"), NO_PHYSICIAN, is_last=True)}
    return {value: _named(grouping, value) for value in values}


def _named(grouping: Grouping, value: Any) -> GroupKey:
    if grouping is Grouping.MONTH:
        return GroupKey(grouping, f"{value:%Y-%m}", value.isoformat())
    if grouping is Grouping.STATE:
        return GroupKey(grouping, str(LineState(value).label), value)
    if grouping is Grouping.SETTING:
        return GroupKey(grouping, str(SETTING_LABELS.get(value) or _("Not known")), value)
    if grouping is Grouping.MODIFIERS:
        return GroupKey(grouping, "-".join(value) or _("none"), "-".join(value) or NO_MODIFIERS)
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
    """The report on the live lines that the person may see and the filters leave."""
    rows = charge_rows(user=user, filters=filters, groupings=groupings)
    return ChargeReport(in_words, groupings, rows, charge_total(rows))


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
    """The report as lines of CSV: its filters, then its table."""
    return table_csv(_printed_filters(report), report_table(report))


def report_xlsx(report: ChargeReport) -> bytes:
    """The report as a workbook: its filters, then its table."""
    return table_xlsx(_("Charges"), _printed_filters(report), report_table(report), amounts="$#,##0.00")


def table_csv(filters: Iterable[tuple[str, str]], table: Iterable[Sequence[Any]]) -> Iterator[str]:
    """Filters, then a table that begins with its headings, as lines of CSV. No cell begins a formula."""
    writer = csv.writer(Echo())
    yield BYTE_ORDER_MARK
    for name, value in filters:
        yield writer.writerow([harmless(name), harmless(value)])
    yield writer.writerow([])
    for cells in table:
        yield writer.writerow([harmless(cell) if isinstance(cell, str) else cell for cell in cells])


def table_xlsx(
    title: str, filters: Sequence[tuple[str, str]], table: Iterable[Sequence[Any]], *, amounts: str
) -> bytes:
    """The same as a workbook; text is written as text and never as a formula, a Decimal in the format `amounts`."""
    out = BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    sheet = book.add_worksheet(title[:31])
    bold, amount = book.add_format({"bold": True}), book.add_format({"num_format": amounts})
    for place, (name, value) in enumerate(filters):
        sheet.write_string(place, 0, name, bold)
        sheet.write_string(place, 1, value)
    first = len(filters) + 1
    for place, cells in enumerate(table, start=first):
        for column, cell in enumerate(cells):
            if isinstance(cell, str):
                sheet.write_string(place, column, cell, bold if place == first else None)
            else:
                sheet.write_number(place, column, cell, amount if isinstance(cell, Decimal) else None)
    sheet.freeze_panes(first + 1, 0)
    sheet.set_column(0, 14, 20)
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
