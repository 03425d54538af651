"""A manager goes by keys from a number of the home page to its rows and back to the period; and without script."""

from datetime import datetime, time, timedelta

import pytest
from playwright.sync_api import Locator, Page, expect

from coding.services import capture_from
from portal import clock
from portal.roles import install_roles
from tests.builders import make_organization, make_session, make_treated_course, make_user
from tests.journeys.browsing import complaints_in_both_themes, go, tab_to

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def clinic():
    """Three sessions of the last days with their lines, one of them held for two reasons."""
    install_roles()
    organization = make_organization()
    coder = make_user(organization, role="coder")
    for days in (2, 3, 4):
        course = make_treated_course(organization)
        if days == 2:
            course.prescriptions.update(signed_at=None, signed_by=None, plan_approved_at=None, plan_approved_by=None)
        zone = course.department.zone
        day = clock.today(zone) - timedelta(days=days)
        make_session(course, started_at=datetime.combine(day, time(9), zone), fraction=1, recorded_by=coder)
        capture_from(patient=course.patient, day=day, by=coder)
    return organization


@pytest.fixture
def coder(clinic):
    """Who signs in here is a manager."""
    return make_user(clinic, role="manager", username="manager")


@pytest.fixture
def manager_page(coder_page: Page) -> Page:
    coder_page.set_viewport_size({"width": 1440, "height": 900})
    coder_page.emulate_media(reduced_motion="reduce")
    return coder_page


def panel(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name)


def choose_last_90_days(page: Page) -> None:
    tab_to(page, page.get_by_label("Days of service"))
    page.keyboard.type("Last 90")
    go(page, page.get_by_role("search", name="Days and department").get_by_role("button", name="Show"))
    expect(page.get_by_label("Days of service")).to_have_value("90-days")


def test_manager_opens_numbers_and_comes_back_to_the_period(manager_page: Page) -> None:
    page = manager_page

    choose_last_90_days(page)
    lines = panel(page, "Sessions and charge lines")
    expect(lines.get_by_role("link", name="Sessions 3", exact=True)).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert complaints_in_both_themes(page) == []

    go(page, lines.get_by_role("link", name="Held 2"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Charge review")
    expect(page.locator("tr[data-row]")).to_have_count(2)
    page.go_back()
    expect(page.get_by_label("Days of service")).to_have_value("90-days")

    go(page, panel(page, "Open holds by reason and age").get_by_role("link", name="2 All reasons", exact=True))
    expect(page.get_by_role("heading", level=1)).to_have_text("Holds")
    expect(page.locator("tr[data-row]")).to_have_count(2)
    page.go_back()

    go(page, panel(page, "Sessions and charge lines").get_by_role("link", name="Sessions 3", exact=True))
    expect(page.get_by_role("heading", level=1)).to_have_text("Sessions")
    expect(page.locator("tr[data-row]")).to_have_count(3)
    assert complaints_in_both_themes(page) == []
    page.go_back()
    expect(page.get_by_label("Days of service")).to_have_value("90-days")


def test_each_chart_of_expected_dollars_has_its_table(manager_page: Page) -> None:
    page = manager_page

    choose_last_90_days(page)
    expected = panel(page, "Expected dollars")

    for title, heading in (("Expected dollars by payer", "Payer"), ("Expected dollars by code", "Code")):
        table = expected.get_by_role("group", name=title).get_by_role("table")
        expect(table.get_by_role("columnheader", name=heading)).to_be_visible()
        rows = table.locator("tbody tr")
        assert rows.count() == expected.get_by_role("img", name=title).locator("rect").count() > 0
        expect(rows.first).to_contain_text("$")


def test_panels_are_reached_without_script(plain_page: Page) -> None:
    page = plain_page

    page.get_by_label("Days of service").select_option("90-days")
    page.get_by_role("search", name="Days and department").get_by_role("button", name="Show").click()
    page.get_by_role("link", name="Show : Sessions and charge lines").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Sessions and charge lines")
    expect(page.get_by_label("Days of service")).to_have_value("90-days")
    expect(page.get_by_role("link", name="Sessions 3", exact=True)).to_be_visible()
    assert page.locator(".panel-grid").count() == 0

    page.get_by_role("navigation", name="Breadcrumb").get_by_role("link", name="Home").click()
    expect(page.get_by_label("Days of service")).to_have_value("90-days")
