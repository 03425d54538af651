"""A coder drags the date of the payer matrix over the change of codes, with the keyboard alone and without script."""

import pytest
from playwright.sync_api import Page, expect

from payers.pack_services import install_packs
from portal.models import Organization
from portal.roles import install_roles
from tests.builders import make_organization
from tests.journeys.browsing import complaints

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def clinic() -> Organization:
    install_roles()
    organization = make_organization()
    install_packs(organization=organization, by=None)
    return organization


def on_campus(page: Page, payer: str):
    return page.get_by_role("row", name=payer).first.get_by_role("cell").first


def test_date_is_dragged_over_the_change_of_codes(coder_page: Page, live_server):
    page = coder_page
    page.goto(f"{live_server.url}/payer-matrix/?on=2025-12-31")
    expect(on_campus(page, "Medicare")).to_contain_text("77386")

    page.get_by_label("Drag the date").focus()
    page.keyboard.press("ArrowRight")

    expect(page.get_by_role("status").filter(has_text="One session")).to_contain_text(
        "cells differ between 12/31/2025 and 01/01/2026."
    )
    expect(on_campus(page, "Medicare")).to_contain_text("77407")
    expect(on_campus(page, "Medicare")).to_contain_text("differs")
    expect(page.get_by_label("Drag the date")).to_be_focused()
    expect(page).to_have_url(f"{live_server.url}/payer-matrix/?on=2026-01-01&since=2025-12-31&kind=first&payer=")


def test_drag_of_several_days_is_compared_with_the_day_on_which_it_began(coder_page: Page, live_server):
    page = coder_page
    page.goto(f"{live_server.url}/payer-matrix/?on=2025-12-20")

    page.get_by_label("Drag the date").focus()
    page.keyboard.press("PageUp")

    expect(page.get_by_role("status").filter(has_text="One session")).to_contain_text("12/20/2025 and 01/19/2026")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_matrix_is_read_by_everybody(coder_page: Page, live_server, theme):
    page = coder_page
    page.emulate_media(color_scheme=theme)

    page.goto(f"{live_server.url}/payer-matrix/?on=2026-01-01&since=2025-12-31&kind=motion")

    expect(on_campus(page, "Medicare")).to_contain_text("77412")
    assert complaints(page) == []


def test_why_leads_to_the_steps_of_the_case(coder_page: Page, live_server):
    page = coder_page
    page.goto(f"{live_server.url}/payer-matrix/?on=2026-01-05&kind=motion&payer=medicare")

    on_campus(page, "Medicare").get_by_role("link", name="Why").focus()
    page.keyboard.press("Enter")

    expect(page.locator(".case-result")).to_contain_text("77412")


def test_date_is_moved_without_script(plain_page: Page, live_server):
    page = plain_page
    page.goto(f"{live_server.url}/payer-matrix/")

    page.get_by_label("Date of service").fill("2025-12-31")
    page.keyboard.press("Enter")

    expect(on_campus(page, "Medicare")).to_contain_text("77386")
    expect(page.get_by_label("Drag the date")).to_be_hidden()
