"""NOT_DELIVERED."""

from coding.engine.codebook import Codebook
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.terms import TermsInForce
from coding.engine.vocabulary import Completion


def not_delivered(facts: SessionFacts, terms: TermsInForce, codebook: Codebook) -> Finding | None:
    """The beam never went on."""
    if facts.completion is not Completion.NOT_STARTED:
        return None
    return find("not_delivered", codebook.house_rule("Partial delivery"))
