"""PAYER_POLICY_REQUIRED."""

from coding.engine.codebook import Codebook
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.terms import TermsInForce


def payer_policy_required(facts: SessionFacts, terms: TermsInForce, codebook: Codebook) -> Finding | None:
    """The payer has no policy version in force on the date of service."""
    if facts.payer is None or terms.policy is not None:
        return None
    return find("payer_policy_required", codebook.house_rule("Policies"))
