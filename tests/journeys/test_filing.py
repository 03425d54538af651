"""A manager files before it is too late, by keys: days left, why a line waits, its proof, what is on the old codes."""

from datetime import date, datetime, time, timedelta

import pytest
from playwright.sync_api import Locator, Page, expect

from coding.models import ChargeLine, LineState
from coding.services import capture_from, mark_exported
from portal import clock
from portal.roles import install_roles
from tests.builders import (
    make_organization,
    make_payer,
    make_policy_version,
    make_session,
    make_treated_course,
    make_user,
)
from tests.journeys.browsing import complaints_in_both_themes, go, rows, tab_to, title

pytestmark = pytest.mark.django_db(transaction=True)
LIMIT = 90
DAYS_LEFT = (-1, 5, 6, 40)


@pytest.fixture
def clinic():
    """Lines of a payer that takes a first claim 90 days long, and three services of 2025, of which one has no line."""
    install_roles()
    organization = make_organization()
    coder = make_user(organization, role="coder")
    payer = make_payer(organization, name="Ninety Days")
    make_policy_version(payer, terms={"timely_days": LIMIT, "authorization_required": False})
    for left in DAYS_LEFT:
        course = make_treated_course(organization, payer=payer)
        today = clock.today(course.department.zone)
        treat(course, today - timedelta(days=LIMIT - left), by=coder)
    make_session(make_treated_course(organization))
    for day in (date(2025, 12, 30), date(2025, 12, 20)):
        treat(make_treated_course(organization), day, by=coder)
    return organization


def treat(course, day: date, *, by) -> None:
    make_session(course, started_at=datetime.combine(day, time(9), course.department.zone), fraction=1)
    capture_from(patient=course.patient, day=day, by=by)


@pytest.fixture
def coder(clinic):
    """Who signs in here is a manager."""
    return make_user(clinic, role="manager", username="manager")


@pytest.fixture
def manager_page(coder_page: Page) -> Page:
    coder_page.set_viewport_size({"width": 1440, "height": 900})
    coder_page.emulate_media(reduced_motion="reduce")
    return coder_page


def main_menu(page: Page, name: str) -> Locator:
    return page.get_by_role("navigation", name="Main").get_by_role("link", name=name)


def test_manager_narrows_by_days_left_and_reads_why(manager_page: Page) -> None:
    page = manager_page

    go(page, main_menu(page, "Filing clock"))
    expect(title(page)).to_have_text("Filing clock")
    expect(rows(page)).to_have_count(ChargeLine.objects.live().count())
    assert complaints_in_both_themes(page) == []

    go(page, page.get_by_role("link", name="Within 7 days 4"))
    expect(page.get_by_role("link", name="Within 7 days 4 chosen; take away")).to_be_visible()
    expect(rows(page)).to_have_count(4)
    expect(rows(page).first).to_contain_text("5 days left")

    go(page, rows(page).first.locator("a[data-line]"))
    panel = page.get_by_role("complementary", name="Why this charge line?")
    expect(panel).to_contain_text("Ninety Days from 01/01/2015")
    assert complaints_in_both_themes(page) == []
    page.keyboard.press("Escape")
    expect(rows(page).first.locator("a[data-line]")).to_be_focused()


def test_manager_prints_the_proof_of_a_line_that_was_exported(manager_page: Page, live_server, coder) -> None:
    page = manager_page
    line = (
        ChargeLine.objects.live().filter(state=LineState.READY, ruling__file_by__gt=clock.now().date()).earliest("pk")
    )

    page.goto(f"{live_server.url}/filing/?left=7")
    go(page, rows(page).first.get_by_role("link", name="Proof"))
    expect(title(page)).to_have_text("Proof of timely filing")
    expect(page.locator(".proof-verdict")).to_contain_text("Not exported")
    assert complaints_in_both_themes(page) == []

    mark_exported(lines=[ChargeLine.objects.select_related("session__course").get(pk=line.pk)], by=coder)
    page.goto(f"{live_server.url}/filing/lines/{line.pk}/proof/")
    expect(page.locator(".proof-verdict")).to_contain_text("Exported on")
    expect(page.get_by_text("not known yet")).to_be_visible()
    assert complaints_in_both_themes(page) == []
    page.emulate_media(media="print")
    expect(page.locator(".proof-verdict")).to_be_visible()
    expect(page.get_by_text("Digest of the answer")).to_be_visible()
    expect(page.get_by_role("navigation", name="Main")).to_be_hidden()
    expect(page.get_by_role("button", name="Print")).to_be_hidden()
    page.emulate_media(media="screen")


def test_manager_reads_what_is_left_of_the_old_codes_the_soonest_first(manager_page: Page) -> None:
    page = manager_page

    go(page, main_menu(page, "Filing clock"))
    go(page, page.get_by_role("link", name="On deleted codes"))
    expect(rows(page)).to_have_count(3)
    expect(rows(page).nth(0)).to_contain_text("26 days left")
    expect(rows(page).nth(1)).to_contain_text("36 days left")
    expect(rows(page).nth(1)).to_contain_text("77386")
    expect(rows(page).nth(2)).to_contain_text("no line")
    expect(page.get_by_text("Denied services are not known yet")).to_be_visible()
    assert complaints_in_both_themes(page) == []

    tab_to(page, page.get_by_label("Stands"))
    page.keyboard.type("Without")
    go(page, page.get_by_role("button", name="Filter"))
    expect(rows(page)).to_have_count(1)
    go(page, rows(page).first.get_by_role("link", name="Why"))
    expect(page.get_by_role("complementary", name="Why is it not filed?")).to_contain_text("No ruling")
    assert complaints_in_both_themes(page) == []


def test_manager_reads_the_limit_of_each_payer_for_a_date_of_service(manager_page: Page) -> None:
    page = manager_page

    go(page, main_menu(page, "Filing clock"))
    go(page, page.get_by_role("link", name="Limits by payer"))
    tab_to(page, page.get_by_role("search").get_by_label("Date of service"))
    page.keyboard.type("11012026")
    go(page, page.get_by_role("button", name="Show"))

    expect(page.get_by_role("heading", name="Services of 11/01/2026")).to_be_visible()
    expect(page.get_by_role("row", name="Ninety Days")).to_contain_text("01/30/2027")
    assert complaints_in_both_themes(page) == []
