"""Expected dollars of a period by payer and by code, and whose rates they rest on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from coding.presenters.charts import Chart, Measured, bar_chart
from coding.presenters.dashboards.charges import filters_of
from coding.reports import ExpectedBy, Grouping, GroupKey, LineSums, Missing, line_sums, names_of
from coding.rollups import NO_LINES
from portal.forms.dashboards import DashboardForm
from portal.presenters.numbers import Number, list_of

ROWS_SHOWN = 8


@dataclass(frozen=True, slots=True)
class ExpectedRow:
    """Lines with the sum of their expected amounts; None where no line of them has one, never zero."""

    label: str
    lines: Number
    amount: Decimal | None
    without: Number
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ExpectedTable:
    heading: str
    rows: list[ExpectedRow]
    rows_left_out: int
    chart: Chart
    report_url: str


def expected_panel(form: DashboardForm) -> dict[str, Any]:
    """By payer, by code, and by whose rates: the national ones of a year, or the customer's own."""
    sums = line_sums(user=form.user, filters=filters_of(form), by=("payer", "code", "expected_from"))
    return {
        "total": _row(_("All lines"), sum(sums.values(), NO_LINES), form.of_period),
        "sources": _by_source(form, sums),
        "tables": [
            _table(form, Grouping.PAYER, _summed(sums, lambda payer, code, source: payer)),
            _table(form, Grouping.CODE, _summed(sums, lambda payer, code, source: code)),
        ],
    }


def _summed(sums: Mapping[tuple, LineSums], key_of: Callable[..., Any]) -> dict[Any, LineSums]:
    found: dict[Any, LineSums] = {}
    for key, summed in sums.items():
        found[key_of(*key)] = found.get(key_of(*key), NO_LINES) + summed
    return found


def _by_source(form: DashboardForm, sums: Mapping[tuple, LineSums]) -> list[ExpectedRow]:
    """The lines whose amount is by national rates, and those by the customer's own, each naming the schedules."""
    rows = []
    by_label = _summed(sums, lambda payer, code, source: source)
    for by in ExpectedBy:
        found = {label: summed for label, summed in by_label.items() if label and ExpectedBy.of(label) is by}
        if found:
            rows.append(
                _row(
                    str(by.label),
                    sum(found.values(), NO_LINES),
                    {**form.of_period, "expected_by": by.value},
                    ", ".join(sorted(found)),
                )
            )
    return rows


def _table(form: DashboardForm, grouping: Grouping, sums: Mapping[Any, LineSums]) -> ExpectedTable:
    names = names_of(grouping, set(sums))
    ordered = sorted(sums, key=lambda value: (-sums[value].expected, names[value].order))
    shown = ordered[:ROWS_SHOWN]
    label = str(grouping.label)
    return ExpectedTable(
        heading=label,
        rows=[_row(names[value].label, sums[value], _filters(form, names[value])) for value in shown],
        rows_left_out=len(ordered) - len(shown),
        chart=bar_chart(
            _("Expected dollars by %(grouping)s") % {"grouping": label.lower()},
            [Measured(names[value].label, sums[value].expected, _bar_text(sums[value])) for value in shown],
        ),
        report_url=list_of("report-charges", form.of_period, by=grouping.value),
    )


def _filters(form: DashboardForm, key: GroupKey) -> dict[str, str]:
    return {**form.of_period, key.grouping.value: key.value}


def _row(label: str, summed: LineSums, filters: Mapping[str, str], detail: str = "") -> ExpectedRow:
    return ExpectedRow(
        label=label,
        lines=Number(label, summed.lines, list_of("charge-review", filters)),
        amount=None if summed.without_expected == summed.lines else summed.expected,
        without=Number(
            _("%(label)s, rate missing") % {"label": label},
            summed.without_expected,
            list_of("charge-review", filters, missing=Missing.EXPECTED.value),
            "held",
        ),
        detail=detail,
    )


def _bar_text(summed: LineSums) -> str:
    if summed.without_expected == summed.lines:
        return _("rate missing")
    return f"${summed.expected:,.2f}"
