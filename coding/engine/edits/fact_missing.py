"""FACT_MISSING."""

from coding.engine.codebook import Codebook
from coding.engine.day import is_later_session, previous_session
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.steps.delivery_code import code_day
from coding.engine.terms import TermsInForce
from coding.engine.vocabulary import ClaimForm, Isocenters, MotionManagement


def _level_turns_on_facts(facts: SessionFacts, terms: TermsInForce, codebook: Codebook) -> bool:
    """Whether the date's codes tell levels by isocenters and motion management."""
    day = code_day(facts, terms, codebook)
    return any(choice.isocenters is not None and day in choice.period for choice in codebook.delivery_choices)


def _is_missing_isocenters(facts: SessionFacts, terms: TermsInForce, codebook: Codebook) -> bool:
    return (
        facts.isocenters is None
        and facts.motion_management is not MotionManagement.ACTIVE
        and _level_turns_on_facts(facts, terms, codebook)
    )


def _is_missing_motion(facts: SessionFacts, terms: TermsInForce, codebook: Codebook) -> bool:
    return (
        facts.motion_management is None
        and facts.isocenters is not Isocenters.MULTIPLE
        and _level_turns_on_facts(facts, terms, codebook)
    )


def _is_missing_physician(facts: SessionFacts, terms: TermsInForce) -> bool:
    previous = previous_session(facts)
    return (
        previous is not None
        and previous.is_same_physician is None
        and is_later_session(facts)
        and terms.text("bid") == "76"
    )


def fact_missing(facts: SessionFacts, terms: TermsInForce, codebook: Codebook) -> Finding | None:
    """Facts that these claim forms turn on were never recorded; one finding names them all."""
    missing = [
        name
        for name, is_missing in (
            ("setting of the department", facts.setting is None),
            ("claim forms that the department bills", not facts.claim_forms),
            ("kind of payer", facts.payer is not None and facts.payer_kind is None),
            ("technique", facts.technique is None),
            ("number of isocenters", _is_missing_isocenters(facts, terms, codebook)),
            ("motion management", _is_missing_motion(facts, terms, codebook)),
            ("image guidance", facts.guidance is None and facts.claim_forms != (ClaimForm.INSTITUTIONAL,)),
            ("responsible physician of both sessions of the day", _is_missing_physician(facts, terms)),
        )
        if is_missing
    ]
    if not missing:
        return None
    return find("fact_missing", codebook.house_rule("Missing facts"), facts=", ".join(missing))
