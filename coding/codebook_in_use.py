"""The codebook in use: the shipped one, with the official files that were loaded laid over it by date of service."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any

from django.db.models import Q

from coding.codebook_files import CENT, load_codebook
from coding.engine.codebook import Codebook, LoadedTable, Pair, Rate, Table, UnitLimit
from coding.engine.periods import Period
from coding.engine.trace import Citation
from coding.models import ReferenceKind, ReferenceLoad, ReferenceRow
from coding.reference_dates import covers_until

# Which table of the codebook a kind takes the place of, and which of its files. CPT descriptors rule on nothing.
PLACES: Mapping[str, tuple[str, str]] = {
    ReferenceKind.PTP_PRACTITIONER: ("pairs", "practitioner"),
    ReferenceKind.PTP_HOSPITAL: ("pairs", "hospital"),
    ReferenceKind.MUE_PRACTITIONER: ("unit_limits", "practitioner"),
    ReferenceKind.MUE_HOSPITAL: ("unit_limits", "hospital"),
    ReferenceKind.ADDENDUM_B: ("rates", "OPPS"),
    ReferenceKind.PFS_RVU: ("rates", "MPFS"),
    ReferenceKind.ICD10CM: ("diagnoses", ""),
}
# How many sets of loads, and how many loads, a process remembers.
SETS_KEPT, LOADS_KEPT = 4, 32
RETROACTIVELY_DELETED = 9
Rows = Iterable[tuple[str, dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Load:
    """A load without its rows: what names its content."""

    pk: int
    kind: str
    effective_from: date
    release: str
    file_name: str
    file_digest: str


def current_codebook() -> Codebook:
    """The shipped codebook with every loaded file in its place, from its first day on. Asks for the loads, once."""
    loads = ReferenceLoad.objects.filter(kind__in=PLACES).order_by("effective_from", "pk")
    fields = ("pk", "kind", "effective_from", "release", "file_name", "file_digest")
    return _laid_over(tuple(Load(*values) for values in loads.values_list(*fields)))


@lru_cache(maxsize=SETS_KEPT)
def _laid_over(loads: tuple[Load, ...]) -> Codebook:
    shipped = load_codebook()
    if not loads:
        return shipped
    placed: dict[tuple[str, str], tuple[LoadedTable, ...]] = {}
    for load in loads:
        placed[PLACES[load.kind]] = (*placed.get(PLACES[load.kind], ()), _table(load))
    content = "\n".join([shipped.digest, *(f"{load.kind} {load.effective_from} {load.file_digest}" for load in loads)])
    return replace(
        shipped,
        digest=hashlib.sha256(content.encode()).hexdigest(),
        loaded=placed,
        diagnoses=replace(shipped.diagnoses, loaded=placed.get(("diagnoses", ""), ())),
    )


@lru_cache(maxsize=LOADS_KEPT)
def _table(load: Load) -> LoadedTable:
    """A load with the rows that the codebook may ask for."""
    name, file = PLACES[load.kind]
    shipped = load_codebook().tables[name]
    citation = Citation(
        title=f"{ReferenceKind(load.kind).label}, {load.release}",
        published=load.effective_from.isoformat(),
        section=load.file_name,
    )
    last = covers_until(load.kind, load.effective_from)
    return LoadedTable(
        effective_from=load.effective_from,
        table=Table(
            name=f"{name} {file}".strip(),
            title=f"{shipped.title} ({load.release})",
            as_of=load.effective_from,
            covers_until=last,
        ),
        citations=(citation,),
        rows=READERS[name](_rows(load), file, Period.inclusive(load.effective_from, last), (citation,)),
    )


def _rows(load: Load) -> Rows:
    """The rows of codes that the portal knows; of diagnoses those that a claim may carry."""
    rows = ReferenceRow.objects.filter(load=load.pk)
    if load.kind == ReferenceKind.ICD10CM:
        rows = rows.filter(values__billable=True)
    else:
        rows = rows.filter(_of_known_codes(load.kind))
    return rows.values_list("key", "values").iterator(chunk_size=5000)


def _of_known_codes(kind: str) -> Q:
    codes = sorted(load_codebook().codes)
    if PLACES[kind][0] != "pairs":
        return Q(key__regex=rf"^({'|'.join(codes)})(\|.*)?$")
    return Q(key__regex=rf"(^|\|)({'|'.join(codes)})\|")


def _unit_limits(rows: Rows, file: str, period: Period, citations: tuple[Citation, ...]) -> dict[str, UnitLimit]:
    return {code: UnitLimit(values["units"], values["adjudication"], citations) for code, values in rows}


def _pairs(
    rows: Rows, file: str, period: Period, citations: tuple[Citation, ...]
) -> dict[tuple[str, str], tuple[Pair, ...]]:
    """A pair may have come and gone more than once; one with indicator 9 was deleted as if it had never been."""
    found: dict[tuple[str, str], tuple[Pair, ...]] = {}
    for key, values in rows:
        first, second, _begins = key.split("|")
        if values["indicator"] == RETROACTIVELY_DELETED:
            continue
        until = date.fromisoformat(values["until"]) if "until" in values else None
        pair = Pair(values["indicator"], Period.inclusive(date.fromisoformat(values["from"]), until))
        found[first, second] = (*found.get((first, second), ()), pair)
    return found


def _rates(rows: Rows, schedule: str, period: Period, citations: tuple[Citation, ...]) -> dict[tuple[str, str], Rate]:
    """A code without an amount has no rate: it is missing, never zero."""
    found = {}
    for key, values in rows:
        code, _, modifier = key.partition("|")
        if amount := _amount(values):
            found[code, modifier] = Rate(schedule, code, modifier, period, amount, citations)
    return found


def _amount(values: dict[str, str]) -> Decimal:
    """The amount as published, or non-facility units times the conversion factor, to the cent."""
    if "amount" in values:
        return Decimal(values["amount"]).quantize(CENT, ROUND_HALF_UP)
    product = Decimal(values.get("units", "0")) * Decimal(values.get("factor", "0"))
    return product.quantize(CENT, ROUND_HALF_UP)


def _diagnoses(rows: Rows, file: str, period: Period, citations: tuple[Citation, ...]) -> dict[str, bool]:
    return {code: True for code, _values in rows}


READERS: Mapping[str, Callable[[Rows, str, Period, tuple[Citation, ...]], Mapping[Any, Any]]] = {
    "unit_limits": _unit_limits,
    "pairs": _pairs,
    "rates": _rates,
    "diagnoses": _diagnoses,
}
