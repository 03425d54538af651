"""PLAN_NOT_APPROVED."""

from coding.engine.codebook import Codebook
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.terms import TermsInForce


def plan_not_approved(facts: SessionFacts, terms: TermsInForce, codebook: Codebook) -> Finding | None:
    """The treatment plan was not approved."""
    if facts.is_plan_approved:
        return None
    return find("plan_not_approved", codebook.house_rule("Documentation"))
