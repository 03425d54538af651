"""COMPLEXITY_DOCUMENTATION."""

from coding.engine.claim import Claim
from coding.engine.codebook import Codebook
from coding.engine.diagnoses import written
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.steps.delivery_code import delivery_code
from coding.engine.terms import TermsInForce
from coding.engine.vocabulary import LineRole, Technique


def complexity_documentation(
    facts: SessionFacts, terms: TermsInForce, codebook: Codebook, claim: Claim
) -> Finding | None:
    """Breast or prostate coded as complex IMRT wants a reason on record."""
    if facts.technique is not Technique.IMRT_COMPLEX or claim.delivery is None or claim.delivery.is_kept:
        return None
    choice = delivery_code(facts, terms, codebook)
    if choice is None or choice.choice.techniques != frozenset({Technique.IMRT_COMPLEX}):
        return None
    categories = {written(code)[:3] for code in facts.diagnoses} & codebook.diagnoses.complexity_categories
    if not categories:
        return None
    groups = [group.name for group in codebook.diagnoses.groups for category in sorted(categories) if category in group]
    return find(
        "complexity_documentation",
        choice.choice.citations,
        claim_form=claim.claim_form,
        role=LineRole.DELIVERY,
        site=" and ".join(groups),
        code=claim.delivery.code,
    )
