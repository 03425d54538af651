"""IMAGE_UNSIGNED."""

from coding.engine.claim import Claim
from coding.engine.codebook import Codebook
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.terms import TermsInForce
from coding.engine.vocabulary import LineRole


def image_unsigned(facts: SessionFacts, terms: TermsInForce, codebook: Codebook, claim: Claim) -> Finding | None:
    """The guidance images are not signed; delivery stands."""
    if claim.guidance is None or facts.is_image_review_signed:
        return None
    return find(
        "image_unsigned", codebook.house_rule("Documentation"), claim_form=claim.claim_form, role=LineRole.GUIDANCE
    )
