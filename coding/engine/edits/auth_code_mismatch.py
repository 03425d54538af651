"""AUTH_CODE_MISMATCH."""

from coding.engine.codebook import Codebook
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.steps.delivery_code import delivery_code
from coding.engine.terms import TermsInForce


def auth_code_mismatch(facts: SessionFacts, terms: TermsInForce, codebook: Codebook) -> Finding | None:
    """The authorization was given for other codes than the session's.

    A payer that converts maps an authorization for a code deleted before the date to the code of the date.
    """
    authorization = facts.authorization
    if authorization is None or not authorization.codes or not terms.holds("authorization_required"):
        return None
    chosen = delivery_code(facts, terms, codebook)
    if chosen is None or chosen.code in authorization.codes:
        return None
    if terms.holds("authorization_converts") and any(
        code in codebook.codes and codebook.codes[code].valid.is_before(facts.date_of_service)
        for code in authorization.codes
    ):
        return None
    return find(
        "auth_code_mismatch",
        terms.citations("authorization_converts") + chosen.choice.citations,
        authorized=", ".join(authorization.codes),
        code=chosen.code,
    )
