"""The report on charges: sums without made-up zeros, links that open exactly what they count, files."""

import csv
import zipfile
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import BytesIO, StringIO

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from coding.models import ChargeLine, FeeSchedule
from coding.reports import ChargeFilters, Grouping, charge_lines, charge_report, harmless, report_csv, report_xlsx
from coding.services import capture_from, void_charge_line
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
FIRST_START = datetime(2025, 12, 3, 15, tzinfo=UTC)
CODE, MONTH, PAYER, STATE = Grouping.CODE, Grouping.MONTH, Grouping.PAYER, Grouping.STATE


@pytest.fixture
def organization(roles):
    return make_organization()


@pytest.fixture
def manager(organization, client):
    """Signed in."""
    user = make_user(organization, role="manager")
    client.force_login(user)
    return user


@pytest.fixture
def course(organization):
    return make_treated_course(organization)


def priced(organization, code="77386", amount="1500.00"):
    return FeeSchedule.objects.create(
        organization=organization, code=code, effective_from=date(2015, 1, 1), amount=amount
    )


def captured(course, *, days=1, **facts):
    """The course with a session on each of some days, charges captured."""
    for day in range(days):
        make_session(course, fraction=day + 1, started_at=FIRST_START + timedelta(days=day), **facts)
    capture_from(patient=course.patient, day=date(2015, 1, 1), by=None)
    return course


def report_of(user, *groupings, **filters):
    return charge_report(user=user, filters=ChargeFilters(**filters), in_words=[], groupings=groupings)


def table_of(report):
    return [(*(key.label for key in row.keys), row.lines) for row in report.rows]


# Sums


def test_report_sums_lines_units_and_amounts(manager, course):
    priced(course.organization)
    captured(course, days=2, guidance="none")

    report = report_of(manager, CODE)

    assert table_of(report) == [("77386", 2)]
    assert (report.total.units, report.total.charged) == (2, Decimal("3000.00"))


def test_report_counts_a_missing_price_beside_the_sum(manager, course):
    priced(course.organization)
    captured(course)

    report = report_of(manager, MONTH)

    assert (report.total.lines, report.total.without_charge) == (2, 1)
    assert report.total.charged == Decimal("1500.00")


def test_report_sum_without_any_price_is_none_and_never_zero(manager, course):
    captured(course)

    report = report_of(manager, CODE)

    assert [row.charged for row in report.rows] == [None, None]
    assert report.total.charged is None


def test_report_without_lines_has_no_rows(manager):
    report = report_of(manager, CODE)

    assert report.rows == []
    assert (report.total.lines, report.total.units, report.total.charged) == (0, 0, None)


def test_report_groups_by_month_of_service(manager, course):
    captured(course, guidance="none")
    make_session(course, fraction=2, started_at=datetime(2026, 1, 1, 3, tzinfo=UTC), guidance="none")
    make_session(course, fraction=3, started_at=datetime(2026, 1, 5, 15, tzinfo=UTC), guidance="none")
    capture_from(patient=course.patient, day=date(2015, 1, 1), by=None)

    assert table_of(report_of(manager, MONTH)) == [("2025-12", 2), ("2026-01", 1)]


def test_report_tells_two_payers_of_one_name_apart(manager, organization):
    first = make_payer(organization, name="Same name")
    second = make_payer(organization, name="Same name")
    make_policy_version(first)
    make_policy_version(second)
    captured(make_treated_course(organization, payer=first), guidance="none")
    captured(make_treated_course(organization, payer=second), guidance="none")

    assert table_of(report_of(manager, PAYER)) == [("Same name", 1), ("Same name", 1)]


def test_report_leaves_void_and_replaced_lines_out(manager, course):
    captured(course)
    course.prescriptions.update(technique="imrt_simple")
    capture_from(patient=course.patient, day=date(2015, 1, 1), by=manager)
    void_charge_line(line=ChargeLine.objects.standing().get(role="guidance"), reason="Once", by=manager)

    assert table_of(report_of(manager, CODE)) == [("77385", 1)]


def test_report_counts_only_what_the_person_sees(manager, course):
    captured(course)
    captured(make_treated_course(make_organization()))
    manager.sees_all_departments = False
    manager.save()
    manager.departments.add(make_department(course.organization))

    assert report_of(manager, CODE).total.lines == 0


def test_charge_lines_held_for_a_reason_are_those_that_the_hold_keeps_back(manager, course):
    captured(course, image_review_signed_at=None)

    lines = charge_lines(user=manager, filters=ChargeFilters(reason="IMAGE_UNSIGNED"))

    assert [line.role for line in lines] == ["guidance"]


# The page


@pytest.mark.parametrize(
    "by", [["payer", "month", "code", "state"], ["setting", "modifiers"], ["department", "physician"]]
)
def test_every_count_of_the_report_opens_into_exactly_its_lines(manager, client, organization, by):
    priced(organization)
    captured(make_treated_course(organization), days=2, image_review_signed_at=None)
    captured(make_treated_course(organization, setting="freestanding"), days=3)
    asked = {"start": "2025-12-04", "bars": "lines", "by": by}
    page = client.get(reverse("report-charges"), asked).context["page"]

    links = [
        link
        for row in [*page.rows, page.total]
        for link in (row.lines, row.without_charge, row.without_expected)
        if link.url
    ]
    opened = [client.get(link.url).context["page"].pages.count_text for link in links]

    assert len(links) > 6
    assert opened == [link.text for link in links]


