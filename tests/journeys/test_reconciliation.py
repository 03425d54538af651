"""A manager closes a day by keys: from the gaps to their rows, a reason, the sign-off; and without script."""

from datetime import datetime, time, timedelta

import pytest
from playwright.sync_api import Page, expect

from coding.services import capture_from
from portal import clock
from portal.models import DaySignOff, GapReason
from portal.roles import install_roles
from tests.builders import make_organization, make_scheduled_fraction, make_session, make_treated_course, make_user
from tests.journeys.browsing import complaints_in_both_themes, go, tab_to, title

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def clinic():
    """Yesterday one fraction was delivered and charged, and of another course nobody came for the planned one."""
    install_roles()
    organization = make_organization()
    coder = make_user(organization, role="coder")
    delivered = make_treated_course(organization)
    zone = delivered.department.zone
    yesterday = clock.today(zone) - timedelta(days=1)
    make_session(delivered, started_at=datetime.combine(yesterday, time(9), zone), fraction=1)
    capture_from(patient=delivered.patient, day=yesterday, by=coder)
    missed = make_treated_course(organization, department=delivered.department)
    make_scheduled_fraction(missed.prescriptions.get(), planned_on=yesterday)
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


def test_manager_opens_a_number_says_why_and_signs_the_day(manager_page: Page, live_server, clinic) -> None:
    page = manager_page

    go(page, page.get_by_role("navigation", name="Main").get_by_role("link", name="Reconciliation"))
    expect(title(page)).to_have_text("Reconciliation")
    expect(page.get_by_role("list", name="Gaps by kind")).to_contain_text("not known yet")
    assert complaints_in_both_themes(page) == []

    go(page, page.get_by_role("link", name="1 Missed without a reason"))
    expect(title(page)).to_have_text("Missed without a reason")
    expect(page.get_by_role("link", name="Say why missed")).to_be_visible()
    assert complaints_in_both_themes(page) == []

    go(page, page.get_by_role("navigation", name="Breadcrumb").get_by_role("link", name="Reconciliation"))
    go(page, page.get_by_role("link", name="Days to sign"))
    expect(page.get_by_role("row").nth(1)).to_contain_text("Fix the gaps, or say why they are none")
    assert complaints_in_both_themes(page) == []

    go(page, page.get_by_role("row").nth(1).get_by_role("link"))
    expect(page.get_by_text("1 gap keeps the day open.")).to_be_visible()
    assert complaints_in_both_themes(page) == []
    tab_to(page, page.get_by_label("Why this is no gap"))
    page.keyboard.type("Treated at the other campus")
    page.keyboard.press("Enter")
    expect(page.get_by_text("No gap: Treated at the other campus")).to_be_visible()

    go(page, page.get_by_role("button", name="Sign off the day"))
    expect(page.get_by_text("is signed off.")).to_be_visible()
    assert complaints_in_both_themes(page) == []
    assert DaySignOff.objects.get().signed_by.username == "manager"

    go(page, page.get_by_role("button", name="Withdraw sign-off"))
    expect(page.get_by_text("is open again.")).to_be_visible()
    go(page, page.get_by_role("button", name="Take the reason back"))
    expect(page.get_by_text("the gap is open again")).to_be_visible()
    assert not DaySignOff.objects.exists()
    assert not GapReason.objects.exists()


def test_day_is_closed_without_script(plain_page: Page, live_server, clinic) -> None:
    page = plain_page

    page.goto(f"{live_server.url}/reconciliation/?by=to-sign")
    page.get_by_role("row").nth(1).get_by_role("link").click()
    page.get_by_role("button", name="Keep reason").click()
    expect(page.get_by_role("textbox", name="Why this is no gap")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Why this is no gap").fill("Treated at the other campus")
    page.get_by_role("button", name="Keep reason").click()
    page.get_by_role("button", name="Sign off the day").click()

    expect(page.get_by_text("is signed off.")).to_be_visible()
    assert DaySignOff.objects.count() == 1
