"""Charge review: live lines newest first, filtered, and sessions that owe no line but want a look."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet

from coding.models import ChargeLine, SessionHold, SessionRuling
from portal.models import User
from portal.presenters.keyset import KeysetPage, keyset_page


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """A line with what keeps it back, in the fewest words."""

    line: ChargeLine
    payer: str
    reasons: list[str]


@dataclass(frozen=True, slots=True)
class ReviewPage:
    rows: list[ReviewRow]
    page: KeysetPage


def lines_for(user: User, asked: dict[str, Any]) -> QuerySet:
    """The live lines that the person may see and the filters leave; `asked` is the form's cleaned data."""
    lines = ChargeLine.objects.live().visible_to(user)
    if asked.get("payer"):
        lines = lines.filter(ruling__policy_version__policy__payer=asked["payer"])
    if asked.get("department"):
        lines = lines.filter(session__department=asked["department"])
    if asked.get("state"):
        lines = lines.filter(state=asked["state"])
    if asked.get("code"):
        lines = lines.filter(code=asked["code"])
    if asked.get("modifier"):
        lines = lines.filter(modifiers__contains=[asked["modifier"]])
    if asked.get("claim_form"):
        lines = lines.filter(claim_form=asked["claim_form"])
    if asked.get("start"):
        lines = lines.filter(session__date_of_service__gte=asked["start"])
    if asked.get("end"):
        lines = lines.filter(session__date_of_service__lte=asked["end"])
    if asked.get("reason"):
        open_holds = SessionHold.objects.open().filter(session=OuterRef("session"), name=asked["reason"])
        lines = lines.filter(Exists(open_holds))
    return lines


def review_page(user: User, asked: dict[str, Any], where: dict[str, str], kept: dict[str, str]) -> ReviewPage:
    """One page of lines. `where` names it (older, newer); `kept` are the filters in the address."""
    lines = lines_for(user, asked).select_related(
        "session__course__patient", "session__department", "ruling__policy_version__policy__payer"
    )
    lines = lines.prefetch_related(
        Prefetch("session__holds", queryset=SessionHold.objects.open(), to_attr="open_holds")
    )
    page = keyset_page(lines, by="session__date_of_service", asked=where, noun="line", kept=kept)
    return ReviewPage(rows=[_row(line) for line in page.rows], page=page)


def _row(line: ChargeLine) -> ReviewRow:
    version = line.ruling.policy_version
    reasons = [hold.name for hold in line.session.open_holds if hold.applies_to(line)]
    return ReviewRow(
        line=line,
        payer=version.policy.payer.name if version else "",
        reasons=reasons + (line.ruling.error_names if line.state == "draft" else []),
    )


def rulings_without_line(user: User, where: dict[str, str]) -> KeysetPage:
    """Current rulings of standing sessions that have no live line, and an error or an open hold that says why."""
    lines = ChargeLine.objects.live().filter(session=OuterRef("session"))
    holds = SessionHold.objects.open().filter(session=OuterRef("session"))
    rulings = (
        SessionRuling.objects.current()
        .visible_to(user)
        .filter(~Exists(lines), Q(Exists(holds)) | ~Q(error_names=[]), session__voided_at__isnull=True)
        .select_related("session__course__patient", "session__department")
        .prefetch_related(Prefetch("session__holds", queryset=SessionHold.objects.open(), to_attr="open_holds"))
    )
    return keyset_page(rulings, by="session__date_of_service", asked=where, noun="session", kept={})
