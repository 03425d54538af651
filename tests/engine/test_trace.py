"""The trace: each line's decisions in order, and why the modifiers that a reader would expect are absent."""

from datetime import date

import pytest

from coding.engine.code_session import code_session
from coding.engine.trace import Citation
from coding.engine.vocabulary import ClaimForm, Completion, LineRole, Setting
from tests.engine.builders import make_facts, make_second_session, make_terms

CLAUSE = Citation("Radiation payment policy", url="https://payer.example/policy", section="4.2")


def steps_of(ruling, rule: str, role=LineRole.DELIVERY):
    return [step for step in ruling.trace if step.rule == rule and step.role in (None, role)]


def test_trace_of_a_line_tells_every_decision_in_order(codebook) -> None:
    ruling = code_session(make_facts(), make_terms(), codebook)

    rules = [step.rule for step in ruling.trace_of(ruling.charges[0])]

    assert rules == [
        "claim_form",
        "delivery_code",
        "modifier_26",
        "modifier_tc",
        "modifier_52",
        "modifier_site",
        "modifier_repeat",
        "units",
        "revenue_code",
        "diagnosis_pointers",
        "national_rate",
    ]


def test_trace_of_a_line_leaves_out_the_other_claim(codebook) -> None:
    both = (ClaimForm.INSTITUTIONAL, ClaimForm.PROFESSIONAL)
    ruling = code_session(make_facts(claim_forms=both), make_terms(), codebook)

    steps = ruling.trace_of(ruling.charges[0])

    assert {step.claim_form for step in steps} == {ClaimForm.INSTITUTIONAL}


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("modifier_26", "26 is absent: 77386 is technical only"),
        ("modifier_tc", "TC is absent: 77386 is technical only"),
        ("modifier_52", "52 is absent: the session was not cut short"),
        ("modifier_site", "PO and PN are absent: the department is not off campus"),
        ("modifier_repeat", "59, 76 and 77 are absent: it is the first session of the day"),
    ],
)
def test_absent_modifier_says_why(codebook, rule, said) -> None:
    ruling = code_session(make_facts(), make_terms(), codebook)

    (step,) = steps_of(ruling, rule)

    assert step.result == ""
    assert step.sentence.startswith(said)


@pytest.mark.parametrize("place", [0, -1])
@pytest.mark.parametrize("way", ["76", "59", "units"])
@pytest.mark.parametrize("make", [make_facts, make_second_session])
def test_modifier_that_a_reader_asks_for_is_on_the_line_or_absent_with_a_reason(codebook, make, way, place) -> None:
    session = make(claim_forms=(ClaimForm.INSTITUTIONAL, ClaimForm.PROFESSIONAL))
    ruling = code_session(session, make_terms(bid=way), codebook)
    charge = ruling.charges[place]

    absent = dict(pair for step in ruling.trace_of(charge) for pair in step.absent)

    assert {"26", "TC", "59", "76", "77", "PO", "PN"} <= {*charge.modifiers, *absent}
    assert set(charge.modifiers).isdisjoint(absent)
    assert "" not in absent.values()


def test_absent_modifiers_of_a_repeat_have_reasons_of_their_own(codebook) -> None:
    (step,) = steps_of(code_session(make_second_session(), make_terms(), codebook), "modifier_repeat")

    absent = dict(step.absent)

    assert absent["77"] == "the session is under the same responsible physician"
    assert absent["59"].startswith("this payer does not ask for it")


@pytest.mark.parametrize(
    ("day", "payer", "said"),
    [
        (date(2015, 12, 31), "medicare", "PO is required from 01/01/2016"),
        (date(2025, 12, 3), "aetna", "they are Medicare's, and this payer does not ask (house default"),
    ],
)
def test_absent_site_modifier_off_campus_says_why(codebook, day, payer, said) -> None:
    session = make_facts(date_of_service=day, payer=payer, setting=Setting.OFF_CAMPUS_EXCEPTED)

    (step,) = steps_of(code_session(session, make_terms(payer), codebook), "modifier_site")

    assert said in step.sentence


def test_payers_clause_is_cited_with_its_version(codebook) -> None:
    policy = make_terms("bcbs", bid="59", clauses={"bid": CLAUSE})

    (step,) = steps_of(code_session(make_second_session(payer="bcbs"), policy, codebook), "modifier_repeat")

    assert (step.result, step.clause, step.is_house_default) == ("59", "bid", False)
    assert CLAUSE in step.citations
    assert "bcbs from 2015-01-01" in step.sentence


def test_house_default_is_named_as_such(codebook) -> None:
    (step,) = steps_of(code_session(make_second_session(), make_terms(), codebook), "modifier_repeat")

    assert (step.result, step.clause, step.is_house_default) == ("76", "bid", True)
    assert "the payer's policy is silent" in step.sentence


def test_line_that_stands_at_a_later_session_says_so(codebook) -> None:
    ruling = code_session(make_facts(payer="bcbs", later_visits=1), make_terms("bcbs", bid="units"), codebook)

    (step,) = steps_of(ruling, "units")

    assert ruling.charges == ()
    assert [(counted.code, counted.units) for counted in ruling.counted] == [("77386", 1)]
    assert "stands at its latest session" in step.sentence


def test_no_line_says_which_finding_took_it(codebook) -> None:
    ruling = code_session(make_facts(completion=Completion.NOT_STARTED), make_terms(), codebook)

    assert [step.title for step in ruling.trace] == ["No line", "Claim form"]
    assert ruling.trace[0].sentence == ruling.findings[0].sentence


@pytest.mark.parametrize(
    ("day", "forms", "code", "amount"),
    [
        (date(2025, 12, 3), (ClaimForm.INSTITUTIONAL,), "77386", "578.47"),
        (date(2026, 2, 2), (ClaimForm.INSTITUTIONAL,), "77407", "394.05"),
        (date(2026, 2, 2), (ClaimForm.PROFESSIONAL,), "77387", "36.41"),
        (date(2024, 3, 8), (ClaimForm.PROFESSIONAL,), "77014", "43.55"),
        (date(2024, 3, 9), (ClaimForm.PROFESSIONAL,), "77014", "44.27"),
    ],
)
def test_national_rate_of_the_date(codebook, day, forms, code, amount) -> None:
    (charge,) = code_session(make_facts(date_of_service=day, claim_forms=forms), make_terms(), codebook).charges

    assert (charge.code, str(charge.national_rate.amount), charge.national_rate.year) == (code, amount, day.year)


def test_national_rate_that_is_not_known_is_absent(codebook) -> None:
    (charge,) = code_session(make_facts(date_of_service=date(2020, 6, 1)), make_terms(), codebook).charges

    assert charge.national_rate is None


def test_diagnosis_pointers_are_four_at_most(codebook) -> None:
    session = make_facts(diagnoses=("Z51.0", "C02.1", "C77.0", "C78.00", "C79.51"))

    (charge,) = code_session(session, make_terms(), codebook).charges

    assert charge.diagnosis_pointers == (1, 2, 3, 4)
