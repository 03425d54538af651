"""The plain values of one policy version, as the engine reads them."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Protocol, TypeVar

from coding.engine.codebook import HouseDefault
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


@dataclass(frozen=True, slots=True)
class TermKind:
    """How the text of a term is read, and what to say is allowed where it cannot be."""

    read: Callable[[str], object]
    allowed: str


class TermError(ValueError):
    """A term, or its value, that is none of those allowed. `allowed` says which are."""

    def __init__(self, message: str, allowed: str) -> None:
        super().__init__(f"{message}; allowed: {allowed}")
        self.allowed = allowed


def _one_of(*words: str) -> TermKind:
    def read(text: str) -> str:
        if text not in words:
            raise ValueError(text)
        return text

    return TermKind(read, ", ".join(words))


def _yes_or_no(text: str) -> bool:
    return {"yes": True, "no": False}[text]


def _code(text: str) -> str:
    if not re.fullmatch(r"[0-9A-Z][0-9]{3}[0-9A-Z]", text):
        raise ValueError(text)
    return text


def _count(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text):
        raise ValueError(text)
    return int(text)


def _day(text: str) -> date:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise ValueError(text)
    return date.fromisoformat(text)


YES_OR_NO = TermKind(_yes_or_no, "yes, no")
A_DAY = TermKind(_day, "an ISO date such as 2026-03-01")

TERMS: Mapping[str, TermKind] = MappingProxyType(
    {
        "freestanding_code": _one_of(*FREESTANDING_CODES),
        "igrt_pc_code": TermKind(_code, "a procedure code such as 77387"),
        "igrt_pc_modifier": _one_of("26", "none"),
        "bid": _one_of(*SECOND_SESSION_WAYS),
        "min_gap": TermKind(_count, "whole minutes"),
        "technical_modifier": _one_of("TC", "none"),
        "keep_until": A_DAY,
        "payer_ready": A_DAY,
        "po_pn": YES_OR_NO,
        "multi_isocenter_review": YES_OR_NO,
        "timely_days": TermKind(_count, "whole days"),
        "authorization_required": YES_OR_NO,
        "authorization_converts": YES_OR_NO,
        "partial_modifier": _one_of("52", "none"),
    }
)
TERMS_OF_CASES = tuple(TERMS)[:11]


def parse_term(key: str, text: str) -> object:
    """The value of a term as people write it: `parse_term("min_gap", "240")` is 240.

    Raises TermError, naming what is allowed, for a key that is no term and for a value that the term does not take.
    """
    kind = TERMS.get(key)
    if kind is None:
        raise TermError(f"'{key}' is not a term", ", ".join(TERMS))
    try:
        return kind.read(text.strip())
    except (ValueError, KeyError):
        raise TermError(f"{key} cannot be '{text}'", kind.allowed) from None


class Version(Protocol):
    """Whatever begins on a day: a policy version of the database, or its terms."""

    @property
    def effective_from(self) -> date: ...


V = TypeVar("V", bound=Version)


def in_force(versions: Iterable[V], on: date) -> V | None:
    """The version in force on a date of service: the latest start on or before it; of equal starts the later given.

    None where the first version begins after the date. A version with a later start never changes the answer for an
    earlier date.
    """
    begun = [version for version in versions if version.effective_from <= on]
    return max(reversed(begun), key=lambda version: version.effective_from, default=None)


@dataclass(frozen=True, slots=True)
class TermsInForce:
    """A payer's terms, with the house default wherever the version in force is silent on one.

    `policy` is None where no version is in force, or nobody is billed: then only house defaults speak.
    """

    policy: PolicyTerms | None
    defaults: Mapping[str, HouseDefault]

    def is_silent(self, key: str) -> bool:
        """Whether the version in force leaves the term to the house."""
        return self.policy is None or getattr(self.policy, key) is None

    def value(self, key: str) -> object:
        """The term's value; None where neither the payer nor the house has one."""
        if self.policy is not None and (stated := getattr(self.policy, key)) is not None:
            return stated
        default = self.defaults.get(key)
        return None if default is None else default.value

    def text(self, key: str) -> str:
        """The value of a term that is text, or empty."""
        value = self.value(key)
        return value if isinstance(value, str) else ""

    def number(self, key: str) -> int | None:
        """The value of a term that is a number."""
        value = self.value(key)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def day(self, key: str) -> date | None:
        """The value of a term that is a day."""
        value = self.value(key)
        return value if isinstance(value, date) else None

    def holds(self, key: str) -> bool:
        """Whether a yes-or-no term is yes."""
        return self.value(key) is True

    def citations(self, key: str) -> tuple[Citation, ...]:
        """On whose word the value stands: the payer's clause with its version, or the sources of the house default."""
        if not self.is_silent(key) and self.policy is not None:
            clause = self.policy.clauses.get(key)
            return (clause or Citation(title=f"Policy of {self.policy.policy}", section=self.policy.version),)
        default = self.defaults.get(key)
        return default.citations if default else ()

    def said_by(self, key: str) -> str:
        """Who says so, for a sentence: the payer's version, or the house."""
        if self.is_silent(key) or self.policy is None:
            return "house default, the payer's policy is silent"
        return f"policy version {self.policy.version}"