def test_report_page_without_choice_groups_by_everything(manager, client, course):
    captured(course)

    page = client.get(reverse("report-charges")).context["page"]

    assert page.headings == ["Payer", "Month", "Code", "State"]


def test_report_page_says_what_is_missing(manager, client, course):
    priced(course.organization)
    captured(course)

    page = client.get(reverse("report-charges"), {"by": "month"}).context["page"]

    assert page.sentence == ("2 live lines charge $1,500.00. 1 of them have no charge amount and are not in that sum.")
    assert page.chart.bars[0].value_text == "$1,500.00, 1 missing"


def test_report_page_bars_of_months_stand_in_order(manager, client, course):
    captured(course, days=2, guidance="none")
    make_session(course, fraction=3, started_at=datetime(2026, 1, 5, 15, tzinfo=UTC), guidance="none")
    capture_from(patient=course.patient, day=date(2015, 1, 1), by=None)

    page = client.get(reverse("report-charges"), {"by": "month", "bars": "lines"}).context["page"]

    assert [(bar.label, bar.value_text) for bar in page.chart.bars] == [("2025-12", "2"), ("2026-01", "1")]
    assert page.chart.bars[0].width > page.chart.bars[1].width


def test_report_page_draws_without_style_attributes(manager, client, course):
    captured(course)

    html = client.get(reverse("report-charges")).content.decode()

    assert "<svg" in html
    assert "style=" not in html


def test_report_page_without_charges_says_so(manager, client):
    assert "No charge matches" in client.get(reverse("report-charges")).content.decode()


@pytest.mark.parametrize("page", ["report-charges", "report-charges-csv", "report-charges-xlsx"])
def test_report_names_a_filter_that_cannot_be_read(manager, client, page):
    response = client.get(reverse(page), {"by": "patient"})

    assert response.status_code == 422
    assert "by" in response.context["form"].errors


@pytest.mark.parametrize("page", ["report-charges", "report-charges-csv", "report-charges-xlsx"])
def test_report_is_refused_to_a_coder(organization, client, page):
    client.force_login(make_user(organization, role="coder"))

    assert client.get(reverse(page)).status_code == 403


def test_report_needs_as_many_queries_for_many_lines_as_for_one(manager, client, course):
    captured(course)
    with CaptureQueriesContext(connection) as one:
        client.get(reverse("report-charges"))
    captured(make_treated_course(course.organization, setting="freestanding"), days=5)

    with CaptureQueriesContext(connection) as many:
        client.get(reverse("report-charges"))

    assert len(many) == len(one)


# Files


def test_csv_holds_filters_rows_and_total(manager, client, course):
    priced(course.organization)
    captured(course)

    response = client.get(reverse("report-charges-csv"), {"by": "code", "end": "2025-12-31"})
    rows = list(csv.reader(StringIO(b"".join(response.streaming_content).decode("utf-8-sig"))))

    assert rows[:2] == [["Date of service through", "12/31/2025"], []]
    assert rows[2][:5] == ["Code", "Lines", "Units", "Charge amount", "Lines without a charge amount"]
    assert [row[:5] for row in rows[3:]] == [
        ["77014", "1", "1", "missing", "1"],
        ["77386", "1", "1", "1500.00", "0"],
        ["All", "2", "2", "1500.00", "1"],
    ]


def test_csv_file_name_says_the_day_and_no_patient(manager, client):
    response = client.get(reverse("report-charges-csv"))

    assert response.headers["Content-Disposition"] == 'attachment; filename="charges-2026-11-24.csv"'


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx"])
def test_harmless_keeps_a_spreadsheet_from_running_text(text):
    assert harmless(text) == f"'{text}"


def test_harmless_leaves_plain_text_alone():
    assert harmless("G6015") == "G6015"


def test_files_hold_a_payer_named_like_a_formula_as_text(manager, organization):
    payer = make_payer(organization, name='=HYPERLINK("x")')
    make_policy_version(payer)
    captured(make_treated_course(organization, payer=payer), guidance="none")
    report = report_of(manager, PAYER)

    text = "".join(report_csv(report))
    book = zipfile.ZipFile(BytesIO(report_xlsx(report)))

    assert "'=HYPERLINK" in text
    assert "<f>" not in book.read("xl/worksheets/sheet1.xml").decode()
    assert "=HYPERLINK" in book.read("xl/sharedStrings.xml").decode()


def test_xlsx_is_sent_as_a_workbook(manager, client, course):
    captured(course)

    response = client.get(reverse("report-charges-xlsx"), {"by": "state"})

    assert zipfile.ZipFile(BytesIO(response.content)).testzip() is None
    assert response.headers["Content-Disposition"].endswith('charges-2026-11-24.xlsx"')
