"""What one other fact would do to a session: the engine rules again with that fact changed, and nothing is stored."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

from coding.engine.code_session import code_session
from coding.engine.codebook import Codebook
from coding.engine.day import is_later_session, previous_session
from coding.engine.facts import EarlierSession, SessionFacts
from coding.engine.findings import Finding
from coding.engine.periods import ONE_DAY
from coding.engine.ruling import Charge, Ruling
from coding.engine.terms import PolicyTerms, TermsInForce, in_force
from coding.engine.vocabulary import (
    ClaimForm,
    Completion,
    Guidance,
    Isocenters,
    LineRole,
    MotionManagement,
    Setting,
    Severity,
)
from coding.services import rule_on_day, terms_of
from coding.shaping import PatientRecord
from portal.models import TreatmentSession

# What a department has yet to do; the first of these that is not done is asked about first.
DOCUMENTATION = (
    "has_treatment_record",
    "is_prescription_signed",
    "is_plan_approved",
    "is_image_review_signed",
    "is_supervision_documented",
    "is_twice_daily_ordered",
)
OTHER_DEPARTMENT = {
    Setting.ON_CAMPUS: Setting.OFF_CAMPUS_EXCEPTED,
    Setting.OFF_CAMPUS_EXCEPTED: Setting.OFF_CAMPUS_NONEXCEPTED,
    Setting.OFF_CAMPUS_NONEXCEPTED: Setting.OFF_CAMPUS_EXCEPTED,
}
# Two sessions so many minutes apart satisfy every payer.
FAR_APART = 480


@dataclass(frozen=True, slots=True)
class RuledSession:
    """A session as the engine sees it today: its facts, the payer's terms, and the ruling that they get."""

    record: PatientRecord
    facts: SessionFacts
    terms: PolicyTerms | None
    ruling: Ruling


@dataclass(frozen=True, slots=True)
class WhatIf:
    """One fact changed, and what the line is then. `charge` is None where there would be no line.

    `added` are the errors and holds that come with it, `cleared` those that go.
    """

    fact: str
    facts: SessionFacts
    charge: Charge | None
    added: tuple[Finding, ...]
    cleared: tuple[Finding, ...]


def ruled_session(session: TreatmentSession) -> RuledSession | None:
    """Rule on the session as it is recorded now; None where it is void."""
    if session.voided_at is not None:
        return None
    record = PatientRecord(session.course.patient)
    day = session.date_of_service
    for other, facts, terms, ruling in rule_on_day(record, day, partial(terms_of, record.version_on(day))):
        if other.pk == session.pk:
            return RuledSession(record, facts, terms, ruling)
    return None


def charge_of_today(asked: RuledSession, *, claim_form: ClaimForm, role: LineRole) -> Charge | None:
    """The charge that the session gets there as it is recorded now, or None."""
    return _charge(asked.ruling, claim_form, role)


def what_would_change(asked: RuledSession, *, claim_form: ClaimForm, role: LineRole, at_most: int = 8) -> list[WhatIf]:
    """The single facts that would give the line of that claim form and role another answer, the likeliest first."""
    changes = []
    for fact, facts, terms in _with_one_other_fact(asked, role):
        ruling = code_session(facts, terms, asked.record.codebook)
        before, after = (_blocking(answer, claim_form, role) for answer in (asked.ruling, ruling))
        charge = _charge(ruling, claim_form, role)
        added = tuple(finding for key, finding in after.items() if key not in before)
        cleared = tuple(finding for key, finding in before.items() if key not in after)
        if added or cleared or _content(charge) != _content(_charge(asked.ruling, claim_form, role)):
            changes.append(WhatIf(fact, facts, charge, added, cleared))
        if len(changes) == at_most:
            break
    return changes


def _with_one_other_fact(asked: RuledSession, role: LineRole) -> Iterator[tuple[str, SessionFacts, PolicyTerms | None]]:
    facts, terms = asked.facts, asked.terms
    for fact, changed in _other_facts(facts, terms, role, asked.record.codebook):
        yield fact, replace(facts, **changed), terms
        if fact == "earlier_sessions":
            yield from _on_other_days(asked)


