"""AUTH_EXPIRED."""

from coding.engine.codebook import Codebook
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.periods import Period, in_words
from coding.engine.terms import TermsInForce


def auth_expired(facts: SessionFacts, terms: TermsInForce, codebook: Codebook) -> Finding | None:
    """The date of service is outside the authorization."""
    authorization = facts.authorization
    if authorization is None or not terms.holds("authorization_required"):
        return None
    window = Period.inclusive(authorization.starts_on, authorization.ends_on)
    if facts.date_of_service in window:
        return None
    return find(
        "auth_expired",
        terms.citations("authorization_required"),
        date_of_service=in_words(facts.date_of_service),
        window=window.words,
    )
