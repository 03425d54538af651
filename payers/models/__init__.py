"""Who pays, on what terms and from when; what a patient is covered by, and what the payer has authorized."""

from payers.models.coverage import Authorization, Coverage, InclusiveDays
from payers.models.payers import Payer, PayerKind
from payers.models.policies import (
    DATED_TERMS,
    UNPUBLISHED,
    ClauseTopic,
    Confidence,
    PayerPolicy,
    PolicyClause,
    PolicyExample,
    PolicyReview,
    PolicyVersion,
    VersionStatus,
)
from payers.models.reading import Attestation, GuidanceReading

__all__ = [
    "DATED_TERMS",
    "UNPUBLISHED",
    "Attestation",
    "Authorization",
    "ClauseTopic",
    "Confidence",
    "Coverage",
    "GuidanceReading",
    "InclusiveDays",
    "Payer",
    "PayerKind",
    "PayerPolicy",
    "PolicyClause",
    "PolicyExample",
    "PolicyReview",
    "PolicyVersion",
    "VersionStatus",
]
