"""A coder reads a payer's guidance by keys: another day, what is new since the last reading, a search, and on paper."""

import re
from datetime import UTC, date, datetime

import pytest
from playwright.sync_api import Locator, Page, expect

from payers.models import GuidanceReading, Payer
from payers.pack_services import install_packs
from payers.reading_services import record_reading
from portal.models import User
from portal.roles import install_roles
from tests.builders import make_department, make_organization, make_payer, make_policy_version
from tests.journeys.browsing import complaints, tab_to

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def clinic():
    """A freestanding center with the nine payers, and one whose policy changed in June."""
    install_roles()
    organization = make_organization()
    install_packs(organization=organization, by=None)
    make_department(organization, "freestanding", name="River Center")
    payer = make_payer(organization, slug="example", name="Example Health")
    make_policy_version(payer, terms={"bid": "76"}, guidance="Call the **utilization desk** before the first session.")
    return organization


@pytest.fixture
def coder_page(coder_page: Page) -> Page:
    coder_page.emulate_media(reduced_motion="reduce")
    return coder_page


def glance(page: Page, label: str) -> Locator:
    return page.locator(f"aside dt:text-is('{label}') + dd")


def test_another_day_is_shown_for_the_own_department(coder_page: Page, live_server):
    page = coder_page

    page.goto(f"{live_server.url}/guidance/medicare/?on=2026-01-05")
    expect(glance(page, "Department")).to_have_text("River Center")
    expect(glance(page, "Delivery")).to_have_text("77407")
    tab_to(page, page.get_by_role("link", name="Through 12/31/2025"))
    page.keyboard.press("Enter")

    expect(glance(page, "Delivery")).to_have_text("G6015")
    expect(glance(page, "Claim forms")).to_have_text("Global")


def test_words_are_found_and_lead_to_their_place(coder_page: Page, live_server):
    page = coder_page

    page.goto(f"{live_server.url}/guidance-search/?on=2026-01-05")
    tab_to(page, page.get_by_label("Words"))
    page.keyboard.type("utilization")
    page.keyboard.press("Enter")
    expect(page.locator("mark").first).to_have_text("utilization")
    tab_to(page, page.get_by_role("link", name=re.compile("Example Health")))
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile(r"/guidance/example/\?on=2026-01-05#further$"))
    expect(page.locator("#further")).to_be_in_viewport()
    expect(page.locator("#further strong")).to_have_text("utilization desk")


def test_first_reading_marks_itself_and_changes_wait_for_the_reader(coder_page: Page, live_server, clinic, coder: User):
    page = coder_page
    payer = Payer.objects.get(slug="example")

    page.goto(f"{live_server.url}/guidance/example/")
    expect(page.get_by_text("You read this version on")).to_be_visible()
    make_policy_version(payer, terms={"bid": "59"}, effective_from=date(2026, 6, 1))
    page.goto(f"{live_server.url}/guidance/example/")
    news = page.get_by_role("region", name="Changed since you last read this page")
    expect(news).to_contain_text("a line of its own with 59")
    tab_to(page, page.get_by_role("button", name="Mark as read"))
    page.keyboard.press("Enter")

    expect(page.get_by_text("You read this version on")).to_be_focused()
    assert GuidanceReading.objects.get(user=coder).version.effective_from == date(2026, 6, 1)


def test_reading_without_script(plain_page: Page, live_server, coder: User):
    page = plain_page

    page.goto(f"{live_server.url}/guidance/example/")
    page.get_by_role("button", name="Mark as read").press("Enter")

    expect(page.get_by_text("You read this version on")).to_be_visible()


def test_search_without_script(plain_page: Page, live_server):
    page = plain_page

    page.goto(f"{live_server.url}/guidance-search/")
    page.get_by_label("Words").fill("utilization")
    page.get_by_label("Words").press("Enter")

    expect(page.locator("mark").first).to_have_text("utilization")


def test_paper_spells_out_day_and_sources_and_leaves_out_what_is_for_the_screen(coder_page: Page, live_server):
    page = coder_page
    page.goto(f"{live_server.url}/guidance/medicare/?on=2026-01-05")

    page.emulate_media(media="print")

    expect(page.get_by_text("For date of service 01/05/2026, freestanding center")).to_be_visible()
    expect(page.locator("#try")).to_be_hidden()
    expect(page.locator(".guidance-contents")).to_be_hidden()
    address = page.locator(".clause .citation a").first
    printed = address.evaluate("element => getComputedStyle(element, '::after').content")
    assert address.get_attribute("href") in printed


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_guidance_and_its_search_are_accessible(coder_page: Page, live_server, coder: User, scheme):
    page = coder_page
    payer = Payer.objects.get(slug="example")
    record_reading(version=payer.policy.versions.get(), at=datetime(2026, 11, 2, 15, tzinfo=UTC), by=coder)
    make_policy_version(payer, terms={"bid": "59"}, effective_from=date(2026, 6, 1))
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")

    page.goto(f"{live_server.url}/guidance/example/")
    of_page = complaints(page)
    page.goto(f"{live_server.url}/guidance-search/?q=authorization&on=2026-01-05")
    of_search = complaints(page)

    assert (of_page, of_search) == ([], [])
