"""PO_PN_CONFLICT."""

from coding.engine.claim import Claim
from coding.engine.codebook import Codebook
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.terms import TermsInForce


def po_pn_conflict(facts: SessionFacts, terms: TermsInForce, codebook: Codebook, claim: Claim) -> Finding | None:
    """PO and PN are asked for together."""
    asked = {*claim.keyed.modifiers, *(modifier for line in claim.lines for modifier in line.modifiers)}
    if not {"PO", "PN"} <= asked:
        return None
    return find(
        "po_pn_conflict",
        codebook.modifiers["PO"].citations + codebook.modifiers["PN"].citations,
        claim_form=claim.claim_form,
    )
