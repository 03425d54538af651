"""Delivery lines by level, and the share of the highest one under either code set."""

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from coding.forms.reports import TableReportForm
from coding.presenters.charge_report import lines_url
from coding.presenters.report_kinds.line_groups import filters_of_key, keys_of
from coding.presenters.report_shapes import DEPARTMENT, OF_LINES, PAYER, Cell, Table, TableReport, bars_of, count_cell
from coding.reports import line_counts

LEVEL_CODES = ("77402", "77407", "77412", "77385", "77386")


def _levels_table(form: TableReportForm) -> Table:
    """Delivery lines by level, and the share of the highest one under either code set."""
    counts = line_counts(user=form.user, filters=form.filters, by=(form.grouping, "code"))
    groups: dict[Any, dict[str, int]] = defaultdict(lambda: dict.fromkeys(LEVEL_CODES, 0))
    for (value, code), lines in counts.items():
        if code in LEVEL_CODES:
            groups[value][code] += lines
    names, kept = keys_of(form, set(groups)), form.kept
    ordered = sorted(groups, key=lambda value: names[value].order)
    rows = [
        _level_cells(names[value].label, groups[value], lines_url(filters_of_key(names[value], kept)))
        for value in ordered
    ]
    total = {code: sum(numbers[code] for numbers in groups.values()) for code in LEVEL_CODES}
    label = str(dict(form.fields["by"].choices)[form.grouping])
    return Table(
        headings=(
            label,
            *LEVEL_CODES,
            _("All levels"),
            _("77412 of 77402 to 77412, %"),
            _("77386 of 77385 and 77386, %"),
        ),
        words=1,
        rows=rows,
        total=_level_cells(_("All"), total, lines_url(kept)),
        chart=bars_of(
            _("Share of 77412 by %(grouping)s, in percent") % {"grouping": label.lower()},
            [(row[0].text, row[-2].value, f"{row[-2].text} %") for row in rows if isinstance(row[-2].value, Decimal)],
        ),
    )


def _level_cells(label: str, numbers: Mapping[str, int], url: str) -> tuple[Cell, ...]:
    """`url` lists the lines of the row, whatever their code."""
    return (
        Cell(label),
        *(count_cell(numbers[code], url, f"code={code}") for code in LEVEL_CODES),
        Cell(sum(numbers.values())),
        _share(numbers["77412"], sum(numbers[code] for code in LEVEL_CODES[:3])),
        _share(numbers["77386"], sum(numbers[code] for code in LEVEL_CODES[3:])),
    )


def _share(part: int, whole: int) -> Cell:
    """A share in percent; of nothing there is none."""
    return Cell((Decimal(100) * part / whole).quantize(Decimal("0.1")) if whole else "—")


LEVELS = TableReport(
    name="levels",
    title=gettext_lazy("Level mix"),
    purpose=gettext_lazy("Delivery lines by level, and the share of the highest one."),
    icon="bar-chart",
    asks=(*OF_LINES, "modifier"),
    groupings=(
        ("physician", gettext_lazy("Physician")),
        ("machine", gettext_lazy("Machine")),
        ("month", gettext_lazy("Month")),
        DEPARTMENT,
        PAYER,
    ),
    table_of=_levels_table,
)
