"""A contract's schedule as a file: what a row may say, why one is refused, and that an export reads itself again."""

from datetime import date
from decimal import Decimal

import pytest

from coding.models import ContractRate
from coding.rate_files import COLUMNS, MOST_ROWS, RateFileError, rates_table, read_rates
from coding.reports import table_csv
from tests.builders import make_organization, make_payer

pytestmark = pytest.mark.django_db
HEADING = ",".join(COLUMNS)
ROW = "harbor,77412,,,2026-01-01,1450.00,Contract page 4"


@pytest.fixture
def payer():
    return make_payer(make_organization(), slug="harbor", name="Harbor Health")


def read(payer, *rows: str, heading: str = HEADING):
    return read_rates("\r\n".join((heading, *rows)), [payer])


def test_row_is_read_as_it_says(payer):
    (row,), refused = read(payer, "harbor,g6015,TC,freestanding,2025-07-01,742.00,Contract page 4")

    assert refused == []
    assert row.key == (payer.pk, "G6015", "TC", "freestanding", date(2025, 7, 1))
    assert (row.number, row.amount, row.source) == (2, Decimal("742.00"), "Contract page 4")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (("Harbor Health", "2026-01-01", "1450.00"), date(2026, 1, 1)),
        (("HARBOR", "01/01/2026", '"$1,450.00"'), date(2026, 1, 1)),
        (("harbor", "1/1/26", "1450"), date(2026, 1, 1)),
    ],
    ids=["full name", "as a spreadsheet saves it", "short year"],
)
def test_row_is_read_as_spreadsheets_save_it(payer, said, expected):
    named, day, amount = said

    (row,), _refused = read(payer, f"{named},77412,,On campus,{day},{amount},x")

    assert (row.payer, row.effective_from, row.amount) == (payer, expected, Decimal("1450.00"))
    assert row.setting == "hospital_on_campus"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("nobody,77412,,,2026-01-01,5,x", "No payer of yours"),
        ("harbor,7741,,,2026-01-01,5,x", "five letters or digits"),
        ("harbor,77412,59,,2026-01-01,5,x", "26, TC or empty"),
        ("harbor,77412,,moon,2026-01-01,5,x", "empty for every setting"),
        ("harbor,77412,,,soon,5,x", "a day such as"),
        ("harbor,77412,,,1999-12-31,5,x", "from 2000 to 2099"),
        ("harbor,77412,,,2026-01-01,,x", "never zero|has no row"),
        ("harbor,77412,,,2026-01-01,free,x", "a number of dollars"),
        ("harbor,77412,,,2026-01-01,-5,x", "not negative"),
        ("harbor,77412,,,2026-01-01,NaN,x", "not negative"),
        ("harbor,77412,,,2026-01-01,5.005,x", "more than two digits"),
        ("harbor,77412,,,2026-01-01,5,", "source is missing"),
        (f"harbor,77412,,,2026-01-01,5,{'x' * 201}", "longer than 200"),
        ("harbor,77412,,,2026-01-01,1,450.00,x", "more cells than the heading"),
    ],
)
def test_row_that_is_no_rate_is_refused_with_its_reason(payer, row, reason):
    rows, (refused,) = read(payer, row)

    assert rows == []
    assert refused.number == 2
    assert any(part in refused.reason for part in reason.split("|"))


def test_refused_rows_leave_the_others(payer):
    rows, refused = read(payer, ROW, "harbor,77412,,,soon,5,x", ROW.replace("77412", "77407"))

    assert [row.number for row in rows] == [2, 4]
    assert [row.number for row in refused] == [3]


def test_second_row_of_the_same_rate_is_refused_and_names_the_first(payer):
    rows, (refused,) = read(payer, ROW, ROW.replace("1450", "1500"))

    assert [row.amount for row in rows] == [Decimal("1450.00")]
    assert "row 2" in refused.reason


def test_name_that_two_payers_share_names_neither(payer):
    twin = make_payer(payer.organization, slug="harbor-2", name=payer.name)

    rows, refused = read_rates("\n".join((HEADING, ROW.replace("harbor", payer.name))), [payer, twin])

    assert (rows, len(refused)) == ([], 1)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "No row names the columns"),
        ("a,b\n1,2", "No row names the columns"),
        (f"{HEADING}\n", "no row"),
        ("payer,code\nharbor,77412", "lacks effective_from"),
        (f"{HEADING},remark\n{ROW},x", "remark"),
        (f"{HEADING},code\n{ROW},x", "twice"),
        (f"{HEADING}\n" + f"{ROW}\n" * (MOST_ROWS + 1), "more than 20,000 rows"),
    ],
    ids=["empty", "other table", "heading alone", "lacks columns", "unknown column", "column twice", "too long"],
)
def test_file_that_is_no_schedule_is_refused_whole(payer, text, reason):
    with pytest.raises(RateFileError, match=reason):
        read_rates(text, [payer])


def test_what_is_taken_out_is_read_again_as_it_was(payer):
    """Filters above the heading, and a source that a spreadsheet would run, are no hindrance."""
    for code, setting, source in (("77412", "", "=SUM(A1)"), ("77407", "freestanding", "Page 4, Amendment 2")):
        ContractRate.objects.create(
            organization=payer.organization,
            payer=payer,
            code=code,
            setting=setting,
            effective_from=date(2026, 1, 1),
            amount="1450.00",
            source=source,
        )
    rates = ContractRate.objects.select_related("payer")

    text = "".join(table_csv([("Payer", "Harbor")], rates_table(rates))).removeprefix("\ufeff")
    rows, refused = read_rates(text, [payer])

    assert refused == []
    assert [(r.code, r.setting, r.amount, r.source) for r in rows] == [
        (r.code, r.setting, r.amount, r.source) for r in rates
    ]
