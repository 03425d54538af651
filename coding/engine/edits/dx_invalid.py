"""DX_INVALID."""

from coding.engine.codebook import Codebook
from coding.engine.diagnoses import Standing, standing, written
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.terms import TermsInForce


def dx_invalid(facts: SessionFacts, terms: TermsInForce, codebook: Codebook) -> Finding | None:
    """A diagnosis is not billable in the code set of the date, or is no code at all."""
    codes = [written(code) for code in facts.diagnoses]
    wrong = [code for code in codes if standing(code, facts.date_of_service, codebook.diagnoses) is Standing.INVALID]
    if not wrong:
        return None
    return find("dx_invalid", codebook.diagnoses.citations_on(facts.date_of_service), codes=", ".join(wrong))
