""" "Why this line": the line, its grounds in order, what did not apply, and what happened to it. Saved rows only."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from coding.models import ChargeLine, SessionHold, SessionRuling
from coding.presenters.remedies import Remedy, remedy_for
from portal.models import AuditEvent, TreatmentSession, User

# These steps say what the line is; the others refine it.
NAMING_RULES = ("delivery_code", "guidance_code")
EXPLAINED_IN_ONE_BREATH = ("modifier_repeat", "modifier_site", "modifier_26", "modifier_52")


@dataclass(frozen=True, slots=True)
class StepView:
    """A step of the trace, with the guidance page's anchor where a payer's clause decided it."""

    step: dict[str, Any]
    clause_url: str


@dataclass(frozen=True, slots=True)
class FindingView:
    """A finding of the ruling; the hold it opened, if it is one, and what clears it."""

    finding: dict[str, Any]
    hold: SessionHold | None
    remedy: Remedy | None


@dataclass(frozen=True, slots=True)
class WhyPage:
    line: ChargeLine | None
    session: TreatmentSession
    ruling: SessionRuling | None
    in_one_breath: str
    applied: list[StepView]
    absent: list[StepView]
    findings: list[FindingView]
    notes: list[FindingView]
    events: list[AuditEvent]
    policy_text: str


def why_line(line: ChargeLine, user: User) -> WhyPage:
    """Why the line is as it is, from the ruling that made it."""
    steps = [s for s in line.ruling.trace.steps if _concerns(s, line.claim_form, line.role)]
    findings = [f for f in line.ruling.findings if _concerns(f, line.claim_form, line.role)]
    about_line = AuditEvent.objects.about(line).select_related("by")
    return _page(line.session, line.ruling, steps, findings, user, line=line, further=list(about_line))


def why_session(session: TreatmentSession, user: User) -> WhyPage:
    """Why the session owes what it owes, line or none, from its current ruling."""
    ruling = session.rulings.current().select_related("trace", "policy_version__policy__payer").first()
    steps = ruling.trace.steps if ruling else []
    return _page(session, ruling, steps, ruling.findings if ruling else [], user)


def _page(
    session: TreatmentSession,
    ruling: SessionRuling | None,
    steps: list[dict[str, Any]],
    findings: list[dict[str, Any]],
    user: User,
    *,
    line: ChargeLine | None = None,
    further: Iterable[AuditEvent] = (),
) -> WhyPage:
    guidance_url = _guidance_url(session, ruling)
    views = [StepView(step, _clause_url(guidance_url, step["clause"])) for step in steps]
    holds = {
        (hold.name, hold.claim_form, hold.role): hold
        for hold in SessionHold.objects.standing().filter(session=session).select_related("released_by")
    }
    found = [
        FindingView(f, holds.get((f["name"], f["claim_form"], f["role"])), remedy_for(f["name"], session, user))
        for f in findings
    ]
    events = [*further, *AuditEvent.objects.about(session).select_related("by")[:20]]
    return WhyPage(
        line=line,
        session=session,
        ruling=ruling,
        in_one_breath=one_breath(steps),
        applied=[view for view in views if view.step["result"]],
        absent=[view for view in views if not view.step["result"]],
        findings=[view for view in found if view.finding["severity"] != "note"],
        notes=[view for view in found if view.finding["severity"] == "note"],
        events=sorted(events, key=lambda event: event.at, reverse=True),
        policy_text=_policy_text(ruling),
    )


def one_breath(steps: Iterable[dict[str, Any]]) -> str:
    """The line in plain words: what named its code, then each modifier that stands on it."""
    said = [s["sentence"] for s in steps if s["rule"] in NAMING_RULES and s["result"]]
    said += [s["sentence"] for s in steps if s["rule"] in EXPLAINED_IN_ONE_BREATH and s["result"]]
    return " ".join(said)


def _concerns(part: dict[str, Any], claim_form: str, role: str) -> bool:
    return part["claim_form"] in ("", claim_form) and part["role"] in ("", role)


def _clause_url(guidance_url: str, clause: str) -> str:
    return f"{guidance_url}#term-{clause}" if guidance_url and clause else ""


def _guidance_url(session: TreatmentSession, ruling: SessionRuling | None) -> str:
    if ruling is None or ruling.policy_version is None:
        return ""
    slug = ruling.policy_version.policy.payer.slug
    return f"{reverse('guidance-detail', args=[slug])}?on={session.date_of_service.isoformat()}"


def _policy_text(ruling: SessionRuling | None) -> str:
    if ruling is None or ruling.policy_version is None:
        return ""
    version = ruling.policy_version
    return f"{version.policy.title}: {version.label}"
