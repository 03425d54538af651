"""A coder works through charge review with the keyboard alone, and without script."""

from datetime import UTC, date, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from coding.hold_services import place_hold
from coding.models import ChargeLine, SessionHold
from coding.services import capture_from
from portal.models import User
from portal.roles import install_roles
from tests.builders import make_organization, make_session, make_treated_course, make_user
from tests.journeys.browsing import CountedKeyboard, complaints

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 11, 24, 15, tzinfo=UTC)


@pytest.fixture
def clinic():
    """Thirty held lines: twenty-six with the same open query, four that must be looked at, two of them hard holds."""
    install_roles()
    organization = make_organization()
    coder = make_user(organization, role="coder", username="coder")
    course = make_treated_course(organization)
    for day in range(28):
        make_session(
            course,
            fraction=day + 1,
            started_at=datetime(2025, 11, 3, 15, tzinfo=UTC) + timedelta(days=day),
            guidance="none",
        )
    for day in range(2):
        started_at = datetime(2025, 12, 8, 15, tzinfo=UTC) + timedelta(days=day)
        make_session(course, fraction=day + 29, started_at=started_at, image_review_signed_at=None)
    capture_from(patient=course.patient, day=date(2015, 1, 1), by=coder)
    deliveries = list(ChargeLine.objects.filter(role="delivery", state="ready").order_by("date_of_service"))
    for line in deliveries[:26]:
        place_hold(line=line, reason="The chart has a query open.", at=NOW, by=coder)
    for line in deliveries[26:28]:
        place_hold(line=line, reason="The dose was changed that day.", at=NOW, by=coder)
    return organization


@pytest.fixture
def coder(clinic) -> User:
    return User.objects.get(username="coder")


@pytest.fixture
def coder_page(coder_page: Page) -> Page:
    coder_page.set_viewport_size({"width": 1440, "height": 900})
    return coder_page


def switch_theme(page: Page, theme: str) -> None:
    page.evaluate("theme => document.documentElement.dataset.bsTheme = theme", theme)


def states() -> dict[str, int]:
    lines = ChargeLine.objects.live().values_list("state", flat=True)
    return {state: list(lines).count(state) for state in ("held", "ready")}


def test_thirty_lines_with_four_unusual_are_reviewed_by_keys_at_a_pace_of_a_minute(
    coder_page: Page, live_server
) -> None:
    page = coder_page
    page.goto(f"{live_server.url}/charges/?state=held")
    person = CountedKeyboard(page)
    rows = page.locator("tr[data-row]")
    panel = page.locator("#why-panel")

    # The newest four are unusual: two hard ones are given to the coder, and two are read before they go.
    person.press("j", "x", "j", "x", "a")
    expect(panel).to_contain_text("The holds of 2 lines will be assigned")
    person.decide()
    person.press("Control+Enter")
    expect(panel).to_contain_text("2 lines assigned.")
    expect(rows.nth(0)).to_contain_text("coder")
    expect(rows.nth(2)).to_be_focused()
    person.press("Enter")
    expect(panel).to_contain_text("Complex IMRT: 77386")
    person.decide()
    person.press("x", "j", "x", "r")
    expect(panel).to_contain_text("Soft holds of 2 lines will be released")
    person.type("Dose agrees.")
    person.press("Control+Enter")
    expect(panel).to_contain_text("2 lines released.")
    expect(rows.nth(2)).to_contain_text("Ready")
    # All the others have one reason: from here to the end, one note.
    expect(rows.nth(4)).to_be_focused()
    person.press("x")
    person.decide()
    person.press(*["j"] * 25)
    person.press("Shift+X", "r")
    expect(panel).to_contain_text("Soft holds of 26 lines will be released")
    person.type("Answered.")
    person.press("Control+Enter")
    expect(panel).to_contain_text("26 lines released.")

    assert states() == {"held": 2, "ready": 30}
    assert set(SessionHold.objects.open().values_list("owner__username", flat=True)) == {"coder"}
    assert person.seconds <= 60


