"""PAYER_NOT_READY."""

from coding.engine.claim import Claim
from coding.engine.codebook import Codebook
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.periods import in_words
from coding.engine.terms import TermsInForce


def payer_not_ready(facts: SessionFacts, terms: TermsInForce, codebook: Codebook, claim: Claim) -> Finding | None:
    """The payer does not take the new codes yet."""
    ready = terms.day("payer_ready")
    if ready is None or facts.date_of_service >= ready or not claim.lines:
        return None
    has_new_codes = codebook.last_day_of_deleted_codes(on=facts.date_of_service) is not None
    if not has_new_codes or any(line.is_kept for line in claim.lines):
        return None
    return find(
        "payer_not_ready", terms.citations("payer_ready"), claim_form=claim.claim_form, payer_ready=in_words(ready)
    )
