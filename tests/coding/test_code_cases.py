"""The command: a spreadsheet in, lines and findings out, with the policies in force of one organization."""

import csv
import io

import pytest
from django.core.management import CommandError, call_command

from tests.builders import make_organization, make_payer, make_policy_version
from tests.engine.builders import KINDS
from tests.engine.case_rows import FOLDER

pytestmark = pytest.mark.django_db

HEADER = "case,date_of_service,setting,payer,claim,technique,guidance,diagnoses,terms\n"
SECOND_SESSION_HEADER = "case,session_of_day,minutes_since_previous," + HEADER.removeprefix("case,")


@pytest.fixture
def organization():
    """An organization with the nine payers of the cases, each with a silent policy since 2015."""
    organization = make_organization()
    for slug, kind in KINDS.items():
        make_policy_version(make_payer(organization, slug=slug, kind=kind.value))
    return organization


@pytest.fixture
def cases(tmp_path):
    """Writes a case file and returns its path."""

    def write(text: str):
        path = tmp_path / "cases.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def run(path, organization, *options: str):
    out, err = io.StringIO(), io.StringIO()
    call_command("code_cases", str(path), "--organization", organization.slug, *options, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def refusal_of(path, organization, *options: str) -> tuple[int, str, str]:
    """(exit status, standard output, standard error) of a refused file."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.raises(SystemExit) as exit_:
        call_command("code_cases", str(path), "--organization", organization.slug, *options, stdout=out, stderr=err)
    return exit_.value.code, out.getvalue(), err.getvalue()


def test_code_cases_answers_the_coding_cases(organization) -> None:
    out, _ = run(FOLDER / "coding_cases.csv", organization)

    answers = {row["case"]: row for row in csv.DictReader(io.StringIO(out))}
    expected = list(csv.DictReader(io.StringIO((FOLDER / "coding_cases.csv").read_text(encoding="utf-8"))))
    assert [row["case"] for row in expected] == list(answers)
    assert [row["expected_lines"] for row in expected] == [answers[row["case"]]["lines"] for row in expected]
    assert all(row["expected_finding"] in answers[row["case"]]["findings"].split("; ") for row in expected)


def test_code_cases_output_is_one_row_a_case_in_order(organization, cases) -> None:
    path = cases(
        HEADER
        + "B,2025-12-03,freestanding,medicare,global,imrt_complex,cbct,C02.1,\n"
        + "A,2025-12-03,hospital_on_campus,medicare,institutional,imrt_complex,none,,\n"
    )

    out, err = run(path, organization)

    assert out == ("case,lines,findings\nB,G6015 x1 pos 11 + 77014 x1 pos 11,\nA,77386 x1 rev 0333,HOLD: DX_MISSING\n")
    assert err == ""


def test_code_cases_writes_a_file(organization, cases, tmp_path) -> None:
    path = cases(HEADER + "A,2025-12-03,hospital_on_campus,medicare,institutional,imrt_complex,none,C02.1,\n")

    out, _ = run(path, organization, "--output", str(tmp_path / "out.csv"))

    assert out == ""
    assert (tmp_path / "out.csv").read_text() == "case,lines,findings\nA,77386 x1 rev 0333,\n"


def test_code_cases_takes_the_version_in_force_on_the_date(organization, cases) -> None:
    payer = make_payer(organization, slug="regional", kind="commercial")
    make_policy_version(payer, terms={"bid": "76"})
    make_policy_version(payer, terms={"bid": "59"}, effective_from="2026-03-01")
    row = "{},2,400,{},hospital_on_campus,regional,institutional,imrt_complex,none,C02.1,\n"
    path = cases(SECOND_SESSION_HEADER + row.format("before", "2026-02-28") + row.format("on", "2026-03-01"))

    out, _ = run(path, organization)

    assert out.splitlines()[1:] == ["before,77407-76 x1 rev 0333,", "on,77407-59 x1 rev 0333,"]


def test_code_cases_takes_the_correction_before_what_it_corrects(organization, cases) -> None:
    payer = make_payer(organization, slug="regional", kind="commercial")
    make_policy_version(payer, terms={"bid": "76"})
    make_policy_version(payer, terms={"bid": "59"}, revision=2)
    path = cases(
        SECOND_SESSION_HEADER
        + "A,2,400,2026-02-02,hospital_on_campus,regional,institutional,imrt_complex,none,C02.1,\n"
    )

    out, _ = run(path, organization)

    assert "77407-59 x1" in out


def test_code_cases_payer_of_another_organization_is_not_known(organization, cases) -> None:
    make_payer(make_organization(), slug="elsewhere")
    path = cases(HEADER + "A,2026-02-02,hospital_on_campus,elsewhere,institutional,imrt_complex,none,C02.1,\n")

    status, out, err = refusal_of(path, organization)

    assert (status, out) == (2, "")
    assert err.startswith("line 2, column payer: 'elsewhere'; allowed: ")


def test_code_cases_refused_file_leaves_no_output(organization, cases, tmp_path) -> None:
    path = cases(HEADER + "A,2026-02-30,hospital_on_campus,medicare,institutional,imrt_complex,none,C02.1,\n")

    status, out, err = refusal_of(path, organization, "--output", str(tmp_path / "out.csv"))

    assert (status, out) == (2, "")
    assert err == "line 2, column date_of_service: '2026-02-30'; allowed: an ISO date such as 2025-12-31\n"
    assert not (tmp_path / "out.csv").exists()


def test_code_cases_explain_prints_the_traces_to_standard_error(organization, cases) -> None:
    path = cases(HEADER + "A,2025-12-03,hospital_off_campus_excepted,medicare,institutional,imrt_complex,none,,\n")

    out, err = run(path, organization, "--explain")

    assert out.splitlines()[1] == "A,77386-PO x1 rev 0333,HOLD: DX_MISSING"
    assert "case A" in err
    assert "hold DX_MISSING" in err
    assert "Modifiers PO and PN = PO. PO: excepted off-campus department" in err


@pytest.mark.parametrize("name", ["missing.csv", "."])
def test_code_cases_file_that_cannot_be_read(organization, tmp_path, name) -> None:
    with pytest.raises(CommandError, match="cannot be read") as refused:
        run(tmp_path / name, organization)

    assert refused.value.returncode == 2


def test_code_cases_file_that_is_not_text(organization, tmp_path) -> None:
    (tmp_path / "cases.csv").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(CommandError, match="not text in UTF-8") as refused:
        run(tmp_path / "cases.csv", organization)

    assert refused.value.returncode == 2


def test_code_cases_output_that_cannot_be_written(organization, cases, tmp_path) -> None:
    path = cases(HEADER + "A,2025-12-03,hospital_on_campus,medicare,institutional,imrt_complex,none,C02.1,\n")

    with pytest.raises(CommandError, match="cannot be written") as refused:
        run(path, organization, "--output", str(tmp_path))

    assert refused.value.returncode == 2


def test_code_cases_asks_a_constant_number_of_queries(organization, django_assert_max_num_queries) -> None:
    with django_assert_max_num_queries(5):
        run(FOLDER / "our_cases.csv", organization)