def test_single_release_changes_its_row_without_loading_the_page_and_is_undone(coder_page: Page, live_server) -> None:
    page = coder_page
    page.goto(f"{live_server.url}/charges/?reason=HELD_BY_HAND")
    page.evaluate("window.isSamePage = true")

    page.keyboard.press("j")
    page.keyboard.press("r")
    expect(page.locator("#why-panel textarea")).to_be_focused()
    page.keyboard.type("Dose agrees.")
    page.keyboard.press("Control+Enter")
    row = page.locator("tr[data-row]").first
    expect(row).to_contain_text("Ready")
    expect(page.locator("tr[data-row]").nth(1)).to_be_focused()
    page.keyboard.press("u")

    expect(row).to_contain_text("Held")
    assert page.evaluate("window.isSamePage") is True


def test_hard_hold_is_refused_with_its_reason(coder_page: Page, live_server) -> None:
    page = coder_page
    page.goto(f"{live_server.url}/charges/?reason=IMAGE_UNSIGNED")

    page.keyboard.press("j")
    page.keyboard.press("r")

    expect(page.locator("#why-panel")).to_contain_text("Hard hold: cleared by the facts, no role releases it")
    expect(page.locator("#why-panel form")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.locator("tr[data-row]").first).to_be_focused()


def test_single_keys_do_nothing_where_they_are_turned_off(coder_page: Page, live_server) -> None:
    page = coder_page
    page.goto(f"{live_server.url}/charges/?state=held")
    page.evaluate("document.documentElement.dataset.singleKeys = 'off'")

    page.keyboard.press("j")
    page.keyboard.press("x")

    expect(page.locator("[data-ticked]")).to_have_text("Nothing ticked")


def test_filters_are_saved_as_a_view_and_offered_again(coder_page: Page, live_server) -> None:
    page = coder_page
    page.goto(f"{live_server.url}/charges/")

    page.keyboard.press("/")
    expect(page.get_by_label("State", exact=True)).to_be_focused()
    page.keyboard.type("Held")
    page.keyboard.press("Tab")
    page.keyboard.type("Held by")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{live_server.url}/charges/?state=held&reason=HELD_BY_HAND")
    page.get_by_text("Save these filters").press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("Open queries")
    page.keyboard.press("Enter")
    view = page.get_by_role("link", name="Open queries 28")
    expect(view).to_have_attribute("aria-current", "true")
    page.goto(f"{live_server.url}/charges/")

    expect(view).to_be_visible()
    page.get_by_role("link", name="Your last filters").press("Enter")
    expect(page).to_have_url(f"{live_server.url}/charges/?state=held&reason=HELD_BY_HAND")


def test_without_script_ticked_lines_are_released_on_a_page_of_their_own(plain_page: Page, live_server) -> None:
    page = plain_page
    page.goto(f"{live_server.url}/charges/?reason=HELD_BY_HAND")

    page.locator("tr[data-row] input").first.check()
    page.get_by_role("button", name="Release").click()
    expect(page.locator("main")).to_contain_text("Soft holds of 1 line will be released")
    page.get_by_label("Note").fill("Dose agrees.")
    page.get_by_role("button", name="Release 1 line").click()

    expect(page.locator(".message-success")).to_contain_text("1 line released.")
    assert states()["ready"] == 3


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_charge_review_has_nothing_for_axe_to_complain_of(coder_page: Page, live_server, theme: str) -> None:
    page = coder_page
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"{live_server.url}/charges/?state=held")
    switch_theme(page, theme)

    found = complaints(page)
    page.locator("[data-tick-page]").check()
    page.keyboard.press("r")
    expect(page.locator("#why-panel textarea")).to_be_focused()
    found += complaints(page)
    page.keyboard.type("Checked.")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#why-panel")).to_contain_text("released.")
    found += complaints(page)

    assert found == []
