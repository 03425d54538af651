"""Pages of long lists by key, newest first: as quick at the millionth row as at the first."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q, QuerySet

ROWS_A_PAGE = 50
# Counting on past this would cost more than it tells.
COUNTED_UP_TO = 1000


@dataclass(frozen=True, slots=True)
class KeysetPage:
    """One page of rows, what a reader is told of their number, and the addresses of its neighbours."""

    rows: list[Any]
    count_text: str
    newer_url: str
    older_url: str


def keyset_page(
    rows: QuerySet, *, by: str, asked: dict[str, str], noun: str, kept: dict[str, str], size: int = ROWS_A_PAGE
) -> KeysetPage:
    """The page that `asked` names by `older` or `newer` (value and id joined by a comma), else the newest.

    `by` is the field that orders the rows, newest first and then by id; `kept` are the filters that the addresses of
    the neighbours carry on. A key that cannot be read gives the newest page.
    """
    older, newer = _key(asked.get("older")), _key(asked.get("newer"))
    if newer:
        after = rows.filter(**{f"{by}__gte": newer[0]}).filter(Q(**{f"{by}__gt": newer[0]}) | Q(pk__gt=newer[1]))
        found = list(after.order_by(by, "pk")[: size + 1])
        has_newer, has_older = len(found) > size, True
        found = found[:size][::-1]
    else:
        if older:
            rows = rows.filter(**{f"{by}__lte": older[0]}).filter(Q(**{f"{by}__lt": older[0]}) | Q(pk__lt=older[1]))
        found = list(rows.order_by(f"-{by}", "-pk")[: size + 1])
        has_newer, has_older = older is not None, len(found) > size
        found = found[:size]
    return KeysetPage(
        rows=found,
        count_text=_count_text(rows, noun) if not (older or newer) else "",
        newer_url=_address("newer", found[0], by, kept) if found and has_newer else "",
        older_url=_address("older", found[-1], by, kept) if found and has_older else "",
    )


def _key(text: str | None) -> tuple[str, int] | None:
    value, _, pk = (text or "").rpartition(",")
    return (value, int(pk)) if value and pk.isascii() and pk.isdigit() and len(pk) < 19 and _is_day(value) else None


def _is_day(value: str) -> bool:
    digits = value.replace("-", "").replace(":", "").replace("T", "").replace(".", "").replace("+", "").replace("Z", "")
    return digits.isascii() and digits.isdigit() and len(value) <= 40


def _address(side: str, row: Any, by: str, kept: dict[str, str]) -> str:
    value = row
    for part in by.split("__"):
        value = getattr(value, part)
    return "?" + urlencode({**kept, side: f"{value.isoformat()},{row.pk}"})


def _count_text(rows: QuerySet, noun: str) -> str:
    number = len(rows.order_by().values_list("pk")[: COUNTED_UP_TO + 1])
    if number > COUNTED_UP_TO:
        return f"More than {COUNTED_UP_TO:,} {noun}s"
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
