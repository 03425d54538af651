"""TIMELY_FILING."""

from datetime import date

from coding.engine.codebook import Codebook
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.periods import days_later, in_words, same_date_next_year
from coding.engine.terms import TermsInForce


def timely_filing(facts: SessionFacts, terms: TermsInForce, codebook: Codebook) -> Finding | None:
    """The payer's limit for a first claim has passed."""
    deadline = last_day_to_file(facts.date_of_service, terms)
    if deadline is None or facts.coded_on <= deadline:
        return None
    days = terms.number("timely_days")
    limit = "one calendar year" if days is None else f"{days} days, {terms.said_by('timely_days')}"
    return find(
        "timely_filing",
        terms.citations("timely_days"),
        deadline=in_words(deadline),
        limit=limit,
        coded_on=in_words(facts.coded_on),
    )


def last_day_to_file(date_of_service: date, terms: TermsInForce) -> date | None:
    """The last day on which the payer takes a first claim, or None where neither payer nor house has a limit.

    Medicare: the same date of the next calendar year. Others: so many days after the date of service, if they say so.
    """
    days = terms.number("timely_days")
    if days is not None:
        return days_later(date_of_service, days)
    return same_date_next_year(date_of_service) if terms.text("timely_days") else None
