"""DUPLICATE."""

from coding.engine.codebook import Codebook
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.terms import TermsInForce


def duplicate(facts: SessionFacts, terms: TermsInForce, codebook: Codebook) -> Finding | None:
    """The same patient, course, fraction and start was entered before."""
    if not facts.is_duplicate:
        return None
    return find("duplicate", codebook.house_rule("Duplicate entries"))
