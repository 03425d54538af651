"""An administrator changes a payer's policy in the browser, and the pages follow it from its day on."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from payers.pack_services import install_packs
from portal.roles import install_roles
from tests.builders import make_organization, make_user
from tests.journeys.browsing import complaints, leave, sign_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def admin_page(page: Page, live_server) -> Iterator[Page]:
    """A browser in which an administrator of a clinic with the nine payers has signed in."""
    install_roles()
    organization = make_organization()
    install_packs(organization=organization, by=None)
    sign_in(page, live_server.url, make_user(organization, role="admin"))
    yield page
    leave(page)


def delivery_of_second_session(page: Page, base: str, day: str) -> str:
    """What the guidance page of Aetna says at a glance of a second session on a day."""
    page.goto(f"{base}/guidance/aetna/?on={day}")
    return page.locator("dt:has-text('Second session') + dd").inner_text()


def test_policy_from_draft_to_the_line(admin_page: Page, live_server):
    page, base = admin_page, live_server.url

    page.goto(f"{base}/policies/aetna/")
    page.get_by_role("link", name="New version").click()
    page.get_by_label("Effective from").fill("2026-06-01")
    page.get_by_role("button", name="Begin the draft").click()
    page.locator("#term-bid").get_by_role("link").click()
    page.get_by_label("The payer says:").check()
    page.get_by_label("A second session of the day").select_option("59")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".error-summary")).to_contain_text("Source: This is needed where the payer says something.")
    page.get_by_label("In your own words").fill("A later session is distinct.")
    page.get_by_label("Source").fill("Provider manual")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#term-bid")).to_contain_text("a line of its own with 59")
    page.get_by_label("Reviewed on").fill("2026-11-20")
    page.get_by_label("Summary").fill("A second session takes 59.")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="Check and publish").click()
    expect(page.get_by_role("row", name=re.compile("A second session of the day")).first).to_contain_text(
        "silent: house default"
    )
    page.get_by_role("button", name="Publish").click()

    expect(page.get_by_role("status")).to_contain_text("Published.")
    assert delivery_of_second_session(page, base, "2026-05-31") == "77407-76"
    assert delivery_of_second_session(page, base, "2026-06-01") == "77407-59"
    page.goto(f"{base}/guidance/aetna/?on=2026-06-01#term-bid")
    expect(page.locator("#term-bid")).to_contain_text("Provider manual")


def test_case_is_answered_in_place(admin_page: Page, live_server):
    page, base = admin_page, live_server.url

    page.goto(f"{base}/guidance/medicare/?on=2025-12-30&setting=freestanding")
    page.get_by_role("button", name="Show the lines").click()

    expect(page.locator("#case-answer")).to_contain_text("G6015")
    expect(page).to_have_url(re.compile("/guidance/medicare/"))


@pytest.mark.parametrize(
    ("path", "scheme"),
    [
        ("/guidance/cigna/", "light"),
        ("/guidance/cigna/", "dark"),
        ("/codes/77386/", "light"),
        ("/code-transition/", "dark"),
        ("/try-a-case/", "dark"),
        ("/policies/cigna/", "light"),
    ],
)
def test_page_is_accessible(admin_page: Page, live_server, path, scheme):
    admin_page.emulate_media(color_scheme=scheme)
    admin_page.goto(f"{live_server.url}{path}")

    found = complaints(admin_page)

    assert [violation["id"] for violation in found] == []
