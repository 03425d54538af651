"""Holds as a worklist: by reason with what clears each, or flat by age."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min, QuerySet

from coding.models import SessionHold
from portal.models import User
from portal.presenters.remedies import Remedy, remedy_for

ROWS_A_PAGE = 100


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """How many open holds one reason has, and since when."""

    name: str
    number: int
    days: int
    is_hard: bool


@dataclass(frozen=True, slots=True)
class HoldRow:
    hold: SessionHold
    days: int
    remedy: Remedy | None


def reason_counts(user: User, now: datetime) -> list[ReasonCount]:
    """Open holds by reason, the most first."""
    groups = (
        SessionHold.objects.open()
        .visible_to(user)
        .order_by()
        .values("name", "is_hard")
        .annotate(number=Count("pk"), oldest=Min("opened_at"))
    )
    rows = [ReasonCount(g["name"], g["number"], (now - g["oldest"]).days, g["is_hard"]) for g in groups]
    return sorted(rows, key=lambda row: (-row.number, row.name))


def hold_rows(holds: QuerySet, user: User, now: datetime) -> list[HoldRow]:
    """The oldest open holds with what clears each, in a fixed number of queries."""
    rows = (
        holds.select_related("session__course__patient", "session__department")
        .prefetch_related("session__delivered_fractions")
        .order_by("opened_at", "pk")[:ROWS_A_PAGE]
    )
    return [HoldRow(hold, (now - hold.opened_at).days, remedy_for(hold.name, hold.session, user)) for hold in rows]


def tally(holds: list[SessionHold]) -> list[tuple[str, int]]:
    """How many of each reason are among the holds, for the page that asks before releasing several."""
    return sorted(Counter(hold.name for hold in holds).items())
