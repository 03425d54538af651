"""A manager sees by keys which authorizations run out, what is used by code, and by whose word an old one counts."""

from datetime import UTC, date, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from coding.services import capture_from
from portal import clock
from portal.roles import install_roles
from tests.builders import (
    make_authorization,
    make_organization,
    make_payer,
    make_policy_version,
    make_session,
    make_treated_course,
    make_user,
)
from tests.journeys.browsing import complaints_in_both_themes, go, rows, tab_to, title

pytestmark = pytest.mark.django_db(transaction=True)
FIRST_DAY = datetime(2025, 12, 31, 15, tzinfo=UTC)


@pytest.fixture
def clinic():
    """Two of five units used over the turn of the codes; one that ends in ten days; one for old codes that nobody
    converts.
    """
    install_roles()
    organization = make_organization()
    authorized(organization, "Converts", converts=True, units=5, codes=["77386"], number="CONVERTS-1")
    today = clock.today(make_user(organization).zone)
    authorized(organization, "Ends", units=30, ends_on=today + timedelta(days=10), number="ENDS-1")
    authorized(organization, "Silent", units=30, codes=["77386"], number="SILENT-1")
    return organization


def authorized(organization, name: str, *, converts: bool = False, **changes) -> None:
    payer = make_payer(organization, name=name)
    make_policy_version(payer, terms={"authorization_required": True, "authorization_converts": converts})
    course = make_treated_course(organization, payer=payer)
    make_authorization(course, payer, **changes)
    for number in range(2):
        make_session(course, started_at=FIRST_DAY + timedelta(days=number), fraction=number + 1)
    capture_from(patient=course.patient, day=date(2025, 12, 31), by=None)


@pytest.fixture
def coder(clinic):
    """Who signs in here is a manager."""
    return make_user(clinic, role="manager", username="manager")


@pytest.fixture
def manager_page(coder_page: Page) -> Page:
    coder_page.set_viewport_size({"width": 1440, "height": 900})
    coder_page.emulate_media(reduced_motion="reduce")
    return coder_page


def test_manager_reads_units_by_code_warnings_and_the_clause_of_a_crosswalk(manager_page: Page) -> None:
    page = manager_page

    go(page, page.get_by_role("navigation", name="Main").get_by_role("link", name="Authorizations"))
    expect(title(page)).to_have_text("Authorizations")
    expect(rows(page)).to_have_count(3)
    expect(rows(page).first).to_contain_text("ENDS-1")
    expect(rows(page).first).to_contain_text("It ends in 10 days")
    converts = rows(page).filter(has_text="CONVERTS-1")
    expect(converts.get_by_role("listitem")).to_have_text(["77386: 1", "77407: 1"])
    expect(converts).to_contain_text("3 sessions left")
    expect(rows(page).filter(has_text="SILENT-1")).to_contain_text("sessions are held")
    assert complaints_in_both_themes(page) == []

    tab_to(page, page.get_by_label("Units left"))
    page.keyboard.type("1 to")
    go(page, page.get_by_role("button", name="Filter"))
    expect(rows(page)).to_have_count(1)
    expect(page.get_by_text("1 in all")).to_be_visible()

    go(page, converts.get_by_role("link", name="Read the clause"))
    expect(title(page)).to_contain_text("Converts")
    expect(page.locator("#term-authorization_converts")).to_be_in_viewport()
    expect(page.locator("#term-authorization_converts")).to_contain_text("Test manual")
    assert complaints_in_both_themes(page) == []


def test_manager_prints_what_ends_soon_with_its_filters(manager_page: Page) -> None:
    page = manager_page

    go(page, page.get_by_role("navigation", name="Main").get_by_role("link", name="Authorizations"))
    tab_to(page, page.get_by_label("Show"))
    page.keyboard.type("Ending within")
    go(page, page.get_by_role("button", name="Filter"))
    expect(rows(page)).to_have_count(1)
    page.emulate_media(media="print")

    expect(page.get_by_text("Show: Ending within 10 days")).to_be_visible()
    expect(rows(page).first).to_contain_text("ENDS-1")
    expect(page.get_by_role("search")).to_be_hidden()
