"""What a report that is one table is made of: its cells, the table itself, and the report by name."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from coding.forms.reports import OneReportForm, TableReportForm
from coding.presenters.charge_report import narrowed
from coding.presenters.charts import Chart, Measured, bar_chart
from portal.models import User

BARS_AT_MOST = 24
# More rows would cost the page more time than a reader has use for; the files hold all of them.
ROWS_AT_MOST = 100

Value = str | int | Decimal | None

# How a workbook shows the decimal numbers of a table: shares unless it says dollars.
SHARES, DOLLARS = "0.0", "$#,##0.00"

# What several reports ask for and are grouped by.
OF_LINES = ("payer", "department", "setting", "physician", "start", "end")
PAYER, DEPARTMENT = ("payer", gettext_lazy("Payer")), ("department", gettext_lazy("Department"))


class Cell(NamedTuple):
    """One value, and the address of exactly the rows that it counts. None is what is not known yet."""

    value: Value
    url: str = ""
    is_money: bool = False

    @property
    def text(self) -> str:
        if self.value is None:
            return _("not known yet")
        if self.is_money:
            return f"${self.value:,.2f}"
        return self.value if isinstance(self.value, str) else f"{self.value:,}"


class Rows(Sequence):
    """Rows that are made where they are read: a page shows a hundred of them, only the files all."""

    def __init__(self, groups: Sequence[Any], row_of: Callable[[Any], tuple[Cell, ...]]) -> None:
        self._groups, self._row_of = groups, row_of

    def __len__(self) -> int:
        return len(self._groups)

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            return [self._row_of(group) for group in self._groups[place]]
        return self._row_of(self._groups[place])


@dataclass(frozen=True, slots=True)
class Table:
    """What page, print and files show alike. The first `words` columns are text, the others numbers.

    `amounts` is how a workbook shows its decimal numbers.
    """

    headings: tuple[str, ...]
    words: int
    rows: Sequence[tuple[Cell, ...]]
    total: tuple[Cell, ...] = ()
    chart: Chart | None = None
    amounts: str = SHARES

    @property
    def rows_shown(self) -> Sequence[tuple[Cell, ...]]:
        return self.rows[:ROWS_AT_MOST]

    @property
    def total_rows(self) -> Sequence[tuple[Cell, ...]]:
        """The total as rows, of which there are none where there is no total."""
        return (self.total,) if self.total else ()

    @property
    def rows_left_out(self) -> int:
        return max(len(self.rows) - ROWS_AT_MOST, 0)

    def lines(self) -> Iterator[list[Value]]:
        """The table as a file has it: headings, rows and the total."""
        yield list(self.headings)
        for row in (*self.rows, *self.total_rows):
            yield [cell.text if cell.value is None else cell.value for cell in row]


@dataclass(frozen=True, slots=True)
class TableReport:
    """A report by name: what it is for, what it asks for, what it is grouped by, and how its table is made."""

    name: str
    title: str
    purpose: str
    icon: str
    asks: tuple[str, ...]
    groupings: tuple[tuple[str, Any], ...]
    table_of: Callable[[Any], Table]
    note: str = ""
    form_class: type[OneReportForm] = TableReportForm

    @property
    def url(self) -> str:
        return reverse(f"report-{self.name}")

    @property
    def csv_name(self) -> str:
        return f"report-{self.name}-csv"

    @property
    def xlsx_name(self) -> str:
        return f"report-{self.name}-xlsx"

    def form(self, query: Mapping[str, str], user: User) -> OneReportForm:
        return self.form_class(query, user=user, asks=self.asks, groupings=self.groupings)


def bars_of(title: str, bars: Iterable[tuple[str, int | Decimal, str]]) -> Chart:
    """Bars of label, value and its text; the first ones where there are too many."""
    shown = list(bars)
    if len(shown) > BARS_AT_MOST:
        title += ", " + _("%(shown)d of %(all)d") % {"shown": BARS_AT_MOST, "all": len(shown)}
    return bar_chart(title, [Measured(label, Decimal(value), text) for label, value, text in shown[:BARS_AT_MOST]])


def count_cell(number: int, url: str, more: str = "") -> Cell:
    """A number that leads to its rows: by an address, and what is asked there beside it. Nothing leads nowhere."""
    if not number or not url:
        return Cell(number)
    return Cell(number, narrowed(url, more) if more else url)
