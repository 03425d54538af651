"""MODIFIER_LEFT_OUT."""

from coding.engine.claim import Claim
from coding.engine.codebook import Codebook
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.terms import TermsInForce

REFUSED_BY_AN_ERROR = ("TC", "22", "53", "73", "74")


def modifier_left_out(facts: SessionFacts, terms: TermsInForce, codebook: Codebook, claim: Claim) -> Finding | None:
    """Keyed modifiers that the facts or the payer speak against; those refused by an error are not named again."""
    left_out = [
        f"{code} ({why})" for line in claim.lines for code, why in line.left_out if code not in REFUSED_BY_AN_ERROR
    ]
    if not left_out:
        return None
    return find(
        "modifier_left_out",
        codebook.house_rule("Keyed by hand"),
        claim_form=claim.claim_form,
        left_out="; ".join(left_out),
    )
