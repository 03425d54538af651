"""A coder enters sessions in the browser and reads why each line is what it is."""

import pytest
from playwright.sync_api import Page, expect

from portal.models import Course
from portal.roles import install_roles
from tests.builders import (
    make_department,
    make_organization,
    make_payer,
    make_policy_version,
    make_treated_course,
)
from tests.journeys.browsing import complaints

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def clinic():
    """A clinic whose Medicare policy states the modifier of the guidance line, with a cited clause."""
    install_roles()
    organization = make_organization()
    payer = make_payer(organization, slug="medicare", name="Medicare", kind="medicare")
    make_policy_version(payer, terms={"igrt_pc_modifier": "26"})
    return organization


def open_course(page: Page, base: str, course: Course) -> None:
    page.goto(f"{base}/courses/{course.pk}/")


def enter_session(page: Page, base: str, course: Course, day: str) -> None:
    """From the course page to the saved session, with signed cone-beam guidance."""
    open_course(page, base, course)
    page.get_by_role("link", name="Enter a session").click()
    page.get_by_label("Date of service").fill(day)
    page.get_by_label("Start", exact=False).first.fill("9:30 AM")
    page.get_by_label("Image guidance").select_option("cbct")
    page.get_by_label("Image review signed").fill(f"{day} 2:05 PM")
    page.get_by_role("button", name="Record session").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(day)


def amend_motion(page: Page, base: str, course: Course, documentation: str) -> None:
    page.goto(f"{base}/prescriptions/{course.prescriptions.get().pk}/")
    page.get_by_label("Motion management").select_option("active")
    page.get_by_label("Motion documentation").fill(documentation)
    page.get_by_role("button", name="Save").click()


def line(page: Page, code: str):
    """The large line of a code on a session's page."""
    return page.locator(".line-large", has_text=code)


def open_session(page: Page, base: str, course: Course, year: int) -> None:
    session = course.sessions.get(date_of_service__year=year)
    page.goto(f"{base}/sessions/{session.pk}/")


def test_two_sessions_of_a_course_follow_the_code_set_of_their_dates(coder_page: Page, live_server, clinic) -> None:
    page, base = coder_page, live_server.url
    course = make_treated_course(clinic, payer=clinic.payers.get())

    enter_session(page, base, course, "12/30/2025")

    expect(line(page, "77386")).to_contain_text("Ready")
    expect(line(page, "77014")).to_contain_text("26")
    assert complaints(page) == []

    enter_session(page, base, course, "01/05/2026")

    expect(line(page, "77407")).to_contain_text("Ready")
    expect(line(page, "77387")).to_contain_text("Ready")
    open_course(page, base, course)
    expect(page.locator(".fraction-calendar")).to_contain_text("77386")
    expect(page.locator(".fraction-calendar")).to_contain_text("77407")


def test_level_3_is_held_until_motion_management_is_documented(coder_page: Page, live_server, clinic) -> None:
    page, base = coder_page, live_server.url
    course = make_treated_course(clinic, payer=clinic.payers.get())
    enter_session(page, base, course, "01/05/2026")

    amend_motion(page, base, course, "")
    open_session(page, base, course, 2026)

    expect(line(page, "77412")).to_contain_text("Held")

    amend_motion(page, base, course, "Tumor moves 14 mm. Surface system, 3 mm window; the beam is held outside it.")
    open_session(page, base, course, 2026)

    expect(line(page, "77412")).to_contain_text("Ready")


def test_freestanding_medicare_session_has_its_g_code_and_guidance_line(coder_page: Page, live_server, clinic) -> None:
    page, base = coder_page, live_server.url
    center = make_department(clinic, "freestanding")
    course = make_treated_course(clinic, department=center, payer=clinic.payers.get())

    enter_session(page, base, course, "12/30/2025")

    expect(line(page, "G6015")).to_contain_text("POS 11")
    expect(line(page, "77014")).to_contain_text("POS 11")


def test_why_leads_from_a_modifier_to_the_clause_behind_it(coder_page: Page, live_server, clinic) -> None:
    page, base = coder_page, live_server.url
    course = make_treated_course(clinic, payer=clinic.payers.get())
    enter_session(page, base, course, "12/30/2025")

    page.get_by_role("link", name="Why this line").last.click()
    step = page.locator("#why-panel .step", has_text="Modifier 26").first
    expect(step).to_contain_text("Test manual")
    step.get_by_role("link", name="Read the clause").click()

    expect(page.locator("#term-igrt_pc_modifier")).to_contain_text("Sets igrt_pc_modifier")


def test_session_is_entered_without_script(plain_page: Page, live_server, clinic) -> None:
    course = make_treated_course(clinic, payer=clinic.payers.get())

    enter_session(plain_page, live_server.url, course, "12/30/2025")

    expect(line(plain_page, "77386")).to_contain_text("Ready")
