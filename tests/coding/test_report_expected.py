"""Expected reimbursement: dollars by contract and by national rates apart, and what is missing counted, never zero."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from coding.models import ChargeLine, ContractRate, FeeSchedule
from coding.rollups import refresh_rollups
from coding.services import capture_from, mark_exported
from tests.builders import (
    make_department,
    make_organization,
    make_payer,
    make_policy_version,
    make_session,
    make_treated_course,
    make_user,
)

pytestmark = pytest.mark.django_db
BEFORE, AFTER = datetime(2025, 12, 3, 15, tzinfo=UTC), datetime(2026, 1, 6, 15, tzinfo=UTC)


@pytest.fixture
def organization(roles):
    return make_organization()


@pytest.fixture
def manager(organization, client):
    """Signed in."""
    user = make_user(organization, role="manager")
    client.force_login(user)
    return user


def make_covered(organization, name: str, **terms):
    payer = make_payer(organization, name=name, slug=name.lower(), kind="commercial")
    make_policy_version(payer, terms={"authorization_required": False} | terms)
    return payer


def make_captured(payer, by, *, department=None) -> None:
    """A course with a session in December 2025 and one in January 2026."""
    course = make_treated_course(payer.organization, payer=payer, department=department)
    for number, start in enumerate((BEFORE, AFTER), start=1):
        make_session(course, fraction=number, started_at=start)
    capture_from(patient=course.patient, day=BEFORE.date(), by=by)


@pytest.fixture
def worked(organization, manager):
    """One payer with a contract of 77386 alone, one without any; a price of 77386 alone."""
    agreed, other = make_covered(organization, "Agreed"), make_covered(organization, "Other")
    ContractRate.objects.create(
        organization=organization,
        payer=agreed,
        code="77386",
        effective_from=date(2025, 1, 1),
        amount="1000.00",
        source="Contract of 2025",
    )
    FeeSchedule.objects.create(
        organization=organization, code="77386", effective_from=date(2025, 1, 1), amount="2000.00"
    )
    make_captured(agreed, manager)
    make_captured(agreed, manager)
    make_captured(other, manager)
    return agreed, other


def table_of(client, **asked):
    return client.get(reverse("report-expected"), asked).context["table"]


def told(table) -> list[dict[str, str]]:
    return [dict(zip(table.headings, (cell.text for cell in row), strict=True)) for row in table.rows]


def test_contract_and_national_dollars_stand_apart_with_their_names(worked, client):
    of_agreed, of_other = (row for row in told(table_of(client)) if row["Code"] == "77386")

    assert (of_agreed["Payer"], of_agreed["Expected by"], of_agreed["Lines"]) == ("Agreed", "Contract", "2")
    assert (of_agreed["By contract"], of_agreed["By national rates"]) == ("$2,000.00", "—")
    national = ChargeLine.objects.live().get(code="77386", expected_from="OPPS 2025").expected_amount
    assert (of_other["Payer"], of_other["Expected by"]) == ("Other", "OPPS 2025")
    assert (of_other["By contract"], of_other["By national rates"]) == ("—", f"${national:,.2f}")


def test_missing_rate_and_charge_are_counted_and_never_zero(worked, client):
    rows = told(table_of(client, payer="agreed", end="2025-12-31"))
    row = next(row for row in rows if row["Code"] == "77387")

    assert (row["Rate missing"], row["By contract"], row["By national rates"]) == (row["Lines"], "—", "—")
    assert (row["Expected by"], row["Charge amount"]) == ("no rate is known", "missing")
    assert row["Charge missing"] == row["Lines"]


def test_paid_and_variance_are_not_known_yet(worked, client):
    table = table_of(client)

    assert {cell.text for row in (*table.rows, table.total) for cell in row[-2:]} == {"not known yet"}
    assert "that is not zero" in client.get(reverse("report-expected")).content.decode()


@pytest.mark.parametrize("by", ["code", "setting", "year"])
def test_dollars_of_rows_and_total_are_those_of_the_lines(worked, client, by):
    table = table_of(client, by=by)

    lines = ChargeLine.objects.live()
    amounts = [line.expected_amount for line in lines if line.expected_amount is not None]
    place = table.headings.index("By contract")
    in_rows = sum(cell.value for row in table.rows for cell in row[place : place + 2] if cell.is_money)
    in_total = sum(cell.value for cell in table.total[place : place + 2] if cell.is_money)
    assert in_rows == in_total == sum(amounts)
    charged = table.headings.index("Charge amount")
    assert sum(row[charged].value for row in table.rows if row[charged].is_money) == table.total[charged].value
    assert table.total[charged].value == Decimal("6000.00")
    assert sum(row[place - 2].value for row in table.rows) == lines.count()


def test_kept_sums_tell_contract_from_national_as_the_lines_do(worked, client):
    from_lines = told(table_of(client, by="year"))

    refresh_rollups()

    assert told(table_of(client, by="year")) == from_lines


def test_years_are_rows_that_open_into_their_days(worked, client):
    table = table_of(client, by="year", payer="agreed", start="2025-12-02")

    rows = told(table)
    assert [row["Year of service"] for row in rows if row["Code"] == "77387"] == ["2025", "2026"]
    assert "start=2025-12-02&end=2025-12-31" in next(row for row in table.rows if row[2].text == "2025")[4].url


def test_settings_are_rows_of_their_own(worked, client, manager):
    make_captured(worked[0], manager, department=make_department(manager.organization, "freestanding"))

    rows = told(table_of(client, by="setting", payer="agreed"))

    assert {row["Setting"] for row in rows} == {"On campus", "Freestanding"}


def test_exported_line_is_told_with_the_rate_that_it_left_with(worked, client, manager):
    line = ChargeLine.objects.live().filter(expected_from="OPPS 2025", state="ready").first()
    mark_exported(lines=[line], by=manager)
    ContractRate.objects.create(
        organization=manager.organization,
        payer=worked[1],
        code=line.code,
        effective_from=date(2025, 1, 1),
        amount="5.00",
        source="Later contract",
    )
    capture_from(patient=line.session.course.patient, day=BEFORE.date(), by=manager)

    (row,) = [row for row in told(table_of(client, payer="other")) if row["Code"] == line.code]

    assert row["Expected by"] == "OPPS 2025"


def test_report_asks_a_fixed_number_of_queries(worked, client, manager, organization):
    with CaptureQueriesContext(connection) as of_few:
        client.get(reverse("report-expected"))
    for name in ("Third", "Fourth", "Fifth"):
        make_captured(make_covered(organization, name), manager)

    with CaptureQueriesContext(connection) as of_many:
        client.get(reverse("report-expected"))

    assert len(of_many) == len(of_few)
