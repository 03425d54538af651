"""How a ruling is told beside its session: each line with one sentence why, each finding with what clears it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy

from coding.answers import finding_as_json, trace_as_json
from coding.engine.findings import CATALOGUE
from coding.engine.ruling import Ruling
from coding.engine.vocabulary import Severity
from coding.models import ChargeLine, LineState, SessionHold, SessionRuling
from coding.models.lines import LineRole
from portal.models import ClaimForm, TreatmentSession, User
from portal.presenters.remedies import Remedy, remedy_for

# These steps say what a line is; the others refine it.
NAMING_RULES = ("delivery_code", "guidance_code")
# The findings that several edits share a name for.
SHARED_TITLES = {"NCCI_INDICATOR_0": gettext_lazy("Codes never billed together")}


@dataclass(frozen=True, slots=True)
class LineView:
    """One charge line, saved or only previewed. `why_url` is empty for a preview."""

    code: str
    modifiers: tuple[str, ...]
    units: int
    place_of_service: str
    revenue_code: str
    state: str
    claim_form: str
    role: str
    sentence: str
    charge_amount: Decimal | None = None
    why_url: str = ""


@dataclass(frozen=True, slots=True)
class FindingView:
    """A finding, the hold that it opened if it is one, and the act that clears it."""

    finding: Mapping[str, Any]
    hold: SessionHold | None
    remedy: Remedy | None

    @property
    def is_released(self) -> bool:
        return self.hold is not None and self.hold.released_at is not None


@dataclass(frozen=True, slots=True)
class RulingView:
    """The answer for one session: lines, what keeps them back or refuses them, and what is good to know."""

    lines: tuple[LineView, ...]
    findings: tuple[FindingView, ...]
    notes: tuple[FindingView, ...]


def finding_title(name: str) -> str:
    """A finding in a few words."""
    if name in SHARED_TITLES:
        return str(SHARED_TITLES[name])
    wording = CATALOGUE.get(name.lower())
    return wording.title if wording else name.replace("_", " ").capitalize()


def saved_ruling(session: TreatmentSession, ruling: SessionRuling | None, user: User) -> RulingView:
    """What is saved of the session: its lines, those that a person voided among them, but none that was replaced."""
    rows = ChargeLine.objects.filter(session=session, replaced_in__isnull=True).select_related("ruling__trace")
    holds = standing_holds(session)
    lines = [
        LineView(
            code=line.code,
            modifiers=tuple(line.modifiers),
            units=line.units,
            place_of_service=line.place_of_service,
            revenue_code=line.revenue_code,
            state=line.state,
            claim_form=line.get_claim_form_display(),
            role=line.get_role_display(),
            sentence=line.void_reason or _why(line.ruling.trace.steps, line.claim_form, line.role),
            charge_amount=line.charge_amount,
            why_url=reverse("line-why", args=[line.pk]),
        )
        for line in sorted(rows, key=lambda row: (row.state == LineState.VOID, row.role, row.claim_form, row.pk))
    ]
    found = [
        FindingView(
            finding,
            holds.get((finding["name"], finding["claim_form"], finding["role"])),
            remedy_for(finding["name"], session, user, finding["grounds"]),
        )
        for finding in (ruling.findings if ruling else [])
    ]
    return _view(lines, found)


def previewed_ruling(ruling: Ruling) -> RulingView:
    """What a session would owe if it were saved; nothing is stored, so nothing is linked."""
    steps = trace_as_json(ruling)
    lines = [
        LineView(
            code=charge.code,
            modifiers=charge.modifiers,
            units=charge.units,
            place_of_service=charge.place_of_service,
            revenue_code=charge.revenue_code,
            state=_state_if_saved(ruling, charge),
            claim_form=str(ClaimForm(charge.claim_form).label),
            role=str(LineRole(charge.role).label),
            sentence=_why(steps, charge.claim_form, charge.role),
        )
        for charge in sorted(ruling.charges, key=lambda charge: (charge.role, charge.claim_form))
    ]
    return _view(lines, [FindingView(finding_as_json(finding), None, None) for finding in ruling.findings])


def _view(lines: Iterable[LineView], found: Iterable[FindingView]) -> RulingView:
    by_weight = sorted(found, key=lambda view: ("error", "hold", "note").index(view.finding["severity"]))
    return RulingView(
        lines=tuple(lines),
        findings=tuple(view for view in by_weight if view.finding["severity"] != Severity.NOTE),
        notes=tuple(view for view in by_weight if view.finding["severity"] == Severity.NOTE),
    )


def _state_if_saved(ruling: Ruling, charge) -> str:
    """Draft where an error refuses the line, held where a hold keeps it back, else ready."""
    applying = {f.severity for f in ruling.findings if f.applies_to(charge.claim_form, charge.role)}
    if Severity.ERROR in applying:
        return LineState.DRAFT
    return LineState.HELD if Severity.HOLD in applying else LineState.READY


def _why(steps: Iterable[Mapping[str, Any]], claim_form: str, role: str) -> str:
    """The sentence of the step that named the line's code."""
    return " ".join(
        step["sentence"]
        for step in steps
        if step["rule"] in NAMING_RULES and step["result"] and concerns(step, claim_form, role)
    )


def concerns(part: Mapping[str, Any], claim_form: str, role: str) -> bool:
    """Whether a saved step or finding is about the line of that claim form and role, or about the whole session."""
    return part["claim_form"] in ("", claim_form) and part["role"] in ("", role)


def standing_holds(session: TreatmentSession) -> dict[tuple[str, str, str], SessionHold]:
    """The session's holds whose grounds still stand, released or not, by name, claim form and role."""
    holds = SessionHold.objects.standing().filter(session=session).select_related("released_by")
    return {(hold.name, hold.claim_form, hold.role): hold for hold in holds}
