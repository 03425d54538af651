"""CODEBOOK_STALE."""

from coding.engine.codebook import Codebook
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.periods import in_words
from coding.engine.terms import TermsInForce


def codebook_stale(facts: SessionFacts, terms: TermsInForce, codebook: Codebook) -> Finding | None:
    """Tables of the codebook end before the date of service."""
    stale = [table for table in codebook.tables_on(facts.date_of_service) if table.is_stale(facts.date_of_service)]
    if not stale:
        return None
    return find(
        "codebook_stale",
        codebook.house_rule("Codebook"),
        tables=", ".join(f"{table.title} as of {in_words(table.as_of)}" for table in stale),
    )
