"""UNITS_DIFFER."""

from coding.engine.claim import Claim
from coding.engine.codebook import Codebook
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.steps.units import are_counted_up
from coding.engine.terms import TermsInForce


def units_differ(facts: SessionFacts, terms: TermsInForce, codebook: Codebook, claim: Claim) -> Finding | None:
    """The day's one line counts one code, and an earlier session was of another."""
    if not are_counted_up(terms) or claim.delivery is None or facts.later_visits > 0:
        return None
    others = sorted(
        {
            charged.code
            for earlier in facts.earlier_sessions
            for charged in earlier.charged or ()
            if charged.claim_form is claim.claim_form and charged.code not in {line.code for line in claim.lines}
        }
    )
    if not others:
        return None
    return find(
        "units_differ",
        terms.citations("bid"),
        claim_form=claim.claim_form,
        code=claim.delivery.code,
        others=", ".join(others),
    )
