"""Each claim edit on the lines that the pipeline drafts: what it finds, where it applies, and what it lets pass."""

from dataclasses import replace
from datetime import date

import pytest

from coding.engine.edits import CLAIM_EDITS
from coding.engine.facts import ChargedUnits, EarlierSession
from coding.engine.findings import NAME_OF_EDIT
from coding.engine.vocabulary import (
    BeneficiaryNotice,
    ClaimForm,
    Completion,
    Guidance,
    Isocenters,
    LineRole,
    MotionManagement,
    Setting,
    Technique,
)
from tests.engine.builders import make_facts, make_second_session, make_terms, named
from tests.engine.edits.edit_runs import ruled

IN_2026 = {"date_of_service": date(2026, 2, 2)}
PHYSICIAN = {"claim_forms": (ClaimForm.PROFESSIONAL,)}
OWNER = {"claim_forms": (ClaimForm.GLOBAL,), "setting": Setting.FREESTANDING}
BOTH_SIDES = {"claim_forms": (ClaimForm.INSTITUTIONAL, ClaimForm.PROFESSIONAL)}

FOUND = {
    "setting_side_mismatch": (make_facts(claim_forms=(ClaimForm.GLOBAL,)), make_facts(**OWNER), {}),
    "inpatient_bundled": (
        make_facts(setting=Setting.INPATIENT),
        make_facts(setting=Setting.INPATIENT, **PHYSICIAN),
        {},
    ),
    "under_arrangement_bill_hospital": (
        make_facts(setting=Setting.INPATIENT, claim_forms=(ClaimForm.GLOBAL,)),
        make_facts(**OWNER),
        {},
    ),
    "no_professional_component": (
        make_facts(guidance=Guidance.SURFACE, **PHYSICIAN),
        make_facts(guidance=Guidance.SURFACE, **OWNER),
        {},
    ),
    "code_deleted": (
        make_facts(requested_code="77386", **IN_2026),
        make_facts(requested_code="77386"),
        {},
    ),
    "payer_code_not_accepted": (make_facts(requested_code="G6011"), make_facts(requested_code="77386"), {}),
    "mod_26_invalid": (
        make_facts(requested_code="77386-26"),
        make_facts(requested_code="77014-26", **PHYSICIAN),
        {},
    ),
    "mod_tc_invalid": (
        make_facts(requested_modifiers=("TC",), **OWNER),
        make_facts(requested_modifiers=("59",), **OWNER),
        {},
    ),
    "mod_22_not_applicable": (make_facts(requested_modifiers=("22",)), make_facts(), {}),
    "mod_53_not_for_facility": (make_facts(requested_modifiers=("53",)), make_facts(), {}),
    "mod_73_not_applicable": (make_facts(requested_modifiers=("74",)), make_facts(), {}),
    "po_pn_conflict": (
        make_facts(requested_modifiers=("PO", "PN")),
        make_facts(setting=Setting.OFF_CAMPUS_EXCEPTED, requested_modifiers=("PO",)),
        {},
    ),
    "too_many_modifiers": (
        make_facts(requested_modifiers=("52", "59", "KX", "XE", "Q5")),
        make_facts(requested_modifiers=("52", "59", "KX", "XE")),
        {},
    ),
    "ncci_other_code_refused": (
        make_facts(other_codes_same_day=("77387",)),
        make_facts(other_codes_same_day=("77427",)),
        {},
    ),
    "ncci_line_yields": (
        make_facts(other_codes_same_day=("77373",)),
        make_facts(other_codes_same_day=("77336",)),
        {},
    ),
    "ncci_pair_review": (
        make_facts(other_codes_same_day=("77385",)),
        make_facts(other_codes_same_day=("77386",)),
        {},
    ),
    "policy_override_approval": (
        make_facts(payer="workers-compensation", **IN_2026),
        make_facts(payer="workers-compensation"),
        {"keep_until": date(2026, 12, 31)},
    ),
    "payer_not_ready": (make_facts(**IN_2026), make_facts(), {"payer_ready": date(2026, 2, 3)}),
    "complexity_documentation": (
        make_facts(diagnoses=("C61",)),
        make_facts(diagnoses=("C61",), technique=Technique.IMRT_SIMPLE),
        {},
    ),
    "level3_documentation": (
        make_facts(motion_management=MotionManagement.ACTIVE, is_motion_documented=False, **IN_2026),
        make_facts(is_motion_documented=False, **IN_2026),
        {},
    ),
    "surface_only_review": (
        make_facts(guidance=Guidance.SURFACE, **PHYSICIAN, **IN_2026),
        make_facts(guidance=Guidance.SURFACE, **IN_2026),
        {},
    ),
    "partial_review": (
        make_facts(completion=Completion.PARTIAL),
        make_facts(completion=Completion.PARTIAL, **PHYSICIAN),
        {},
    ),
    "mue_exceeded": (
        make_second_session(payer="aetna", **OWNER),
        make_second_session(payer="aetna"),
        {},
    ),
    "liability_review": (
        make_facts(beneficiary_notice=BeneficiaryNotice.NONE),
        make_facts(beneficiary_notice=BeneficiaryNotice.SIGNED),
        {},
    ),
    "image_unsigned": (
        make_facts(is_image_review_signed=False, **PHYSICIAN),
        make_facts(is_image_review_signed=False),
        {},
    ),
    "supervision_undocumented": (
        make_facts(is_supervision_documented=False, **OWNER),
        make_facts(is_supervision_documented=False),
        {},
    ),
    "modifier_left_out": (make_facts(requested_modifiers=("77",)), make_facts(requested_modifiers=("59",)), {}),
    "units_differ": (
        make_facts(
            earlier_sessions=(EarlierSession(400, charged=(ChargedUnits(ClaimForm.INSTITUTIONAL, "77385", 1),)),)
        ),
        make_second_session(),
        {"bid": "units"},
    ),
}


