"""The report of charges: rows whose numbers open into the lines behind them, and a chart."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from coding.presenters.charts import Chart, bar_chart
from coding.reports import GROUPINGS, ChargeRow, key_text, total_of
from payers.models import Payer

BARS_AT_MOST = 12


@dataclass(frozen=True, slots=True)
class ReportRow:
    row: ChargeRow
    keys: list[str]
    url: str


@dataclass(frozen=True, slots=True)
class ReportPage:
    headings: list[str]
    rows: list[ReportRow]
    total: ChargeRow
    chart: Chart
    query: str


def report_page(rows: list[ChargeRow], groupings: list[str], kept: dict[str, Any], query: str) -> ReportPage:
    """`kept` are the report's own filters; each row's address adds what the row stands for."""
    slugs = dict(Payer.objects.values_list("name", "slug")) if "payer" in groupings else {}
    views = [
        ReportRow(row, [key_text(key) for key in row.keys], _lines_url(row, groupings, kept, slugs)) for row in rows
    ]
    return ReportPage(
        headings=[GROUPINGS[name][0] for name in groupings],
        rows=views,
        total=total_of(rows),
        chart=bar_chart(f"Lines by {GROUPINGS[groupings[0]][0].lower()}", _bars(rows, groupings)),
        query=query,
    )


def _bars(rows: list[ChargeRow], groupings: list[str]) -> list[tuple[str, int, str]]:
    sums: dict[str, int] = {}
    for row in rows:
        label = key_text(row.keys[0])
        sums[label] = sums.get(label, 0) + row.lines
    largest = sorted(sums.items(), key=lambda pair: -pair[1])[:BARS_AT_MOST]
    return [(label, lines, label if groupings[0] == "state" else "") for label, lines in largest]


def _lines_url(row: ChargeRow, groupings: list[str], kept: dict[str, Any], slugs: dict[str, str]) -> str:
    """Charge review, filtered to the row's lines; empty where its filters cannot say the row exactly."""
    filters = {name: value for name, value in kept.items() if name != "by"}
    for name, key in zip(groupings, row.keys, strict=True):
        if name == "month":
            filters |= _month(key, filters)
        elif name == "payer" and key in slugs:
            filters["payer"] = slugs[key]
        elif name in ("code", "state"):
            filters[name] = key
        else:
            return ""
    return f"{reverse('charge-review')}?{urlencode(filters)}"


def _month(first: date, filters: dict[str, Any]) -> dict[str, str]:
    """The days of the month that the report's own dates leave."""
    last = first.replace(day=monthrange(first.year, first.month)[1])
    start, end = filters.get("start") or "", filters.get("end") or ""
    return {"start": max(first.isoformat(), start), "end": min(last.isoformat(), end) if end else last.isoformat()}
