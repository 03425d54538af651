"""LEVEL3_DOCUMENTATION."""

from coding.engine.claim import Claim
from coding.engine.codebook import Codebook
from coding.engine.diagnoses import is_malignancy, written
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding, find
from coding.engine.terms import TermsInForce
from coding.engine.vocabulary import Isocenters, LineRole, MotionManagement


def _is_told_by_level(facts: SessionFacts, codebook: Codebook) -> bool:
    """Whether the codes of the date are told apart by level, not by technique."""
    return codebook.last_day_of_deleted_codes(on=facts.date_of_service) is not None


def _several_isocenters_in_one_site(facts: SessionFacts, terms: TermsInForce) -> bool:
    if facts.isocenters is not Isocenters.MULTIPLE or not terms.holds("multi_isocenter_review"):
        return False
    sites = {written(code)[:3] for code in facts.diagnoses if is_malignancy(written(code))}
    return len(sites) == 1


def level3_documentation(facts: SessionFacts, terms: TermsInForce, codebook: Codebook, claim: Claim) -> Finding | None:
    """Level 3 rests on something that payers want documented."""
    if claim.delivery is None or claim.delivery.is_kept:
        return None
    if not _is_told_by_level(facts, codebook):
        return None
    undocumented = facts.motion_management is MotionManagement.ACTIVE and not facts.is_motion_documented
    one_site = _several_isocenters_in_one_site(facts, terms)
    if not undocumented and not one_site:
        return None
    grounds = []
    remedies = []
    if undocumented:
        grounds.append("active motion management, whose documentation is missing")
        remedies.append("Add why it was needed, the system, its thresholds and when the beam was on and off")
    if one_site:
        grounds.append(f"several isocenters in one anatomical site ({terms.said_by('multi_isocenter_review')})")
        remedies.append("Attach the isocenter record")
    return find(
        "level3_documentation",
        terms.citations("multi_isocenter_review") if one_site else codebook.house_rule("Level 3"),
        claim_form=claim.claim_form,
        role=LineRole.DELIVERY,
        code=claim.delivery.code,
        grounds_of_level=" and ".join(grounds),
        what_to_add=". ".join(remedies),
    )
