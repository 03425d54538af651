"""What is expected to be paid: by contract, by national rates of a year, and how many lines have no rate."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from coding.forms.reports import TableReportForm
from coding.presenters.charge_report import lines_url
from coding.presenters.report_shapes import DOLLARS, OF_LINES, Cell, Rows, Table, TableReport, bars_of, count_cell
from coding.reports import NO_PAYER, ExpectedBy, Grouping, GroupKey, Missing, line_sums, names_of
from coding.rollups import LineSums

BY_CODE, BY_SETTING, BY_YEAR = "code", "setting", "year"
NO_LINE, NOT_KNOWN = Cell("—"), Cell(None)


Group = tuple[int | None, str, Any]


@dataclass(slots=True)
class Expected:
    """Some lines added up by where their expected amounts come from: a contract, a national schedule, or nowhere.

    An amount of no line is None. `unrated` are the lines that no rate is known for.
    """

    lines: int = 0
    units: int = 0
    charged: Decimal = Decimal(0)
    without_charge: int = 0
    without_expected: int = 0
    by_contract: Decimal | None = None
    national: Decimal | None = None
    unrated: int = 0
    schedules: set[str] = field(default_factory=set)

    def add(self, expected_from: str, sums: LineSums) -> None:
        self.lines += sums.lines
        self.units += sums.units
        self.charged += sums.charged
        self.without_charge += sums.without_charge
        self.without_expected += sums.without_expected
        if not expected_from:
            self.unrated += sums.lines
        elif ExpectedBy.of(expected_from) is ExpectedBy.CONTRACT:
            self.by_contract = (self.by_contract or 0) + sums.expected
        else:
            self.national = (self.national or 0) + sums.expected
            self.schedules.add(expected_from)

    @property
    def amount(self) -> Decimal:
        """What is expected of the lines whose rate is known."""
        return (self.by_contract or Decimal(0)) + (self.national or Decimal(0))

    @property
    def is_known(self) -> bool:
        """Whether a rate is known for any of the lines."""
        return self.by_contract is not None or self.national is not None


@dataclass(frozen=True)
class Third:
    """A setting or a year: as people read it, and the filters that leave its lines; None where none do."""

    label: str = ""
    filters: Mapping[str, str] | None = field(default_factory=dict)


class Words(NamedTuple):
    """What row after row says, looked up once for all of them."""

    contract: str
    no_rate: str
    missing: str


class RowMaker:
    """Makes the row of a group; what groups have in common is made once."""

    def __init__(
        self, form: TableReportForm, groups: Mapping[Group, Expected], payers: Mapping[Any, GroupKey], words: Words
    ) -> None:
        self._groups, self._payers, self._words = groups, payers, words
        self._thirds = _thirds(form, {value for _payer, _code, value in groups})
        self._shows_third = form.grouping != BY_CODE
        self._kept = {name: value for name, value in form.kept.items() if name != "code"}
        # The address of each payer's rows up to their code.
        self._urls: dict[tuple[Any, Any], str] = {}

    def order(self, group: Group) -> tuple[Any, ...]:
        payer, code, value = group
        return self._payers[payer].order, code, self._thirds[value].label

    def row(self, group: Group) -> tuple[Cell, ...]:
        payer, code, value = group
        expected = self._groups[group]
        third = [self._thirds[value].label] if self._shows_third else []
        labels = (self._payers[payer].label, code, *third, _rates(expected, self._words))
        return _cells(labels, expected, self._url(group), self._words)

    def _url(self, group: Group) -> str:
        """The address of exactly the lines of a row; empty where no filters leave them."""
        payer, code, value = group
        narrowed = self._thirds[value].filters
        if narrowed is None:
            return ""
        if (payer, value) not in self._urls:
            self._urls[payer, value] = lines_url(self._kept | narrowed | {"payer": self._payers[payer].value})
        return f"{self._urls[payer, value]}&code={code}"


def _expected_table(form: TableReportForm) -> Table:
    """One row for each payer and code, and for each setting or year where that was asked for."""
    by = () if form.grouping == BY_CODE else (form.grouping,)
    headings = {BY_CODE: (), BY_SETTING: (_("Setting"),), BY_YEAR: (_("Year of service"),)}[form.grouping]
    groups: dict[Group, Expected] = defaultdict(Expected)
    of_payers: dict[int | None, Expected] = defaultdict(Expected)
    total = Expected()
    sums = line_sums(user=form.user, filters=form.filters, by=("payer", "code", *by, "expected_from"))
    for (payer, code, *rest, expected_from), summed in sums.items():
        value = rest[0] if rest else None
        for expected in (groups[payer, code, value], of_payers[payer], total):
            expected.add(expected_from, summed)
    payers = _payers(form)
    words = Words(contract=_("Contract"), no_rate=_("no rate is known"), missing=_("missing"))
    maker = RowMaker(form, groups, payers, words)
    rows = Rows(sorted(groups, key=maker.order), maker.row)
    total_labels = (_("All"), "", *("" for _heading in headings), "")
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
        total=_cells(total_labels, total, lines_url(form.kept), words) if rows else (),
        chart=bars_of(
            _("Expected amounts by payer, contract and national rates together"),
            _bars((payers[payer], expected) for payer, expected in of_payers.items()),
        ),
        amounts=DOLLARS,
    )


def _payers(form: TableReportForm) -> dict[int | None, GroupKey]:
    """Each payer as people read it and as a filter names it: those that the filter offers, and none."""
    named = {payer.pk: GroupKey(Grouping.PAYER, payer.name, slug) for slug, payer in form.choices.payers.items()}
    return named | {None: GroupKey(Grouping.PAYER, _("No payer"), NO_PAYER, is_last=True)}


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


def _cells(labels: Iterable[str], expected: Expected, url: str, words: Words) -> tuple[Cell, ...]:
    """`url` opens exactly these lines in charge review; empty where no filters leave them."""
    return (
        *(Cell(label) for label in labels),
        count_cell(expected.lines, url),
        Cell(expected.units),
        _amount(expected.by_contract),
        _amount(expected.national),
        count_cell(expected.without_expected, url, f"missing={Missing.EXPECTED.value}"),
        Cell(words.missing) if expected.without_charge == expected.lines else Cell(expected.charged, is_money=True),
        count_cell(expected.without_charge, url, f"missing={Missing.CHARGE.value}"),
        NOT_KNOWN,
        NOT_KNOWN,
    )


def _rates(expected: Expected, words: Words) -> str:
    """By which rates some lines are expected."""
    by_contract = [words.contract] if expected.by_contract is not None else []
    return ", ".join(sorted([*by_contract, *expected.schedules])) or words.no_rate


def _amount(amount: Decimal | None) -> Cell:
    """What is expected of some lines; of no line nothing is said, not even zero."""
    return NO_LINE if amount is None else Cell(amount, is_money=True)


def _bars(of_payers: Iterable[tuple[GroupKey, Expected]]) -> list[tuple[str, Decimal, str]]:
    """The largest first; of a payer whose every rate is missing there is no bar."""
    known = [(payer, expected) for payer, expected in of_payers if expected.is_known]
    ordered = sorted(known, key=lambda one: (-one[1].amount, one[0].order))
    return [(payer.label, expected.amount, _bar_text(expected)) for payer, expected in ordered]


def _bar_text(expected: Expected) -> str:
    """The sum, and how many lines are not in it."""
    text = f"${expected.amount:,.2f}"
    if not expected.unrated:
        return text
    return _("%(amount)s, %(count)s lines missing") % {"amount": text, "count": f"{expected.unrated:,}"}


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