def _on_other_days(asked: RuledSession) -> Iterator[tuple[str, SessionFacts, PolicyTerms | None]]:
    """The nearest day with other delivery codes, and the nearest under another version of the payer's policy.

    Each under the version in force then, and coded as soon after it as now.
    """
    facts, codebook = asked.facts, asked.record.codebook
    versions = [version for version in asked.record.versions if version.policy.payer.slug == facts.payer]
    of_codes = {choice.period.starts_on for choice in codebook.delivery_choices} - {None, codebook.first_delivery_day}
    of_policy = {*sorted({version.effective_from for version in versions})[1:]} - of_codes
    for seams in (of_codes, of_policy):
        for seam in sorted(seams, key=lambda day: abs(day - facts.date_of_service))[:1]:
            day = seam if facts.date_of_service < seam else seam - ONE_DAY
            coded_on = day + (facts.coded_on - facts.date_of_service)
            terms = terms_of(in_force(versions, day), coded_on)
            yield "date_of_service", replace(facts, date_of_service=day, coded_on=coded_on), terms


def _other_facts(
    facts: SessionFacts, terms: PolicyTerms | None, role: LineRole, codebook: Codebook
) -> Iterator[tuple[str, dict[str, object]]]:
    """Each fact worth asking about, with another value, the likeliest first."""
    for fact in DOCUMENTATION:
        if not getattr(facts, fact):
            yield fact, {fact: True}
    if facts.motion_management is MotionManagement.ACTIVE and not facts.is_motion_documented:
        yield "is_motion_documented", {"is_motion_documented": True}
    if role is LineRole.GUIDANCE:
        yield "guidance", {"guidance": Guidance.NONE}
    yield "earlier_sessions", {"earlier_sessions": () if facts.earlier_sessions else (EarlierSession(FAR_APART),)}
    yield from _other_distance(facts, terms, codebook)
    if facts.setting in OTHER_DEPARTMENT:
        yield "setting", {"setting": OTHER_DEPARTMENT[facts.setting]}
    if role is LineRole.DELIVERY:
        yield from _other_level(facts)
    if facts.setting is not Setting.INPATIENT:
        yield "inpatient", {"setting": Setting.INPATIENT}
    if facts.completion is Completion.COMPLETE:
        yield "completion", {"completion": Completion.PARTIAL}


def _other_distance(
    facts: SessionFacts, terms: PolicyTerms | None, codebook: Codebook
) -> Iterator[tuple[str, dict[str, object]]]:
    """A later session that starts sooner than the payer takes, and one under another physician."""
    previous = previous_session(facts)
    if previous is None or not is_later_session(facts):
        return
    min_gap = TermsInForce(terms, codebook.house_defaults(facts.payer, facts.payer_kind)).number("min_gap")
    if min_gap is not None:
        yield "minutes_before", _with_previous(facts, replace(previous, minutes_before=min_gap - 1))
    is_same = previous.is_same_physician is False
    yield "is_same_physician", _with_previous(facts, replace(previous, is_same_physician=is_same))


def _with_previous(facts: SessionFacts, previous: EarlierSession) -> dict[str, object]:
    return {"earlier_sessions": (*facts.earlier_sessions[:-1], previous)}


def _other_level(facts: SessionFacts) -> Iterator[tuple[str, dict[str, object]]]:
    is_active = facts.motion_management is MotionManagement.ACTIVE
    other = MotionManagement.NONE if is_active else MotionManagement.ACTIVE
    yield "motion_management", {"motion_management": other}
    is_several = facts.isocenters is Isocenters.MULTIPLE
    yield "isocenters", {"isocenters": Isocenters.SINGLE if is_several else Isocenters.MULTIPLE}
    if is_active and facts.is_motion_documented:
        yield "is_motion_documented", {"is_motion_documented": False}


def _charge(ruling: Ruling, claim_form: ClaimForm, role: LineRole) -> Charge | None:
    return next((c for c in ruling.charges if (c.claim_form, c.role) == (claim_form, role)), None)


def _content(charge: Charge | None) -> tuple | None:
    """What the payer would read; rates and the order of diagnoses are no part of it."""
    if charge is None:
        return None
    return (charge.code, charge.modifiers, charge.units, charge.place_of_service, charge.revenue_code)


def _blocking(ruling: Ruling, claim_form: ClaimForm, role: LineRole) -> dict[tuple, Finding]:
    """The errors and holds on the line, by name and the lines that they are on."""
    return {
        (finding.name, finding.claim_form, finding.role): finding
        for finding in ruling.findings
        if finding.severity is not Severity.NOTE and finding.applies_to(claim_form, role)
    }
