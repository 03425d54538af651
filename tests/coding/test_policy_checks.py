"""Examples put to a version, and the rules that every version keeps."""

from datetime import date

import pytest

from coding.codebook_files import load_codebook
from coding.policy_checks import days_of, example_answers, problems_of
from payers.models import PolicyVersion
from payers.pack_services import install_packs
from tests.builders import make_organization, make_payer, make_policy_version

pytestmark = pytest.mark.django_db
CODEBOOK = load_codebook()
FACTS = {
    "date_of_service": "2026-06-01",
    "setting": "hospital_on_campus",
    "claim": "institutional",
    "technique": "imrt_complex",
    "diagnoses": "C02.1",
}


@pytest.fixture
def draft() -> PolicyVersion:
    return make_policy_version(make_payer(make_organization()), publish=False, effective_from=date(2026, 1, 1))


def add_example(version: PolicyVersion, *, lines: str = "", findings: str = "", **facts: str) -> None:
    version.examples.create(
        title="Usual session", facts=FACTS | facts, expected_lines=lines, expected_findings=findings
    )


def problems(version: PolicyVersion) -> list[str]:
    return problems_of(version, CODEBOOK, example_answers(version, CODEBOOK))


def test_example_that_is_answered_as_expected(draft):
    add_example(draft, lines="77407 x1 rev 0333")

    (answer,) = example_answers(draft, CODEBOOK)

    assert (answer.lines, answer.findings, answer.is_as_expected) == ("77407 x1 rev 0333", "", True)


def test_example_is_answered_with_the_terms_of_its_version():
    draft = make_policy_version(
        make_payer(make_organization()), publish=False, effective_from=date(2026, 1, 1), terms={"bid": "59"}
    )
    add_example(draft, lines="77407-59 x1 rev 0333", session_of_day="2", minutes_since_previous="480")

    (answer,) = example_answers(draft, CODEBOOK)

    assert answer.is_as_expected


def test_example_with_other_lines_is_named_with_both_answers(draft):
    add_example(draft, lines="77412 x1 rev 0333")

    assert problems(draft) == ["The example “Usual session” is answered with 77407 x1 rev 0333, not 77412 x1 rev 0333."]


def test_example_with_a_hold_that_nobody_expected_fails(draft):
    add_example(draft, lines="77407 x1 rev 0333", missing="treatment_record")

    assert "HOLD: RECORD_MISSING" in problems(draft)[0]


def test_example_that_expects_no_line(draft):
    add_example(draft, lines="none", findings="ERROR: INPATIENT_BUNDLED", setting="inpatient")

    (answer,) = example_answers(draft, CODEBOOK)

    assert (answer.lines, answer.is_as_expected) == ("none", True)


def test_example_that_cannot_be_read_says_why(draft):
    add_example(draft, technique="imrt")

    (answer,) = example_answers(draft, CODEBOOK)

    assert answer.problem.startswith("column technique: 'imrt'; allowed: ")
    assert not answer.is_as_expected


def test_example_before_the_version_begins_fails(draft):
    add_example(draft, date_of_service="2025-12-31")

    assert problems(draft) == [
        "The example “Usual session” has no answer: Its date of service, 12/31/2025, is before this version starts on "
        "01/01/2026: move it."
    ]


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ({"igrt_pc_code": "77386"}, "On 01/01/2015 a line would carry 77386 with 26: the code is technical only."),
        ({"igrt_pc_code": "99999"}, "99999 is not in the codebook."),
        ({"igrt_pc_code": "77402"}, "On 01/01/2015 a line would carry 77402"),
    ],
)
def test_version_with_a_line_that_no_claim_should_carry(terms, said):
    draft = make_policy_version(make_payer(make_organization()), publish=False, terms=terms)

    assert said in problems(draft)[0]


@pytest.mark.parametrize("terms", [{}, {"igrt_pc_code": "77014"}, {"technical_modifier": "TC"}])
def test_version_with_lines_in_order_has_no_problem(terms):
    draft = make_policy_version(make_payer(make_organization()), publish=False, terms=terms)

    assert problems(draft) == []


def test_deleted_code_is_let_pass_as_long_as_the_payer_keeps_it():
    draft = make_policy_version(
        make_payer(make_organization(), kind="workers_compensation"),
        publish=False,
        effective_from=date(2026, 1, 1),
        terms={"keep_until": "2026-12-31"},
    )

    assert problems(draft) == []


def test_version_that_would_not_be_in_force_on_its_first_day():
    payer = make_payer(make_organization())
    make_policy_version(payer, revision=2)

    draft = make_policy_version(payer, publish=False)

    assert "would be in force, not this version" in problems(draft)[0]


def test_days_of_a_version_end_when_the_next_published_begins():
    payer = make_payer(make_organization())
    make_policy_version(payer, effective_from=date(2027, 1, 1))
    draft = make_policy_version(payer, effective_from=date(2026, 1, 1), publish=False)

    days = days_of(draft)

    assert (days.starts_on, days.last_day) == (date(2026, 1, 1), date(2026, 12, 31))


def test_shipped_policies_have_no_problem():
    organization = make_organization()
    install_packs(organization=organization, by=None)

    found = [
        problem
        for version in PolicyVersion.objects.filter(policy__payer__organization=organization).with_terms()
        for problem in problems(version)
    ]

    assert found == []
