"""What a draft would change, by keys: previewed, watched, cancelled, read to a session; and captured again."""

import csv
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from coding.impact_services import run_preview
from coding.jobs import KINDS
from coding.models import ChargeLine, RecaptureItem
from coding.recapture_services import ask_capture_again, list_recapture
from coding.services import capture_from, mark_exported
from payers.models import Payer, PolicyVersion, VersionStatus
from portal.models import Job, User
from portal.roles import install_roles
from portal.services.jobs import work_off
from tests.builders import make_organization, make_policy_version, make_session, make_treated_course, make_user
from tests.journeys.browsing import complaints_in_both_themes, leave, sign_in, tab_to

pytestmark = pytest.mark.django_db(transaction=True)
FIRST = date(2026, 11, 1)


@pytest.fixture
def clinic():
    """Three twice-treated days of a month, one second session already exported; a draft from that month on says 59."""
    install_roles()
    organization = make_organization()
    admin = make_user(organization, role="admin", username="admin", first_name="Ada", last_name="Lowell")
    course = make_treated_course(organization)
    course.prescriptions.update(sessions_a_day=2)
    for number, (day, hour) in enumerate([(d, h) for d in (3, 4, 5) for h in (14, 21)], start=1):
        make_session(course, fraction=number, started_at=datetime(2026, 11, day, hour, tzinfo=UTC))
    capture_from(patient=course.patient, day=FIRST, by=admin)
    sent = ChargeLine.objects.filter(modifiers=["76"], role="delivery", date_of_service=date(2026, 11, 3))
    mark_exported(lines=sent, by=admin)
    make_policy_version(Payer.objects.get(), terms={"bid": "59"}, publish=False, effective_from=FIRST)
    return organization


@pytest.fixture
def admin(clinic) -> User:
    return User.objects.get(username="admin")


@pytest.fixture
def draft(clinic) -> PolicyVersion:
    return PolicyVersion.objects.unpublished().get()


@pytest.fixture
def admin_page(page: Page, live_server, admin) -> Iterator[Page]:
    sign_in(page, live_server.url, admin)
    yield page
    leave(page)


@pytest.fixture
def published(draft, admin) -> PolicyVersion:
    """The draft, published, and its sessions listed."""
    draft.status, draft.submitted_at = VersionStatus.IN_REVIEW, timezone.now()
    draft.save()
    draft.status, draft.published_at = VersionStatus.PUBLISHED, timezone.now()
    draft.save()
    list_recapture(version=draft, by=admin)
    work_off(kinds=KINDS)
    return draft


def press(page: Page, role: str, name: str) -> None:
    """Go to a link or a button of the page by Tab, and press Enter on it."""
    tab_to(page, page.get_by_role("main").get_by_role(role, name=name, exact=True).first)
    page.keyboard.press("Enter")


def start_preview(page: Page, base: str, draft: PolicyVersion) -> None:
    page.goto(f"{base}/policy-versions/{draft.pk}/")
    press(page, "link", "What it would change")
    press(page, "button", "Start the preview")
    expect(page.get_by_role("heading", name="Waiting for a worker")).to_be_visible()


def test_preview_is_watched_until_it_is_done(admin_page: Page, live_server, draft) -> None:
    start_preview(admin_page, live_server.url, draft)

    def watched(job, progress) -> None:
        def tell_and_look(done: int, total: int) -> None:
            progress(done, total)
            expect(admin_page.get_by_text("1 of 1 patients")).to_be_visible()

        tell_and_look.hold = progress.hold
        run_preview(job, tell_and_look)

    work_off(kinds={"preview_policy": watched})

    expect(admin_page.locator("#live")).to_have_text("The preview is done: 3 sessions would change.")
    expect(admin_page.locator(".stat", has_text="sessions ruled on again")).to_contain_text("6")
    expect(admin_page.locator(".stat", has_text="exported lines would need a correction")).to_contain_text("1")
    assert complaints_in_both_themes(admin_page) == []


def test_preview_that_no_worker_hears_says_so(admin_page: Page, live_server, draft) -> None:
    start_preview(admin_page, live_server.url, draft)

    Job.objects.update(asked_at=timezone.now() - timedelta(seconds=30))

    expect(admin_page.get_by_text("No worker is heard")).to_be_visible()
    assert complaints_in_both_themes(admin_page) == []


def test_preview_is_cancelled_by_keys(admin_page: Page, live_server, draft) -> None:
    start_preview(admin_page, live_server.url, draft)

    press(admin_page, "button", "Cancel the preview")

    expect(admin_page.get_by_text("The preview was cancelled. It left nothing behind.")).to_be_visible()
    expect(admin_page.get_by_role("button", name="Start the preview")).to_be_visible()


