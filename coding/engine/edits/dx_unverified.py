"""DX_UNVERIFIED."""

from coding.engine.codebook import Codebook
from coding.engine.diagnoses import Standing, standing, written
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.terms import TermsInForce


def dx_unverified(facts: SessionFacts, terms: TermsInForce, codebook: Codebook) -> Finding | None:
    """A well-formed diagnosis code of a chapter that the code list does not hold."""
    codes = [written(code) for code in facts.diagnoses]
    unverified = [
        code for code in codes if standing(code, facts.date_of_service, codebook.diagnoses) is Standing.UNVERIFIED
    ]
    if not unverified:
        return None
    return find("dx_unverified", codebook.diagnoses.citations_on(facts.date_of_service), codes=", ".join(unverified))
