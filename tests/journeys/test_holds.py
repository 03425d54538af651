"""A coder works on holds with the keyboard alone: from home to clearing one where it stands; and without script."""

from datetime import UTC, date, datetime, timedelta

import pytest
from playwright.sync_api import Locator, Page, expect

from coding.hold_services import assign_hold
from coding.models import SessionHold
from coding.services import capture_from
from portal.models import User
from portal.roles import install_roles
from tests.builders import make_organization, make_session, make_treated_course, make_user
from tests.journeys.browsing import complaints_in_both_themes, tab_to

pytestmark = pytest.mark.django_db(transaction=True)
FIRST_START = datetime(2025, 12, 3, 15, tzinfo=UTC)


@pytest.fixture
def clinic():
    """Two holds of the coder, one hard and one soft; nobody's are one hard hold and three soft ones."""
    install_roles()
    organization = make_organization()
    coder = make_user(organization, role="coder", username="coder", first_name="Dana", last_name="Whitfield")
    mine = make_treated_course(organization)
    make_session(mine, fraction=1, started_at=FIRST_START, image_review_signed_at=None)
    make_session(mine, fraction=2, started_at=FIRST_START + timedelta(days=1), completion="partial")
    capture_from(patient=mine.patient, day=date(2015, 1, 1), by=coder)
    for hold in SessionHold.objects.all():
        assign_hold(hold=hold, owner=coder, due_on=date(2026, 11, 20), by=coder)
    others = make_treated_course(organization)
    make_session(others, fraction=1, started_at=FIRST_START, image_review_signed_at=None)
    for day in range(1, 4):
        make_session(others, fraction=day + 1, started_at=FIRST_START + timedelta(days=day), completion="partial")
    capture_from(patient=others.patient, day=date(2015, 1, 1), by=coder)
    return organization


@pytest.fixture
def coder(clinic) -> User:
    return User.objects.get(username="coder")


@pytest.fixture
def coder_page(coder_page: Page) -> Page:
    coder_page.set_viewport_size({"width": 1440, "height": 900})
    coder_page.emulate_media(reduced_motion="reduce")
    return coder_page


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def panel(page: Page) -> Locator:
    return page.locator("#why-panel")


def test_coder_clears_releases_and_assigns_holds_by_keys(coder_page: Page, live_server, clinic) -> None:
    page = coder_page

    # From home to one's own holds
    tab_to(page, page.get_by_role("link", name="Your holds 2", exact=True))
    press(page, "Enter")
    expect(page.locator("tr[data-row]")).to_have_count(2)
    page.wait_for_load_state()

    # The hard one is cleared by what is missing, where it stands
    press(page, "j", "Enter")
    field = page.get_by_label("Image review signed")
    expect(field).to_be_focused()
    assert complaints_in_both_themes(page) == []
    page.keyboard.type("12/03/2025 10:30 AM")
    press(page, "Control+Enter")
    expect(panel(page)).to_contain_text("The hold is gone. 77014-26 x1 is ready.")
    expect(page.locator("tr[data-row]").first).to_contain_text("Gone: the facts changed.")

    # The next one is soft: released with a note, and its row has the way back
    expect(page.locator("tr[data-row]").last).to_be_focused()
    press(page, "r")
    expect(panel(page)).to_contain_text("1 hold will be released")
    expect(panel(page).get_by_label("Note")).to_be_focused()
    page.keyboard.type("The record shows that the couch stopped.")
    press(page, "Control+Enter")
    expect(panel(page)).to_contain_text("1 hold released.")
    expect(page.locator("tr[data-row]").last).to_contain_text("Take the release back")
    assert complaints_in_both_themes(page) == []

    # Three of nobody's are assigned at once, from what the key J passes
    page.goto(f"{live_server.url}/holds/?owner=nobody&kind=soft")
    expect(page.locator("tr[data-row]")).to_have_count(3)
    press(page, "j", "x", "j", "x", "j", "x", "a")
    expect(panel(page)).to_contain_text("3 holds will be assigned")
    press(page, "Control+Enter")
    expect(panel(page)).to_contain_text("3 holds assigned.")
    expect(page.locator("tr[data-row]", has_text="Whitfield")).to_have_count(3)

    # A hard one refuses
    page.goto(f"{live_server.url}/holds/?kind=hard")
    press(page, "j", "r")
    expect(panel(page)).to_contain_text("Nothing can be done here")
    expect(panel(page)).to_contain_text("Hard: cleared by the facts, no role releases it")
    assert complaints_in_both_themes(page) == []


