"""SETTING_SIDE_MISMATCH."""

from coding.engine.claim import Claim
from coding.engine.codebook import Codebook
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.terms import TermsInForce


def setting_side_mismatch(facts: SessionFacts, terms: TermsInForce, codebook: Codebook, claim: Claim) -> Finding | None:
    """The setting does not bill on this claim form."""
    if claim.refusal != "SETTING_SIDE_MISMATCH" or facts.setting is None:
        return None
    rules = codebook.settings[facts.setting]
    return find("setting_side_mismatch", rules.citations, claim_form=claim.claim_form, setting=rules.label)
