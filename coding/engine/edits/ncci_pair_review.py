"""NCCI_PAIR_REVIEW."""

from coding.engine.claim import Claim
from coding.engine.codebook import Codebook
from coding.engine.edits.pairs import codes_of_pairs, sources_of_pairs
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.terms import TermsInForce


def ncci_pair_review(facts: SessionFacts, terms: TermsInForce, codebook: Codebook, claim: Claim) -> Finding | None:
    """Our line and a code on the day are a pair that a modifier may part."""
    found = [
        (line.code, other)
        for line, other, is_ours_first, indicator in codes_of_pairs(facts, codebook, claim)
        if indicator == 1
    ]
    if not found:
        return None
    return find(
        "ncci_pair_review",
        sources_of_pairs(facts, codebook, claim),
        claim_form=claim.claim_form,
        code=" and ".join(dict.fromkeys(code for code, _ in found)),
        others=", ".join(dict.fromkeys(other for _, other in found)),
    )
