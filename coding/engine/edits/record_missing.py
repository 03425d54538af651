"""RECORD_MISSING."""

from coding.engine.codebook import Codebook
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.terms import TermsInForce


def record_missing(facts: SessionFacts, terms: TermsInForce, codebook: Codebook) -> Finding | None:
    """Without the treatment record nothing shows that beam was delivered."""
    if facts.has_treatment_record:
        return None
    return find("record_missing", codebook.house_rule("Documentation"))
