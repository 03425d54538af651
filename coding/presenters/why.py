"""Why a line is as it is: the line, its grounds in order, what does not apply, what would change it, its history.

The grounds are saved rows, so they read the same in ten years; what would change is asked of the engine today.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from coding.codebook_files import load_codebook
from coding.engine.periods import ONE_DAY, in_words
from coding.engine.vocabulary import Setting, Severity
from coding.models import ChargeLine, LineState, SessionHold, SessionRuling
from coding.presenters.line_history import HistoryRow, line_history, session_history
from coding.presenters.what_if import Change, changes_of, is_as_ruled_today, minutes_in_words
from coding.what_if import RuledSession, ruled_session
from payers.models import PolicyClause
from portal.models import Guidance, Isocenters, MotionManagement, TreatmentSession, User
from portal.presenters.audit import local_time
from portal.presenters.remedies import Remedy, remedy_for
from portal.presenters.rulings import NAMING_RULES, concerns

# A reader asks of each of these, in this order; further ones follow where a step speaks of them.
ASKED_FOR = ("26", "TC", "59", "76", "77", "PO", "PN")


@dataclass(frozen=True, slots=True)
class StepView:
    """A step of the trace; where a payer's clause decided it, the clause on the guidance page and its version."""

    step: Mapping[str, Any]
    clause_url: str = ""
    clause_words: str = ""


@dataclass(frozen=True, slots=True)
class ModifierView:
    """A modifier on the line, or those that are left off it for one reason. The grounds are those of the step."""

    codes: tuple[str, ...]
    is_applied: bool
    words: str
    grounds: StepView

    @property
    def citations(self) -> list[Mapping[str, Any]]:
        """The sources that the steps over it do not name already."""
        return [] if self.is_applied or self.grounds.step["result"] else self.grounds.step["citations"]


@dataclass(frozen=True, slots=True)
class ClauseView:
    """A clause of the payer that decided something here; `days` are those on which its version is in force."""

    clause: PolicyClause
    url: str
    version: str
    days: str


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
    url: str
    payer: str
    sentence: str
    policy: str
    steps: list[StepView]
    modifiers: list[ModifierView]
    clauses: list[ClauseView]
    sources: list[Mapping[str, Any]]
    findings: list[FindingView]
    notes: list[FindingView]
    other_lines: list[ChargeLine]
    history: list[HistoryRow]
    successor: ChargeLine | None = None
    changes: list[Change] = field(default_factory=list)

    @property
    def may_be_voided(self) -> bool:
        """Whether the line stands, so that a person with the permission may cancel it."""
        return self.line is not None and self.line.state != LineState.VOID and self.line.replaced_in_id is None


def why_line(line: ChargeLine, user: User) -> WhyPage:
    """Why the line is as it is, from the ruling that made it. Its ruling, trace, session and department are read."""
    ruling, place = line.ruling, (line.claim_form, line.role)
    steps = [step for step in ruling.trace.steps if concerns(step, *place)]
    holds = _holds(line.session)
    of_session = list(ChargeLine.objects.filter(session=line.session_id).order_by("pk"))
    standing = [other for other in of_session if other.state != LineState.VOID and other.replaced_in_id is None]
    of_place = [other for other in of_session if (other.claim_form, other.role) == place]
    is_standing = line in standing
    asked = ruled_session(line.session) if is_standing else None
    views = _step_views(steps, line.session, ruling)
    return WhyPage(
        line=line,
        url=reverse("line-why", args=[line.pk]),
        sentence=_sentence(line, steps, asked if asked and is_as_ruled_today(asked, line) else None),
        steps=[view for view in views if view.step["result"] or not view.step.get("absent")],
        modifiers=_modifiers(line, views),
        successor=None if is_standing else next((other for other in of_place if other in standing), None),
        changes=changes_of(asked, line) if asked else [],
        other_lines=[other for other in standing if other not in of_place],
        history=line_history(line, of_place, [hold for hold in holds if hold.applies_to(line)]),
        **_grounds(line.session, ruling, views, _findings_of(line, holds), user),
    )


def why_session(session: TreatmentSession, user: User) -> WhyPage:
    """Why the session owes what it owes, line or none, from its current ruling."""
    rulings = session.rulings.current().select_related("trace", "policy_version__policy__payer")
    ruling = rulings.first()
    holds = _holds(session)
    findings = ruling.findings if ruling else []
    refusals = [finding["sentence"] for finding in findings if finding["severity"] != Severity.NOTE]
    lines = list(ChargeLine.objects.standing().filter(session=session))
    views = _step_views(ruling.trace.steps if ruling else [], session, ruling)
    paired = [(finding, _hold_of(finding, holds)) for finding in findings]
    return WhyPage(
        line=None,
        url=reverse("session-why", args=[session.pk]),
        sentence=_session_sentence(session, ruling, lines, refusals),
        steps=views,
        modifiers=[],
        other_lines=lines,
        history=session_history(session, holds),
        **_grounds(session, ruling, views, paired, user),
    )


