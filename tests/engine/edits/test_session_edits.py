"""Each session edit by itself: what it finds, and the neighbour that it lets pass."""

from dataclasses import replace
from datetime import date

import pytest

from coding.engine.edits import SESSION_EDITS
from coding.engine.facts import AuthorizationFacts
from coding.engine.vocabulary import BeneficiaryNotice, ClaimForm, Completion, MotionManagement, Setting, Technique
from tests.engine.builders import make_facts, make_second_session
from tests.engine.edits.edit_runs import run_on_facts

IN_2026 = {"date_of_service": date(2026, 2, 2)}
AETNA = {"payer": "aetna"}


def authorized(**limits):
    return {"authorization": AuthorizationFacts(**limits), **AETNA}


FOUND = {
    "coverage_missing": (make_facts(payer=None), make_facts(), {}),
    "provider_missing": (make_facts(has_rendering_provider=False), make_facts(), {}),
    "dos_future": (make_facts(coded_on=date(2025, 12, 2)), make_facts(coded_on=date(2025, 12, 3)), {}),
    "dos_before_code": (
        make_facts(date_of_service=date(2014, 12, 31)),
        make_facts(date_of_service=date(2015, 1, 1)),
        {},
    ),
    "duplicate": (make_facts(is_duplicate=True), make_facts(), {}),
    "not_delivered": (
        make_facts(completion=Completion.NOT_STARTED),
        make_facts(completion=Completion.PARTIAL),
        {},
    ),
    "record_missing": (make_facts(has_treatment_record=False), make_facts(), {}),
    "technique_not_imrt": (
        make_facts(technique=Technique.THREE_D),
        make_facts(technique=Technique.THREE_D, **IN_2026),
        {},
    ),
    "same_session": (make_second_session(179), make_second_session(180), {}),
    "bid_gap": (make_second_session(239), make_second_session(240), {"min_gap": 240}),
    "bid_not_ordered": (
        make_second_session(is_twice_daily_ordered=False),
        make_facts(is_twice_daily_ordered=False),
        {},
    ),
    "rx_not_signed": (make_facts(is_prescription_signed=False), make_facts(), {}),
    "plan_not_approved": (make_facts(is_plan_approved=False), make_facts(), {}),
    "over_prescription": (
        make_facts(fraction_number=34, prescribed_fractions=33),
        make_facts(fraction_number=33, prescribed_fractions=33),
        {},
    ),
    "fraction_sequence": (
        make_facts(fraction_number=7, last_charged_fraction=5),
        make_facts(fraction_number=6, last_charged_fraction=5),
        {},
    ),
    "auth_missing": (make_facts(authorization=None, **AETNA), make_facts(authorization=None), {}),
    "auth_units_exceeded": (
        make_facts(**authorized(units=28, used=28)),
        make_facts(**authorized(units=28, used=27)),
        {},
    ),
    "auth_expired": (
        make_facts(**authorized(ends_on=date(2025, 12, 2))),
        make_facts(**authorized(ends_on=date(2025, 12, 3))),
        {},
    ),
    "auth_code_mismatch": (
        make_facts(**authorized(codes=("77385",))),
        make_facts(**authorized(codes=("77385", "77386"))),
        {},
    ),
    "dx_missing": (make_facts(diagnoses=()), make_facts(), {}),
    "dx_invalid": (make_facts(diagnoses=("C06.8",)), make_facts(diagnoses=("C06.80",)), {}),
    "dx_code_set_date": (make_facts(diagnoses=("141.2",)), make_facts(diagnoses=("C02.1",)), {}),
    "dx_malignancy_missing": (make_facts(diagnoses=("Z51.0",)), make_facts(diagnoses=("Z51.0", "C79.51")), {}),
    "dx_not_covered": (make_facts(diagnoses=("R63.4",)), make_facts(diagnoses=("R63.4", "C77.0")), {}),
    "dx_unverified": (make_facts(diagnoses=("T66.XXXA",)), make_facts(diagnoses=("R63.4",)), {}),
    "timely_filing": (
        make_facts(coded_on=date(2026, 12, 4)),
        make_facts(coded_on=date(2026, 12, 3)),
        {},
    ),
    "taxonomy_renamed": (
        make_facts(rendering_taxonomy="2085R0203X"),
        make_facts(rendering_taxonomy="2085R0001X"),
        {},
    ),
    "fact_missing": (make_facts(technique=None), make_facts(isocenters=None), {}),
    "codebook_stale": (
        make_facts(date_of_service=date(2024, 10, 1)),
        make_facts(date_of_service=date(2024, 9, 30)),
        {},
    ),
}


