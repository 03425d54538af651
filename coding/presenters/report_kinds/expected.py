"""What is expected to be paid: by contract, by national rates of a year, and how many lines have no rate."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from coding.forms.reports import TableReportForm
from coding.presenters.charge_report import filters_of, opened
from coding.presenters.report_shapes import DOLLARS, OF_LINES, ROWS_AT_MOST, Cell, Table, TableReport, bars_of, cell_of
from coding.reports import ExpectedBy, Grouping, GroupKey, Missing, line_sums, names_of
from coding.rollups import NO_LINES, LineSums

BY_CODE, BY_SETTING, BY_YEAR = "code", "setting", "year"


@dataclass(frozen=True, slots=True)
class Expected:
    """Some lines by where their expected amounts come from: a contract, a national schedule, or nowhere."""

    by_contract: LineSums = NO_LINES
    national: LineSums = NO_LINES
    missing: LineSums = NO_LINES
    labels: frozenset[str] = frozenset()

    def __add__(self, other: "Expected") -> "Expected":
        return Expected(
            self.by_contract + other.by_contract,
            self.national + other.national,
            self.missing + other.missing,
            self.labels | other.labels,
        )

    @property
    def all(self) -> LineSums:
        return self.by_contract + self.national + self.missing

    @property
    def amount(self) -> Decimal:
        """What is expected of the lines whose rate is known."""
        return self.by_contract.expected + self.national.expected


def _of(expected_from: str, sums: LineSums) -> Expected:
    if not expected_from:
        return Expected(missing=sums)
    if ExpectedBy.of(expected_from) is ExpectedBy.CONTRACT:
        return Expected(by_contract=sums, labels=frozenset((_("Contract"),)))
    return Expected(national=sums, labels=frozenset((expected_from,)))


@dataclass(frozen=True)
class Third:
    """A setting or a year: as people read it, and the filters that leave its lines; None where none do."""

    label: str = ""
    filters: Mapping[str, str] | None = field(default_factory=dict)


def _expected_table(form: TableReportForm) -> Table:
    """One row for each payer and code, and for each setting or year where that was asked for."""
    third = {BY_CODE: (), BY_SETTING: ("setting",), BY_YEAR: ("month",)}[form.grouping]
    headings = {BY_CODE: (), BY_SETTING: (_("Setting"),), BY_YEAR: (_("Year of service"),)}[form.grouping]
    groups: dict[tuple[Any, str, Any], Expected] = defaultdict(Expected)
    sums = line_sums(user=form.user, filters=form.filters, by=("payer", "code", *third, "expected_from"))
    for (payer, code, *rest, expected_from), summed in sums.items():
        value = next(iter(rest), None)
        groups[(payer, code, value.year if isinstance(value, date) else value)] += _of(expected_from, summed)
    payers = names_of(Grouping.PAYER, {payer for payer, _code, _value in groups})
    thirds = _thirds(form, {value for _payer, _code, value in groups})
    rows, of_payers = [], defaultdict(Expected)
    for payer, code, value in sorted(groups, key=lambda key: (payers[key[0]].order, key[1], thirds[key[2]].label)):
        expected, narrowed = groups[(payer, code, value)], thirds[value].filters
        filters = None
        # Further rows stand only in the files, which have no links.
        if narrowed is not None and len(rows) < ROWS_AT_MOST:
            filters = filters_of((payers[payer], GroupKey(Grouping.CODE, code, code)), {**form.kept, **narrowed})
        words = (payers[payer].label, code, *(thirds[value].label for _one in third), _label(expected))
        rows.append(_cells(words, expected, filters))
        of_payers[payer] += expected
    all_words = (_("All"), "", *("" for _one in third), "")
    return Table(
        headings=(
            _("Payer"),
            _("Code"),
            *headings,
            _("Expected by"),
            _("Lines"),
            _("Units"),
            _("By contract"),
            _("By national rates"),
            _("Rate missing"),
            _("Charge amount"),
            _("Charge missing"),
            _("Paid (835)"),
            _("Variance"),
        ),
        words=3 + len(headings),
        rows=rows,
        total=_cells(all_words, sum(groups.values(), Expected()), form.kept) if rows else (),
        chart=bars_of(
            _("Expected amounts by payer, contract and national rates together"),
            _bars((payers[payer], expected) for payer, expected in of_payers.items()),
        ),
        amounts=DOLLARS,
    )


def _thirds(form: TableReportForm, values: set[Any]) -> dict[Any, Third]:
    """Each setting or year, as the report is grouped; nothing where it is by payer and code alone."""
    if form.grouping == BY_SETTING:
        named = names_of(Grouping.SETTING, values)
        return {value: Third(key.label, {"setting": key.value} if key.value else None) for value, key in named.items()}
    if form.grouping == BY_YEAR:
        return {year: Third(str(year), _days_of_year(year, form.kept)) for year in values}
    return {value: Third() for value in values}


def _days_of_year(year: int, kept: Mapping[str, str]) -> dict[str, str]:
    """The days of the year that the report's own dates leave."""
    first, last = f"{year}-01-01", f"{year}-12-31"
    return {"start": max(first, kept.get("start", "")), "end": min(last, kept.get("end", last))}


