"""Pages of long lists by key, newest first: as quick at the millionth row as at the first."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import F, QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan

ROWS_A_PAGE = 50
# Counting on past this would cost more than it tells.
COUNTED_UP_TO = 10_000
LARGEST_KEY = 2**63 - 1


@dataclass(frozen=True, slots=True)
class KeysetPage:
    """One page of rows, what a reader is told of their number, and the addresses of its neighbours."""

    rows: list[Any]
    count_text: str
    newer_url: str
    older_url: str


def keyset_page(
    rows: QuerySet,
    *,
    by: str,
    asked: Mapping[str, str],
    kept: Mapping[str, str],
    parse: Callable[[str], date] = date.fromisoformat,
    size: int = ROWS_A_PAGE,
    number: int | None = None,
) -> KeysetPage:
    """The page that `asked` names by `older` or `newer` (value and id joined by a comma), else the newest.

    `by` is the field that orders the rows, newest first and then by id, and `parse` reads its value from an address;
    `kept` are the filters that the addresses of the neighbours carry on, and `number` is how many rows there are, where
    they were counted already. A key that cannot be read gives the newest page.
    """
    order = Tuple(F(by), F("id"))
    older, newer = _key(asked.get("older", ""), parse), _key(asked.get("newer", ""), parse)
    if newer is not None:
        found = list(rows.filter(TupleGreaterThan(order, newer)).order_by(by, "id")[: size + 1])
        has_newer, has_older = len(found) > size, True
        found = found[:size][::-1]
    else:
        onward = rows if older is None else rows.filter(TupleLessThan(order, older))
        found = list(onward.order_by(f"-{by}", "-id")[: size + 1])
        has_newer, has_older = older is not None, len(found) > size
        found = found[:size]
    return KeysetPage(
        rows=found,
        count_text=count_text(rows) if number is None else counted(number),
        newer_url=_address("newer", found[0], by, kept) if found and has_newer else "",
        older_url=_address("older", found[-1], by, kept) if found and has_older else "",
    )


def count_text(rows: QuerySet, up_to: int = COUNTED_UP_TO) -> str:
    """How many rows there are, counted no further than needed: past that it reads “10,000+”."""
    number = rows.order_by()[: up_to + 1].count()
    return counted(number, up_to)


def counted(number: int, up_to: int = COUNTED_UP_TO) -> str:
    """A number that was counted no further than one past `up_to`, as people read it."""
    return f"{up_to:,}+" if number > up_to else f"{number:,}"


def instant(text: str) -> datetime:
    """An instant from an address; raises ValueError where it has no zone."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(text)
    return at


def _key(text: str, parse: Callable[[str], date]) -> tuple[date, int] | None:
    value, _comma, key = text.partition(",")
    if not (key.isascii() and key.isdigit() and len(key) < 20 and int(key) <= LARGEST_KEY):
        return None
    try:
        return parse(value), int(key)
    except ValueError:
        return None


def _address(side: str, row: Any, by: str, kept: Mapping[str, str]) -> str:
    value = row
    for part in by.split("__"):
        value = getattr(value, part)
    return "?" + urlencode({**kept, side: f"{value.isoformat()},{row.pk}"})
