"""Holds as a worklist: by reason with what clears each, or one by one, the oldest first."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, F, Min, OuterRef, Q, QuerySet, Subquery
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan
from django.utils.translation import gettext as _

from coding.models import ChargeLine, SessionHold, SessionRuling
from portal.models import User
from portal.presenters.audit import local_time
from portal.presenters.keyset import ROWS_A_PAGE, count_text
from portal.presenters.remedies import Remedy, remedy_for
from portal.presenters.rulings import finding_title

PAYER_SLUG = "policy_version__policy__payer__slug"
PAYER_NAME = "policy_version__policy__payer__name"


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """How many of the holds have one reason, for how many days the oldest waits, and what clears it in general."""

    name: str
    title: str
    number: int
    days: int
    is_hard: bool
    url: str


@dataclass(frozen=True, slots=True)
class HoldRow:
    hold: SessionHold
    title: str
    payer: str
    days: int
    remedy: Remedy | None


@dataclass(frozen=True, slots=True)
class HoldPage:
    """One page of holds, the oldest first; `reasons` counts what the filters leave, by reason."""

    rows: list[HoldRow]
    reasons: list[ReasonCount]
    count_text: str
    next_url: str


@dataclass(frozen=True, slots=True)
class HoldView:
    """Everything that the page of one hold places."""

    hold: SessionHold
    title: str
    grounds: list[tuple[str, str]]
    citations: list[Mapping[str, Any]]
    opened: str
    released: str
    remedy: Remedy | None
    lines: list[ChargeLine]
    may_be_reopened: bool


def holds_wanted(user: User, chosen: Mapping[str, Any]) -> QuerySet:
    """The holds that the person may see and the filters leave; `chosen` is the cleaned form."""
    holds = SessionHold.objects.visible_to(user)
    holds = holds.standing().filter(released_at__isnull=False) if chosen["show"] else holds.open()
    wanted = Q()
    if chosen["reason"]:
        wanted &= Q(name=chosen["reason"])
    if chosen["kind"]:
        wanted &= Q(is_hard=chosen["kind"] == "hard")
    if chosen["department"]:
        wanted &= Q(session__department=chosen["department"])
    if chosen["start"]:
        wanted &= Q(session__date_of_service__gte=chosen["start"])
    if chosen["end"]:
        wanted &= Q(session__date_of_service__lte=chosen["end"])
    if chosen["payer"]:
        wanted &= Q(
            session__in=SessionRuling.objects.current().filter(**{PAYER_SLUG: chosen["payer"]}).values("session")
        )
    return holds.filter(wanted)


def hold_page(
    holds: QuerySet, *, user: User, now: datetime, asked: Mapping[str, str], kept: Mapping[str, str]
) -> HoldPage:
    """One page of the holds, after the one that `asked` names, in a fixed number of queries."""
    onward = holds
    after = _key(asked.get("after", ""))
    if after is not None:
        onward = holds.filter(TupleGreaterThan(Tuple(F("opened_at"), F("id")), after))
    payer = SessionRuling.objects.current().filter(session=OuterRef("session")).values(PAYER_NAME)[:1]
    found = list(
        onward.annotate(payer=Subquery(payer))
        .select_related("session__course__patient", "session__department", "released_by")
        .prefetch_related("session__delivered_fractions")
        .order_by("opened_at", "id")[: ROWS_A_PAGE + 1]
    )
    rows = found[:ROWS_A_PAGE]
    last = rows[-1] if len(found) > ROWS_A_PAGE else None
    return HoldPage(
        rows=[_hold_row(hold, user, now) for hold in rows],
        reasons=_reasons(holds, now, kept),
        count_text=count_text(holds),
        next_url="?" + urlencode({**kept, "after": f"{last.opened_at.isoformat()},{last.pk}"}) if last else "",
    )


def hold_view(hold: SessionHold, user: User) -> HoldView:
    """One hold: what is wrong, what it was held against, what clears it, and the lines that wait for it."""
    is_open = hold.is_open
    found = [f for f in hold.ruling.findings if f["name"] == hold.name and f["grounds"] == hold.grounds]
    zone = hold.session.department.zone
    released = ""
    if hold.released_at is not None:
        released = _("%(person)s, %(when)s") % {
            "person": hold.released_by.shown_name,
            "when": local_time(hold.released_at, zone),
        }
    return HoldView(
        hold=hold,
        title=finding_title(hold.name),
        grounds=[(name.replace("_", " "), value) for name, value in hold.grounds],
        citations=found[0]["citations"] if found else [],
        opened=local_time(hold.opened_at, zone),
        released=released,
        remedy=remedy_for(hold.name, hold.session, user) if is_open else None,
        lines=[line for line in ChargeLine.objects.standing().filter(session=hold.session) if hold.applies_to(line)],
        may_be_reopened=hold.released_at is not None and hold.closed_at is None,
    )


def _hold_row(hold: SessionHold, user: User, now: datetime) -> HoldRow:
    remedy = remedy_for(hold.name, hold.session, user) if hold.is_open else None
    return HoldRow(hold, finding_title(hold.name), hold.payer or "", max((now - hold.opened_at).days, 0), remedy)


def _reasons(holds: QuerySet, now: datetime, kept: Mapping[str, str]) -> list[ReasonCount]:
    groups = holds.order_by().values("name", "is_hard").annotate(number=Count("pk"), oldest=Min("opened_at"))
    counts = [
        ReasonCount(
            name=group["name"],
            title=finding_title(group["name"]),
            number=group["number"],
            days=max((now - group["oldest"]).days, 0),
            is_hard=group["is_hard"],
            url="?" + urlencode({**kept, "reason": group["name"]}),
        )
        for group in groups
    ]
    return sorted(counts, key=lambda reason: (-reason.number, reason.title))


def _key(text: str) -> tuple[datetime, int] | None:
    value, _comma, key = text.partition(",")
    if not (key.isascii() and key.isdigit() and len(key) < 19):
        return None
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return None
    return (at, int(key)) if at.tzinfo else None
