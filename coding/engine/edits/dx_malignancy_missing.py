"""DX_MALIGNANCY_MISSING."""

from coding.engine.codebook import Codebook
from coding.engine.diagnoses import RADIATION_ENCOUNTER, written
from coding.engine.edits.coverage import has_no_covered
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.terms import TermsInForce


def dx_malignancy_missing(facts: SessionFacts, terms: TermsInForce, codebook: Codebook) -> Finding | None:
    """The encounter for radiation therapy is listed without the malignancy that is treated."""
    codes = [written(code) for code in facts.diagnoses]
    if RADIATION_ENCOUNTER not in codes or not has_no_covered(codes, facts, codebook):
        return None
    return find("dx_malignancy_missing", codebook.diagnoses.citations)
