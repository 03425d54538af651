"""The report on charges: every number opens into the lines behind it, and bars by the first grouping."""

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from coding.presenters.charts import Chart, Measured, bar_chart
from coding.reports import ChargeReport, ChargeRow, Grouping, GroupKey, Missing

BARS_AT_MOST = 24
# More rows would cost the page more time than a reader has use for; the files hold all of them.
ROWS_AT_MOST = 100


@dataclass(frozen=True, slots=True)
class Link:
    """Something that opens into a list, filtered to exactly what it counts."""

    text: str
    url: str


@dataclass(frozen=True, slots=True)
class RowView:
    """One row, or the total. A count of nothing is no link."""

    keys: list[str]
    lines: Link
    units: int
    charged: Decimal | None
    without_charge: Link
    expected: Decimal | None
    without_expected: Link


@dataclass(frozen=True, slots=True)
class ReportPage:
    headings: list[str]
    rows: list[RowView]
    total: RowView
    rows_left_out: int
    chart: Chart
    sentence: str


def report_page(report: ChargeReport, *, kept: Mapping[str, str], measures_lines: bool) -> ReportPage:
    """`kept` are the report's own filters, to which each row's addresses add what the row stands for."""
    review = reverse("charge-review")
    return ReportPage(
        headings=report.headings,
        rows=[_row_view(row, kept, review) for row in report.rows[:ROWS_AT_MOST]],
        total=_row_view(report.total, kept, review),
        rows_left_out=max(len(report.rows) - ROWS_AT_MOST, 0),
        chart=_chart(report, measures_lines),
        sentence=_sentence(report.total),
    )


def _sentence(total: ChargeRow) -> str:
    """The finding in one sentence."""
    charged = _dollars(total.charged)
    told = _("%(lines)s live lines charge %(amount)s.") % {"lines": f"{total.lines:,}", "amount": charged}
    if total.without_charge:
        told += " " + _("%(count)s of them have no charge amount and are not in that sum.") % {
            "count": f"{total.without_charge:,}"
        }
    return told


def _row_view(row: ChargeRow, kept: Mapping[str, str], review: str) -> RowView:
    """`review` is the address of charge review: a page asks for it three hundred times."""
    filters = filters_of(row.keys, kept)
    url = "" if filters is None else f"{review}?{urlencode(filters)}"
    return RowView(
        keys=[key.label for key in row.keys],
        lines=Link(f"{row.lines:,}", url if row.lines else ""),
        units=row.units,
        charged=row.charged,
        without_charge=_lacking(row.without_charge, url, kept, Missing.CHARGE),
        expected=row.expected,
        without_expected=_lacking(row.without_expected, url, kept, Missing.EXPECTED),
    )


def _lacking(count: int, url: str, kept: Mapping[str, str], missing: Missing) -> Link:
    """The lines that lack one amount; where the report asks for lines that lack the other, both cannot be asked."""
    asked = kept.get("missing", "")
    if not count or not url or asked not in ("", missing):
        return Link(f"{count:,}", "")
    return Link(f"{count:,}", url if asked else narrowed(url, f"missing={missing.value}"))


def narrowed(url: str, more: str) -> str:
    """The address of a list with something more asked of it."""
    return f"{url}{'' if url.endswith('?') else '&'}{more}"


def lines_url(filters: Mapping[str, str] | None) -> str:
    """Where exactly the lines of some filters are listed; empty where no filters leave them, which None says."""
    return "" if filters is None else f"{reverse('charge-review')}?{urlencode(filters)}"


def filters_of(keys: tuple[GroupKey, ...], kept: Mapping[str, str]) -> dict[str, str] | None:
    """The filters that leave the lines of a row; None where one of its keys is not known, which no filter names."""
    if not all(key.value for key in keys):
        return None
    filters = dict(kept)
    for key in keys:
        if key.grouping is Grouping.MONTH:
            filters |= _days_of_month(date.fromisoformat(key.value), kept)
        else:
            filters[key.grouping.value] = key.value
    return filters


def _days_of_month(first: date, kept: Mapping[str, str]) -> dict[str, str]:
    """The days of the month that the report's own dates leave."""
    last = first.replace(day=monthrange(first.year, first.month)[1]).isoformat()
    return {"start": max(first.isoformat(), kept.get("start", "")), "end": min(last, kept.get("end", last))}


def _chart(report: ChargeReport, measures_lines: bool) -> Chart:
    """Bars by the first grouping: months in order, everything else the largest first."""
    grouping = report.groupings[0]
    sums: dict[str, Decimal | int] = {}
    without: dict[str, int] = {}
    keys: dict[str, GroupKey] = {}
    for row in report.rows:
        key = row.keys[0]
        keys[key.value] = key
        sums[key.value] = sums.get(key.value, 0) + (row.lines if measures_lines else row.sums.charged)
        without[key.value] = without.get(key.value, 0) + row.without_charge
    if grouping is Grouping.MONTH:
        shown = sorted(sums)[-BARS_AT_MOST:]
    else:
        shown = sorted(sums, key=lambda value: (-sums[value], keys[value].label))[:BARS_AT_MOST]
    measured = [
        Measured(
            keys[value].label,
            Decimal(sums[value]),
            f"{sums[value]:,}" if measures_lines else _amount_text(sums[value], without[value]),
            value if grouping is Grouping.STATE else "",
        )
        for value in shown
    ]
    what = _("Lines") if measures_lines else _("Charge amounts")
    title = _("%(what)s by %(grouping)s") % {"what": what, "grouping": str(grouping.label).lower()}
    if len(shown) < len(sums):
        title += ", " + _("%(shown)d of %(all)d") % {"shown": len(shown), "all": len(sums)}
    return bar_chart(title, measured)


def _amount_text(amount: Decimal, without: int) -> str:
    """The sum of a bar; with the number of lines that are not in it."""
    if not without:
        return _dollars(amount)
    missing = _("%(count)s missing") % {"count": f"{without:,}"}
    return f"{_dollars(amount)}, {missing}" if amount else missing


def _dollars(amount: Decimal | None) -> str:
    return _("an amount that is missing") if amount is None else f"${amount:,.2f}"