def test_coder_takes_a_hold_with_one_key_and_gives_it_back(coder_page: Page, live_server, clinic) -> None:
    page = coder_page
    page.goto(f"{live_server.url}/holds/?owner=nobody&kind=hard")
    row = page.locator("tr[data-row]")

    press(page, "j", "t")
    expect(row).to_contain_text("Whitfield")
    press(page, "u")

    expect(row).to_contain_text("nobody")


def test_released_hold_is_taken_back_in_its_row(coder_page: Page, live_server, clinic) -> None:
    page = coder_page
    page.goto(f"{live_server.url}/holds/?owner=me&kind=soft")
    row = page.locator("tr[data-row]")
    press(page, "j", "r")
    expect(panel(page).get_by_label("Note")).to_be_focused()
    page.keyboard.type("Seen.")
    press(page, "Control+Enter")

    tab_to(page, row.get_by_role("button", name="Take the release back"))
    press(page, "Enter")

    expect(row.get_by_role("checkbox")).to_be_visible()
    expect(row).not_to_contain_text("Released by")


def test_page_of_a_hold_is_clean_and_saves_by_keys(coder_page: Page, live_server, clinic) -> None:
    page = coder_page
    hold = SessionHold.objects.filter(name="IMAGE_UNSIGNED").first()
    page.goto(f"{live_server.url}/holds/{hold.pk}/")
    assert complaints_in_both_themes(page) == []

    tab_to(page, page.get_by_label("Image review signed"))
    page.keyboard.type("soon")
    press(page, "Control+Enter")
    expect(page.locator(".error-summary")).to_be_focused()
    expect(page.get_by_label("Image review signed")).to_have_value("soon")
    page.get_by_label("Image review signed").fill("12/03/2025 10:30 AM")
    press(page, "Control+Enter")

    expect(page.locator("#live")).to_contain_text("The hold is gone.")


def test_holds_by_reason_are_clean(coder_page: Page, live_server, clinic) -> None:
    coder_page.goto(f"{live_server.url}/holds/?group=reason")

    expect(coder_page.get_by_role("row")).to_have_count(3)
    assert complaints_in_both_themes(coder_page) == []


def test_hold_is_released_without_script(plain_page: Page, live_server, clinic) -> None:
    page = plain_page
    page.goto(f"{live_server.url}/holds/?owner=me&kind=soft")

    page.locator("a[data-line]").click()
    page.locator("#release").get_by_label("Note").fill("The record shows it.")
    page.get_by_role("button", name="Release", exact=True).click()

    expect(page.locator("#live")).to_contain_text("released")
    assert SessionHold.objects.filter(release_note="The record shows it.").exists()


def test_ticked_holds_are_noted_without_script(plain_page: Page, live_server, clinic) -> None:
    page = plain_page
    page.goto(f"{live_server.url}/holds/?owner=nobody")

    page.locator(".tick input[type=checkbox]").nth(1).check()
    page.locator(".tick input[type=checkbox]").nth(2).check()
    page.get_by_role("button", name="Note").click()
    page.get_by_label("Note").fill("Asked the physicist.")
    page.get_by_role("button", name="Note on 2 holds").click()

    expect(page.locator("#live")).to_contain_text("Note written on 2 holds.")
