"""What the three edits of NCCI pairs share: the codes on the day that form a pair with one of our lines."""

from collections.abc import Iterator

from coding.engine.claim import Claim, Line
from coding.engine.codebook import Codebook
from coding.engine.facts import SessionFacts
from coding.engine.trace import Citation


def codes_of_pairs(facts: SessionFacts, codebook: Codebook, claim: Claim) -> Iterator[tuple[Line, str, bool, int]]:
    """(our line, the other code, whether ours is column 1, indicator) of every pair between the two."""
    others = dict.fromkeys(code.strip().upper() for code in facts.other_codes_same_day)
    on = facts.date_of_service
    for line in claim.lines:
        for other in others:
            ours_first = codebook.pair_indicator(claim.claim_form, line.code, other, on=on)
            if ours_first is not None:
                yield line, other, True, ours_first
            ours_second = codebook.pair_indicator(claim.claim_form, other, line.code, on=on)
            if ours_second is not None:
                yield line, other, False, ours_second


def sources_of_pairs(facts: SessionFacts, codebook: Codebook, claim: Claim) -> tuple[Citation, ...]:
    """The table that a claim's pairs are held against on the date of service."""
    return codebook.pair_citations_on(codebook.file_of(claim.claim_form), facts.date_of_service)
