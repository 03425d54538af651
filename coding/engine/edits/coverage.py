"""What two edits of coverage share: a list of diagnoses without a malignancy that nothing else answers for."""

from collections.abc import Sequence

from coding.engine.codebook import Codebook
from coding.engine.diagnoses import is_icd9, is_malignancy
from coding.engine.facts import SessionFacts
from coding.engine.steps.modifiers import liability_modifier


def has_no_covered(codes: Sequence[str], facts: SessionFacts, codebook: Codebook) -> bool:
    """Whether no diagnosis is a malignancy, and neither GA nor GZ answers for it.

    ICD-9-CM codes are checked for form and date only: with one of them in the list nothing is said of coverage.
    """
    if not codes or liability_modifier(facts):
        return False
    return not any(is_malignancy(code) or is_icd9(code, facts.date_of_service, codebook.diagnoses) for code in codes)
