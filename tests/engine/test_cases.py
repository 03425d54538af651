"""The coding cases: data that a biller can read, each row exactly as its columns say."""

import pytest

from tests.engine.case_rows import FOLDER, differences, rows_of

CODING_CASES = rows_of(FOLDER / "coding_cases.csv")
OUR_CASES = rows_of(FOLDER / "our_cases.csv")


@pytest.mark.parametrize(("case", "row"), CODING_CASES, ids=lambda value: getattr(value, "name", ""))
def test_coding_case(case, row) -> None:
    found = differences(case, row)

    assert found == []


@pytest.mark.parametrize(("case", "row"), OUR_CASES, ids=lambda value: getattr(value, "name", ""))
def test_our_case(case, row) -> None:
    found = differences(case, row)

    assert found == []


def test_shared_cases_are_the_copy(shared_folder) -> None:
    ours = (FOLDER / "coding_cases.csv").read_text(encoding="utf-8")

    shared = (shared_folder / "cases" / "coding_cases.csv").read_text(encoding="utf-8")

    assert shared == ours
