"""PROVIDER_MISSING."""

from coding.engine.codebook import Codebook
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.terms import TermsInForce


def provider_missing(facts: SessionFacts, terms: TermsInForce, codebook: Codebook) -> Finding | None:
    """No responsible physician is recorded."""
    if facts.has_rendering_provider:
        return None
    return find("provider_missing", codebook.house_rule("People"))
