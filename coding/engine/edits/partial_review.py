"""PARTIAL_REVIEW."""

from coding.engine.claim import Claim
from coding.engine.codebook import Codebook
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.terms import TermsInForce
from coding.engine.vocabulary import Completion, LineRole


def partial_review(facts: SessionFacts, terms: TermsInForce, codebook: Codebook, claim: Claim) -> Finding | None:
    """Delivery was cut short, or 52 was keyed on a session that was not."""
    if claim.delivery is None:
        return None
    is_partial = facts.completion is Completion.PARTIAL
    if not is_partial and "52" not in claim.delivery.modifiers:
        return None
    return find(
        "partial_review",
        terms.citations("partial_modifier"),
        claim_form=claim.claim_form,
        role=LineRole.DELIVERY,
        found="The beam was partly delivered"
        if is_partial
        else "52 was keyed, but the session is recorded as complete",
    )