def _grounds(
    session: TreatmentSession,
    ruling: SessionRuling | None,
    views: list[StepView],
    findings: Iterable[tuple[Mapping[str, Any], SessionHold | None]],
    user: User,
) -> dict[str, Any]:
    """What line and session pages share: steps with their clauses, findings with their holds, the policy."""
    found = [_finding_view(finding, hold, session, user) for finding, hold in findings]
    version = ruling.policy_version if ruling else None
    return {
        "session": session,
        "ruling": ruling,
        "session_time": local_time(session.started_at, session.department.zone),
        "payer": version.policy.payer.name if version else "",
        "policy": _policy_words(ruling),
        "clauses": _clauses(views, ruling),
        "sources": _sources([*(view.step for view in views), *(view.finding for view in found)]),
        "findings": [view for view in found if view.finding["severity"] != Severity.NOTE],
        "notes": [view for view in found if view.finding["severity"] == Severity.NOTE],
    }


# The sentence


def _sentence(line: ChargeLine, steps: Iterable[Mapping[str, Any]], asked: RuledSession | None) -> str:
    """The line in one sentence: which session, how long after the one before, what it delivered, where, so what."""
    facts = {name: value for step in steps if step["rule"] in FACTS_TOLD for name, value in step["facts"]}
    number = int(facts.get("session of the day", 1))
    words = {
        "which": _ordinal(number),
        "day": in_words(line.date_of_service),
        "after": _after(number, asked),
        "what": _delivered(facts) if line.role == "delivery" else _guided(facts),
        "where": _where(facts.get("setting", "")),
        "line": _charged(line),
    }
    return _("%(which)s session of %(day)s%(after)s%(what)s%(where)s: %(line)s.") % words


FACTS_TOLD = (*NAMING_RULES, "claim_form", "modifier_repeat", "modifier_52")


def _ordinal(number: int) -> str:
    return {1: _("First"), 2: _("Second"), 3: _("Third")}.get(number) or _("%(number)sth") % {"number": number}


def _after(number: int, asked: RuledSession | None) -> str:
    """How long after the session before it, where that is known."""
    before = asked.facts.earlier_sessions[-1].minutes_before if asked and asked.facts.earlier_sessions else None
    if number < 2 or before is None:
        return ""
    gap = {"gap": minutes_in_words(before)}
    return _(", %(gap)s after the first") % gap if number == 2 else _(", %(gap)s after the one before") % gap


def _delivered(facts: Mapping[str, str]) -> str:
    techniques = {
        "imrt_complex": _("complex IMRT"),
        "imrt_simple": _("simple IMRT"),
        "compensator": _("IMRT with a compensator"),
        "3d": _("3D conformal treatment"),
    }
    parts = [techniques.get(facts.get("technique", ""), "")]
    if facts.get("isocenters") == Isocenters.MULTIPLE:
        parts.append(_("several isocenters"))
    if facts.get("motion management") == MotionManagement.ACTIVE:
        parts.append(_("active motion management"))
    if facts.get("completion") == "partial":
        parts.append(_("cut short"))
    return "".join(f", {part}" for part in parts if part)


def _guided(facts: Mapping[str, str]) -> str:
    names = {
        Guidance.CBCT: _("cone-beam CT"),
        Guidance.STEREOSCOPIC: _("stereoscopic X-ray"),
        Guidance.ULTRASOUND: _("ultrasound"),
        Guidance.SURFACE: _("surface"),
    }
    name = names.get(facts.get("guidance", ""))
    return _(", review of %(name)s guidance") % {"name": name} if name else _(", review of image guidance")


def _where(label: str) -> str:
    if not label:
        return ""
    if label == load_codebook().settings[Setting.INPATIENT].label:
        return _(" of a hospital inpatient")
    return _(" at %(article)s %(setting)s") % {"article": "an" if label[0] in "aeiou" else "a", "setting": label}


def _charged(line: ChargeLine) -> str:
    units = ngettext("%(n)s unit", "%(n)s units", line.units) % {"n": line.units}
    said = line.code
    if line.modifiers:
        *others, last = line.modifiers
        listed = _("%(others)s and %(last)s") % {"others": ", ".join(others), "last": last} if others else last
        said = _("%(code)s with %(modifiers)s") % {"code": line.code, "modifiers": listed}
    return said if line.units == 1 else f"{said}, {units}"


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


# Steps, modifiers, clauses


def _step_views(
    steps: Iterable[Mapping[str, Any]], session: TreatmentSession, ruling: SessionRuling | None
) -> list[StepView]:
    version = ruling.policy_version if ruling else None
    return [
        StepView(step, _clause_url(step["clause"], session, ruling), version.label)
        if step["clause"] and version
        else StepView(step)
        for step in steps
    ]


