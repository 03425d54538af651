"""SUPERVISION_UNDOCUMENTED."""

from coding.engine.claim import Claim
from coding.engine.codebook import Codebook
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.terms import TermsInForce


def supervision_undocumented(
    facts: SessionFacts, terms: TermsInForce, codebook: Codebook, claim: Claim
) -> Finding | None:
    """A freestanding center's technical services need direct supervision on record."""
    if facts.is_supervision_documented or claim.delivery is None or facts.setting is None:
        return None
    rules = codebook.settings[facts.setting]
    if not rules.needs_direct_supervision:
        return None
    return find("supervision_undocumented", rules.citations, claim_form=claim.claim_form)
