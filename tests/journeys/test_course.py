"""A coder on the course page, by keys alone: from problem to reason and back, the table, and the fraction too many."""

from datetime import UTC, date, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from coding.services import capture_from
from portal.models import Course, ScheduledFraction
from portal.roles import install_roles
from tests.builders import make_authorization, make_organization, make_session, make_treated_course
from tests.journeys.browsing import complaints

pytestmark = pytest.mark.django_db(transaction=True)
MONDAY = datetime(2025, 12, 15, 15, tzinfo=UTC)


@pytest.fixture
def clinic():
    install_roles()
    return make_organization()


def treated(clinic, fractions: int, **changes) -> Course:
    """A course with one session a weekday, numbered from 1, from Monday 12/15/2025 on, charged."""
    course = make_treated_course(clinic)
    course.prescriptions.update(fractions=fractions)
    days = [MONDAY + timedelta(days=7 * (n // 5) + n % 5) for n in range(fractions)]
    for number, at in enumerate(days, start=1):
        make_session(course, started_at=at, fraction=number, **changes)
    capture_from(patient=course.patient, day=date(2015, 1, 1), by=None)
    return course


@pytest.fixture
def course_with_problems(clinic) -> Course:
    """Fifteen fractions across the turn of the year, the fifteenth again, and a planned day without a session."""
    course = treated(clinic, 15)
    make_authorization(course, course.patient.coverages.get().payer, units=17)
    make_session(course, started_at=MONDAY + timedelta(days=21), fraction=15)
    capture_from(patient=course.patient, day=date(2015, 1, 1), by=None)
    ScheduledFraction.objects.create(
        prescription=course.prescriptions.get(),
        fraction_number=16,
        planned_on=date(2026, 1, 6),
        machine=course.department.machines.get(),
    )
    return course


def focused_cell(page: Page):
    return page.locator("[data-cell]:focus-within")


def tab_to_calendar(page: Page) -> None:
    """Tab from the way in front of the calendar: one more press is in it."""
    page.get_by_role("link", name="Next that needs work").focus()
    page.keyboard.press("Tab")


def test_calendar_is_one_tab_stop_and_arrows_move_in_it(
    coder_page: Page, live_server, clinic, course_with_problems
) -> None:
    page = coder_page
    page.goto(f"{live_server.url}/courses/{course_with_problems.pk}/")
    cells = page.locator("[data-calendar] [data-cell]")

    tab_to_calendar(page)

    expect(cells.nth(0).locator("[data-stop]")).to_be_focused()

    page.keyboard.press("ArrowRight")

    expect(cells.nth(1).locator("[data-stop]")).to_be_focused()

    page.keyboard.press("ArrowDown")

    expect(cells.nth(6).locator("[data-stop]")).to_be_focused()

    page.keyboard.press("End")

    expect(cells.nth(9).locator("[data-stop]")).to_be_focused()

    page.keyboard.press("Control+Home")

    expect(cells.nth(0).locator("[data-stop]")).to_be_focused()

    page.keyboard.press("Tab")

    expect(page.locator("[data-calendar] :focus")).to_have_count(0)


def test_keys_lead_to_what_needs_work_to_its_reason_and_back(
    coder_page: Page, live_server, clinic, course_with_problems
) -> None:
    page = coder_page
    page.goto(f"{live_server.url}/courses/{course_with_problems.pk}/")

    page.keyboard.press("n")

    expect(focused_cell(page)).to_contain_text("duplicate: fraction 15 was delivered 01/02")

    page.keyboard.press("Enter")

    expect(page.locator("#why-panel")).to_be_focused()
    expect(page.locator("#why-panel")).to_contain_text("From session to charge line")

    page.keyboard.press("Escape")

    expect(focused_cell(page)).to_contain_text("duplicate: fraction 15")

    page.keyboard.press("n")

    expect(focused_cell(page)).to_contain_text("planned, not delivered")

    page.keyboard.press("Shift+N")

    expect(focused_cell(page)).to_contain_text("duplicate: fraction 15")

    page.keyboard.press("t")

    expect(page.locator(".course-table")).to_contain_text("planned, not delivered")
    expect(page.locator(".course-table")).to_contain_text("15 of 15")

    page.keyboard.press("n")

    expect(focused_cell(page)).to_contain_text("duplicate: fraction 15")


def test_letters_rest_where_single_keys_are_off(coder_page: Page, live_server, clinic, course_with_problems) -> None:
    page = coder_page
    page.goto(f"{live_server.url}/courses/{course_with_problems.pk}/")
    page.evaluate("document.documentElement.dataset.singleKeys = 'off'")

    page.keyboard.press("n")

    expect(focused_cell(page)).to_have_count(0)

    page.get_by_role("link", name="Next that needs work").press("Enter")

    expect(focused_cell(page)).to_contain_text("duplicate: fraction 15")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("asked", ["", "?show=problems", "?view=table"])
def test_course_page_has_no_barrier(
    coder_page: Page, live_server, clinic, course_with_problems, theme: str, asked: str
) -> None:
    page = coder_page
    page.emulate_media(color_scheme=theme)
    page.goto(f"{live_server.url}/courses/{course_with_problems.pk}/{asked}")

    page.keyboard.press("n")
    page.keyboard.press("Enter")

    expect(page.locator("#why-panel")).to_contain_text("From session to charge line")
    assert complaints(page) == []


def test_fraction_36_of_35_is_held_as_extra(coder_page: Page, live_server, clinic) -> None:
    page, base = coder_page, live_server.url
    course = treated(clinic, 35)
    page.goto(f"{base}/courses/{course.pk}/")

    page.keyboard.press("e")
    page.get_by_label("Date of service").fill("02/02/2026")
    page.get_by_label("Start", exact=False).first.fill("9:30 AM")
    page.get_by_label("Delivered: Tongue").press("Space")
    page.get_by_label("Fraction of Tongue").fill("36")
    page.get_by_label("Image guidance").select_option("none")
    page.get_by_role("button", name="Record session").press("Enter")

    expect(page.get_by_role("heading", level=1)).to_contain_text("02/02/2026")

    page.goto(f"{base}/courses/{course.pk}/")
    page.keyboard.press("n")

    expect(focused_cell(page)).to_contain_text("Held: Beyond the prescription")
    expect(focused_cell(page)).to_contain_text("extra: fraction 36 of 35")

    page.keyboard.press("Enter")

    expect(page.locator("#why-panel")).to_contain_text("Fraction 36 of 35 prescribed.")


def test_course_page_without_script(plain_page: Page, live_server, clinic, course_with_problems) -> None:
    page = plain_page
    page.goto(f"{live_server.url}/courses/{course_with_problems.pk}/")

    page.locator(".ledger").get_by_role("link", name="Needs work").click()

    expect(page.locator(".showing")).to_contain_text("Needs work: 2 of 17 entries are shown.")

    page.get_by_role("link", name="Next that needs work").click()

    expect(page.locator(":target")).to_contain_text("duplicate: fraction 15")

    page.locator(":target").get_by_role("link", name="Why?").click()

    expect(page.get_by_role("heading", level=1)).to_contain_text("Why")


def test_course_fits_one_landscape_page_of_white_paper(
    coder_page: Page, live_server, clinic, course_with_problems
) -> None:
    page = coder_page
    page.emulate_media(color_scheme="dark")
    page.goto(f"{live_server.url}/courses/{course_with_problems.pk}/")

    paper = page.pdf(prefer_css_page_size=True, print_background=True)

    assert paper.count(b"/Type /Page\n") == 1
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
