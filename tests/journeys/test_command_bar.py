"""A coder gets about by keys alone, and the frame says what went wrong with a request."""

import pytest
from playwright.sync_api import Page, expect

from portal.models import RecentCourse
from portal.roles import install_roles
from tests.builders import make_course, make_department, make_organization, make_patient, make_payer
from tests.journeys.browsing import complaints, fill_in_sign_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def clinic():
    install_roles()
    return make_organization()


@pytest.fixture(autouse=True)
def course(clinic):
    make_payer(clinic, slug="northlake", name="Northlake")
    patient = make_patient(clinic, family_name="Grieg", given_name="Solveig", number="ZZ-77")
    return make_course(patient, make_department(clinic), account_number="Z-900")


def find(page: Page, text: str) -> None:
    page.keyboard.press("Control+k")
    page.keyboard.type(text)
    expect(page.get_by_role("option").first).to_be_visible()


def test_bar_leads_to_a_patient_by_name_and_the_name_stands_in_no_address(coder_page: Page):
    asked = []
    coder_page.on("request", lambda request: asked.append(request.url))

    find(coder_page, "grieg")
    expect(coder_page.get_by_role("option", selected=True)).to_contain_text("Grieg, Solveig")
    coder_page.keyboard.press("Enter")

    expect(coder_page.get_by_role("heading", level=1)).to_contain_text("Grieg")
    assert [url for url in asked if "grieg" in url.lower()] == []


def test_bar_answers_enter_that_is_faster_than_the_server(coder_page: Page, course, live_server):
    coder_page.keyboard.press("Control+k")
    coder_page.keyboard.type("z-900")
    coder_page.keyboard.press("Enter")

    expect(coder_page).to_have_url(f"{live_server.url}/courses/{course.pk}/")


def test_bar_offers_the_course_that_was_opened_last(coder_page: Page, course, live_server):
    coder_page.goto(f"{live_server.url}/courses/{course.pk}/")
    coder_page.wait_for_function("document.querySelector('[hx-post*=opened]') !== null")
    coder_page.wait_for_load_state("networkidle")

    coder_page.keyboard.press("/")

    expect(coder_page.get_by_role("option", selected=True)).to_contain_text("Z-900")
    assert RecentCourse.objects.get().course == course


def test_bar_is_walked_with_arrows_and_left_with_escape(coder_page: Page):
    find(coder_page, "north")
    expect(coder_page.get_by_role("option", selected=True)).to_contain_text("Northlake")

    coder_page.keyboard.press("ArrowDown")
    expect(coder_page.get_by_role("option", selected=True)).to_contain_text("Policy")
    coder_page.keyboard.press("ArrowDown")
    expect(coder_page.get_by_role("option", selected=True)).to_contain_text("Guidance page")
    coder_page.keyboard.press("Escape")

    expect(coder_page.locator("#command-bar")).to_be_hidden()
    expect(coder_page.locator("#command-results")).to_be_empty()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_bar_and_help_on_keys_are_accessible(coder_page: Page, scheme):
    coder_page.emulate_media(color_scheme=scheme)
    coder_page.reload()

    find(coder_page, "z")
    of_the_bar = complaints(coder_page)
    coder_page.keyboard.press("Control+A")
    coder_page.keyboard.type("help")
    expect(coder_page.get_by_role("option")).to_have_count(1)
    coder_page.keyboard.press("Enter")
    expect(coder_page.get_by_role("dialog", name="Help on keys")).to_be_visible()

    assert of_the_bar == []
    assert complaints(coder_page) == []


def test_single_keys_that_are_turned_off_do_nothing(coder_page: Page):
    coder_page.keyboard.press("?")
    coder_page.get_by_label("Keys without Ctrl work").press("Space")
    coder_page.keyboard.press("Escape")

    coder_page.keyboard.press("/")
    coder_page.keyboard.press("?")

    expect(coder_page.locator("dialog[open]")).to_have_count(0)
    coder_page.keyboard.press("Control+k")
    expect(coder_page.locator("#command-bar")).to_be_visible()


def test_theme_is_switched_by_the_bar_and_stays(coder_page: Page):
    coder_page.keyboard.press("Control+k")
    coder_page.keyboard.type("switch theme")
    coder_page.keyboard.press("Enter")

    expect(coder_page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    coder_page.reload()
    expect(coder_page.locator("html")).to_have_attribute("data-bs-theme", "dark")


def test_dark_system_gives_a_dark_page_without_script(browser, browser_context_args, live_server):
    context = browser.new_context(**browser_context_args, java_script_enabled=False, color_scheme="dark")
    page = context.new_page()

    page.goto(f"{live_server.url}/sign-in/")

    expect(page.locator("body")).to_have_css("background-color", "rgb(15, 18, 23)")
    context.close()


def test_server_that_does_not_answer_is_told_and_what_was_typed_stays(coder_page: Page):
    coder_page.route("**/search/", lambda route: route.abort())

    coder_page.keyboard.press("Control+k")
    coder_page.keyboard.type("grieg")

    expect(coder_page.get_by_role("alert")).to_contain_text("The server did not answer")
    expect(coder_page.get_by_role("combobox")).to_have_value("grieg")


def test_person_signed_out_signs_in_in_another_tab_and_goes_on(coder_page: Page, live_server, coder):
    coder_page.context.clear_cookies(name="session")
    coder_page.keyboard.press("Control+k")
    coder_page.keyboard.type("grieg")
    expect(coder_page.get_by_role("alert")).to_contain_text("You were signed out")

    other = coder_page.context.new_page()
    other.goto(f"{live_server.url}/sign-in/")
    fill_in_sign_in(other, coder)
    coder_page.bring_to_front()
    coder_page.evaluate("window.dispatchEvent(new Event('focus'))")
    expect(coder_page.get_by_role("alert")).to_be_hidden()
    coder_page.keyboard.press("End")
    coder_page.keyboard.type(" ")

    expect(coder_page.get_by_role("option").first).to_contain_text("Grieg, Solveig")


def test_idle_person_is_warned_and_then_the_page_is_hidden(coder_page: Page):
    coder_page.clock.install()
    # A panel that comes late would keep the person signed in: it is an answer of the portal.
    coder_page.reload(wait_until="networkidle")

    coder_page.clock.fast_forward("14:01")
    expect(coder_page.get_by_role("alert")).to_contain_text("You will be signed out in a minute")
    coder_page.get_by_role("button", name="Stay signed in").press("Enter")
    expect(coder_page.get_by_role("alert")).to_be_hidden()
    coder_page.clock.fast_forward("15:01")

    expect(coder_page.get_by_role("alert")).to_contain_text("You were signed out")
    expect(coder_page.locator(".frame")).to_have_js_property("inert", True)
