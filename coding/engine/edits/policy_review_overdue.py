"""POLICY_REVIEW_OVERDUE."""

from coding.engine.codebook import Codebook
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.periods import in_words
from coding.engine.terms import TermsInForce


def policy_review_overdue(facts: SessionFacts, terms: TermsInForce, codebook: Codebook) -> Finding | None:
    """Nobody has compared the policy version with its sources for too long."""
    if terms.policy is None or not terms.policy.is_review_overdue:
        return None
    reviewed_on = terms.policy.reviewed_on
    return find(
        "policy_review_overdue",
        codebook.house_rule("Policies"),
        reviewed_on=in_words(reviewed_on) if reviewed_on else "no day on record",
    )
