"""Every report under every grouping: a number equals the rows that it opens, the page equals its files and its sums."""

from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from django.db import transaction
from django.test import override_settings
from django.urls import NoReverseMatch, resolve, reverse

from coding.presenters.report_tables import TABLE_REPORTS
from coding.reports import Grouping
from portal.roles import install_roles
from tests.builders import make_authorization, make_department, make_organization, make_payer, make_user
from tests.coding.report_reading import ReportTable, csv_rows, plain, sums_of, xlsx_rows
from tests.coding.report_samples import make_authorized, make_priced, make_worked

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 24, 15, tzinfo=UTC)
EVERY = [
    *(("charges", grouping.value) for grouping in Grouping),
    *((name, value) for name, report in TABLE_REPORTS.items() for value, _label in report.groupings or [("", "")]),
]
OF_DEPARTMENTS = [(name, by) for name, by in EVERY if name == "charges" or "department" in TABLE_REPORTS[name].asks]
# The filters of each report; a list has those that narrow it in the sample.
OF_CHARGES = ("payer", "department", "machine", "physician", "setting", "state", "reason", "owner", "age", "code")
OF_CHARGES += ("modifier", "modifiers", "missing", "start", "end")
FILTERS = [
    *(("charges", asked) for asked in OF_CHARGES),
    *((name, asked) for name, report in TABLE_REPORTS.items() for asked in report.asks),
]
DAYS_OF_ACTS = {"start": "2027-01-01", "end": "2026-11-01"}
# A course may belong to several rows, and is one in the total.
COUNTED_ONCE = {("authorizations", "Courses")}


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker):
    """A manager and the courses of their organization: made once, seen by each test, and gone after the last."""
    with django_db_blocker.unblock(), override_settings(NOW=NOW), transaction.atomic():
        install_roles()
        manager = make_user(make_organization(), role="manager", first_name="Mara", last_name="Manager")
        make_priced(manager.organization)
        courses = make_worked(manager.organization, manager)
        off_campus = make_department(manager.organization, "hospital_off_campus_excepted")
        make_authorization(courses[0], make_payer(manager.organization))
        departments = [*(course.department for course in courses), off_campus]
        yield manager, [*courses, *make_authorized(departments, manager)]
        transaction.set_rollback(True)


@pytest.fixture
def organization(world):
    return world[0].organization


@pytest.fixture
def worked(world, db, client):
    """The courses; their manager is signed in."""
    manager, courses = world
    client.force_login(manager)
    return courses


def value_of(name, asked, courses):
    """A value of a filter that leaves something out of the report."""
    if name in ("productivity", "access"):
        return DAYS_OF_ACTS[asked]
    entered, freestanding, authorized, *_others = courses
    return {
        "payer": authorized.authorizations.get().payer.slug,
        "department": freestanding.department_id,
        "machine": entered.department.machines.earliest("pk").pk,
        "physician": entered.physician_id,
        "setting": "freestanding",
        "state": "held",
        "expected_by": "national",
        "reason": "IMAGE_UNSIGNED",
        "owner": "me",
        "age": "1",
        "code": "77386",
        "modifier": "PO",
        "modifiers": "none",
        "missing": "charge",
        "start": "2026-01-01",
        "end": "2025-12-31",
        "courses": "all",
    }[asked]


def shown(client, name, by, **asked):
    """The table on the report's page."""
    response = client.get(reverse(f"report-{name}"), {"by": by, **asked} if by else asked)
    return ReportTable(response.content.decode())


def file_of(response):
    return b"".join(response.streaming_content)


def count_behind(client, url):
    """How many rows the list at an address says that it has."""
    context = client.get(url).context
    pages = context["pages"] if "pages" in context else getattr(context["page"], "pages", context["page"])
    return pages.count_text


def rows_in_file_behind(client, url):
    """How many rows the file of the list at an address has; None where that list has no file."""
    address = urlsplit(url)
    try:
        file_address = reverse(f"{resolve(address.path).url_name}-csv")
    except NoReverseMatch:
        return None
    return len(csv_rows(file_of(client.get(f"{file_address}?{address.query}")))) - 1


@pytest.fixture(scope="module")
def behind():
    """What the manager found behind an address: nothing changes among these tests, so none is opened twice."""
    known = {}

    def looked_up(look, client, url):
        if (look, url) not in known:
            known[look, url] = look(client, url)
        return known[look, url]

    return looked_up


@pytest.mark.parametrize(("name", "by"), EVERY)
def test_every_linked_number_opens_exactly_its_rows_and_their_file(worked, client, behind, name, by):
    links = shown(client, name, by).links

    opened = [behind(count_behind, client, url) for _number, url in links]
    in_files = [(behind(rows_in_file_behind, client, url), int(number.replace(",", ""))) for number, url in links]

    with_file = [(rows, number) for rows, number in in_files if rows is not None]
    assert links or name == "denials"
    assert opened == [number for number, _url in links]
    assert [rows for rows, _number in with_file] == [number for _rows, number in with_file]


@pytest.mark.parametrize(("name", "asked"), FILTERS)
def test_every_filter_narrows_a_report_and_the_lists_behind_its_numbers_alike(worked, client, behind, name, asked):
    whole = shown(client, name, "")

    narrowed = shown(client, name, "", **{asked: value_of(name, asked, worked)})

    opened = [behind(count_behind, client, url) for _number, url in narrowed.links]
    assert opened == [number for number, _url in narrowed.links]
    assert narrowed.rows != whole.rows or name == "denials"


@pytest.mark.parametrize(("name", "by"), EVERY)
def test_every_page_csv_and_workbook_hold_the_same_table_and_its_sums(worked, client, name, by):
    asked = {"by": by} if by else {}

    page = shown(client, name, by)
    of_csv = csv_rows(file_of(client.get(reverse(f"report-{name}-csv"), asked)))
    of_workbook = xlsx_rows(client.get(reverse(f"report-{name}-xlsx"), asked).content)

    assert len(of_csv) > 1
    assert plain(page.rows[1:]) == plain(of_csv[1:])
    assert plain(of_workbook) == plain(of_csv)
    assert len(page.rows[0]) == len(of_csv[0])
    sums = sums_of(of_csv, [heading for heading in of_csv[0] if (name, heading) not in COUNTED_ONCE])
    assert sums or name == "denials"
    assert [of_rows for of_rows, _total in sums] == [total for _of_rows, total in sums]


@pytest.mark.parametrize(("name", "by"), OF_DEPARTMENTS)
def test_every_person_of_one_department_is_told_of_it_alone(worked, client, organization, name, by):
    department = worked[1].department
    person = make_user(organization, role="manager", sees_all_departments=False)
    person.departments.add(department)
    whole = shown(client, name, by, department=department.pk)

    client.force_login(person)
    theirs = shown(client, name, by)

    # Machines are named with their department where a person sees several.
    assert [row[1:] for row in theirs.rows] == [row[1:] for row in whole.rows]
    assert theirs.links or name == "denials"
    assert [count_behind(client, url) for _number, url in theirs.links] == [number for number, _url in theirs.links]


@pytest.mark.parametrize("name", ["charges", *TABLE_REPORTS])
def test_every_report_of_a_stranger_has_none_of_our_numbers(worked, client, name):
    client.force_login(make_user(make_organization(), role="manager"))

    assert shown(client, name, "").links == []
