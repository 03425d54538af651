"""MUE_EXCEEDED."""

from coding.engine.claim import Claim
from coding.engine.codebook import Codebook
from coding.engine.day import units_before
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.steps.units import are_counted_up
from coding.engine.terms import TermsInForce
from coding.engine.vocabulary import LineRole


def mue_exceeded(facts: SessionFacts, terms: TermsInForce, codebook: Codebook, claim: Claim) -> Finding | None:
    """The patient's day counts more units of the delivery code than the table allows."""
    line = claim.delivery
    limit = codebook.unit_limit(claim.claim_form, line.code, on=facts.date_of_service) if line else None
    if line is None or limit is None:
        return None
    units = line.units if are_counted_up(terms) else line.units + units_before(facts, claim.claim_form, line.code)
    if units <= limit.units:
        return None
    return find(
        "mue_exceeded",
        limit.citations,
        claim_form=claim.claim_form,
        role=LineRole.DELIVERY,
        units=units,
        code=line.code,
        file=codebook.file_of(claim.claim_form),
        limit=limit.units,
        adjudication=limit.adjudication,
    )
