"""COVERAGE_MISSING."""

from coding.engine.codebook import Codebook
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.terms import TermsInForce


def coverage_missing(facts: SessionFacts, terms: TermsInForce, codebook: Codebook) -> Finding | None:
    """Nobody is billed on the date: no payer is on file."""
    if facts.payer is not None:
        return None
    return find("coverage_missing", codebook.house_rule("Policies"))
