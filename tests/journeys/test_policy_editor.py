"""A draft is edited by keys: a cited term, the difference in words, a case tried, kept, failing and mended."""

from collections.abc import Iterator
from datetime import date

import pytest
from playwright.sync_api import Dialog, Locator, Page, expect

from payers.draft_services import draft_version
from payers.models import PolicyVersion
from portal.models import User
from portal.roles import install_roles
from tests.builders import make_organization, make_payer, make_policy_version, make_user
from tests.journeys.browsing import MOST_TABS, complaints_in_both_themes, leave, sign_in, tab_to

pytestmark = pytest.mark.django_db(transaction=True)
SECOND = "A second session of the day"


@pytest.fixture
def admin() -> User:
    """An administrator whose only payer takes 76 for a second session."""
    install_roles()
    organization = make_organization()
    make_policy_version(make_payer(organization, slug="sample", name="Sample Health"), terms={"bid": "76"})
    return make_user(organization, role="admin")


@pytest.fixture
def draft(admin) -> PolicyVersion:
    policy = admin.organization.payers.get().policy
    return draft_version(policy=policy, effective_from=date(2026, 6, 1), by=admin)


@pytest.fixture
def admin_page(page: Page, live_server, admin) -> Iterator[Page]:
    sign_in(page, live_server.url, admin)
    yield page
    leave(page)


@pytest.fixture
def plain_admin_page(browser, browser_context_args, live_server, admin) -> Iterator[Page]:
    """The same in a browser that runs no script."""
    context = browser.new_context(**browser_context_args, java_script_enabled=False)
    page = context.new_page()
    sign_in(page, live_server.url, admin)
    yield page
    context.close()


def back_to(page: Page, target: Locator) -> None:
    """Press Shift and Tab until the target has the focus."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Shift+Tab")
        if target.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"Shift and Tab do not reach {target}")


def go_to_part(page: Page, name: str) -> None:
    """By the contents of the editor to one of its parts."""
    page.locator(".skip-link").focus()
    page.keyboard.press("Enter")
    tab_to(page, page.locator(".editor-contents").get_by_role("link", name=name, exact=True))
    page.keyboard.press("Enter")


def open_term(page: Page) -> Locator:
    """The form of the second session's term, opened by keys; the focus stands on what the payer does."""
    go_to_part(page, "Two sessions in a day")
    term = page.locator("#term-bid")
    tab_to(page, term.get_by_role("link"))
    page.keyboard.press("Enter")
    expect(term.get_by_label("The payer says:")).to_be_focused()
    return term


def save_term(page: Page, term: Locator) -> None:
    tab_to(page, term.get_by_role("button", name="Save"))
    page.keyboard.press("Enter")
    expect(term.get_by_role("link")).to_be_focused()