@pytest.mark.parametrize("edit", FOUND)
def test_session_edit_finds(edit) -> None:
    session, _, terms = FOUND[edit]

    found = run_on_facts(edit, session, **terms)

    assert found is not None
    assert found.name == edit.upper()


@pytest.mark.parametrize("edit", FOUND)
def test_session_edit_lets_pass(edit) -> None:
    _, session, terms = FOUND[edit]

    found = run_on_facts(edit, session, **terms)

    assert found is None


def test_every_session_edit_is_tested() -> None:
    tested = {*FOUND, "payer_policy_required", "policy_review_overdue"}

    assert {edit.__name__ for edit in SESSION_EDITS} == tested


def test_fact_missing_names_every_fact_that_the_claim_turns_on() -> None:
    session = make_second_session(
        is_same_physician=None,
        setting=None,
        technique=None,
        isocenters=None,
        motion_management=None,
        guidance=None,
        claim_forms=(ClaimForm.GLOBAL,),
        **IN_2026,
    )

    found = run_on_facts("fact_missing", session)

    assert dict(found.grounds)["facts"] == (
        "setting of the department, technique, number of isocenters, motion management, image guidance, "
        "responsible physician of both sessions of the day"
    )


def test_fact_missing_isocenters_do_not_matter_with_active_motion_management() -> None:
    session = make_facts(isocenters=None, motion_management=MotionManagement.ACTIVE, **IN_2026)

    assert run_on_facts("fact_missing", session) is None


def test_bid_gap_says_both_times_and_on_whose_word() -> None:
    found = run_on_facts("bid_gap", make_second_session(250))

    assert found.sentence == (
        "Sessions are 4 h 10 min apart; this payer asks for 6 h (house default, the payer's policy is silent)."
    )


def test_bid_gap_unknown_time() -> None:
    found = run_on_facts("bid_gap", make_second_session(None))

    assert "an unknown time" in found.sentence


def test_same_session_department_sets_another_figure() -> None:
    session = make_second_session(90, minutes_of_one_visit=60)

    assert run_on_facts("same_session", session) is None


def test_auth_code_mismatch_payer_converts_deleted_codes_only() -> None:
    converted = make_facts(payer="unitedhealthcare", authorization=AuthorizationFacts(codes=("77386",)), **IN_2026)
    another_level = replace(converted, authorization=AuthorizationFacts(codes=("77412",)))

    assert run_on_facts("auth_code_mismatch", converted) is None
    assert run_on_facts("auth_code_mismatch", another_level) is not None


def test_auth_expired_before_it_starts() -> None:
    session = make_facts(**authorized(starts_on=date(2025, 12, 4)))

    assert run_on_facts("auth_expired", session) is not None


def test_dx_not_covered_is_silent_where_a_notice_answers() -> None:
    session = make_facts(diagnoses=("M72.2",), beneficiary_notice=BeneficiaryNotice.NONE)

    assert run_on_facts("dx_not_covered", session) is None


def test_dx_not_covered_says_nothing_of_icd_9() -> None:
    session = make_facts(date_of_service=date(2015, 6, 1), diagnoses=("780.79",))

    assert run_on_facts("dx_not_covered", session) is None


@pytest.mark.parametrize("code", ["c021", " C02.1 ", "C021"])
def test_dx_invalid_reads_codes_as_people_write_them(code) -> None:
    assert run_on_facts("dx_invalid", make_facts(diagnoses=(code,))) is None


def test_timely_filing_days_of_the_payer() -> None:
    session = make_facts(payer="cigna", coded_on=date(2026, 3, 4))

    assert run_on_facts("timely_filing", session, timely_days=90) is not None
    assert run_on_facts("timely_filing", session, timely_days=91) is None
    assert run_on_facts("timely_filing", session) is None


def test_policy_review_overdue_says_since_when() -> None:
    found = run_on_facts("policy_review_overdue", make_facts(), is_review_overdue=True, reviewed_on=date(2024, 1, 31))

    assert "01/31/2024" in found.sentence


def test_supervision_setting_does_not_matter_to_session_edits() -> None:
    found = run_on_facts("plan_not_approved", make_facts(setting=Setting.FREESTANDING, is_plan_approved=False))

    assert found.is_hard
