"""The one door: `code_session(facts, terms, codebook) -> Ruling`."""

from collections.abc import Iterable
from dataclasses import replace

from coding.engine.claim import Claim, Line, keyed_on
from coding.engine.codebook import Codebook
from coding.engine.edits import CLAIM_EDITS, SESSION_EDITS
from coding.engine.facts import ChargedUnits, SessionFacts
from coding.engine.findings import Finding
from coding.engine.ruling import Charge, Ruling
from coding.engine.steps.claim_form import claim_form
from coding.engine.steps.delivery_code import delivery_code, delivery_step
from coding.engine.steps.diagnosis_pointers import diagnosis_pointers
from coding.engine.steps.guidance_code import guidance_code
from coding.engine.steps.modifiers import modifiers
from coding.engine.steps.national_rate import national_rate
from coding.engine.steps.place_of_service import place_of_service
from coding.engine.steps.units import stands_at_a_later_session, units
from coding.engine.terms import PolicyTerms, TermsInForce
from coding.engine.trace import Step
from coding.engine.vocabulary import ClaimForm, LineRole, Setting


def code_session(facts: SessionFacts, terms: PolicyTerms | None, codebook: Codebook) -> Ruling:
    """The whole answer for one session: charges of every claim form asked for, every finding, and the steps.

    `terms` are those of the payer's version in force on the date of service; None where there is none. Pure and total:
    equal facts, terms and codebook give an equal ruling, and whatever the facts hold is answered, never raised. A hold
    keeps a line back and an error shows its correction; only findings that leave no line take lines away.
    """
    in_force = TermsInForce(terms, codebook.house_defaults(facts.payer, facts.payer_kind))
    found = [finding for edit in SESSION_EDITS if (finding := edit(facts, in_force, codebook)) is not None]
    stops = [finding for finding in found if finding.leaves_no_line]
    trace: list[Step] = [_stop_step(finding) for finding in stops]
    charges: list[Charge] = []
    counted: list[ChargedUnits] = []
    for form in dict.fromkeys(facts.claim_forms):
        claim, steps = _draft(form, not stops, facts, in_force, codebook)
        trace += steps
        of_claim = [f for edit in CLAIM_EDITS if (f := edit(facts, in_force, codebook, claim)) is not None]
        found += of_claim
        trace += [_stop_step(finding) for finding in of_claim if finding.leaves_no_line]
        standing = _standing(claim, of_claim)
        counted += [ChargedUnits(line.claim_form, line.code, 1) for line in standing]
        if facts.setting is not None and not stands_at_a_later_session(facts, in_force):
            for line in standing:
                charge, closing = _charge(line, facts.setting, facts, codebook)
                charges.append(charge)
                trace += closing
    return Ruling(tuple(charges), tuple(found), tuple(trace), tuple(counted))


def _draft(
    form: ClaimForm, may_bill: bool, facts: SessionFacts, terms: TermsInForce, codebook: Codebook
) -> tuple[Claim, list[Step]]:
    """The lines of one claim form before the edits of the result, and the steps behind them."""
    claim = Claim(form, keyed_on(facts, form, codebook))
    if facts.setting is None or facts.payer_kind is None:
        return claim, []
    refusal, step = claim_form(facts.setting, form, codebook)
    trace = [step]
    if refusal or not may_bill:
        return replace(claim, refusal=refusal), trace
    chosen = delivery_code(facts, terms, codebook)
    trace.append(delivery_step(chosen, form, facts, terms, codebook))
    delivery = None
    if chosen is not None and form is not ClaimForm.PROFESSIONAL:
        delivery = Line(form, LineRole.DELIVERY, chosen.code, chosen.is_kept)
        delivery, steps = _finished(delivery, claim, False, facts, terms, codebook)
        trace += steps
    answer = guidance_code(facts, terms, codebook, form)
    trace.append(answer.step)
    guidance = None
    if answer.code:
        guidance = Line(form, LineRole.GUIDANCE, answer.code, answer.is_kept)
        guidance, steps = _finished(guidance, claim, answer.is_both_sides, facts, terms, codebook)
        trace += steps
    return replace(claim, is_drafted=True, delivery=delivery, guidance=guidance), trace


def _finished(
    line: Line, claim: Claim, is_both_sides: bool, facts: SessionFacts, terms: TermsInForce, codebook: Codebook
) -> tuple[Line, tuple[Step, ...]]:
    line, steps = modifiers(line, claim.keyed, is_both_sides, facts, terms, codebook)
    line, step = units(line, facts, terms, codebook)
    return line, (*steps, step)


def _standing(claim: Claim, findings: Iterable[Finding]) -> list[Line]:
    """The lines that no finding takes away."""
    stops = [finding for finding in findings if finding.leaves_no_line]
    return [line for line in claim.lines if not any(stop.applies_to(line.claim_form, line.role) for stop in stops)]


def _charge(line: Line, setting: Setting, facts: SessionFacts, codebook: Codebook) -> tuple[Charge, list[Step]]:
    place, revenue_code, place_step = place_of_service(line, setting, facts.date_of_service, codebook)
    pointers, pointer_step = diagnosis_pointers(line, facts, codebook)
    rate, rate_step = national_rate(line, facts.date_of_service, codebook)
    charge = Charge(
        claim_form=line.claim_form,
        role=line.role,
        code=line.code,
        modifiers=line.modifiers,
        units=line.units,
        place_of_service=place,
        revenue_code=revenue_code,
        diagnosis_pointers=pointers,
        national_rate=rate,
    )
    return charge, [place_step, pointer_step, rate_step]


def _stop_step(finding: Finding) -> Step:
    """Why there is no line: the finding that takes it away."""
    return Step(
        rule=finding.name.lower(),
        title="No line",
        facts=finding.grounds,
        sentence=finding.sentence,
        result="",
        citations=finding.citations,
        claim_form=finding.claim_form,
        role=finding.role,
    )