def _cells(words: Iterable[str], expected: Expected, filters: Mapping[str, str] | None) -> tuple[Cell, ...]:
    """`filters` leave exactly these lines in charge review; None where no filters do."""

    def lines(number: int, missing: Missing | None = None) -> Cell:
        is_narrowed = missing is not None and filters is not None
        return cell_of(opened(number, {**filters, "missing": missing.value} if is_narrowed else filters), number)

    everything = expected.all
    return (
        *(Cell(word) for word in words),
        lines(everything.lines),
        Cell(everything.units),
        _amount(expected.by_contract),
        _amount(expected.national),
        lines(everything.without_expected, Missing.EXPECTED),
        Cell(_("missing"))
        if everything.without_charge == everything.lines
        else Cell(everything.charged, is_money=True),
        lines(everything.without_charge, Missing.CHARGE),
        Cell(None),
        Cell(None),
    )


def _label(expected: Expected) -> str:
    """By which rates some lines are expected."""
    return ", ".join(sorted(expected.labels)) or _("no rate is known")


def _amount(sums: LineSums) -> Cell:
    """What is expected of some lines; of no line nothing is said, not even zero."""
    return Cell(sums.expected, is_money=True) if sums.lines else Cell("—")


def _bars(of_payers: Iterable[tuple[GroupKey, Expected]]) -> list[tuple[str, Decimal, str]]:
    """The largest first; of a payer whose every rate is missing there is no bar."""
    known = [(payer, expected) for payer, expected in of_payers if expected.labels]
    ordered = sorted(known, key=lambda one: (-one[1].amount, one[0].order))
    return [(payer.label, expected.amount, _bar_text(expected)) for payer, expected in ordered]


def _bar_text(expected: Expected) -> str:
    """The sum, and how many lines are not in it."""
    text = f"${expected.amount:,.2f}"
    if not expected.missing.lines:
        return text
    return _("%(amount)s, %(count)s lines missing") % {"amount": text, "count": f"{expected.missing.lines:,}"}


EXPECTED = TableReport(
    name="expected",
    title=gettext_lazy("Expected reimbursement"),
    purpose=gettext_lazy(
        "What is expected to be paid for live lines, by your own contract rates and by national rates."
    ),
    icon="cash-coin",
    asks=(*OF_LINES, "code", "state", "expected_by"),
    groupings=(
        (BY_CODE, gettext_lazy("Payer and code")),
        (BY_SETTING, gettext_lazy("Payer, code and setting")),
        (BY_YEAR, gettext_lazy("Payer, code and year")),
    ),
    table_of=_expected_table,
    note=gettext_lazy(
        "National rates are Medicare's, unadjusted, of the schedule and year named; no other payer owes them. A "
        "missing rate or charge is counted in lines, never taken as zero. What was paid is not known yet: answers of "
        "payers (835) are not read here so far, and that is not zero."
    ),
)
