"""A policy's version from its draft to its publication by a second person, by keys, and the pages that follow it."""

import re
from collections.abc import Iterator
from datetime import date

import pytest
from playwright.sync_api import Browser, Page, expect

from payers.draft_services import amend_draft, draft_version, set_term
from payers.models import PayerPolicy, PolicyVersion
from payers.pack_services import install_packs
from payers.policy_files import Clause
from portal.models import Organization, User
from portal.roles import install_roles
from tests.builders import make_organization, make_payer, make_policy_version, make_user
from tests.journeys.browsing import complaints, complaints_in_both_themes, leave, sign_in, tab_to

pytestmark = pytest.mark.django_db(transaction=True)
SECOND = Clause(topic="second_session", summary="A later session is distinct.", title="Provider manual")


@pytest.fixture
def organization() -> Organization:
    """A clinic with the nine payers, where a second person publishes."""
    install_roles()
    organization = make_organization(publishing_needs_second_person=True)
    install_packs(organization=organization, by=None)
    return organization


@pytest.fixture
def author(organization) -> User:
    return make_user(organization, role="admin", first_name="Ada", last_name="Author")


@pytest.fixture
def draft(organization, author) -> PolicyVersion:
    """Aetna from June 2026 with 59 on a second session, and an example that still expects 76."""
    policy = PayerPolicy.objects.get(payer__organization=organization, payer__slug="aetna")
    begun = draft_version(policy=policy, effective_from=date(2026, 6, 1), by=author)
    begun.examples.all().delete()
    set_term(version=begun, key="bid", value="59", clause=SECOND, by=author)
    begun.examples.create(
        title="Second session",
        facts={
            "date_of_service": "2026-06-01",
            "setting": "hospital_on_campus",
            "claim": "institutional",
            "technique": "imrt_complex",
            "diagnoses": "C02.1",
            "session_of_day": "2",
            "minutes_since_previous": "480",
        },
        expected_lines="77407-76 x1 rev 0333",
    )
    return amend_draft(
        version=begun,
        effective_from=begun.effective_from,
        reviewed_on=date(2026, 11, 20),
        summary="A second session takes 59.",
        by=author,
    )


@pytest.fixture
def admin_page(page: Page, live_server, author) -> Iterator[Page]:
    """A browser in which the author, an administrator, has signed in."""
    sign_in(page, live_server.url, author)
    yield page
    leave(page)


@pytest.fixture
def reviewer_page(browser: Browser, browser_context_args, live_server, organization) -> Iterator[Page]:
    """A browser of its own in which a second administrator has signed in."""
    context = browser.new_context(**browser_context_args)
    page = context.new_page()
    reviewer = make_user(organization, role="admin", first_name="Rex", last_name="Reviewer")
    sign_in(page, live_server.url, reviewer)
    yield page
    leave(page)
    context.close()


def press(page: Page, role: str, name: str | re.Pattern[str]) -> None:
    """Go to a link or a button by Tab and press Enter on it."""
    page.locator(".skip-link").focus()
    page.keyboard.press("Enter")
    tab_to(page, page.locator("main").get_by_role(role, name=name, exact=True))
    page.keyboard.press("Enter")


def second_session(page: Page, base: str, day: str) -> str:
    """What the guidance page of Aetna says at a glance of a second session on a day."""
    page.goto(f"{base}/guidance/aetna/?on={day}")
    return page.locator("dt:has-text('Second session') + dd").inner_text()


