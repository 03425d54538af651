"""MOD_53_NOT_FOR_FACILITY."""

from coding.engine.claim import Claim
from coding.engine.codebook import Codebook
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.terms import TermsInForce


def mod_53_not_for_facility(
    facts: SessionFacts, terms: TermsInForce, codebook: Codebook, claim: Claim
) -> Finding | None:
    """53 was keyed; it is for procedures that a physician breaks off."""
    if "53" not in claim.keyed.modifiers:
        return None
    return find(
        "mod_53_not_for_facility",
        codebook.modifiers["53"].citations,
        claim_form=claim.claim_form,
        role=claim.keyed.role,
    )
