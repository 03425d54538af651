"""DOS_FUTURE."""

from coding.engine.codebook import Codebook
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.periods import in_words
from coding.engine.terms import TermsInForce


def dos_future(facts: SessionFacts, terms: TermsInForce, codebook: Codebook) -> Finding | None:
    """The date of service is later than the day of coding."""
    if facts.date_of_service <= facts.coded_on:
        return None
    return find(
        "dos_future",
        codebook.house_rule("Dates"),
        date_of_service=in_words(facts.date_of_service),
        coded_on=in_words(facts.coded_on),
    )