def test_preview_is_read_from_a_kind_to_both_traces(admin_page: Page, live_server, draft) -> None:
    start_preview(admin_page, live_server.url, draft)
    work_off(kinds=KINDS)
    expect(admin_page.get_by_role("heading", name="Kinds of change")).to_be_visible()

    press(admin_page, "link", "3 sessions")
    expect(admin_page.get_by_role("heading", name="Sessions of the chosen kind")).to_be_visible()
    tab_to(admin_page, admin_page.get_by_role("link", name="Both traces").last)
    admin_page.keyboard.press("Enter")

    expect(admin_page.get_by_role("heading", level=1)).to_have_text("Session of 11/03/2026, before and after")
    expect(admin_page.locator(".impact-differs").first).to_contain_text("59")
    assert complaints_in_both_themes(admin_page) == []


def test_file_of_the_preview_has_as_many_rows_as_it_counts(admin_page: Page, live_server, draft) -> None:
    start_preview(admin_page, live_server.url, draft)
    work_off(kinds=KINDS)
    expect(admin_page.locator(".stat", has_text="would change").first).to_contain_text("3")

    with admin_page.expect_download() as download:
        press(admin_page, "link", "CSV")

    rows = list(csv.reader(Path(download.value.path()).read_text("utf-8-sig").splitlines()))
    assert len(rows) == 1 + 3


def test_preview_works_without_script(plain_admin_page: Page, live_server, draft) -> None:
    plain_admin_page.goto(f"{live_server.url}/policy-versions/{draft.pk}/impact/")
    plain_admin_page.get_by_role("button", name="Start the preview").click()
    work_off(kinds=KINDS)

    plain_admin_page.get_by_role("link", name="Look again").click()

    expect(plain_admin_page.locator(".stat", has_text="would change").first).to_contain_text("3")


@pytest.fixture
def plain_admin_page(browser, browser_context_args, live_server, admin) -> Iterator[Page]:
    context = browser.new_context(**browser_context_args, java_script_enabled=False)
    page = context.new_page()
    sign_in(page, live_server.url, admin)
    yield page
    context.close()


def test_sessions_are_captured_again_by_keys(coder_page: Page, live_server, published) -> None:
    coder_page.goto(f"{live_server.url}/capture-again/")
    keyboard = coder_page.keyboard
    expect(coder_page.locator("tr[data-row]")).to_have_count(3)
    assert complaints_in_both_themes(coder_page) == []

    for key in ("j", "j", "j", "x", "a"):
        keyboard.press(key)
    expect(coder_page.locator("#why-panel")).to_contain_text("1 exported line stays as it was sent")
    assert complaints_in_both_themes(coder_page) == []
    keyboard.press("Control+Enter")

    expect(coder_page.locator("#why-panel")).to_contain_text("1 session captured again.")
    expect(coder_page.locator("tr[data-row]").last).to_contain_text("Captured again")
    day = ChargeLine.objects.standing().filter(date_of_service=date(2026, 11, 3), role="delivery")
    assert sorted(f"{line} {line.state}" for line in day if line.modifiers) == [
        f"{day.get(modifiers=['59'])} draft",
        f"{day.get(modifiers=['76'])} exported",
    ]


def test_session_is_kept_for_a_reason_and_taken_back(coder_page: Page, live_server, published) -> None:
    coder_page.goto(f"{live_server.url}/capture-again/")
    keyboard = coder_page.keyboard
    for key in ("j", "x", "e"):
        keyboard.press(key)
    expect(coder_page.get_by_label("Reason")).to_be_focused()
    keyboard.press("Control+Enter")
    expect(coder_page.locator("#why-panel .error-summary")).to_contain_text("Say why")

    coder_page.get_by_label("Reason").focus()
    keyboard.type("Agreed by letter of November 2")
    keyboard.press("Control+Enter")
    expect(coder_page.locator("tr[data-row]").first).to_contain_text("Kept as it was: Agreed by letter of November 2")
    kept = RecaptureItem.objects.exclude(reason="").count()
    keyboard.press("u")

    expect(coder_page.locator("tr[data-row]").first).not_to_contain_text("Kept as it was")
    assert (kept, RecaptureItem.objects.open().count()) == (1, 3)


def test_sessions_are_captured_again_without_script(plain_page: Page, live_server, published) -> None:
    plain_page.goto(f"{live_server.url}/capture-again/")

    plain_page.locator("input[name=item]").first.check()
    plain_page.get_by_role("button", name="Capture again").click()
    plain_page.get_by_role("button", name="Capture 1 session again").click()

    expect(plain_page.get_by_text("1 session captured again.")).to_be_visible()
    expect(plain_page.locator("tr[data-row]")).to_have_count(2)


def test_work_on_the_list_is_watched_until_it_is_done(coder_page: Page, live_server, published, admin) -> None:
    ask_capture_again(items=RecaptureItem.objects.all(), by=admin)
    coder_page.goto(f"{live_server.url}/capture-again/")
    expect(coder_page.locator("#recapture-jobs")).to_contain_text("3 sessions are being captured again")
    assert complaints_in_both_themes(coder_page) == []

    work_off(kinds=KINDS)

    expect(coder_page.locator("#live")).to_contain_text("The work is done.")
    press(coder_page, "link", "Show the list as it is now")
    expect(coder_page.get_by_text("Nothing waits to be captured again")).to_be_visible()
