"""DOS_BEFORE_CODE."""

from coding.engine.codebook import Codebook
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.periods import in_words
from coding.engine.terms import TermsInForce


def dos_before_code(facts: SessionFacts, terms: TermsInForce, codebook: Codebook) -> Finding | None:
    """The date of service is before every delivery code of the portal."""
    if facts.date_of_service >= codebook.first_delivery_day:
        return None
    first = codebook.delivery_choices[0]
    return find("dos_before_code", first.citations, first_day=in_words(codebook.first_delivery_day))
