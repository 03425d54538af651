"""UNDER_ARRANGEMENT_BILL_HOSPITAL."""

from coding.engine.claim import Claim
from coding.engine.codebook import Codebook
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.terms import TermsInForce


def under_arrangement_bill_hospital(
    facts: SessionFacts, terms: TermsInForce, codebook: Codebook, claim: Claim
) -> Finding | None:
    """A supplier that treats a hospital's inpatient bills the hospital."""
    if claim.refusal != "UNDER_ARRANGEMENT_BILL_HOSPITAL" or facts.setting is None:
        return None
    return find(
        "under_arrangement_bill_hospital",
        codebook.settings[facts.setting].citations,
        claim_form=claim.claim_form,
    )
