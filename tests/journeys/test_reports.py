"""A manager finds a report by keys, narrows it, keeps it for others, and takes it along as file and on paper."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from coding.presenters.report_tables import TABLE_REPORTS
from portal.models import User
from portal.roles import install_roles
from tests.builders import make_organization, make_user
from tests.coding.report_reading import ReportTable, csv_rows, plain
from tests.coding.report_samples import make_authorized, make_priced, make_worked
from tests.journeys.browsing import complaints_in_both_themes, go, leave, sign_in, tab_to, title

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def manager() -> User:
    """Of a clinic whose every report has something to tell."""
    install_roles()
    organization = make_organization()
    person = make_user(organization, role="manager", first_name="Mara", last_name="Manager")
    make_priced(organization)
    courses = make_worked(organization, person)
    make_authorized([course.department for course in courses], person)
    return person


@pytest.fixture
def manager_page(page: Page, live_server, manager) -> Iterator[Page]:
    sign_in(page, live_server.url, manager)
    yield page
    leave(page)


def choose(page: Page, label: str, typed: str) -> None:
    """Go to a filter by Tab, and type the beginning of a choice."""
    tab_to(page, page.get_by_role("search").get_by_label(label))
    page.keyboard.type(typed)


def table_shown(page: Page) -> list[list[str]]:
    return ReportTable(page.content()).rows


def open_level_mix_of_freestanding_by_month(page: Page, base: str) -> None:
    page.goto(f"{base}/reports/")
    go(page, page.get_by_role("link", name="Level mix"))
    expect(title(page)).to_have_text("Level mix")
    go(page, page.get_by_role("search").get_by_role("link", name="More filters"))
    choose(page, "Setting", "Free")
    choose(page, "Group by", "Month")
    go(page, page.get_by_role("button", name="Show"))
    expect(page.get_by_role("list", name="Filters")).to_contain_text("Group by: Month")


def test_manager_narrows_a_report_and_opens_the_lines_of_a_number(manager_page: Page, live_server) -> None:
    page = manager_page

    go(page, page.get_by_role("navigation", name="Main").get_by_role("link", name="Reports"))
    expect(title(page)).to_have_text("Reports")
    open_level_mix_of_freestanding_by_month(page, live_server.url)
    expect(page.get_by_role("list", name="Filters")).to_contain_text("Setting: Freestanding")
    number = page.get_by_role("row", name="2026-01").get_by_role("link").first
    lines = number.inner_text()
    go(page, number)

    expect(title(page)).to_have_text("Charge review")
    expect(page.locator("tr[data-row]")).to_have_count(int(lines))


def test_manager_shares_a_report_that_another_person_opens_as_it_was(
    manager_page: Page, live_server, manager, browser: Browser
) -> None:
    page = manager_page
    open_level_mix_of_freestanding_by_month(page, live_server.url)
    shown = table_shown(page)

    go(page, page.locator("summary", has_text="Save these filters"))
    tab_to(page, page.get_by_label("Name of the view"))
    page.keyboard.type("Freestanding levels")
    tab_to(page, page.get_by_label("Share with everyone here"))
    page.keyboard.press("Space")
    go(page, page.get_by_role("button", name="Save view"))
    expect(page.get_by_text("View “Freestanding levels” is saved.")).to_be_visible()
    context = browser.new_context()
    other = context.new_page()
    sign_in(other, live_server.url, make_user(manager.organization, role="auditor"))
    other.goto(f"{live_server.url}/reports/")
    expect(other.get_by_text("shared by")).to_contain_text("Mara Manager")
    go(other, other.get_by_role("link", name="Freestanding levels", exact=True))

    expect(title(other)).to_have_text("Level mix")
    assert len(shown) > 2
    assert table_shown(other) == shown
    leave(other)
    context.close()


def test_manager_takes_a_report_along_as_a_file_with_its_filters(manager_page: Page, live_server) -> None:
    page = manager_page
    open_level_mix_of_freestanding_by_month(page, live_server.url)

    tab_to(page, page.get_by_role("link", name="CSV"))
    with page.expect_download() as download:
        page.keyboard.press("Enter")

    content = Path(download.value.path()).read_bytes()
    assert plain(csv_rows(content)[1:]) == plain(table_shown(page)[1:])
    assert "Setting,Freestanding" in content.decode()


def test_printed_report_has_its_filters_chart_and_whole_table_and_nothing_to_press(
    manager_page: Page, live_server
) -> None:
    page = manager_page
    open_level_mix_of_freestanding_by_month(page, live_server.url)

    page.emulate_media(media="print")

    expect(page.get_by_role("list", name="Filters")).to_contain_text("Setting: Freestanding")
    expect(page.get_by_role("table")).to_contain_text("2026-01")
    expect(page.get_by_role("img", name="Chart: Share of 77412 by month")).to_be_visible()
    expect(page.locator(".printed-foot")).to_contain_text("Mara Manager")
    assert page.locator("main button, main select, main input").locator("visible=true").count() == 0


@pytest.mark.parametrize("width", [320, 500, 640, 760])
def test_panel_that_keeps_a_report_never_widens_the_page(manager_page: Page, live_server, width: int) -> None:
    page = manager_page
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{live_server.url}/reports/levels/")

    go(page, page.locator("summary", has_text="Save these filters"))

    expect(page.get_by_label("Name of the view")).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("button", name="Save view")).to_be_in_viewport(ratio=1)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


@pytest.mark.parametrize("name", ["charges", *TABLE_REPORTS])
def test_report_passes_axe_in_both_themes_and_fits_twice_the_size(manager_page: Page, live_server, name: str) -> None:
    page = manager_page
    page.set_viewport_size({"width": 640, "height": 800})

    page.goto(f"{live_server.url}/reports/{name}/")

    assert complaints_in_both_themes(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    values = page.locator(".chart-value").all_inner_texts()
    assert all(values)
    assert values or name == "denials"
