"""MOD_22_NOT_APPLICABLE."""

from coding.engine.claim import Claim
from coding.engine.codebook import Codebook
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.terms import TermsInForce


def mod_22_not_applicable(facts: SessionFacts, terms: TermsInForce, codebook: Codebook, claim: Claim) -> Finding | None:
    """22 was keyed; the codes have no global period."""
    if "22" not in claim.keyed.modifiers:
        return None
    return find(
        "mod_22_not_applicable", codebook.modifiers["22"].citations, claim_form=claim.claim_form, role=claim.keyed.role
    )
