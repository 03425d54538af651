"""The strict loader: what ships is complete, and what is wrong is refused by file, key and remedy."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from coding.codebook_files import FOLDER, CodebookError, load_codebook, read_codebook
from coding.engine.vocabulary import ClaimForm, LineRole, Setting


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped files that a test may spoil."""
    return Path(shutil.copytree(FOLDER, tmp_path / "codebook"))


def spoil(folder: Path, name: str, old: str, new: str) -> None:
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1))


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("codes.toml", 'label = "IMRT', 'lable = "IMRT', r"codes\.toml, code 1: key 'label' is missing\. Add label"),
        (
            "codes.toml",
            "from = 2015",
            "form = 2015",
            r"codes\.toml, code 1: key 'form' is not known\. Remove it, or use",
        ),
        ("codes.toml", "2015-01-01", '"2015-01-01"', r"key 'from' has '2015-01-01'\. Write a date"),
        ("codes.toml", "2025-12-31", "2014-12-31", r"'until' 2014-12-31 is before 'from' 2015-01-01"),
        ("codes.toml", '"77386"', '"77385"', r"code 2: '77385' stands twice\. Keep one"),
        ("codes.toml", 'role = "delivery"', 'role = "driver"', r"'role' has 'driver'\. Use one of: delivery, guidance"),
        ("codes.toml", '"pfs-rvu"', '"hearsay"', r"'reference' has 'hearsay'\. Use one of: aapc"),
        ("choices.toml", 'reference = ["cpt', 'references = ["cpt', r"delivery 1: key 'reference' is missing"),
        ("choices.toml", "until = 2025-12-31", "until = 2026-12-31", r"77386 is chosen outside its dates"),
        ("choices.toml", 'techniques = ["imrt_complex"]', 'techniques = ["arc"]', r"'techniques' has 'arc'\. Use one"),
        ("settings.toml", 'name = "inpatient"', 'name = "on_campus"', r"setting 5: key 'name' has 'on_campus'"),
        ("settings.toml", "from = 2016-01-01, reference", "from = 2016-01-02, reference", r"leaves dates open"),
        ("terms.toml", "min_gap", "minimal_gap", r"'term' has 'minimal_gap'\. Use one of: authorization_converts"),
        ("rates.toml", 'amount = "578.47"', 'amount = "lots"', r"key 'amount' has 'lots'\. Write a number"),
        ("rates.toml", 'amount = "578.47"', 'factor = "1"', r"rate 1: has no single price"),
        ("pairs.toml", 'file = "hospital"', 'file = "clinic"', r"'file' has 'clinic'\. Use one of: hospital"),
        ("unit_limits.toml", "as_of", "of", r"unit_limits\.toml: key 'as_of' is missing"),
        ("taxonomies.toml", "[[taxonomy]]", "[taxonomy", r"taxonomies\.toml: is not TOML"),
        ("icd10cm.txt", "added_from 2025-10-01\n", "", r"icd10cm\.txt: its heading is missing"),
    ],
)
def test_read_codebook_refuses_by_file_key_and_remedy(folder, name, old, new, message) -> None:
    spoil(folder, name, old, new)

    with pytest.raises(CodebookError, match=message):
        read_codebook(folder)


def test_read_codebook_file_missing(folder) -> None:
    (folder / "rates.toml").unlink()

    with pytest.raises(CodebookError, match=r"rates\.toml: cannot be read"):
        read_codebook(folder)


def test_read_codebook_digest_follows_content(folder) -> None:
    spoil(folder, "unit_limits.toml", "hospital = 2", "hospital = 3")

    assert read_codebook(folder).digest != load_codebook().digest


def test_load_codebook_reads_once() -> None:
    assert load_codebook() is load_codebook()


@pytest.mark.parametrize(
    ("code", "last_before", "first", "last"),
    [
        ("77386", date(2014, 12, 31), date(2015, 1, 1), date(2025, 12, 31)),
        ("G6015", date(2014, 12, 31), date(2015, 1, 1), date(2025, 12, 31)),
        ("77407", date(2025, 12, 31), date(2026, 1, 1), date(2100, 1, 1)),
        ("77387", date(2014, 12, 31), date(2015, 1, 1), date(2100, 1, 1)),
    ],
)
def test_code_is_valid_from_its_first_to_its_last_day(code, last_before, first, last) -> None:
    valid = load_codebook().codes[code].valid

    assert [day in valid for day in (last_before, first, last)] == [False, True, True]


@pytest.mark.parametrize(
    ("code", "hospital", "practitioner"), [("77385", 2, 1), ("77386", 2, 1), ("77412", 2, 2), ("G6015", 2, 2)]
)
def test_unit_limit_by_file(code, hospital, practitioner) -> None:
    codebook = load_codebook()

    limits = [
        codebook.unit_limit(form, code, on=date(2024, 7, 1)).units
        for form in (ClaimForm.INSTITUTIONAL, ClaimForm.GLOBAL)
    ]

    assert limits == [hospital, practitioner]


@pytest.mark.parametrize(
    ("form", "column1", "column2", "indicator"),
    [
        (ClaimForm.INSTITUTIONAL, "77386", "77387", 0),
        (ClaimForm.INSTITUTIONAL, "77386", "77385", 1),
        (ClaimForm.INSTITUTIONAL, "77373", "77386", 0),
        (ClaimForm.INSTITUTIONAL, "77386", "77427", None),
        (ClaimForm.GLOBAL, "77386", "77387", None),
        (ClaimForm.GLOBAL, "G6015", "G6016", 0),
        (ClaimForm.PROFESSIONAL, "77301", "77014", 0),
    ],
)
def test_pair_indicator_by_file(form, column1, column2, indicator) -> None:
    assert load_codebook().pair_indicator(form, column1, column2, on=date(2024, 7, 1)) == indicator


@pytest.mark.parametrize(
    ("code", "on", "is_billable"),
    [
        ("C02.1", date(2025, 12, 3), True),
        ("C06.8", date(2025, 12, 3), False),
        ("C50.A1", date(2025, 9, 30), False),
        ("C50.A1", date(2025, 10, 1), True),
        ("D71", date(2025, 9, 30), True),
        ("D71", date(2025, 10, 1), False),
    ],
)
def test_diagnosis_is_billable(code, on, is_billable) -> None:
    assert load_codebook().diagnoses.is_billable(code, on) is is_billable


def test_oral_cavity_has_35_billable_codes() -> None:
    codebook = load_codebook()
    oral_cavity = codebook.diagnoses.groups[0]

    codes = [code for code in codebook.diagnoses.billable if code in oral_cavity]

    assert (oral_cavity.name, len(codes)) == ("Oral cavity", 35)


def test_tables_say_when_they_end() -> None:
    tables = load_codebook().tables

    assert tables["pairs"].is_stale(date(2024, 10, 1))
    assert not tables["pairs"].is_stale(date(2024, 9, 30))
    assert tables["diagnoses"].is_stale(date(2026, 10, 1))


def test_every_setting_and_both_sides_are_there() -> None:
    codebook = load_codebook()

    assert set(codebook.settings) == set(Setting)
    assert {code.role for code in codebook.codes.values()} == {LineRole.DELIVERY, LineRole.GUIDANCE, None}
