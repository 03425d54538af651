"""One command loads an official file of real size and tells what it changed."""

from io import StringIO
from itertools import product

import pytest
from django.core.management import CommandError, call_command

from coding.models import ReferenceRow
from tests.coding import reference_samples as samples

pytestmark = pytest.mark.django_db
FIRST = [f"{number:05d}" for number in range(10000, 10400)]
SECOND = [f"{number:05d}" for number in range(20000, 20250)]
PAIRS = [f"{one}\t{two}\t\t20150101\t*\t1\tStandards of medical practice\r\n" for one, two in product(FIRST, SECOND)]


def run(*arguments) -> str:
    out = StringIO()
    call_command("load_reference", *map(str, arguments), stdout=out)
    return out.getvalue()


def test_load_reference_loads_a_hundred_thousand_pairs_and_tells_what_changed(tmp_path):
    q3 = samples.write(tmp_path / "q3.txt", [samples.PTP_HEADING, *PAIRS])
    deleted = [row.replace("\t*\t", "\t20260930\t") for row in PAIRS[:70]]
    changed = [row.replace("\t1\t", "\t0\t") for row in PAIRS[70:100]]
    added = [f"30000\t{two}\t\t20261001\t*\t0\tStandards of medical practice\r\n" for two in SECOND]
    q4 = samples.write(tmp_path / "q4.txt", [samples.PTP_HEADING, *deleted, *changed, *PAIRS[120:], *added])

    first = run("ptp_hospital", q3, "--effective-from", "2026-07-01", "--release", "2026 Q3")
    second = run("ptp_hospital", q4, "--effective-from", "2026-10-01", "--release", "2026 Q4")

    assert "100000 rows from 2026-07-01 on, the first of its kind" in first
    assert "100230 rows from 2026-10-01 on, against 2026 Q3 from 2026-07-01" in second
    assert "additions 250, deletions 90, changes 30" in second
    assert ReferenceRow.objects.count() == 200_230


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("mue_hospital", "nothing.csv", "--effective-from", "2026-10-01", "--release", "Q4"), "nothing.csv: no such"),
        (("mue_hospital", "{file}", "--effective-from", "2026-10-01", "--release", "Q4"), "Nothing was loaded."),
        (("pairs", "{file}", "--effective-from", "2026-10-01", "--release", "Q4"), "invalid choice: 'pairs'"),
    ],
)
def test_load_reference_refuses_with_what_is_wrong(tmp_path, arguments, said):
    file = samples.write(tmp_path / "mue.csv", [samples.MUE_PRACTITIONER])

    with pytest.raises(CommandError) as refused:
        run(*(argument.format(file=file) for argument in arguments))

    assert said in str(refused.value)


def test_load_reference_asks_before_it_replaces(tmp_path):
    file = samples.write(tmp_path / "mue.csv", [samples.MUE_HOSPITAL])
    arguments = ("mue_hospital", file, "--effective-from", "2026-10-01", "--release", "2026 Q4")
    run(*arguments)

    with pytest.raises(CommandError, match="--replace loads it anew"):
        run(*arguments)

    assert "2 rows" in run(*arguments, "--replace")
