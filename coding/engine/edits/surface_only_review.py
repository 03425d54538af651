"""SURFACE_ONLY_REVIEW."""

from coding.engine.claim import Claim
from coding.engine.codebook import Codebook
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.steps.guidance_code import is_technical_only
from coding.engine.terms import TermsInForce
from coding.engine.vocabulary import Guidance, LineRole


def surface_only_review(facts: SessionFacts, terms: TermsInForce, codebook: Codebook, claim: Claim) -> Finding | None:
    """Surface guidance alone on the guidance line that every modality shares."""
    if claim.guidance is None or facts.guidance is not Guidance.SURFACE:
        return None
    if claim.guidance.code != codebook.guidance_code or is_technical_only(facts, codebook):
        return None
    return find(
        "surface_only_review",
        codebook.house_rule("Guidance"),
        claim_form=claim.claim_form,
        role=LineRole.GUIDANCE,
        code=claim.guidance.code,
    )
