"""AUTH_MISSING."""

from coding.engine.codebook import Codebook
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.terms import TermsInForce


def auth_missing(facts: SessionFacts, terms: TermsInForce, codebook: Codebook) -> Finding | None:
    """The payer needs a prior authorization and none is on file."""
    if facts.authorization is not None or not terms.holds("authorization_required"):
        return None
    return find(
        "auth_missing", terms.citations("authorization_required"), said_by=terms.said_by("authorization_required")
    )
