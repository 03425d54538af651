"""The plain values of one policy version, as the engine reads them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType

from coding.engine.trace import Citation

FREESTANDING_CODES = ("cpt", "hcpcs")
SECOND_SESSION_WAYS = ("76", "59", "units")


@dataclass(frozen=True, slots=True)
class PolicyTerms:
    """What one payer asks for on a date of service. None means that the version is silent: the house default applies.

    The first eleven are the vocabulary of the coding cases; the others are ours.

    freestanding_code           cpt or hcpcs: the code family of a freestanding owner, through 2025
    igrt_pc_code                guidance code on professional claims and CPT payers' global claims, through 2025
    igrt_pc_modifier            "26" or "none"
    bid                         76 (own line; 77 for another physician), 59 (own line) or units (one line, counted up)
    min_gap                     minutes between the starts of two sessions of a day
    technical_modifier          "TC" or "none": a payer override that wants approval
    keep_until                  last date of service on which the payer still wants the code that CPT deleted
    payer_ready                 first date of service whose new codes the payer takes
    po_pn                       PO and PN on off-campus institutional lines
    multi_isocenter_review      several isocenters in one anatomical site want documentation
    timely_days                 days from the date of service to file
    authorization_required      a prior authorization is needed
    authorization_converts      the payer maps authorizations given for 2025 codes to the 2026 codes
    partial_modifier            "52" or "none" on a session that was partly delivered

    `clauses` maps a term's key to the citation of the clause that sets it.
    """

    policy: str
    version: str
    effective_from: date
    freestanding_code: str | None = None
    igrt_pc_code: str | None = None
    igrt_pc_modifier: str | None = None
    bid: str | None = None
    min_gap: int | None = None
    technical_modifier: str | None = None
    keep_until: date | None = None
    payer_ready: date | None = None
    po_pn: bool | None = None
    multi_isocenter_review: bool | None = None
    timely_days: int | None = None
    authorization_required: bool | None = None
    authorization_converts: bool | None = None
    partial_modifier: str | None = None
    reviewed_on: date | None = None
    is_review_overdue: bool = False
    clauses: Mapping[str, Citation] = field(default_factory=lambda: MappingProxyType({}))
