"""RX_NOT_SIGNED."""

from coding.engine.codebook import Codebook
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.terms import TermsInForce


def rx_not_signed(facts: SessionFacts, terms: TermsInForce, codebook: Codebook) -> Finding | None:
    """The prescription was not signed."""
    if facts.is_prescription_signed:
        return None
    return find("rx_not_signed", codebook.house_rule("Documentation"))
