"""AUTH_UNITS_EXCEEDED."""

from coding.engine.codebook import Codebook
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.terms import TermsInForce


def auth_units_exceeded(facts: SessionFacts, terms: TermsInForce, codebook: Codebook) -> Finding | None:
    """The authorized sessions are used up."""
    authorization = facts.authorization
    if authorization is None or authorization.units is None or not terms.holds("authorization_required"):
        return None
    if authorization.used < authorization.units:
        return None
    return find(
        "auth_units_exceeded",
        terms.citations("authorization_required"),
        units=authorization.units,
        used=authorization.used,
    )
