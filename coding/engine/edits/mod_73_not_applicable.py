"""MOD_73_NOT_APPLICABLE."""

from coding.engine.claim import Claim
from coding.engine.codebook import Codebook
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.terms import TermsInForce


def mod_73_not_applicable(facts: SessionFacts, terms: TermsInForce, codebook: Codebook, claim: Claim) -> Finding | None:
    """73 or 74 was keyed; they are for procedures under anaesthesia."""
    keyed = next((modifier for modifier in claim.keyed.modifiers if modifier in ("73", "74")), None)
    if keyed is None:
        return None
    return find(
        "mod_73_not_applicable",
        codebook.modifiers[keyed].citations,
        claim_form=claim.claim_form,
        role=claim.keyed.role,
        modifier=keyed,
    )