def _clause_url(term: str, session: TreatmentSession, ruling: SessionRuling) -> str:
    """The clause on the payer's guidance page, as it was in force on the date of service."""
    guidance = reverse("guidance-detail", args=[ruling.policy_version.policy.payer.slug])
    return f"{guidance}?on={session.date_of_service.isoformat()}#term-{term}"


def _modifiers(line: ChargeLine, views: Iterable[StepView]) -> list[ModifierView]:
    """Each modifier that a reader asks for, once: on the line with what put it there, or why it is not."""
    said: dict[str, ModifierView] = {}
    for view in views:
        if not view.step["rule"].startswith("modifier") or view.step["rule"] == "modifier_order":
            continue
        for code in view.step["result"].split():
            said[code] = ModifierView(
                (code,), True, _capitalized(view.step["sentence"].removeprefix(f"{code}: ")), view
            )
        for code, why in view.step.get("absent", ()):
            said[code] = ModifierView((code,), False, f"{_capitalized(why)}.", view)
    order = [*ASKED_FOR, *(code for code in said if code not in ASKED_FOR)]
    alike: dict[tuple[bool, str, str], ModifierView] = {}
    for view in (said[code] for code in order if code in said):
        key = (view.is_applied, view.words, view.grounds.step["rule"])
        alike[key] = replace(view, codes=(*alike[key].codes, *view.codes)) if key in alike else view
    return list(alike.values())


def _capitalized(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}"


def _sources(parts: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """What the parts cite and can be opened, each once, by title."""
    cited = {(c["title"], c["url"]): c for part in parts for c in part["citations"] if c["url"]}
    return [cited[key] for key in sorted(cited)]


def _clauses(views: Iterable[StepView], ruling: SessionRuling | None) -> list[ClauseView]:
    """What the payer says on the terms that decided something here; a term on which it is silent has no clause."""
    urls = {view.step["clause"]: view.clause_url for view in views if view.clause_url}
    if not urls:
        return []
    version = ruling.policy_version
    later = version.policy.versions.published().filter(effective_from__gt=version.effective_from)
    begins = later.order_by("effective_from").values_list("effective_from", flat=True).first()
    days = _("in force from %(day)s") % {"day": in_words(version.effective_from)}
    if begins:
        days += _(" through %(day)s") % {"day": in_words(begins - ONE_DAY)}
    found = version.clauses.filter(term__in=urls)
    return [ClauseView(clause, urls[clause.term], version.label, days) for clause in found]


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
        "day": in_words(version.reviewed_on),
    }


# Findings and holds


def _holds(session: TreatmentSession) -> list[SessionHold]:
    """Every hold that the session ever had, oldest first."""
    return list(session.holds.select_related("released_by", "placed_by", "owner").order_by("opened_at", "pk"))


def _hold_of(finding: Mapping[str, Any], holds: Sequence[SessionHold]) -> SessionHold | None:
    """The hold that stands for the finding, released or not."""
    key = (finding["name"], finding["claim_form"], finding["role"])
    return next((h for h in holds if h.closed_at is None and (h.name, h.claim_form, h.role) == key), None)


def _findings_of(line: ChargeLine, holds: Sequence[SessionHold]) -> list[tuple[Mapping[str, Any], SessionHold | None]]:
    """What the ruling found on the line, and the holds that a person placed on it."""
    found = [
        (finding, _hold_of(finding, holds))
        for finding in line.ruling.findings
        if concerns(finding, line.claim_form, line.role)
    ]
    by_hand = [hold for hold in holds if hold.placed_by_id and hold.closed_at is None and hold.applies_to(line)]
    return [*found, *((_as_finding(hold), hold) for hold in by_hand)]


def _as_finding(hold: SessionHold) -> dict[str, Any]:
    """A hold that a person placed, shaped as the engine's findings are."""
    return {
        "name": hold.name,
        "severity": Severity.HOLD,
        "sentence": hold.sentence,
        "remedy": hold.remedy,
        "citations": [],
        "is_hard": hold.is_hard,
    }


def _finding_view(
    finding: Mapping[str, Any], hold: SessionHold | None, session: TreatmentSession, user: User
) -> FindingView:
    is_settled = session.voided_at is not None or (hold is not None and not hold.is_open)
    is_by_hand = hold is not None and hold.placed_by_id is not None
    needs_act = finding["severity"] != Severity.NOTE and not is_settled and not is_by_hand
    remedy = remedy_for(finding["name"], session, user) if needs_act else None
    return FindingView(finding, hold, _released(hold, session), remedy)


def _released(hold: SessionHold | None, session: TreatmentSession) -> str:
    """Who released the hold, when and with what note; empty while it is open."""
    if hold is None or hold.released_at is None:
        return ""
    return _("Released by %(person)s on %(when)s: %(note)s") % {
        "person": hold.released_by.shown_name,
        "when": local_time(hold.released_at, session.department.zone),
        "note": hold.release_note,
    }
