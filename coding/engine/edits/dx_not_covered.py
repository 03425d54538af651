"""DX_NOT_COVERED."""

from coding.engine.codebook import Codebook
from coding.engine.diagnoses import RADIATION_ENCOUNTER, written
from coding.engine.edits.coverage import has_no_covered
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.terms import TermsInForce


def dx_not_covered(facts: SessionFacts, terms: TermsInForce, codebook: Codebook) -> Finding | None:
    """No diagnosis is a malignancy, and no notice of liability answers for it."""
    codes = [written(code) for code in facts.diagnoses]
    if RADIATION_ENCOUNTER in codes or not has_no_covered(codes, facts, codebook):
        return None
    return find("dx_not_covered", codebook.house_rule("Diagnoses"), codes=", ".join(codes))
