"""What official files are loaded, and the rows of one that concern codes which the portal knows."""

import json
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from django.db import connection

from coding.codebook_files import load_codebook
from coding.codebook_in_use import PLACES
from coding.engine.codebook import Table
from coding.models import ReferenceKind, ReferenceLoad, ReferenceRow
from coding.reference_dates import covers_until, is_out_of_date
from coding.reference_services import load_before

ROWS_A_PAGE = 50


class Change(StrEnum):
    """How a row stands to the load before; a pair with a deletion date is over, and counts as deleted."""

    ADDED = "added"
    DELETED = "deleted"
    CHANGED = "changed"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class KindStanding:
    """One kind of official file today: the load in force, the shipped extract behind it, and how old what rules is.

    `shipped` is None for a kind of which nothing ships. `loads` are all, the latest first day first.
    """

    kind: ReferenceKind
    loads: list[ReferenceLoad]
    in_force: ReferenceLoad | None
    shipped: Table | None
    covers_until: date | None
    is_out_of_date: bool


@dataclass(frozen=True, slots=True)
class ChangedRow:
    """One row of a load beside that of the load before; None where one of them lacks it."""

    key: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    change: Change


def kinds_today(today: date) -> list[KindStanding]:
    """Every kind in its order, in one query."""
    loads: dict[str, list[ReferenceLoad]] = {kind: [] for kind in ReferenceKind}
    for load in ReferenceLoad.objects.select_related("loaded_by").order_by("-effective_from", "-pk"):
        loads[load.kind].append(load)
    return [_standing(kind, loads[kind], today) for kind in ReferenceKind]


def _standing(kind: ReferenceKind, loads: list[ReferenceLoad], today: date) -> KindStanding:
    in_force = next((load for load in loads if load.effective_from <= today), None)
    shipped = load_codebook().tables[PLACES[kind][0]] if kind in PLACES else None
    last = covers_until(kind, in_force.effective_from) if in_force else shipped and shipped.covers_until
    return KindStanding(kind, loads, in_force, shipped, last, last is not None and is_out_of_date(kind, last, today))


def rows_of(load: ReferenceLoad, *, changes: tuple[Change, ...], code: str, page: int) -> tuple[list[ChangedRow], int]:
    """A page of a load's rows for codes that the portal knows, and how many there are: those changed so.

    `code` narrows them to one code, or to diagnoses that begin so. Pages count from 1.
    """
    before = load_before(load)
    narrowed, values = _narrowed(load.kind, code)
    arguments = {
        "before": before.pk if before else None,
        "after": load.pk,
        "changes": [change.value for change in changes],
        "limit": ROWS_A_PAGE,
        "offset": (page - 1) * ROWS_A_PAGE,
        **values,
    }
    with connection.cursor() as cursor:
        cursor.execute(ROWS.format(narrowed=narrowed), arguments)
        found = cursor.fetchall()
    rows = [ChangedRow(key, _json(was), _json(became), Change(change)) for key, was, became, change, _ in found]
    return rows, found[0][-1] if found else 0


# `narrowed` is one of the two conditions below: nothing of a request stands in it.
ROWS = """
    WITH before AS (
        SELECT key, "values" FROM coding_referencerow WHERE load_id = %(before)s AND {narrowed}
    ), after AS (
        SELECT key, "values" FROM coding_referencerow WHERE load_id = %(after)s AND {narrowed}
    ), compared AS (
        SELECT COALESCE(after.key, before.key) AS key, before."values" AS was, after."values" AS became,
               CASE WHEN NOT was_live AND is_live THEN 'added'
                    WHEN was_live AND NOT is_live THEN 'deleted'
                    WHEN was_live AND before."values" <> after."values" THEN 'changed'
                    ELSE 'same' END AS change
        FROM before FULL JOIN after ON before.key = after.key
        CROSS JOIN LATERAL (
            SELECT before.key IS NOT NULL AND NOT before."values" ? 'until' AS was_live,
                   after.key IS NOT NULL AND NOT after."values" ? 'until' AS is_live
        ) AS live
    )
    SELECT key, was, became, change, count(*) OVER () FROM compared
    WHERE change = ANY(%(changes)s) ORDER BY key LIMIT %(limit)s OFFSET %(offset)s
"""
OF_CODES = """
    string_to_array(key, '|') && %(codes)s AND (%(code)s = '' OR %(code)s = ANY(string_to_array(key, '|')))
"""
OF_DIAGNOSES = "starts_with(key, %(code)s)"


def _narrowed(kind: str, code: str) -> tuple[str, dict[str, Any]]:
    if kind == ReferenceKind.ICD10CM:
        return OF_DIAGNOSES, {"code": code}
    return OF_CODES, {"code": code, "codes": sorted(load_codebook().codes)}


def _json(value: Any) -> dict[str, Any] | None:
    return json.loads(value) if isinstance(value, str) else value


def descriptor_of(code: str, *, on: date) -> str:
    """The descriptor of a code in the customer's own licensed file in force on a date; empty where none is loaded."""
    loads = ReferenceLoad.objects.filter(kind=ReferenceKind.CPT_DESCRIPTORS, effective_from__lte=on)
    row = loads.order_by("-effective_from").values("pk")[:1]
    found = ReferenceRow.objects.filter(load__in=row, key=code).values_list("values__text", flat=True).first()
    return found or ""