def test_draft_is_edited_tried_and_proved_by_keys(admin_page: Page, live_server):
    page = admin_page
    page.goto(f"{live_server.url}/policies/sample/")

    tab_to(page, page.get_by_role("link", name="New version"))
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_label("Effective from"))
    page.keyboard.type("06012026")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Draft: Sample Health from 06/01/2026")

    # A term with its source, in its place.
    term = open_term(page)
    tab_to(page, term.get_by_label(SECOND))
    page.keyboard.press("ArrowDown")
    tab_to(page, term.get_by_label("Section"))
    page.keyboard.press("Control+A")
    page.keyboard.type("page 12")
    assert complaints_in_both_themes(page) == []
    save_term(page, term)
    expect(term).to_contain_text("a line of its own with 59")
    expect(term).to_contain_text("page 12")
    expect(page.get_by_role("status")).to_contain_text(f"Saved: {SECOND}.")

    # What that changes, in words.
    back_to(page, page.get_by_role("link", name="Compare with the version in force"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("listitem").filter(has_text=SECOND)).to_have_text(
        f"{SECOND}: a line of its own with 59 instead of a line of its own with 76, or 77 under another physician"
    )
    assert complaints_in_both_themes(page) == []
    page.go_back()

    # A case beside the version in force, kept as an example.
    go_to_part(page, "Try a case")
    case = page.get_by_role("complementary", name="Try a case")
    tab_to(page, case.get_by_label("Session of the day"))
    page.keyboard.press("ArrowDown")
    expect(case).to_contain_text("Say how long after the previous session it started.")
    tab_to(page, case.get_by_label("Minutes since the previous session"))
    page.keyboard.type("480")
    page.keyboard.press("Tab")
    expect(case).to_contain_text("The draft changes the answer.")
    back_to(page, case.get_by_role("link", name="institutional claim"))
    page.keyboard.press("Enter")
    examples = page.get_by_role("region", name="Examples")
    expect(examples.get_by_label("Title")).to_be_focused()
    expect(examples.get_by_label("Expected lines")).to_have_value("77407-59 x1 rev 0333")
    page.keyboard.press("Control+A")
    page.keyboard.type("Second session takes 59")
    assert complaints_in_both_themes(page) == []
    page.keyboard.press("Enter")
    example = examples.get_by_role("article", name="Second session takes 59")
    expect(example).to_contain_text("As expected")

    # The term changes back: the example fails, is named, and keeps the draft from its review.
    term = open_term(page)
    tab_to(page, term.get_by_label(SECOND))
    page.keyboard.press("ArrowUp")
    save_term(page, term)
    expect(example).to_contain_text("Differs")
    expect(example).to_contain_text("77407-76 x1 rev 0333")
    assert complaints_in_both_themes(page) == []
    back_to(page, page.get_by_role("link", name="Check and submit"))
    page.keyboard.press("Enter")
    expect(page.locator(".error-summary")).to_contain_text("Second session takes 59")
    page.go_back()

    # It is mended: the answer is what the payer wants now.
    go_to_part(page, "Examples")
    tab_to(page, example.get_by_role("link", name="Change"))
    page.keyboard.press("Enter")
    expect(examples.get_by_label("Title")).to_be_focused()
    tab_to(page, examples.get_by_label("Expected lines"))
    page.keyboard.press("Control+A")
    page.keyboard.type("77407-76 x1 rev 0333")
    page.keyboard.press("Enter")
    expect(example).to_contain_text("As expected")
    expect(page.get_by_role("status")).to_contain_text("Example saved.")


def test_editor_keeps_what_is_typed_in_one_part_while_another_is_saved(admin_page: Page, live_server, draft):
    page = admin_page
    page.goto(f"{live_server.url}/policy-versions/{draft.pk}/edit/")
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", stay)
    page.get_by_label("Summary").fill("Not saved yet.")
    term = open_term(page)
    save_term(page, term)

    expect(page.get_by_label("Summary")).to_have_value("Not saved yet.")
    page.get_by_role("link", name="Compare with the version in force").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Compare")
    assert asked == ["beforeunload"]


def test_editor_shows_free_text_as_it_is_written(admin_page: Page, live_server, draft):
    page = admin_page
    page.goto(f"{live_server.url}/policy-versions/{draft.pk}/edit/")

    go_to_part(page, "Free text")
    tab_to(page, page.get_by_label("Free text for the guidance page"))
    page.keyboard.type("by **mail** <b>only</b>")

    preview = page.locator("#free-text-preview")
    expect(preview.locator("strong")).to_have_text("mail")
    expect(preview).to_contain_text("<b>only</b>")
    expect(page.get_by_label("Free text for the guidance page")).to_be_focused()
    tab_to(page, page.get_by_role("button", name="Save the text"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Free text saved.")


def test_editor_adds_and_removes_a_statement_in_its_place(admin_page: Page, live_server, draft):
    page = admin_page
    page.goto(f"{live_server.url}/policy-versions/{draft.pk}/edit/")

    go_to_part(page, "Appeals")
    group = page.get_by_role("region", name="Appeals")
    tab_to(page, group.get_by_role("link", name="Add a statement"))
    page.keyboard.press("Enter")
    expect(group.get_by_label("Heading")).to_be_focused()
    tab_to(page, group.get_by_role("button", name="Save"))
    page.keyboard.press("Enter")
    expect(group.locator(".error-summary")).to_be_focused()
    tab_to(page, group.get_by_label("In your own words"))
    page.keyboard.type("Sixty days.")
    tab_to(page, group.get_by_label("Source"))
    page.keyboard.type("Manual")
    page.keyboard.press("Enter")
    expect(group.get_by_text("Sixty days.").first).to_be_visible()
    expect(group.get_by_role("link", name="Add a statement")).to_have_count(1)
    back_to(page, group.get_by_role("button", name="Remove"))
    page.keyboard.press("Enter")

    expect(group).to_contain_text("Add a statement")
    expect(group.locator(".edited-clause")).to_have_count(0)
    expect(group.get_by_role("link", name="Add a statement")).to_be_focused()


def test_draft_is_edited_without_script(plain_admin_page: Page, live_server, draft):
    page = plain_admin_page
    page.goto(f"{live_server.url}/policy-versions/{draft.pk}/edit/")

    page.locator("#term-bid").get_by_role("link").click()
    page.get_by_label(SECOND).select_option("59")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#term-bid")).to_contain_text("a line of its own with 59")
    case = page.get_by_role("complementary", name="Try a case")
    case.get_by_label("Session of the day").select_option("Second")
    case.get_by_label("Minutes since the previous session").fill("480")
    case.get_by_role("button", name="Show the lines").click()
    expect(page.locator("#case-answer")).to_contain_text("The draft changes the answer.")
    page.get_by_role("link", name="professional claim").click()
    page.get_by_label("Title").fill("The guidance of a second session")
    page.get_by_role("button", name="Keep the example").click()
    expect(page.get_by_role("article", name="The guidance of a second session")).to_contain_text("As expected")
