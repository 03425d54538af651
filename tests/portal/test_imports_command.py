"""The command that reads a treatment log from a folder."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from portal.models import ImportedRow, TreatmentLogImport
from tests.builders import make_organization, make_user
from tests.portal.treatment_logs import SAMPLE, make_tables, named, treatment

COUNTS = "candidates: 6, deliveries: 7, partial: 1, rows ignored: 6"


@pytest.fixture
def organization(roles):
    return make_organization()


def run(*arguments) -> list[str]:
    """The lines that the command prints."""
    out = StringIO()
    call_command("import_sessions", *map(str, arguments), stdout=out)
    return out.getvalue().splitlines()


def test_import_sessions_counts(organization):
    lines = run(SAMPLE)

    assert lines == ["new: 6, known: 0, broken: 0", COUNTS]


def test_import_sessions_again(organization):
    run(SAMPLE)

    assert run(SAMPLE) == ["new: 0, known: 6, broken: 0", COUNTS]


def test_import_sessions_dry_run_writes_nothing(organization):
    lines = run(SAMPLE, "--dry-run")

    assert lines == ["new: 6, known: 0, broken: 0", COUNTS]
    assert not TreatmentLogImport.objects.exists()
    assert not ImportedRow.objects.exists()


def test_import_sessions_reports_broken_rows_with_file_line_and_reason(organization, tmp_path):
    files = named(make_tables(treatment(1), treatment(2, Create_DtTm="soon")))
    [(tmp_path / name).write_bytes(content) for name, content in files.items()]

    lines = run(tmp_path)

    assert lines[0].startswith('TrackTreatment.csv line 3: Create_DtTm is "soon"')
    assert lines[1:] == ["new: 1, known: 0, broken: 1", "candidates: 1, deliveries: 1, partial: 0, rows ignored: 0"]


def test_import_sessions_in_somebodys_name(organization):
    coder = make_user(organization, role="coder")

    run(SAMPLE, "--by", coder.username)

    assert TreatmentLogImport.objects.get().by == coder


def test_import_sessions_into_the_organization_that_is_named(organization):
    other = make_organization()

    run(SAMPLE, "--organization", other.slug)

    assert TreatmentLogImport.objects.get().organization == other


@pytest.mark.parametrize(
    "arguments",
    [["/no/such/folder"], [SAMPLE, "--by", "nobody"], [SAMPLE, "--organization", "none"]],
)
def test_import_sessions_input_error_prints_nothing_and_exits_2(organization, arguments):
    out = StringIO()

    with pytest.raises(CommandError) as refused:
        call_command("import_sessions", *map(str, arguments), stdout=out)

    assert refused.value.returncode == 2
    assert out.getvalue() == ""


def test_import_sessions_by_somebody_who_may_not(organization):
    auditor = make_user(organization, role="auditor")

    with pytest.raises(CommandError, match="may not import") as refused:
        run(SAMPLE, "--by", auditor.username)

    assert refused.value.returncode == 2


def test_import_sessions_folder_without_a_table(organization, tmp_path):
    with pytest.raises(CommandError, match=r"TrackTreatment\.csv, Site\.csv, TxField\.csv, Ident\.csv are missing"):
        run(tmp_path)
