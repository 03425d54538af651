"""INPATIENT_BUNDLED."""

from coding.engine.claim import Claim
from coding.engine.codebook import Codebook
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.terms import TermsInForce


def inpatient_bundled(facts: SessionFacts, terms: TermsInForce, codebook: Codebook, claim: Claim) -> Finding | None:
    """Delivery to an inpatient is inside the hospital's inpatient payment."""
    if claim.refusal != "INPATIENT_BUNDLED" or facts.setting is None:
        return None
    return find(
        "inpatient_bundled",
        codebook.settings[facts.setting].citations,
        claim_form=claim.claim_form,
    )
