"""BID_NOT_ORDERED."""

from coding.engine.codebook import Codebook
from coding.engine.day import is_later_session, session_of_day
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.terms import TermsInForce


def bid_not_ordered(facts: SessionFacts, terms: TermsInForce, codebook: Codebook) -> Finding | None:
    """A later session of the day that the prescription does not order."""
    if facts.is_twice_daily_ordered or not is_later_session(facts):
        return None
    return find("bid_not_ordered", codebook.house_rule("Same day"), session_of_day=session_of_day(facts))
