"""POLICY_OVERRIDE_APPROVAL."""

from coding.engine.claim import Claim
from coding.engine.codebook import Codebook
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.terms import TermsInForce


def policy_override_approval(
    facts: SessionFacts, terms: TermsInForce, codebook: Codebook, claim: Claim
) -> Finding | None:
    """A line stands against the national rule on the payer's word: a kept code, or TC."""
    kept = [line for line in claim.lines if line.is_kept]
    with_tc = [line for line in claim.lines if "TC" in line.modifiers]
    if not kept and not with_tc:
        return None
    what = [f"the deleted code {line.code}" for line in kept] + [f"TC on {line.code}" for line in with_tc]
    citations = (terms.citations("keep_until") if kept else ()) + (
        terms.citations("technical_modifier") if with_tc else ()
    )
    roles = {line.role for line in (*kept, *with_tc)}
    return find(
        "policy_override_approval",
        citations,
        claim_form=claim.claim_form,
        role=roles.pop() if len(roles) == 1 else None,
        what=" and ".join(what),
    )
