"""OVER_PRESCRIPTION."""

from coding.engine.codebook import Codebook
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.terms import TermsInForce


def over_prescription(facts: SessionFacts, terms: TermsInForce, codebook: Codebook) -> Finding | None:
    """The fraction is beyond those prescribed."""
    if facts.fraction_number is None or facts.prescribed_fractions is None:
        return None
    if facts.fraction_number <= facts.prescribed_fractions:
        return None
    return find(
        "over_prescription",
        codebook.house_rule("Fractions"),
        fraction=facts.fraction_number,
        prescribed=facts.prescribed_fractions,
    )
