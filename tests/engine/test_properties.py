"""What holds of every ruling, whatever the facts and the terms."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from coding.codebook_files import load_codebook
from coding.engine.code_session import code_session
from coding.engine.signature import decision_signature, reduced
from coding.engine.terms import PolicyTerms, in_force
from coding.engine.vocabulary import ClaimForm, LineRole, PayerKind, Severity
from tests.engine.builders import make_facts, make_terms
from tests.engine.strategies import DAYS, any_terms, facts, terms

CODEBOOK = load_codebook()
MEDICARE_ONLY = {code for code, modifier in CODEBOOK.modifiers.items() if modifier.is_medicare_only}
TECHNICAL_ONLY = {code for code, known in CODEBOOK.codes.items() if known.is_technical_only}
FEW = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
MANY = settings(FEW, max_examples=500)
DELETES_ITS_LINE = {"RECORD_MISSING", "PAYER_POLICY_REQUIRED", "COVERAGE_MISSING"}


@FEW
@given(facts(), any_terms)
def test_same_facts_give_the_same_ruling(session, policy) -> None:
    first = code_session(session, policy, CODEBOOK)

    second = code_session(replace(session), policy and replace(policy), CODEBOOK)

    assert second == first


@FEW
@given(facts(), any_terms)
def test_code_outside_its_dates_only_where_the_payer_keeps_it(session, policy) -> None:
    ruling = code_session(session, policy, CODEBOOK)

    outside = [
        charge.code
        for charge in ruling.charges
        if charge.code in CODEBOOK.codes and session.date_of_service not in CODEBOOK.codes[charge.code].valid
    ]
    is_kept = policy is not None and policy.keep_until is not None and session.date_of_service <= policy.keep_until
    is_payers_guidance = policy is not None and set(outside) <= {policy.igrt_pc_code}
    assert not outside or is_kept or is_payers_guidance


@FEW
@given(facts(), any_terms)
def test_26_and_tc_never_on_a_technical_only_code_without_a_term(session, policy) -> None:
    ruling = code_session(session, policy, CODEBOOK)

    wrong = {
        modifier for charge in ruling.charges if charge.code in TECHNICAL_ONLY for modifier in charge.modifiers
    } & {"26", "TC"}
    asks_for_tc = policy is not None and policy.technical_modifier == "TC"
    assert wrong <= ({"TC"} if asks_for_tc else set())


@FEW
@given(facts(), any_terms)
def test_at_most_four_modifiers_and_none_twice(session, policy) -> None:
    ruling = code_session(session, policy, CODEBOOK)

    assert all(len(charge.modifiers) <= 4 for charge in ruling.charges)
    assert all(len(set(charge.modifiers)) == len(charge.modifiers) for charge in ruling.charges)


@FEW
@given(facts(), any_terms)
def test_po_and_pn_never_together_and_never_on_a_professional_line(session, policy) -> None:
    ruling = code_session(session, policy, CODEBOOK)

    sites = [(charge.claim_form, {"PO", "PN"} & set(charge.modifiers)) for charge in ruling.charges]
    assert all(len(found) < 2 for _, found in sites)
    assert all(form is ClaimForm.INSTITUTIONAL for form, found in sites if found)


@FEW
@given(facts(), any_terms)
def test_medicare_only_modifier_never_for_a_payer_without_a_rule_for_it(session, policy) -> None:
    ruling = code_session(session, policy, CODEBOOK)

    carried = {modifier for charge in ruling.charges for modifier in charge.modifiers} & MEDICARE_ONLY
    default = CODEBOOK.house_defaults(session.payer, session.payer_kind).get("po_pn")
    asks = policy.po_pn if policy and policy.po_pn is not None else bool(default and default.value)
    allowed = ({"PO", "PN"} if asks else set()) | (
        MEDICARE_ONLY - {"PO", "PN"} if session.payer_kind is PayerKind.MEDICARE else set()
    )
    assert carried <= allowed


@FEW
@given(facts(), any_terms)
def test_every_charge_and_every_finding_has_a_citation(session, policy) -> None:
    ruling = code_session(session, policy, CODEBOOK)

    assert all(finding.citations for finding in ruling.findings)
    assert all(step.citations for step in ruling.trace)
    assert all(ruling.trace_of(charge) for charge in ruling.charges)


@FEW
@given(facts(), any_terms)
def test_every_finding_and_step_is_said_in_full(session, policy) -> None:
    ruling = code_session(session, policy, CODEBOOK)

    said = [text for finding in ruling.findings for text in (finding.sentence, finding.remedy)]
    said += [step.sentence for step in ruling.trace]
    assert all(text and text.endswith((".", "!")) and "{" not in text and "None" not in text for text in said)


DOCUMENTED = {
    "is_twice_daily_ordered": True,
    "is_prescription_signed": True,
    "is_plan_approved": True,
    "is_image_review_signed": True,
    "is_supervision_documented": True,
    "is_motion_documented": True,
    "has_rendering_provider": True,
}


@FEW
@given(facts(), any_terms)
def test_hold_never_deletes_a_line(session, policy) -> None:
    in_order = replace(
        session,
        fraction_number=None,
        other_codes_same_day=(),
        diagnoses=("C02.1",),
        coded_on=session.coded_on,
        **DOCUMENTED,
    )

    held, free = (code_session(each, policy, CODEBOOK) for each in (session, in_order))

    assert [(c.claim_form, c.code, c.modifiers, c.units) for c in held.charges] == [
        (c.claim_form, c.code, c.modifiers, c.units) for c in free.charges
    ]


@FEW
@given(facts(), any_terms)
def test_only_errors_and_the_named_holds_leave_no_line(session, policy) -> None:
    ruling = code_session(session, policy, CODEBOOK)

    deleting = {f.name for f in ruling.findings if f.leaves_no_line and f.severity is Severity.HOLD}
    assert deleting <= DELETES_ITS_LINE


@FEW
@given(facts(), any_terms)
def test_guidance_never_on_an_institutional_and_delivery_never_on_a_professional_claim(session, policy) -> None:
    ruling = code_session(session, policy, CODEBOOK)

    sides = {(charge.claim_form, charge.role) for charge in ruling.charges}
    assert (ClaimForm.INSTITUTIONAL, LineRole.GUIDANCE) not in sides
    assert (ClaimForm.PROFESSIONAL, LineRole.DELIVERY) not in sides


@FEW
@given(facts(), any_terms)
def test_each_claim_form_is_ruled_as_if_it_were_alone(session, policy) -> None:
    plain = replace(session, requested_code="", requested_modifiers=())

    together = code_session(plain, policy, CODEBOOK)
    alone = [code_session(replace(plain, claim_forms=(form,)), policy, CODEBOOK) for form in plain.claim_forms]

    assert set(together.charges) == {charge for ruling in alone for charge in ruling.charges}


@MANY
@given(facts(), any_terms)
def test_reduced_facts_have_the_same_ruling(session, policy) -> None:
    plain = reduced(session, policy, CODEBOOK)

    assert code_session(plain, policy, CODEBOOK) == code_session(session, policy, CODEBOOK)
    assert reduced(plain, policy, CODEBOOK) == plain


@MANY
@given(facts(), DAYS, any_terms, st.data())
def test_equal_signature_means_equal_ruling(session, other_day, policy, data) -> None:
    other = replace(
        session,
        date_of_service=other_day,
        coded_on=data.draw(st.sampled_from([other_day, session.coded_on])),
        diagnoses=data.draw(st.sampled_from([session.diagnoses, tuple(reversed(session.diagnoses)), ("C32.1",)])),
        fraction_number=data.draw(st.sampled_from([session.fraction_number, None, 3])),
        authorization=data.draw(st.sampled_from([session.authorization, None])),
    )
    is_equal = decision_signature(session, policy, CODEBOOK) == decision_signature(other, policy, CODEBOOK)

    rulings = code_session(session, policy, CODEBOOK), code_session(other, policy, CODEBOOK)

    assert not is_equal or rulings[0] == rulings[1]


def test_signature_forgets_what_no_rule_looks_at() -> None:
    policy = make_terms("aetna")
    one = make_facts(payer="aetna", date_of_service=date(2025, 10, 6), fraction_number=5, prescribed_fractions=33)

    other = make_facts(
        payer="aetna",
        date_of_service=date(2025, 12, 30),
        fraction_number=30,
        prescribed_fractions=33,
        diagnoses=("C32.1",),
    )

    assert decision_signature(one, policy, CODEBOOK) == decision_signature(other, policy, CODEBOOK)


@pytest.mark.parametrize(
    "changes",
    [
        {"date_of_service": date(2026, 1, 1), "coded_on": date(2026, 1, 1)},
        {"coded_on": date(2026, 12, 4)},
        {"technique": "imrt_simple"},
        {"diagnoses": ("C50.412",)},
        {"diagnoses": ("C02.1", "C01")},
        {"fraction_number": 34, "prescribed_fractions": 33},
        {"is_plan_approved": False},
        {"rendering_taxonomy": "2085R0203X"},
    ],
)
def test_signature_tells_apart_what_a_rule_looks_at(changes) -> None:
    policy = make_terms()

    other = make_facts(**changes)

    assert decision_signature(make_facts(), policy, CODEBOOK) != decision_signature(other, policy, CODEBOOK)


def test_signature_tells_terms_apart() -> None:
    session = make_facts()

    signatures = {
        decision_signature(session, policy, CODEBOOK) for policy in (None, make_terms(), make_terms(bid="59"))
    }

    assert len(signatures) == 3


@FEW
@given(facts(), st.lists(terms, max_size=3), terms, st.lists(DAYS, min_size=4, max_size=4))
@example(make_facts(), [make_terms()], make_terms(bid="59"), [date(2015, 1, 1)] * 3 + [date(2025, 12, 4)])
def test_version_with_a_later_start_never_changes_an_earlier_ruling(session, versions, added, starts) -> None:
    versions = [replace(version, effective_from=start) for version, start in zip(versions, starts, strict=False)]
    later = replace(added, effective_from=max(starts[3], session.date_of_service).replace(year=2028))
    before = code_session(session, in_force(versions, session.date_of_service), CODEBOOK)

    after = code_session(session, in_force([*versions, later], session.date_of_service), CODEBOOK)

    assert after == before


@FEW
@given(facts(), any_terms)
def test_keyed_text_of_any_kind_is_answered(session, policy) -> None:
    odd = replace(
        session,
        requested_code="\u00e9-\u2603-",
        requested_modifiers=("", "toolong", "\u00df"),
        other_codes_same_day=("", "\u00ff"),
        diagnoses=("\u0130", "C" * 40, "."),
        rendering_taxonomy="?",
    )

    ruling = code_session(odd, policy, CODEBOOK)

    assert all(finding.sentence for finding in ruling.findings)


@pytest.mark.parametrize("day", [date.min, date.max])
def test_first_and_last_day_there_are_are_answered(day) -> None:
    policy: PolicyTerms = make_terms(keep_until=day, payer_ready=day, timely_days=99999)

    ruling = code_session(make_facts(date_of_service=day, coded_on=day), policy, CODEBOOK)

    assert ruling.findings
    assert decision_signature(make_facts(date_of_service=day, coded_on=day), policy, CODEBOOK)
