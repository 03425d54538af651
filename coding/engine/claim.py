"""The lines of one claim while they are being decided."""

from dataclasses import dataclass

from coding.engine.codebook import Codebook
from coding.engine.facts import SessionFacts
from coding.engine.vocabulary import ClaimForm, LineRole

FORMS_OF_ROLE = {
    LineRole.DELIVERY: (ClaimForm.INSTITUTIONAL, ClaimForm.GLOBAL),
    LineRole.GUIDANCE: (ClaimForm.PROFESSIONAL, ClaimForm.GLOBAL),
}


@dataclass(frozen=True, slots=True)
class Keyed:
    """What the coder keyed by hand on this claim. Modifiers without a code are keyed on the delivery line."""

    code: str = ""
    modifiers: tuple[str, ...] = ()
    role: LineRole = LineRole.DELIVERY


@dataclass(frozen=True, slots=True)
class Line:
    """One line as decided so far. `is_kept`: a deleted code on the payer's word. `left_out`: keyed, with the reason."""

    claim_form: ClaimForm
    role: LineRole
    code: str
    is_kept: bool
    modifiers: tuple[str, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()
    units: int = 1


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim form of a session. `is_drafted`: the form may be billed, so a missing line has nothing to bill."""

    claim_form: ClaimForm
    keyed: Keyed
    refusal: str = ""
    is_drafted: bool = False
    delivery: Line | None = None
    guidance: Line | None = None

    @property
    def lines(self) -> tuple[Line, ...]:
        """The lines there are, delivery first."""
        return tuple(line for line in (self.delivery, self.guidance) if line is not None)


def keyed_on(facts: SessionFacts, claim_form: ClaimForm, codebook: Codebook) -> Keyed:
    """What was keyed by hand for this claim form: a code is keyed where it belongs; with one form, on that form."""
    code, *modifiers = facts.requested_code.strip().upper().split("-")
    known = codebook.codes.get(code)
    role = known.role if known and known.role else LineRole.DELIVERY
    homes = [form for form in facts.claim_forms if form in FORMS_OF_ROLE[role]] or list(facts.claim_forms)
    if claim_form is not homes[0]:
        return Keyed()
    keyed = (m.strip().upper() for m in (*modifiers, *facts.requested_modifiers))
    return Keyed(code, tuple(dict.fromkeys(modifier for modifier in keyed if modifier)), role)
