"""An administrator loads a newer official file by keys and sees what it changed."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from portal.roles import install_roles
from tests.builders import make_organization, make_user
from tests.coding import reference_samples as samples
from tests.journeys.browsing import complaints, leave, sign_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def admin_page(page: Page, live_server) -> Iterator[Page]:
    """A browser in which an administrator has signed in."""
    install_roles()
    sign_in(page, live_server.url, make_user(make_organization(), role="admin"))
    yield page
    leave(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_newer_table_is_loaded(admin_page: Page, live_server, tmp_path, scheme):
    page = admin_page
    page.emulate_media(color_scheme=scheme)
    wrong = samples.write(tmp_path / "wrong.csv", [samples.MUE_HOSPITAL.replace("77386,2", "77386,two")])
    right = samples.write(tmp_path / "right.csv", [samples.MUE_HOSPITAL])

    page.goto(f"{live_server.url}/setup/")
    page.get_by_role("link", name="Official files").press("Enter")
    expect(page.get_by_text("the shipped extract, as of 07/01/2024").first).to_be_visible()
    assert complaints(page) == []
    page.get_by_role("link", name="Load a file").press("Enter")
    page.get_by_label("Kind of file").select_option("mue_hospital")
    page.locator("#id_files").set_input_files(wrong)
    page.get_by_label("First date of service").fill("2026-10-01")
    page.get_by_label("Release").fill("2026 Q4")
    page.get_by_role("button", name="Load").press("Enter")
    expect(page.locator(".error-summary")).to_contain_text("wrong.csv, line 2, column Outpatient Hospital Services MUE")
    assert complaints(page) == []
    page.locator("#id_files").set_input_files(right)
    page.get_by_role("button", name="Load").press("Enter")

    expect(page.get_by_role("status")).to_contain_text("Loaded.")
    expect(page.get_by_role("row", name="77407")).to_contain_text("1 unit a day, indicator 3")
    assert complaints(page) == []
