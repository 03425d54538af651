"""Charge review: live lines newest first, filtered, and the sessions that owe no line, with why."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.utils.translation import gettext as _

from coding.engine.vocabulary import Severity
from coding.models import ChargeLine, LineState, SessionHold, SessionRuling
from coding.reports import ChargeFilters, charge_lines
from portal.models import User
from portal.presenters.course import finding_title
from portal.presenters.keyset import KeysetPage, keyset_page


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a line is kept back or absent: an error or a hold in a few words, and the hold's page where it has one."""

    name: str
    title: str
    severity: str
    hold_id: int | None = None


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """A line with its payer, what keeps it back, and the correction that is drafted beside an exported one."""

    line: ChargeLine
    claim_form: str
    payer: str
    reasons: list[Reason]
    corrections: list[ChargeLine]


@dataclass(frozen=True, slots=True)
class WithoutLineRow:
    ruling: SessionRuling
    payer: str
    reasons: list[Reason]


@dataclass(frozen=True, slots=True)
class ReviewPage:
    rows: list[ReviewRow] | list[WithoutLineRow]
    pages: KeysetPage


def review_page(user: User, filters: ChargeFilters, *, asked: Mapping[str, str], kept: Mapping[str, str]) -> ReviewPage:
    """One page of lines in a fixed number of queries. `asked` names the page, `kept` are the filters in the address."""
    lines = (
        charge_lines(user=user, filters=filters)
        .select_related("session__course__patient", "session__department", "ruling__policy_version__policy__payer")
        .prefetch_related(
            Prefetch("session__holds", queryset=SessionHold.objects.open(), to_attr="open_holds"),
            Prefetch("corrections", queryset=ChargeLine.objects.standing(), to_attr="standing_corrections"),
        )
    )
    pages = keyset_page(lines, by="session__date_of_service", asked=asked, kept=kept)
    return ReviewPage([_line_row(line) for line in pages.rows], pages)


def without_line_page(
    user: User, filters: ChargeFilters, *, asked: Mapping[str, str], kept: Mapping[str, str]
) -> ReviewPage:
    """One page of standing sessions that owe no line as they stand, each with its errors, holds, or a person's void."""
    # Where any line stands, one of them is live.
    standing = ChargeLine.objects.standing().filter(session=OuterRef("session"))
    rulings = (
        SessionRuling.objects.current()
        .visible_to(user)
        .filter(~Exists(standing), _wanted(filters), session__voided_at__isnull=True)
        .select_related("session__course__patient", "session__department", "policy_version__policy__payer")
        .prefetch_related(
            Prefetch("session__holds", queryset=SessionHold.objects.open(), to_attr="open_holds"),
            Prefetch("session__charge_lines", queryset=_voided_by_hand(), to_attr="void_lines"),
        )
    )
    pages = keyset_page(rulings, by="session__date_of_service", asked=asked, kept=kept)
    return ReviewPage([_without_line_row(ruling) for ruling in pages.rows], pages)


def _voided_by_hand() -> QuerySet:
    return ChargeLine.objects.filter(state=LineState.VOID, replaced_in__isnull=True).order_by("pk")


def _wanted(filters: ChargeFilters) -> Q:
    """The filters that can be asked of a session without a line."""
    wanted = Q()
    if filters.payer is not None:
        wanted &= Q(policy_version__policy__payer=filters.payer)
    if filters.is_without_payer:
        wanted &= Q(policy_version__isnull=True)
    if filters.department_id is not None:
        wanted &= Q(session__department=filters.department_id)
    if filters.start is not None:
        wanted &= Q(session__date_of_service__gte=filters.start)
    if filters.end is not None:
        wanted &= Q(session__date_of_service__lte=filters.end)
    if filters.reason:
        held = SessionHold.objects.open().filter(session=OuterRef("session"), name=filters.reason)
        wanted &= Q(Exists(held)) | Q(error_names__contains=[filters.reason])
    return wanted


def _line_row(line: ChargeLine) -> ReviewRow:
    version = line.ruling.policy_version
    errors = line.ruling.error_names if line.state == LineState.DRAFT and line.corrects_id is None else []
    holds = [hold for hold in line.session.open_holds if hold.applies_to(line)]
    return ReviewRow(
        line=line,
        claim_form=line.get_claim_form_display().partition(" (")[0],
        payer=version.policy.payer.name if version else "",
        reasons=[_error(name) for name in errors] + [_hold(hold) for hold in holds],
        corrections=line.standing_corrections,
    )


def _without_line_row(ruling: SessionRuling) -> WithoutLineRow:
    version = ruling.policy_version
    reasons = [_error(name) for name in ruling.error_names] + [_hold(hold) for hold in ruling.session.open_holds]
    reasons += [
        Reason("VOID", _("%(line)s voided: %(reason)s") % {"line": line, "reason": line.void_reason}, Severity.NOTE)
        for line in ruling.session.void_lines
    ]
    if not reasons:
        reasons = [_note(finding["name"]) for finding in ruling.findings]
    return WithoutLineRow(ruling, version.policy.payer.name if version else "", reasons)


def _error(name: str) -> Reason:
    return Reason(name, finding_title(name), Severity.ERROR)


def _note(name: str) -> Reason:
    return Reason(name, finding_title(name), Severity.NOTE)


def _hold(hold: SessionHold) -> Reason:
    return Reason(hold.name, finding_title(hold.name), Severity.HOLD, hold.pk)
