"""NCCI_LINE_YIELDS."""

from coding.engine.claim import Claim
from coding.engine.codebook import Codebook
from coding.engine.edits.pairs import codes_of_pairs, sources_of_pairs
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.terms import TermsInForce


def ncci_line_yields(facts: SessionFacts, terms: TermsInForce, codebook: Codebook, claim: Claim) -> Finding | None:
    """Our line is part of a code already on the day, and no modifier opens the pair."""
    found = [
        (line.code, other)
        for line, other, is_ours_first, indicator in codes_of_pairs(facts, codebook, claim)
        if not is_ours_first and indicator == 0
    ]
    if not found:
        return None
    return find(
        "ncci_line_yields",
        sources_of_pairs(facts, codebook, claim),
        claim_form=claim.claim_form,
        code=" and ".join(dict.fromkeys(code for code, _ in found)),
        others=", ".join(dict.fromkeys(other for _, other in found)),
    )
