"""SAME_SESSION."""

from coding.engine.codebook import Codebook
from coding.engine.day import is_same_visit, previous_session
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.terms import TermsInForce


def same_session(facts: SessionFacts, terms: TermsInForce, codebook: Codebook) -> Finding | None:
    """A session that starts too soon after the previous one continues that visit."""
    previous = previous_session(facts)
    if previous is None or not is_same_visit(facts):
        return None
    return find(
        "same_session",
        codebook.house_rule("Same day"),
        minutes=previous.minutes_before,
        one_visit=facts.minutes_of_one_visit,
    )
