"""DX_MISSING."""

from coding.engine.codebook import Codebook
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.terms import TermsInForce


def dx_missing(facts: SessionFacts, terms: TermsInForce, codebook: Codebook) -> Finding | None:
    """The course has no diagnosis."""
    if facts.diagnoses:
        return None
    return find("dx_missing", codebook.house_rule("Diagnoses"))
