"""What can be told of a diagnosis code: its code set, whether it is billable, whether it is a malignancy."""

import re
from datetime import date
from enum import StrEnum

from coding.engine.codebook import DiagnosisCodes

ICD10_FORM = re.compile(r"[A-Z][0-9][0-9A-Z](\.[0-9A-Z]{1,4})?")
ICD9_FORM = re.compile(r"([0-9]{3}|V[0-9]{2})(\.[0-9]{1,2})?|E[0-9]{3}(\.[0-9])?")
MALIGNANCY_FORM = re.compile(r"C[0-9][0-9A-Z](\..*)?")
RADIATION_ENCOUNTER = "Z51.0"


class Standing(StrEnum):
    """How a diagnosis code stands on a date of service."""

    BILLABLE = "billable"
    UNVERIFIED = "unverified"
    INVALID = "invalid"
    OTHER_CODE_SET = "other code set"


def written(code: str) -> str:
    """The code as people write it: capitals, and a point after the third character of a longer one."""
    plain = code.strip().upper()
    if len(plain) > 3 and "." not in plain and re.fullmatch(r"[0-9A-Z]+", plain):
        return f"{plain[:3]}.{plain[3:]}"
    return plain


def standing(code: str, on: date, codes: DiagnosisCodes) -> Standing:
    """How a code stands: billable in the code set of the date, of the other one, wrong, or not to be verified."""
    is_icd9, is_icd10 = bool(ICD9_FORM.fullmatch(code)), bool(ICD10_FORM.fullmatch(code))
    if on < codes.icd10_from:
        if is_icd9:
            return Standing.BILLABLE
        return Standing.OTHER_CODE_SET if is_icd10 else Standing.INVALID
    if codes.is_billable(code, on):
        return Standing.BILLABLE
    if is_icd9:
        return Standing.OTHER_CODE_SET
    if is_icd10 and not codes.is_loaded(code):
        return Standing.UNVERIFIED
    return Standing.INVALID


def is_icd9(code: str, on: date, codes: DiagnosisCodes) -> bool:
    """Whether the code is of ICD-9-CM, which is checked for form and date only."""
    return bool(ICD9_FORM.fullmatch(code)) and not codes.is_billable(code, max(on, codes.icd10_from))


def is_malignancy(code: str) -> bool:
    """Whether the code is of a malignant neoplasm, secondary sites (C77 to C79) included."""
    return bool(MALIGNANCY_FORM.fullmatch(code))
