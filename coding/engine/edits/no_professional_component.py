"""NO_PROFESSIONAL_COMPONENT."""

from coding.engine.claim import Claim
from coding.engine.codebook import Codebook
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.periods import in_words
from coding.engine.steps.guidance_code import is_technical_only
from coding.engine.terms import TermsInForce
from coding.engine.vocabulary import ClaimForm, LineRole


def no_professional_component(
    facts: SessionFacts, terms: TermsInForce, codebook: Codebook, claim: Claim
) -> Finding | None:
    """The guidance has no physician's side on this date."""
    if claim.claim_form is not ClaimForm.PROFESSIONAL or not claim.is_drafted:
        return None
    if facts.guidance is None or not is_technical_only(facts, codebook):
        return None
    modality = codebook.modality_code(facts.guidance, on=facts.date_of_service)
    last_day = modality.period.last_day if modality else None
    return find(
        "no_professional_component",
        modality.citations if modality else (),
        claim_form=claim.claim_form,
        role=LineRole.GUIDANCE,
        last_day=in_words(last_day) if last_day else "now",
    )