def name_of(edit: str) -> str:
    return NAME_OF_EDIT.get(edit, edit.upper())


@pytest.mark.parametrize("edit", FOUND)
def test_claim_edit_finds(edit) -> None:
    session, _, terms = FOUND[edit]

    ruling = ruled(session, make_terms(session.payer, **terms))

    assert named(ruling, name_of(edit)) is not None


@pytest.mark.parametrize("edit", FOUND)
def test_claim_edit_lets_pass(edit) -> None:
    _, session, terms = FOUND[edit]

    ruling = ruled(session, make_terms(session.payer, **terms))

    assert named(ruling, name_of(edit)) is None


def test_every_claim_edit_is_tested() -> None:
    assert {edit.__name__ for edit in CLAIM_EDITS} == set(FOUND)


def test_image_unsigned_keeps_back_the_guidance_line_only() -> None:
    ruling = ruled(make_facts(is_image_review_signed=False, **BOTH_SIDES), make_terms())

    found = named(ruling, "IMAGE_UNSIGNED")

    assert found.applies_to(ClaimForm.PROFESSIONAL, LineRole.GUIDANCE)
    assert not found.applies_to(ClaimForm.INSTITUTIONAL, LineRole.DELIVERY)


def test_inpatient_bundled_leaves_the_physicians_line() -> None:
    ruling = ruled(make_facts(setting=Setting.INPATIENT, **BOTH_SIDES), make_terms())

    assert [(charge.claim_form, charge.code) for charge in ruling.charges] == [(ClaimForm.PROFESSIONAL, "77014")]


def test_keyed_code_is_judged_where_it_belongs() -> None:
    ruling = ruled(make_facts(requested_code="77387-26", **BOTH_SIDES), make_terms())

    found = named(ruling, "PAYER_CODE_NOT_ACCEPTED")

    assert found.claim_form is ClaimForm.PROFESSIONAL
    assert found.sentence == ("77387 was keyed; for this session this payer takes 77014 on the professional claim.")


def test_ncci_indicator_0_is_an_error_for_the_other_code_and_a_hold_for_ours() -> None:
    refused = named(ruled(make_facts(other_codes_same_day=("77387",)), make_terms()), "NCCI_INDICATOR_0")
    yields = named(ruled(make_facts(other_codes_same_day=("77373",)), make_terms()), "NCCI_INDICATOR_0")

    assert (refused.severity, refused.is_hard) == ("error", False)
    assert (yields.severity, yields.is_hard) == ("hold", True)


@pytest.mark.parametrize(
    ("diagnoses", "is_held"),
    [(("C02.1",), True), (("C02.1", "C02.2"), True), (("C02.1", "C77.0"), False), (("Z51.0", "C02.1"), True)],
)
def test_level3_documentation_several_isocenters_in_one_site(diagnoses, is_held) -> None:
    session = make_facts(payer="cigna", isocenters=Isocenters.MULTIPLE, diagnoses=diagnoses, **IN_2026)

    ruling = ruled(session, make_terms("cigna"))

    assert (named(ruling, "LEVEL3_DOCUMENTATION") is not None) is is_held


def test_mue_exceeded_counts_what_earlier_sessions_really_charged() -> None:
    other_code = (ChargedUnits(ClaimForm.GLOBAL, "77385", 1),)
    session = make_second_session(payer="aetna", **OWNER)
    charged_otherwise = replace(session, earlier_sessions=(EarlierSession(400, charged=other_code),))

    ruling = ruled(charged_otherwise, make_terms("aetna"))

    assert named(ruling, "MUE_EXCEEDED") is None


def test_tc_on_the_payers_word_wants_approval() -> None:
    ruling = ruled(make_facts(payer="bcbs", **OWNER), make_terms("bcbs", technical_modifier="TC"))

    found = named(ruling, "POLICY_OVERRIDE_APPROVAL")

    assert found.is_hard
    assert ruling.charges[0].modifiers == ("TC",)
