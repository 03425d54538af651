"""Plain facts and terms for the engine's tests: valid by default, and no database."""

from datetime import date

from coding.engine.facts import EarlierSession, SessionFacts
from coding.engine.ruling import Ruling
from coding.engine.terms import PolicyTerms, TermsInForce
from coding.engine.vocabulary import (
    ClaimForm,
    Guidance,
    PayerKind,
    Setting,
    Technique,
)

KINDS = {
    "medicare": PayerKind.MEDICARE,
    "aetna": PayerKind.COMMERCIAL,
    "bcbs": PayerKind.COMMERCIAL,
    "cigna": PayerKind.COMMERCIAL,
    "unitedhealthcare": PayerKind.COMMERCIAL,
    "unitedhealthcare-ma": PayerKind.MEDICARE_ADVANTAGE,
    "humana-ma": PayerKind.MEDICARE_ADVANTAGE,
    "medicaid": PayerKind.MEDICAID,
    "workers-compensation": PayerKind.WORKERS_COMPENSATION,
}


def make_facts(**changes) -> SessionFacts:
    """The hospital's side of a complex IMRT session of December 2025 for Medicare, everything in order."""
    day = changes.get("date_of_service", date(2025, 12, 3))
    payer = changes.get("payer", "medicare")
    values = {
        "date_of_service": day,
        "coded_on": day,
        "setting": Setting.ON_CAMPUS,
        "claim_forms": (ClaimForm.INSTITUTIONAL,),
        "payer": payer,
        "payer_kind": KINDS.get(payer),
        "technique": Technique.IMRT_COMPLEX,
        "guidance": Guidance.CBCT,
        "diagnoses": ("C02.1",),
    }
    return SessionFacts(**values | changes)


def make_second_session(minutes: int | None = 400, is_same_physician: bool | None = True, **changes) -> SessionFacts:
    """A session that starts so many minutes after the patient's first one of the day."""
    earlier = EarlierSession(minutes_before=minutes, is_same_physician=is_same_physician)
    return make_facts(earlier_sessions=(earlier,), **changes)


def make_terms(payer: str = "medicare", **changes) -> PolicyTerms:
    """A version in force since 2015 that is silent on every term but those given."""
    return PolicyTerms(payer, f"{payer} from 2015-01-01", date(2015, 1, 1), **changes)


def make_terms_in_force(codebook, payer: str = "medicare", **changes) -> TermsInForce:
    """The same, with the house defaults of the payer behind it."""
    return TermsInForce(make_terms(payer, **changes), codebook.house_defaults(payer, KINDS[payer]))


def named(ruling: Ruling, name: str):
    """The finding of that name, or None."""
    return next((finding for finding in ruling.findings if finding.name == name), None)
