"""TIMELY_FILING."""

from coding.engine.codebook import Codebook
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.periods import days_later, in_words, same_date_next_year
from coding.engine.terms import TermsInForce


def timely_filing(facts: SessionFacts, terms: TermsInForce, codebook: Codebook) -> Finding | None:
    """The payer's limit for a first claim has passed.

    Medicare: the same date of the next calendar year. Others: so many days after the date of service, if they say so.
    """
    days = terms.number("timely_days")
    if days is not None:
        deadline, limit = days_later(facts.date_of_service, days), f"{days} days, {terms.said_by('timely_days')}"
    elif terms.text("timely_days"):
        deadline, limit = same_date_next_year(facts.date_of_service), "one calendar year"
    else:
        return None
    if facts.coded_on <= deadline:
        return None
    return find(
        "timely_filing",
        terms.citations("timely_days"),
        deadline=in_words(deadline),
        limit=limit,
        coded_on=in_words(facts.coded_on),
    )
