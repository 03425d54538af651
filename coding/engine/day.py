"""Where a session stands on its patient's day."""

from coding.engine.facts import EarlierSession, SessionFacts
from coding.engine.vocabulary import ClaimForm


def previous_session(facts: SessionFacts) -> EarlierSession | None:
    """The patient's session before this one on the day, or None for the first."""
    return facts.earlier_sessions[-1] if facts.earlier_sessions else None


def is_same_visit(facts: SessionFacts) -> bool:
    """Whether it only continues the visit before it: it started too soon after the previous session."""
    previous = previous_session(facts)
    return (
        previous is not None
        and previous.minutes_before is not None
        and previous.minutes_before < facts.minutes_of_one_visit
    )


def session_of_day(facts: SessionFacts) -> int:
    """1 for the first visit of the day, 2 for the second; a continued visit is not counted again."""
    return 1 + sum(earlier.is_own_visit for earlier in facts.earlier_sessions)


def is_later_session(facts: SessionFacts) -> bool:
    """Whether it is a second or later session of the day in its own right."""
    return session_of_day(facts) > 1 and not is_same_visit(facts)


def units_before(facts: SessionFacts, claim_form: ClaimForm, code: str) -> int:
    """Units of the code that the day's earlier sessions carry on the claim form."""
    return sum(_units_of(earlier, claim_form, code) for earlier in facts.earlier_sessions)


def _units_of(earlier: EarlierSession, claim_form: ClaimForm, code: str) -> int:
    if earlier.charged is None:
        return int(earlier.is_own_visit)
    return sum(
        charged.units for charged in earlier.charged if charged.claim_form == claim_form and charged.code == code
    )
