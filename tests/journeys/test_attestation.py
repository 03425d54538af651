"""A policy changes: a coder reads what changed, in the session that it rules too, and a manager sees who has."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
from playwright.sync_api import Page, expect

from coding.services import capture_from
from payers.models import Attestation, PolicyVersion
from payers.reading_services import ask_readers, remind
from portal.models import TreatmentSession, User
from portal.roles import install_roles
from tests.builders import (
    make_machine,
    make_organization,
    make_payer,
    make_policy_version,
    make_session,
    make_treated_course,
    make_user,
)
from tests.journeys.browsing import complaints, leave, sign_in, tab_to

pytestmark = pytest.mark.django_db(transaction=True)
ASKED = datetime(2026, 11, 20, 13, tzinfo=UTC)


@pytest.fixture
def clinic():
    """Example Health takes 59 since June 2025, a session of December follows it, and two coders are asked to read."""
    install_roles()
    organization = make_organization()
    make_user(organization, role="coder", username="coder", first_name="Casey", last_name="Coder")
    make_user(organization, role="coder", first_name="Wren", last_name="Waiting")
    payer = make_payer(organization, name="Example Health")
    make_policy_version(payer, terms={"bid": "76"})
    version = make_policy_version(payer, terms={"bid": "59"}, effective_from=date(2025, 6, 1), summary="59 from June.")
    course = make_treated_course(organization, payer=payer)
    session = make_session(course, fraction=1)
    capture_from(patient=course.patient, day=session.date_of_service, by=None)
    ask_readers(version=version, at=ASKED)
    return organization


@pytest.fixture
def coder(clinic) -> User:
    return User.objects.get(username="coder")


@pytest.fixture
def manager(clinic) -> User:
    return make_user(clinic, role="manager", first_name="Morgan", last_name="Manager")


@pytest.fixture
def manager_page(page: Page, live_server, manager) -> Iterator[Page]:
    sign_in(page, live_server.url, manager)
    yield page
    leave(page)


def test_coder_reads_what_changed_from_the_home_page(coder_page: Page, coder: User, manager: User):
    page = coder_page
    version = PolicyVersion.objects.get(effective_from=date(2025, 6, 1))
    remind(attestations=Attestation.objects.filter(user=coder), version=version, at=ASKED, by=manager)

    tab_to(page, page.locator("#main").get_by_role("link", name="Policy changes to read"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Example Health")).to_contain_text("a line of its own with 59")
    expect(page.get_by_text("Morgan Manager reminded you on 11/20/2026.")).to_be_visible()
    tab_to(page, page.get_by_role("button", name="I have read it"))
    page.keyboard.press("Enter")

    expect(page.get_by_role("status")).to_contain_text("Read: Example Health from 06/01/2025.")
    expect(page.get_by_role("heading", name="Nothing to read")).to_be_visible()
    assert coder.attestations.get().attested_at is not None


def test_coder_meets_what_changed_in_the_session_that_it_rules(coder_page: Page, live_server, coder: User):
    page = coder_page

    page.goto(f"{live_server.url}/sessions/{TreatmentSession.objects.get().pk}/")
    notice = page.get_by_role("region", name="Example Health changed what applies here")
    expect(notice).to_contain_text("a line of its own with 59")
    tab_to(page, page.get_by_role("button", name="I have read it"))
    page.keyboard.press("Enter")

    expect(
        page.locator(".notice", has_text="You have read what changed: Example Health from 06/01/2025.")
    ).to_be_focused()
    expect(page.get_by_role("button", name="I have read it")).to_have_count(0)
    assert coder.attestations.get().attested_at is not None


def test_coder_meets_what_changed_over_the_day_sheet(coder_page: Page, live_server, coder: User):
    page = coder_page
    session = TreatmentSession.objects.get()
    machine = make_machine(session.department)
    TreatmentSession.objects.update(machine=machine)

    page.goto(f"{live_server.url}/day-sheets/?machine={machine.pk}&date=2025-12-03")
    tab_to(page, page.locator("summary", has_text="Example Health changed what applies"))
    page.keyboard.press("Enter")
    expect(page.get_by_text("a line of its own with 59")).to_be_visible()
    tab_to(page, page.get_by_role("button", name="I have read it"))
    page.keyboard.press("Enter")

    expect(page.locator(".notice", has_text="You have read what changed")).to_be_focused()
    assert coder.attestations.get().attested_at is not None


def test_coder_reads_in_the_session_without_script(plain_page: Page, live_server, coder: User):
    page = plain_page
    address = f"{live_server.url}/sessions/{TreatmentSession.objects.get().pk}/"

    page.goto(address)
    page.get_by_role("link", name="Read what changed").press("Enter")
    expect(page.get_by_text("a line of its own with 59")).to_be_visible()
    page.goto(address)
    page.get_by_role("button", name="I have read it").press("Enter")

    expect(page).to_have_url(address)
    expect(page.get_by_text("Example Health changed what applies here")).to_have_count(0)
    assert coder.attestations.get().attested_at is not None


def test_manager_sees_who_has_not_read_and_reminds_one(manager_page: Page, live_server, manager: User):
    page = manager_page

    page.goto(f"{live_server.url}/readers/")
    tab_to(page, page.get_by_role("link", name="Example Health from 06/01/2025"))
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_role("button", name="Remind Wren Waiting"))
    page.keyboard.press("Enter")

    expect(page.get_by_role("status")).to_contain_text("1 person was reminded.")
    expect(page.get_by_role("row", name="Wren Waiting")).to_contain_text("by Morgan Manager")
    assert Attestation.objects.get(user__last_name="Waiting").reminded_by == manager
    assert Attestation.objects.get(user__last_name="Coder").reminded_at is None


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_of_reading_are_accessible(manager_page: Page, live_server, manager: User, scheme):
    page = manager_page
    version = PolicyVersion.objects.get(effective_from=date(2025, 6, 1))
    ask_readers(version=version, at=ASKED)
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    places = ["to-read/", "readers/", f"readers/{version.pk}/", f"sessions/{TreatmentSession.objects.get().pk}/"]

    found = {place: complaints_at(page, f"{live_server.url}/{place}") for place in places}

    assert {place: wrong for place, wrong in found.items() if wrong} == {}


def complaints_at(page: Page, address: str) -> list[str]:
    page.goto(address)
    page.wait_for_load_state("networkidle")
    return complaints(page)
