"""CODE_DELETED."""

from coding.engine.claim import Claim
from coding.engine.codebook import Codebook
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.periods import in_words
from coding.engine.terms import TermsInForce


def code_deleted(facts: SessionFacts, terms: TermsInForce, codebook: Codebook, claim: Claim) -> Finding | None:
    """The keyed code was deleted before the date of service, and the payer does not keep it."""
    known = codebook.codes.get(claim.keyed.code)
    if known is None or not known.valid.is_before(facts.date_of_service):
        return None
    if any(line.code == known.code for line in claim.lines):
        return None
    last_day = known.valid.last_day
    return find(
        "code_deleted",
        known.citations,
        claim_form=claim.claim_form,
        role=claim.keyed.role if claim.delivery or claim.guidance else None,
        code=known.code,
        last_day=in_words(last_day) if last_day else "before",
    )
