"""Queries and rows behind report pages and exports."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from io import BytesIO, StringIO
from typing import Any

import xlsxwriter
from django.db.models import Count, F, QuerySet, Sum
from django.db.models.functions import TruncMonth

from coding.models import ChargeLine
from portal.models import User

GROUPINGS = {
    "payer": ("Payer", "ruling__policy_version__policy__payer__name"),
    "month": ("Month", "month"),
    "code": ("Code", "code"),
    "state": ("Status", "state"),
    "setting": ("Department", "session__department__name"),
    "modifier": ("Modifiers", "modifiers"),
}
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class ChargeRow:
    """Lines that agree in every grouping: how many, their units, and their sums with how many lack an amount."""

    keys: tuple[Any, ...]
    lines: int
    units: int
    charged: Decimal | None
    without_price: int
    expected: Decimal | None
    without_rate: int


def charge_rows(lines: QuerySet, groupings: list[str]) -> list[ChargeRow]:
    """Live lines summed by the groupings, in their order. A sum over lines without any amount is None, never zero."""
    fields = [GROUPINGS[name][1] for name in groupings]
    groups = (
        lines.annotate(month=TruncMonth("session__date_of_service"))
        .order_by(*fields)
        .values(*fields)
        .annotate(
            lines=Count("pk"),
            all_units=Sum("units"),
            charged=Sum("charge_amount"),
            priced=Count("charge_amount"),
            expected=Sum("expected_amount"),
            rated=Count("expected_amount"),
        )
    )
    return [
        ChargeRow(
            keys=tuple(group[field] for field in fields),
            lines=group["lines"],
            units=group["all_units"],
            charged=group["charged"],
            without_price=group["lines"] - group["priced"],
            expected=group["expected"],
            without_rate=group["lines"] - group["rated"],
        )
        for group in groups
    ]


def total_of(rows: list[ChargeRow]) -> ChargeRow:
    """The rows together."""
    charged = [row.charged for row in rows if row.charged is not None]
    expected = [row.expected for row in rows if row.expected is not None]
    return ChargeRow(
        keys=(),
        lines=sum(row.lines for row in rows),
        units=sum(row.units for row in rows),
        charged=sum(charged, Decimal(0)) if charged else None,
        without_price=sum(row.without_price for row in rows),
        expected=sum(expected, Decimal(0)) if expected else None,
        without_rate=sum(row.without_rate for row in rows),
    )


def key_text(key: Any) -> str:
    """A grouping's value as people read it."""
    if isinstance(key, date):
        return f"{key:%Y-%m}"
    if isinstance(key, list):
        return " ".join(key) or "none"
    return str(key) if key not in (None, "") else "none"


def _table(rows: list[ChargeRow], groupings: list[str]) -> Iterator[list[str]]:
    headings = [GROUPINGS[name][0] for name in groupings]
    yield [*headings, "Lines", "Units", "Charges", "Lines without a price", "National rate", "Lines without a rate"]
    for row in rows:
        yield [
            *(key_text(key) for key in row.keys),
            str(row.lines),
            str(row.units),
            "missing" if row.charged is None else str(row.charged),
            str(row.without_price),
            "missing" if row.expected is None else str(row.expected),
            str(row.without_rate),
        ]


def charges_csv(rows: list[ChargeRow], groupings: list[str], filters: list[tuple[str, str]]) -> str:
    """The report as CSV: its filters first, then exactly its rows. No cell begins a formula."""
    out = StringIO()
    writer = csv.writer(out)
    for name, value in filters:
        writer.writerow([f"Filter: {name}", _harmless(value)])
    for row in _table(rows, groupings):
        writer.writerow([_harmless(cell) for cell in row])
    return out.getvalue()


def charges_xlsx(rows: list[ChargeRow], groupings: list[str], filters: list[tuple[str, str]]) -> bytes:
    """The report as XLSX, written as text and numbers; nothing is ever a formula."""
    out = BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    sheet = book.add_worksheet("Charges")
    bold = book.add_format({"bold": True})
    money = book.add_format({"num_format": "#,##0.00"})
    place = 0
    for name, value in filters:
        sheet.write_string(place, 0, f"Filter: {name}")
        sheet.write_string(place, 1, value)
        place += 1
    keys = len(groupings)
    for number, cells in enumerate(_table(rows, groupings)):
        for column, cell in enumerate(cells):
            if number == 0:
                sheet.write_string(place, column, cell, bold)
            elif column < keys or cell == "missing":
                sheet.write_string(place, column, cell)
            else:
                sheet.write_number(place, column, float(cell), money if column in (keys + 2, keys + 4) else None)
        place += 1
    sheet.set_column(0, keys + 5, 18)
    book.close()
    return out.getvalue()


def charges_by_state_and_month(user: User) -> QuerySet:
    """Live lines of a person's departments by month and state, for the home page of managers."""
    return (
        ChargeLine.objects.live()
        .visible_to(user)
        .annotate(month=TruncMonth(F("session__date_of_service")))
        .order_by("-month", "state")
        .values("month", "state")
        .annotate(number=Count("pk"))
    )


def _harmless(cell: str) -> str:
    """Text that a spreadsheet would run as a formula gets an apostrophe before it."""
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell
