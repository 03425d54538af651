"""PAYER_CODE_NOT_ACCEPTED."""

from coding.engine.claim import Claim
from coding.engine.codebook import Codebook
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.terms import TermsInForce
from coding.engine.vocabulary import Setting


def payer_code_not_accepted(
    facts: SessionFacts, terms: TermsInForce, codebook: Codebook, claim: Claim
) -> Finding | None:
    """The keyed code is not the one that this session gets on this claim.

    Silent where another edit already refuses the code: deleted, or 26 on a technical-only one.
    """
    code = claim.keyed.code
    if not code or not claim.is_drafted or any(line.code == code for line in claim.lines):
        return None
    known = codebook.codes.get(code)
    if known and known.valid.is_before(facts.date_of_service):
        return None
    if known and known.is_technical_only and "26" in claim.keyed.modifiers:
        return None
    return find(
        "payer_code_not_accepted",
        terms.citations("freestanding_code") if facts.setting is Setting.FREESTANDING else codebook.house_rule("Codes"),
        claim_form=claim.claim_form,
        code=code,
        instead=" and ".join(line.code for line in claim.lines) or "no line",
    )
