"""FRACTION_SEQUENCE."""

from coding.engine.codebook import Codebook
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.terms import TermsInForce


def fraction_sequence(facts: SessionFacts, terms: TermsInForce, codebook: Codebook) -> Finding | None:
    """The fraction does not follow the last one charged."""
    if facts.fraction_number is None or facts.last_charged_fraction is None:
        return None
    if facts.fraction_number == facts.last_charged_fraction + 1:
        return None
    return find(
        "fraction_sequence",
        codebook.house_rule("Fractions"),
        fraction=facts.fraction_number,
        last=facts.last_charged_fraction,
    )
