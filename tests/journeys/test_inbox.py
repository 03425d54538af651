"""A manager has a saved report delivered, reads it when it comes, takes its file, removes it and takes that back."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
from django.core.management import call_command
from playwright.sync_api import Page, expect

from coding.services import capture_from
from portal.models import InboxMessage, ReportSchedule, User
from portal.roles import install_roles
from portal.services.views import save_view
from tests.builders import make_message, make_organization, make_session, make_treated_course, make_user
from tests.journeys.browsing import complaints_in_both_themes, leave, sign_in, tab_to

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def clinic():
    """One session of October, and levels by month saved by its manager."""
    install_roles()
    organization = make_organization()
    course = make_treated_course(organization)
    make_session(course, fraction=1, started_at=datetime(2026, 10, 6, 15, tzinfo=UTC), motion_management="none")
    capture_from(patient=course.patient, day=date(2026, 1, 1), by=None)
    return organization


@pytest.fixture
def manager(clinic) -> User:
    person = make_user(clinic, role="manager", first_name="Morgan", last_name="Manager")
    save_view(place="reports", name="Levels by month", query="report=levels&by=month", is_shared=False, by=person)
    return person


@pytest.fixture
def manager_page(page: Page, live_server, manager) -> Iterator[Page]:
    sign_in(page, live_server.url, manager)
    yield page
    leave(page)


def press(page: Page, target) -> None:
    """Go to a link or button by Tab, and press it."""
    tab_to(page, target)
    page.keyboard.press("Enter")


def unread_in_menu(page: Page):
    return page.locator("#count-inbox")


def test_manager_has_a_report_delivered_and_reads_it(manager_page: Page, live_server, manager) -> None:
    page = manager_page
    page.goto(f"{live_server.url}/reports/")

    press(page, page.get_by_role("link", name="Deliver to my inbox Levels by month"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Deliver to my inbox")
    on_the_form = complaints_in_both_themes(page)
    tab_to(page, page.get_by_label("Every month"))
    tab_to(page, page.get_by_label("Days that the report is about"))
    page.keyboard.type("Last full")
    press(page, page.get_by_role("button", name="Deliver"))
    expect(page.locator("#live")).to_contain_text("“Levels by month” comes to your inbox, next on 11/24/2026.")
    on_the_list = complaints_in_both_themes(page)
    call_command("work", "--once")

    page.goto(f"{live_server.url}/inbox/")
    expect(unread_in_menu(page)).to_contain_text("1")
    in_the_inbox = complaints_in_both_themes(page)
    press(page, page.get_by_role("link", name="Levels by month"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Levels by month")
    expect(page.locator("#main")).to_contain_text("Level mix, 10/01/2026 through 10/31/2026 (last full month).")
    expect(page.locator(".page-facts")).to_contain_text("Read")
    expect(unread_in_menu(page)).to_have_count(0)
    in_the_message = complaints_in_both_themes(page)
    with page.expect_download() as download:
        press(page, page.get_by_role("link", name="Download"))

    message = manager.inbox.get()
    assert download.value.suggested_filename == "levels-2026-11-24.xlsx"
    assert download.value.path().read_bytes() == bytes(message.file)
    assert message.read_at is not None
    assert (on_the_form, on_the_list, in_the_inbox, in_the_message) == ([], [], [], [])


def test_live_report_opens_with_the_filters_of_the_message(manager_page: Page, live_server, manager) -> None:
    page = manager_page
    make_message(manager, link="/reports/levels/?by=month&start=2026-10-01&end=2026-10-31")
    page.goto(f"{live_server.url}/inbox/")

    press(page, page.get_by_role("link", name="Levels by month"))
    press(page, page.get_by_role("link", name="Open the report as it is now"))

    expect(page.get_by_role("heading", level=1)).to_have_text("Level mix")
    expect(page.locator(".page-facts")).to_contain_text("Date of service from: 10/01/2026")


def test_removed_message_is_taken_back(manager_page: Page, live_server, manager) -> None:
    page = manager_page
    make_message(manager)
    page.goto(f"{live_server.url}/inbox/")

    press(page, page.get_by_role("button", name="Remove Levels by month"))
    expect(page.get_by_role("heading", name="No messages")).to_be_visible()
    press(page, page.get_by_role("button", name="Undo"))

    expect(page.get_by_role("link", name="Levels by month")).to_be_visible()
    assert InboxMessage.objects.of(manager).count() == 1


def test_stopped_delivery_is_taken_back(manager_page: Page, live_server, manager) -> None:
    page = manager_page
    page.goto(f"{live_server.url}/reports/")
    press(page, page.get_by_role("link", name="Deliver to my inbox Levels by month"))
    press(page, page.get_by_role("button", name="Deliver"))

    press(page, page.get_by_role("button", name="Stop the delivery Levels by month"))
    expect(page.locator("#live")).to_contain_text("comes to your inbox no more")
    stopped = not ReportSchedule.objects.exists()
    press(page, page.get_by_role("button", name="Undo"))

    expect(page.locator("#live")).to_contain_text("next on 11/24/2026")
    assert stopped
    assert ReportSchedule.objects.get().rhythm == "monthly"
