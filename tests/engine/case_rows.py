"""Rows of a case file, coded as the cases' README says: house defaults in force from 2015, unless the row says none."""

import csv
import io
from pathlib import Path

from coding.case_files import Case, format_findings, format_lines, read_cases
from coding.codebook_files import load_codebook
from coding.engine.code_session import code_session
from tests.engine.builders import KINDS, make_terms

FOLDER = Path(__file__).parent / "cases"


def rows_of(path: Path) -> list[tuple[Case, dict[str, str]]]:
    """Each case of a file beside its row."""
    text = path.read_text(encoding="utf-8")
    return list(zip(read_cases(text, KINDS), csv.DictReader(io.StringIO(text)), strict=True))


def differences(case: Case, row: dict[str, str]) -> list[str]:
    """How the answer differs from the row's: other lines, or not the finding that is expected."""
    ruling = code_session(case.facts, case.terms_over(make_terms(case.facts.payer)), load_codebook())
    lines, findings = format_lines(ruling), format_findings(ruling).split("; ")
    expected = row["expected_finding"]
    found = [] if lines == row["expected_lines"] else [f"lines {lines}, not {row['expected_lines']}"]
    return found if expected in findings else [*found, f"findings {findings}, not {expected or 'none'}"]
