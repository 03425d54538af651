"""An administrator brings a schedule in by keys: a wrong row is shown, the rest is kept, and lines follow."""

from collections.abc import Iterator
from datetime import date

import pytest
from playwright.sync_api import Page, expect

from coding.models import ChargeLine
from coding.services import capture_from
from portal.roles import install_roles
from tests.builders import (
    make_organization,
    make_payer,
    make_policy_version,
    make_session,
    make_treated_course,
    make_user,
)
from tests.journeys.browsing import complaints_in_both_themes, leave, sign_in

pytestmark = pytest.mark.django_db(transaction=True)
SCHEDULE = """payer,code,modifier,setting,effective_from,amount,source
harbor,77386,,,2025-01-01,1180.00,"Contract of 2025, page 4"
harbor,77385,,,soon,1105.00,"Contract of 2025, page 4"
"""


@pytest.fixture
def admin_page(page: Page, live_server) -> Iterator[Page]:
    """A browser in which an administrator has signed in; a session of a payer without a contract is captured."""
    install_roles()
    organization = make_organization()
    admin = make_user(organization, role="admin")
    payer = make_payer(organization, slug="harbor", name="Harbor Health", kind="commercial")
    make_policy_version(payer, terms={"authorization_required": False})
    course = make_treated_course(organization, payer=payer)
    make_session(course, fraction=1)
    capture_from(patient=course.patient, day=date(2025, 1, 1), by=admin)
    sign_in(page, live_server.url, admin)
    yield page
    leave(page)


def test_a_schedule_is_brought_in_and_its_lines_follow(admin_page: Page, live_server, tmp_path):
    page = admin_page
    file = tmp_path / "schedule.csv"
    file.write_text(SCHEDULE)

    page.goto(f"{live_server.url}/setup/")
    page.get_by_role("link", name="Contract rates").press("Enter")
    expect(page.get_by_role("heading", name="No contract rate is entered")).to_be_visible()
    page.get_by_role("link", name="Bring a schedule in").first.press("Enter")
    page.locator("#id_file").set_input_files(file)
    page.get_by_role("button", name="Show what it would do").press("Enter")
    expect(page.get_by_role("region", name="Refused rows")).to_contain_text("a day such as 2026-01-01")
    expect(page.get_by_role("region", name="New rates")).to_contain_text("$1,180.00")
    assert complaints_in_both_themes(page) == []
    page.get_by_role("button", name="Bring 1 rate in").press("Enter")
    expect(page.locator(".error-summary")).to_contain_text("Tick the box")
    assert complaints_in_both_themes(page) == []
    page.get_by_label("Bring the other rows in without the refused ones").press("Space")
    page.get_by_role("button", name="Bring 1 rate in").press("Enter")

    expect(page.get_by_role("status")).to_contain_text("1 rate added, 0 amended. 1 session has a new ruling.")
    expect(page.get_by_role("row", name="77386")).to_contain_text("Harbor Health")
    assert complaints_in_both_themes(page) == []
    line = ChargeLine.objects.live().get(code="77386")
    page.goto(f"{live_server.url}/charges/{line.pk}/why/")
    expect(page.get_by_text("Contract from 01/01/2025, your own rate")).to_be_visible()
    expect(page.get_by_text("Contract of 2025, page 4").first).to_be_visible()


def test_rate_that_is_typed_wrong_keeps_what_was_typed(admin_page: Page, live_server):
    page = admin_page

    page.goto(f"{live_server.url}/setup/rates/new/")
    form = page.locator("#main form")
    form.get_by_label("Payer").select_option(label="Harbor Health")
    form.get_by_label("Code").fill("7738")
    form.get_by_label("First date of service").fill("2025-01-01")
    form.get_by_label("Amount of one unit").fill("1180.00")
    form.get_by_label("Source").fill("Page 4")
    page.keyboard.press("Enter")
    expect(page.locator(".error-summary")).to_contain_text("five letters or digits")
    expect(form.get_by_label("Source")).to_have_value("Page 4")
    form.get_by_label("Code").fill("77386")
    form.get_by_label("Code").press("Enter")

    expect(page.get_by_role("status")).to_contain_text("Rate saved.")
    assert ChargeLine.objects.live().get(code="77386").expected_from == "Contract from 01/01/2025"
