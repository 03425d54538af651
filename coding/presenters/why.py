"""Why a line is as it is: the line, its grounds in order, what does not apply, and what happened to it.

Saved rows only: the page of a line reads the same in ten years.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from coding.engine.vocabulary import Severity
from coding.models import ChargeLine, LineState, SessionHold, SessionRuling
from portal.models import AuditEvent, TreatmentSession, User
from portal.presenters.audit import EventRow, event_rows, local_time
from portal.presenters.remedies import Remedy, remedy_for
from portal.presenters.rulings import NAMING_RULES, concerns, standing_holds

# What NAMING_RULES say of the line, these steps refine.
REFINING_RULES = (
    "modifier_site",
    "modifier_repeat",
    "modifier_26",
    "modifier_tc",
    "modifier_52",
    "modifier_liability",
    "modifier_people",
)
EVENTS_AT_MOST = 50


@dataclass(frozen=True, slots=True)
class StepView:
    """A step of the trace; where a payer's clause decided it, the clause on the guidance page and its version."""

    step: Mapping[str, Any]
    clause_url: str
    clause_words: str


@dataclass(frozen=True, slots=True)
class FindingView:
    """A finding of the ruling; the hold that it opened, if it is one, how that was released, and what clears it."""

    finding: Mapping[str, Any]
    hold: SessionHold | None
    released: str
    remedy: Remedy | None


@dataclass(frozen=True, slots=True)
class WhyPage:
    """Everything that page and panel place. `line` is None where a session is asked about."""

    line: ChargeLine | None
    session: TreatmentSession
    ruling: SessionRuling | None
    session_time: str
    sentence: str
    policy: str
    applied: list[StepView]
    absent: list[StepView]
    findings: list[FindingView]
    notes: list[FindingView]
    successor: ChargeLine | None
    other_lines: list[ChargeLine]
    events: list[EventRow]

    @property
    def may_be_voided(self) -> bool:
        """Whether the line stands, so that a person with the permission may cancel it."""
        return self.line is not None and self.line.state != LineState.VOID and self.line.replaced_in_id is None


def why_line(line: ChargeLine, user: User) -> WhyPage:
    """Why the line is as it is, from the ruling that made it. Its ruling, trace, session and department are read."""
    ruling, place = line.ruling, (line.claim_form, line.role)
    steps = [step for step in ruling.trace.steps if concerns(step, *place)]
    findings = [finding for finding in ruling.findings if concerns(finding, *place)]
    standing = list(ChargeLine.objects.standing().filter(session=line.session_id).exclude(pk=line.pk))
    return WhyPage(
        line=line,
        sentence=_sentence(steps),
        successor=next((other for other in standing if (other.claim_form, other.role) == place), None)
        if line.replaced_in_id or line.state == LineState.VOID
        else None,
        other_lines=[other for other in standing if (other.claim_form, other.role) != place],
        events=_events(line.session, line),
        **_grounds(line.session, ruling, steps, findings, user),
    )


def why_session(session: TreatmentSession, user: User) -> WhyPage:
    """Why the session owes what it owes, line or none, from its current ruling."""
    rulings = session.rulings.current().select_related("trace", "policy_version__policy__payer")
    ruling = rulings.first()
    steps = ruling.trace.steps if ruling else []
    findings = ruling.findings if ruling else []
    refusals = [finding["sentence"] for finding in findings if finding["severity"] != Severity.NOTE]
    lines = list(ChargeLine.objects.standing().filter(session=session))
    return WhyPage(
        line=None,
        sentence=_session_sentence(session, ruling, lines, refusals),
        successor=None,
        other_lines=lines,
        events=_events(session),
        **_grounds(session, ruling, steps, findings, user),
    )


