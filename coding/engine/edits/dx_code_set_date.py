"""DX_CODE_SET_DATE."""

from coding.engine.codebook import Codebook
from coding.engine.diagnoses import Standing, standing, written
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.periods import in_words
from coding.engine.terms import TermsInForce


def dx_code_set_date(facts: SessionFacts, terms: TermsInForce, codebook: Codebook) -> Finding | None:
    """A diagnosis is of the code set that the date of service does not take."""
    day, diagnoses = facts.date_of_service, codebook.diagnoses
    codes = [written(code) for code in facts.diagnoses]
    wrong = [code for code in codes if standing(code, day, diagnoses) is Standing.OTHER_CODE_SET]
    if not wrong:
        return None
    return find(
        "dx_code_set_date",
        diagnoses.citations,
        asked_for="ICD-9-CM" if day < diagnoses.icd10_from else "ICD-10-CM",
        icd10_from=in_words(diagnoses.icd10_from),
        codes=", ".join(wrong),
    )
