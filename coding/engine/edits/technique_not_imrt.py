"""TECHNIQUE_NOT_IMRT."""

from coding.engine.codebook import Codebook
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.periods import in_words
from coding.engine.terms import TermsInForce


def technique_not_imrt(facts: SessionFacts, terms: TermsInForce, codebook: Codebook) -> Finding | None:
    """The codes of the date are for IMRT only, and the session was not IMRT."""
    if facts.technique is None or facts.date_of_service < codebook.first_delivery_day:
        return None
    choices = [choice for choice in codebook.delivery_choices if facts.date_of_service in choice.period]
    if not choices or any(choice.techniques is None or facts.technique in choice.techniques for choice in choices):
        return None
    last_day = choices[0].period.last_day
    return find(
        "technique_not_imrt",
        choices[0].citations,
        technique=facts.technique,
        last_day=in_words(last_day) if last_day else "now",
    )