def _grounds(
    session: TreatmentSession,
    ruling: SessionRuling | None,
    steps: Iterable[Mapping[str, Any]],
    findings: Iterable[Mapping[str, Any]],
    user: User,
) -> dict[str, Any]:
    """What line and session pages share: steps with their clauses, findings with their holds, the policy."""
    views = [_step_view(step, session, ruling) for step in steps]
    found = _finding_views(findings, session, user)
    return {
        "session": session,
        "ruling": ruling,
        "session_time": local_time(session.started_at, session.department.zone),
        "policy": _policy_words(ruling),
        "applied": [view for view in views if view.step["result"]],
        "absent": [view for view in views if not view.step["result"]],
        "findings": [view for view in found if view.finding["severity"] != Severity.NOTE],
        "notes": [view for view in found if view.finding["severity"] == Severity.NOTE],
    }


def _sentence(steps: Iterable[Mapping[str, Any]]) -> str:
    """The line in plain words: what named its code, then what put each modifier on it."""
    said = {step["rule"]: step["sentence"] for step in steps if step["result"]}
    return " ".join(said[rule] for rule in (*NAMING_RULES, *REFINING_RULES) if rule in said)


def _session_sentence(
    session: TreatmentSession, ruling: SessionRuling | None, lines: list[ChargeLine], refusals: list[str]
) -> str:
    if session.voided_at is not None:
        return _("This session was voided: %(reason)s") % {"reason": session.void_reason}
    if ruling is None:
        return _("No ruling has been made on this session yet.")
    if lines:
        return _("This session owes %(lines)s.") % {"lines": " + ".join(map(str, lines))}
    return " ".join([_("This session owes no line as it stands."), *refusals[:1]])


def _step_view(step: Mapping[str, Any], session: TreatmentSession, ruling: SessionRuling | None) -> StepView:
    if not step["clause"] or ruling is None or ruling.policy_version is None:
        return StepView(step, "", "")
    version = ruling.policy_version
    guidance = reverse("guidance-detail", args=[version.policy.payer.slug])
    url = f"{guidance}?on={session.date_of_service.isoformat()}#term-{step['clause']}"
    return StepView(step, url, version.label)


def _finding_views(findings: Iterable[Mapping[str, Any]], session: TreatmentSession, user: User) -> list[FindingView]:
    holds = standing_holds(session)
    views = []
    for finding in findings:
        hold = holds.get((finding["name"], finding["claim_form"], finding["role"]))
        is_settled = session.voided_at is not None or (hold is not None and not hold.is_open)
        needs_act = finding["severity"] != Severity.NOTE and not is_settled
        remedy = remedy_for(finding["name"], session, user, finding["grounds"]) if needs_act else None
        views.append(FindingView(finding, hold, _released(hold, session), remedy))
    return views


def _released(hold: SessionHold | None, session: TreatmentSession) -> str:
    """Who released the hold, when and with what note; empty while it is open."""
    if hold is None or hold.released_at is None:
        return ""
    return _("Released by %(person)s on %(when)s: %(note)s") % {
        "person": hold.released_by.shown_name,
        "when": local_time(hold.released_at, session.department.zone),
        "note": hold.release_note,
    }


def _policy_words(ruling: SessionRuling | None) -> str:
    """The policy version that ruled, by title, first day and the day someone last compared it with its sources."""
    if ruling is None or ruling.policy_version is None:
        return ""
    version = ruling.policy_version
    words = f"{version.policy.title}: {version.label}"
    if version.reviewed_on is None:
        return words
    return _("%(policy)s, compared with its sources on %(day)s") % {
        "policy": words,
        "day": f"{version.reviewed_on:%m/%d/%Y}",
    }


def _events(session: TreatmentSession, line: ChargeLine | None = None) -> list[EventRow]:
    """What happened to the session, and to the line where one is asked about, newest first."""
    events = list(AuditEvent.objects.about(session).select_related("by")[:EVENTS_AT_MOST])
    if line is not None:
        events += AuditEvent.objects.about(line).select_related("by")[:EVENTS_AT_MOST]
    newest_first = sorted(events, key=lambda event: (event.at, event.pk), reverse=True)
    return event_rows(newest_first, zone=session.department.zone)