def test_version_is_proved_reviewed_sent_back_and_published_by_keys(
    admin_page: Page, reviewer_page: Page, live_server, draft
):
    base = live_server.url

    # The author hands it in: a failing example blocks, and is mended.
    admin_page.goto(f"{base}/policy-versions/{draft.pk}/")
    press(admin_page, "link", "Check and submit")
    press(admin_page, "button", "Submit for review")
    expect(admin_page.locator(".error-summary")).to_contain_text(
        "The example “Second session” is answered with 77407-59 x1 rev 0333, not 77407-76 x1 rev 0333."
    )
    assert complaints_in_both_themes(admin_page) == []
    admin_page.goto(f"{base}/policy-examples/{draft.examples.get().pk}/")
    tab_to(admin_page, admin_page.get_by_label("Expected lines"))
    admin_page.keyboard.press("Control+A")
    admin_page.keyboard.type("77407-59 x1 rev 0333")
    admin_page.keyboard.press("Enter")
    expect(admin_page.get_by_role("heading", level=1)).to_contain_text("Draft")
    press(admin_page, "link", "Check and submit")
    press(admin_page, "button", "Submit for review")
    expect(admin_page.get_by_role("status")).to_contain_text("Submitted for review")

    # Its author publishes nothing.
    press(admin_page, "link", "Review and publish")
    press(admin_page, "button", "Publish")
    expect(admin_page.locator(".error-summary")).to_contain_text("A second person publishes in this organization")

    # A second person sees what differs, and sends it back with a reason.
    reviewer_page.goto(base)
    press(reviewer_page, "link", "Aetna")
    expect(reviewer_page.get_by_role("listitem").filter(has_text="A second session of the day")).to_contain_text(
        "A second session of the day: a line of its own with 59, where the payer was silent"
    )
    assert complaints_in_both_themes(reviewer_page) == []
    press(reviewer_page, "button", "Send back to its author")
    expect(reviewer_page.locator(".error-summary")).to_contain_text("What is to change: This field is required.")
    tab_to(reviewer_page, reviewer_page.get_by_label("What is to change"))
    reviewer_page.keyboard.type("Say which plans.")
    press(reviewer_page, "button", "Send back to its author")
    expect(reviewer_page.get_by_role("status")).to_contain_text("Sent back")

    # Its author reads why, and hands it in again.
    admin_page.goto(f"{base}/policy-versions/{draft.pk}/edit/")
    expect(admin_page.get_by_text("Sent back by Rex Reviewer")).to_be_visible()
    expect(admin_page.get_by_text("Say which plans.")).to_be_visible()
    press(admin_page, "link", "Check and submit")
    press(admin_page, "button", "Submit for review")
    expect(admin_page.get_by_role("status")).to_contain_text("Submitted for review")

    # The second person publishes it, and the pages follow it from its day on.
    reviewer_page.goto(f"{base}/policies/aetna/")
    press(reviewer_page, "link", "Review and publish")
    press(reviewer_page, "button", "Publish")
    expect(reviewer_page.get_by_role("status")).to_contain_text("Published.")
    expect(reviewer_page.get_by_text("published by Rex Reviewer")).to_be_visible()
    assert second_session(reviewer_page, base, "2026-05-31") == "77407-76"
    assert second_session(reviewer_page, base, "2026-06-01") == "77407-59"


def test_overdue_review_is_found_and_noted_by_keys(admin_page: Page, live_server, organization):
    page = admin_page
    make_policy_version(make_payer(organization, name="Late Health"), reviewed_on=date(2025, 11, 4))

    page.goto(f"{live_server.url}/policies/")
    press(page, "link", "Reviews overdue (1)")
    expect(page.get_by_role("heading", level=1)).to_have_text("Reviews overdue")
    assert complaints_in_both_themes(page) == []
    press(page, "link", re.compile("Compare again"))
    tab_to(page, page.get_by_label("What you looked at"))
    page.keyboard.type("The manual of May.")
    assert complaints_in_both_themes(page) == []
    press(page, "button", "Compared again: nothing changed")

    expect(page.get_by_role("status")).to_contain_text("was compared again")
    expect(page.get_by_text("Nothing is overdue")).to_be_visible()


def test_case_is_answered_in_place(admin_page: Page, live_server):
    page, base = admin_page, live_server.url

    page.goto(f"{base}/guidance/medicare/?on=2025-12-30&setting=freestanding")
    page.get_by_role("button", name="Show the lines").click()

    expect(page.locator("#case-answer")).to_contain_text("G6015")
    expect(page).to_have_url(re.compile("/guidance/medicare/"))


@pytest.mark.parametrize(
    ("path", "scheme"),
    [
        ("/guidance/cigna/", "light"),
        ("/guidance/cigna/", "dark"),
        ("/codes/77386/", "light"),
        ("/code-transition/", "dark"),
        ("/try-a-case/", "dark"),
        ("/policies/cigna/", "light"),
        ("/policies/cigna/", "dark"),
        ("/overrides/", "light"),
        ("/overrides/", "dark"),
    ],
)
def test_page_is_accessible(admin_page: Page, live_server, path, scheme):
    admin_page.emulate_media(color_scheme=scheme)
    admin_page.goto(f"{live_server.url}{path}")

    assert complaints(admin_page) == []
