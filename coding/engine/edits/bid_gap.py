"""BID_GAP."""

from coding.engine.codebook import Codebook
from coding.engine.day import is_later_session, previous_session
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.terms import TermsInForce


def _hours(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def bid_gap(facts: SessionFacts, terms: TermsInForce, codebook: Codebook) -> Finding | None:
    """Two sessions of a day are closer than the payer asks for, or their distance is not known."""
    previous = previous_session(facts)
    min_gap = terms.number("min_gap")
    if previous is None or min_gap is None or not is_later_session(facts):
        return None
    if previous.minutes_before is not None and previous.minutes_before >= min_gap:
        return None
    return find(
        "bid_gap",
        terms.citations("min_gap"),
        gap="an unknown time" if previous.minutes_before is None else _hours(previous.minutes_before),
        min_gap=_hours(min_gap),
        said_by=terms.said_by("min_gap"),
    )
