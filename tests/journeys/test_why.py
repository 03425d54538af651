"""Why this line, read by keys: beside the list, as a page of its own, without script, and on paper."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from coding.models import ChargeLine
from coding.services import capture_from
from portal.roles import install_roles
from tests.builders import make_organization, make_session, make_treated_course
from tests.journeys.browsing import complaints

pytestmark = pytest.mark.django_db(transaction=True)
FIRST_START = datetime(2025, 12, 3, 15, tzinfo=UTC)


@pytest.fixture
def clinic():
    install_roles()
    return make_organization()


@pytest.fixture
def course(clinic):
    """Off campus, two sessions of one day, seven hours apart, charges captured."""
    course = make_treated_course(clinic, setting="hospital_off_campus_excepted")
    machine = course.department.machines.get()
    make_session(course, fraction=1, started_at=FIRST_START, machine=machine)
    make_session(course, fraction=2, started_at=FIRST_START + timedelta(hours=7), machine=machine)
    capture_from(patient=course.patient, day=date(2015, 1, 1), by=None)
    return course


@pytest.fixture
def second_line(course) -> ChargeLine:
    return ChargeLine.objects.live().get(role="delivery", modifiers__contains=["76"])


def why_url(base: str, line: ChargeLine) -> str:
    return f"{base}/charges/{line.pk}/why/"


@pytest.mark.parametrize("key", ["w", "Enter"])
def test_line_is_explained_beside_the_list_and_the_reader_goes_back_to_the_row(
    coder_page: Page, live_server, second_line, key: str
) -> None:
    page = coder_page
    page.goto(f"{live_server.url}/charges/")
    panel = page.locator("#why-panel")
    row = page.locator(f"#line-{second_line.pk}")

    row.focus()
    page.keyboard.press(key)

    expect(panel).to_be_focused()
    expect(panel.locator(".line-large")).to_contain_text("77386")
    expect(panel.locator(".why-sentence")).to_contain_text("Second session of 12/03/2025, 7 h after the first")

    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")

    expect(panel.locator(".step").nth(1)).to_be_focused()
    expect(panel.locator(".step").nth(1)).to_contain_text("Delivery code")

    page.keyboard.press("ArrowUp")

    expect(panel.locator(".step").first).to_be_focused()

    page.keyboard.press("Escape")

    expect(row).to_be_focused()
    expect(panel).to_contain_text("Choose a line to read")
    expect(page.locator(".is-chosen")).to_have_count(0)


def test_panel_tells_steps_modifiers_and_what_would_change_in_this_order(
    coder_page: Page, live_server, second_line
) -> None:
    page = coder_page
    page.goto(f"{live_server.url}/charges/")
    page.locator(f"#line-{second_line.pk}").focus()

    page.keyboard.press("w")

    expect(page.locator("#why-panel h3")).to_have_text(
        [
            "From session to charge line",
            "Modifiers, one by one",
            "What the payer says",
            "What would change this",
            "Good to know",
            "Other lines of this session",
            "History",
            "Sources",
        ]
    )
    expect(page.locator("#why-panel .why-absent")).to_contain_text(
        ["there is no professional part to mark", "nothing to split off", "This payer does not ask for it"]
    )


def test_other_line_of_the_session_opens_in_the_same_place_and_esc_still_leads_to_the_row(
    coder_page: Page, live_server, second_line
) -> None:
    page = coder_page
    page.goto(f"{live_server.url}/charges/")
    row = page.locator(f"#line-{second_line.pk}")
    row.focus()
    page.keyboard.press("w")

    page.locator("#why-panel .why-others a").press("Enter")

    expect(page.locator("#why-panel .why-sentence")).to_contain_text("review of cone-beam CT guidance")

    page.keyboard.press("Escape")

    expect(row).to_be_focused()


def test_w_opens_the_line_of_the_session_page_and_of_the_course(coder_page: Page, live_server, second_line) -> None:
    page = coder_page
    page.goto(f"{live_server.url}/sessions/{second_line.session_id}/")
    panel = page.locator("#why-panel")

    page.keyboard.press("w")

    expect(panel.locator(".why-sentence")).to_contain_text("Second session")

    page.goto(f"{live_server.url}/courses/{second_line.session.course_id}/")
    stop = page.locator("[data-stop]").first
    stop.focus()
    page.keyboard.press("w")

    expect(panel.locator(".why-sentence")).to_contain_text("First session")
    expect(panel).to_be_focused()

    page.keyboard.press("Escape")

    expect(stop).to_be_focused()


def test_reason_opens_over_the_day_sheet_and_esc_leads_back_to_the_field(
    coder_page: Page, live_server, second_line
) -> None:
    page = coder_page
    session = second_line.session
    page.goto(f"{live_server.url}/day-sheets/?machine={session.machine_id}&date={session.date_of_service}")
    outcome = page.locator("tr[data-row] td.cell-outcome select").first
    outcome.focus()

    page.keyboard.press("w")

    expect(page.locator("#why-panel")).to_be_focused()
    expect(page.locator("#why-panel")).to_be_in_viewport()
    expect(page.locator("#why-panel .why-sentence")).to_contain_text("First session of 12/03/2025")

    page.keyboard.press("Escape")

    expect(outcome).to_be_focused()


def test_w_rests_where_somebody_types_and_where_single_keys_are_off(coder_page: Page, live_server, second_line) -> None:
    page = coder_page
    page.goto(f"{live_server.url}/charges/")
    panel = page.locator("#why-panel")

    page.locator("#id_state").focus()
    page.keyboard.press("w")
    page.evaluate("document.documentElement.dataset.singleKeys = 'off'")
    page.locator("tr[data-row]").first.focus()
    page.keyboard.press("w")
    page.wait_for_load_state("networkidle")

    expect(panel).to_contain_text("Choose a line to read")


def test_session_without_a_line_is_explained_in_the_same_place(coder_page: Page, live_server, clinic) -> None:
    course = make_treated_course(clinic)
    make_session(course, fraction=1, started_at=FIRST_START, completion="not_started")
    capture_from(patient=course.patient, day=date(2015, 1, 1), by=None)
    page = coder_page
    page.goto(f"{live_server.url}/charges/without-a-line/")

    page.keyboard.press("j")
    page.keyboard.press("w")

    expect(page.locator("#why-panel .why-sentence")).to_contain_text("This session owes no line as it stands.")

    page.keyboard.press("Escape")

    expect(page.locator("tr[data-row]").first).to_be_focused()


def test_page_of_a_line_is_read_without_script(plain_page: Page, live_server, second_line) -> None:
    plain_page.goto(f"{live_server.url}/charges/")

    plain_page.locator(f"#line-{second_line.pk} a[data-line]").press("Enter")

    expect(plain_page).to_have_url(why_url(live_server.url, second_line))
    expect(plain_page.locator(".why-sentence")).to_contain_text("Second session of 12/03/2025")
    expect(plain_page.get_by_role("button", name="Copy link")).to_have_count(0)


def test_link_to_a_step_is_copied(context, coder_page: Page, live_server, second_line) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = coder_page
    page.goto(why_url(live_server.url, second_line))

    page.locator("#why-step-2 .why-anchor").press("Enter")
    page.get_by_role("button", name="Copy link").press("Enter")

    expect(page.get_by_role("button", name="Copied")).to_be_focused()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == f"{why_url(live_server.url, second_line)}#why-step-2"


def test_paper_spells_the_sources_out_on_one_page(coder_page: Page, live_server, second_line) -> None:
    page = coder_page
    page.goto(why_url(live_server.url, second_line))

    page.emulate_media(media="print")

    expect(page.locator(".why-sources li").first).to_be_visible()
    expect(page.locator(".why-sources li").first).to_contain_text("https://")
    expect(page.locator(".why-asked, .page-actions, .sidenav").locator("visible=true")).to_have_count(0)
    assert re.findall(rb"/Count (\d+)", page.pdf(format="Letter")) == [b"1"]


def test_panel_is_printed_without_the_list_beside_it(coder_page: Page, live_server, second_line) -> None:
    page = coder_page
    page.goto(f"{live_server.url}/charges/")
    page.locator(f"#line-{second_line.pk}").focus()
    page.keyboard.press("w")
    page.evaluate("window.print = () => {}")
    page.locator("#why-panel").get_by_role("button", name="Print").press("Enter")

    page.emulate_media(media="print")

    expect(page.locator("#why-panel .why-sentence")).to_be_visible()
    expect(page.locator("tr[data-row]").first).to_be_hidden()
    expect(page.get_by_role("heading", level=1)).to_be_hidden()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_explanation_has_no_barrier_beside_the_list_and_as_a_page(
    coder_page: Page, live_server, second_line, theme: str
) -> None:
    page = coder_page
    page.emulate_media(color_scheme=theme)
    page.goto(f"{live_server.url}/charges/")
    page.locator(f"#line-{second_line.pk}").focus()
    page.keyboard.press("w")
    expect(page.locator("#why-panel .why-sentence")).to_be_visible()

    assert complaints(page) == []

    page.goto(why_url(live_server.url, second_line))

    assert complaints(page) == []
