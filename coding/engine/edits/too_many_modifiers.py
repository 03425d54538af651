"""TOO_MANY_MODIFIERS."""

from coding.engine.claim import Claim
from coding.engine.codebook import Codebook
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.terms import TermsInForce

MODIFIERS_OF_A_LINE = 4


def too_many_modifiers(facts: SessionFacts, terms: TermsInForce, codebook: Codebook, claim: Claim) -> Finding | None:
    """More modifiers than a claim line holds, keyed or in all."""
    asked = max((claim.keyed.modifiers, *(line.modifiers for line in claim.lines)), key=len)
    if len(asked) <= MODIFIERS_OF_A_LINE:
        return None
    return find(
        "too_many_modifiers",
        codebook.house_rule("Conflicts"),
        claim_form=claim.claim_form,
        count=len(asked),
        modifiers=" ".join(asked),
    )
