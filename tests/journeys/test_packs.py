"""An administrator takes policies out as rule packs, brings a changed one in by keys, and compares two."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from payers.pack_services import install_packs
from payers.policy_files import FOLDER
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


@pytest.fixture
def changed_pack(tmp_path):
    """The file of one payer, with another limit for filing from 2026 on."""
    path = tmp_path / "aetna.toml"
    first, second = (FOLDER / "aetna.toml").read_text().split("effective_from = 2026-01-01")
    path.write_text(first + "effective_from = 2026-01-01" + second.replace("timely_days = 120", "timely_days = 90"))
    return path


def test_a_changed_pack_comes_in_as_a_draft(admin_page: Page, live_server, changed_pack):
    page = admin_page

    page.goto(f"{live_server.url}/policies/")
    page.get_by_role("link", name="Rule packs").press("Enter")
    page.get_by_role("link", name="Bring a pack in").press("Enter")
    page.get_by_label("Rule pack").set_input_files(changed_pack)
    page.get_by_role("button", name="Show what is in it").press("Enter")
    differs = page.locator("details", has_text="From 01/01/2026")
    expect(differs.get_by_role("row", name=re.compile("90 days"))).to_be_visible()
    page.get_by_label("from 01/01/2026, as a correction").press("Space")
    page.get_by_role("button", name="Bring in as drafts").press("Enter")

    expect(page.get_by_role("status")).to_contain_text("1 draft brought in.")
    expect(page.get_by_role("heading", level=1)).to_contain_text("revision 2")


def test_policies_are_downloaded_as_a_zip(admin_page: Page, live_server):
    page = admin_page

    page.goto(f"{live_server.url}/rule-packs/")
    page.get_by_label("Aetna").press("Space")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download as a zip").press("Enter")

    assert re.fullmatch(r"rule-packs-\d{4}-\d\d-\d\d\.zip", download.value.suggested_filename)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_two_packs_are_compared(admin_page: Page, live_server, changed_pack, scheme):
    page = admin_page
    page.emulate_media(color_scheme=scheme)

    page.goto(f"{live_server.url}/rule-packs/compare/")
    expect(page.get_by_text("Nothing differs")).to_be_visible()
    page.locator("#id_after").select_option("uploaded")
    page.get_by_label("Rule pack of yours").set_input_files(changed_pack)
    page.get_by_role("button", name="Compare").press("Enter")

    expect(page.get_by_role("heading", name="Aetna")).to_contain_text("differs")
    expect(page.get_by_role("row", name=re.compile("90 days"))).to_be_visible()
    assert complaints(page) == []
