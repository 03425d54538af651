"""MOD_TC_INVALID."""

from coding.engine.claim import Claim
from coding.engine.codebook import Codebook
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.terms import TermsInForce
from coding.engine.vocabulary import LineRole


def mod_tc_invalid(facts: SessionFacts, terms: TermsInForce, codebook: Codebook, claim: Claim) -> Finding | None:
    """TC was keyed where there is nothing to split off, and no term of the payer asks for it."""
    keyed = claim.keyed
    if "TC" not in keyed.modifiers:
        return None
    if claim.delivery and keyed.role is LineRole.DELIVERY and "TC" in claim.delivery.modifiers:
        return None
    why = (
        "the code is technical only, there is nothing to split off"
        if keyed.role is LineRole.DELIVERY
        else "the line is the physician's part of guidance"
    )
    return find(
        "mod_tc_invalid",
        codebook.modifiers["TC"].citations + terms.citations("technical_modifier"),
        claim_form=claim.claim_form,
        on=keyed.code or "the delivery line",
        why=why,
    )
