"""LIABILITY_REVIEW."""

from coding.engine.claim import Claim
from coding.engine.codebook import Codebook
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.terms import TermsInForce


def liability_review(facts: SessionFacts, terms: TermsInForce, codebook: Codebook, claim: Claim) -> Finding | None:
    """GZ sends a denial to the provider."""
    if not any("GZ" in line.modifiers for line in claim.lines):
        return None
    return find("liability_review", codebook.modifiers["GZ"].citations, claim_form=claim.claim_form)
