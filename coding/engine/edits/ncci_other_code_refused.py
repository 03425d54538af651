"""NCCI_OTHER_CODE_REFUSED."""

from coding.engine.claim import Claim
from coding.engine.codebook import Codebook
from coding.engine.edits.pairs import codes_of_pairs, sources_of_pairs
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.terms import TermsInForce


def ncci_other_code_refused(
    facts: SessionFacts, terms: TermsInForce, codebook: Codebook, claim: Claim
) -> Finding | None:
    """A code on the day is part of our line, and no modifier opens the pair."""
    found = [
        (line.code, other)
        for line, other, is_ours_first, indicator in codes_of_pairs(facts, codebook, claim)
        if is_ours_first and indicator == 0
    ]
    if not found:
        return None
    return find(
        "ncci_other_code_refused",
        sources_of_pairs(facts, codebook, claim),
        claim_form=claim.claim_form,
        code=" and ".join(dict.fromkeys(code for code, _ in found)),
        others=", ".join(dict.fromkeys(other for _, other in found)),
    )
