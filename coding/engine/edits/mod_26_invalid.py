"""MOD_26_INVALID."""

from coding.engine.claim import Claim
from coding.engine.codebook import Codebook
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.terms import TermsInForce
from coding.engine.vocabulary import LineRole


def mod_26_invalid(facts: SessionFacts, terms: TermsInForce, codebook: Codebook, claim: Claim) -> Finding | None:
    """26 was keyed on a technical-only code."""
    known = codebook.codes.get(claim.keyed.code)
    is_technical = claim.keyed.role is LineRole.DELIVERY or (known is not None and known.is_technical_only)
    if "26" not in claim.keyed.modifiers or not is_technical:
        return None
    return find(
        "mod_26_invalid",
        known.citations if known else codebook.modifiers["26"].citations,
        claim_form=claim.claim_form,
        on=claim.keyed.code or "the delivery line",
    )
