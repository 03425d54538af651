"""A coder plans a course of 35 fractions with the keyboard alone, within the budget, and takes it back."""

from datetime import date

import pytest
from playwright.sync_api import Page, expect

from portal.models import Course
from portal.roles import install_roles
from portal.services.closed_days import close_days, federal_holidays
from tests.builders import make_organization, make_treated_course, make_user
from tests.journeys.browsing import CountedKeyboard, complaints, sign_in

pytestmark = pytest.mark.django_db(transaction=True)
MOST_KEYS, MOST_SECONDS = 45, 40


@pytest.fixture
def clinic():
    install_roles()
    return make_organization()


@pytest.fixture
def course(clinic) -> Course:
    """A course of 35 fractions in a department that keeps the federal holidays of 2025 and 2026."""
    course = make_treated_course(clinic)
    course.prescriptions.update(fractions=35)
    holidays = {holiday.day: holiday.name for year in (2025, 2026) for holiday in federal_holidays(year)}
    close_days(department=course.department, machine=None, reasons=holidays, by=make_user(clinic))
    return course


def test_course_of_35_fractions_is_planned_within_the_budget(coder_page: Page, live_server, course) -> None:
    page = coder_page
    page.goto(f"{live_server.url}/courses/{course.pk}/")
    keyboard = CountedKeyboard(page)

    keyboard.decide("f")
    expect(page.get_by_role("textbox", name="First day")).to_be_focused()
    keyboard.decide("120125")
    keyboard.press("Tab", "Tab")
    keyboard.decide("740")
    keyboard.press("Tab")
    keyboard.decide("12/16")
    keyboard.press("Tab")
    keyboard.decide("12/19,1/9")
    keyboard.press("Tab")
    keyboard.decide("205p")
    expect(page.locator(".pattern-sentence")).to_contain_text(
        "35 fractions, 12/01/2025 to 01/20/2026, skipping 12/16, 12/25 (Christmas Day), 01/01 (New Year's Day), "
        "01/19 (Birthday of Martin Luther King, Jr.). 22 before 01/01/2026, 13 from then on, "
        "where 77407 or 77412 stands in place of 77386 by the facts of each session."
    )
    keyboard.decide("")
    keyboard.press("Enter")

    expect(page.get_by_role("status").first).to_contain_text("35 fractions planned.")
    planned = course.prescriptions.get().scheduled_fractions
    assert planned.count() == 35
    assert planned.filter(planned_on__in=[date(2025, 12, 19), date(2026, 1, 9)]).count() == 4
    assert keyboard.keys <= MOST_KEYS
    assert keyboard.seconds <= MOST_SECONDS


def test_pattern_is_taken_back_by_the_button_of_its_message(coder_page: Page, live_server, course) -> None:
    page = coder_page
    page.goto(f"{live_server.url}/prescriptions/{course.prescriptions.get().pk}/plan/")
    page.keyboard.type("12/1/2025")
    page.keyboard.press("Control+Enter")

    page.get_by_role("button", name="Undo").press("Enter")

    expect(page.get_by_role("status").first).to_contain_text("35 planned fractions taken back.")
    assert not course.prescriptions.get().scheduled_fractions.exists()


def test_delivered_course_is_recorded_at_once(coder_page: Page, live_server, course) -> None:
    page = coder_page
    page.goto(f"{live_server.url}/prescriptions/{course.prescriptions.get().pk}/plan/")
    page.keyboard.type("12/1/2025")
    page.get_by_label("Usual start").press_sequentially("740")
    page.get_by_label("The days up to today were delivered as planned").press("Space")
    expect(page.locator("#pattern-preview")).to_contain_text(
        "35 sessions recorded: 22 × 77386 ready, 13 × 77407 ready."
    )

    page.keyboard.press("Control+Enter")

    expect(page.get_by_role("status").first).to_contain_text(
        "35 sessions recorded: 22 × 77386 ready, 13 × 77407 ready."
    )
    assert course.sessions.count() == 35


def test_what_is_wrong_is_said_at_the_field_and_above(coder_page: Page, live_server, course) -> None:
    page = coder_page
    page.goto(f"{live_server.url}/prescriptions/{course.prescriptions.get().pk}/plan/")
    page.keyboard.type("13/1/2025")
    page.keyboard.press("Enter")

    expect(page.locator(".error-summary")).to_be_focused()
    expect(page.locator(".error-summary")).to_contain_text("First day must be a real date, like 11/23/2026.")
    expect(page.get_by_role("textbox", name="First day")).to_have_value("13/1/2025")
    assert complaints(page) == []


def test_pattern_is_filled_without_script(plain_page: Page, live_server, course) -> None:
    page = plain_page
    page.goto(f"{live_server.url}/prescriptions/{course.prescriptions.get().pk}/plan/")
    page.get_by_role("textbox", name="First day").fill("12/1/2025")
    page.get_by_role("textbox", name="First day").press("Enter")
    expect(page.locator(".pattern-sentence")).to_contain_text("35 fractions, 12/01/2025 to 01/21/2026")

    page.get_by_role("button", name="Plan these fractions").click()

    expect(page.get_by_role("status").first).to_contain_text("35 fractions planned.")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pattern_page_is_accessible(coder_page: Page, live_server, course, scheme) -> None:
    page = coder_page
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{live_server.url}/prescriptions/{course.prescriptions.get().pk}/plan/")
    page.keyboard.type("12/1/2025")
    expect(page.locator(".pattern-sentence")).to_contain_text("35 fractions")
    shown = complaints(page)
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").first).to_contain_text("35 fractions planned.")
    page.goto(f"{live_server.url}/prescriptions/{course.prescriptions.get().pk}/plan/")
    expect(page.get_by_role("heading", name="Last pattern")).to_be_visible()

    assert (shown, complaints(page)) == ([], [])


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["closed-days/", "closed-days/new/", "closed-days/holidays/?year=2028"])
def test_closed_days_are_accessible(page: Page, live_server, clinic, course, path, scheme) -> None:
    sign_in(page, live_server.url, make_user(clinic, role="admin"))
    page.emulate_media(color_scheme=scheme)

    page.goto(f"{live_server.url}/setup/{path}")

    assert complaints(page) == []


def test_machine_is_down_for_two_days_and_open_again(page: Page, live_server, clinic, course) -> None:
    sign_in(page, live_server.url, make_user(clinic, role="admin"))
    page.goto(f"{live_server.url}/setup/closed-days/new/?department={course.department_id}")
    page.get_by_label("What is closed").select_option(label=course.department.machines.get().name)
    page.get_by_role("textbox", name="First day").press_sequentially("122826")
    page.get_by_label("Last day").press_sequentially("12/29")
    page.get_by_label("Reason").press_sequentially("Service")
    expect(page.locator("#closed-day-preview")).to_contain_text("Tue 12/29/2026")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").first).to_contain_text("2 days closed.")

    page.get_by_role("button", name="Remove 12/28/2026").press("Enter")
    expect(page.get_by_role("row", name="Mon 12/28/2026")).to_have_count(0)
    page.get_by_role("button", name="Undo").press("Enter")

    expect(page.get_by_role("row", name="Mon 12/28/2026")).to_contain_text("Service")
