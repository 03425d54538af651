"""A manager guards the highest level by keys: from a share to its checklists, and a course as if audited today."""

from datetime import datetime, time, timedelta

import pytest
from playwright.sync_api import Page, expect

from coding.services import capture_from
from portal import clock
from portal.roles import install_roles
from tests.builders import make_machine, make_organization, make_session, make_treated_course, make_user
from tests.journeys.browsing import complaints_in_both_themes, go, rows, tab_to, title

pytestmark = pytest.mark.django_db(transaction=True)
HIGHEST = "77412"


@pytest.fixture
def clinic():
    """On one machine twenty sessions, twelve of the highest level; of those one course lacks its documentation."""
    install_roles()
    organization = make_organization()
    plain = make_treated_course(organization)
    machine = make_machine(plain.department, name="Borealis")
    treat(plain, machine, sessions=8)
    documented = make_treated_course(organization, department=plain.department)
    documented.prescriptions.update(motion_management="active", motion_documentation="Breath hold, each fraction.")
    treat(documented, machine, sessions=10)
    bare = make_treated_course(organization, department=plain.department)
    bare.prescriptions.update(motion_management="active")
    treat(bare, machine, sessions=2)
    return organization


def treat(course, machine, *, sessions: int) -> None:
    first = clock.today(course.department.zone).replace(day=1)
    for number in range(sessions):
        at = datetime.combine(first + timedelta(days=number), time(9), course.department.zone)
        make_session(course, started_at=at, fraction=number + 1, machine=machine)
    capture_from(patient=course.patient, day=first, by=None)


@pytest.fixture
def coder(clinic):
    """Who signs in here is a manager."""
    return make_user(clinic, role="manager", username="manager")


@pytest.fixture
def manager_page(coder_page: Page) -> Page:
    coder_page.set_viewport_size({"width": 1440, "height": 900})
    coder_page.emulate_media(reduced_motion="reduce")
    return coder_page


def test_manager_opens_the_mix_its_checklists_and_a_course_to_be_audited(manager_page: Page) -> None:
    page = manager_page

    go(page, page.get_by_role("navigation", name="Main").get_by_role("link", name="Level 3 guard"))
    expect(title(page)).to_have_text("Level 3 guard")
    expect(page.get_by_text("There is no national band.")).to_be_visible()
    expect(page.get_by_role("table").get_by_role("row")).to_have_count(5)
    assert complaints_in_both_themes(page) == []

    tab_to(page, page.get_by_label("By", exact=True))
    page.keyboard.type("Machine")
    go(page, page.get_by_role("button", name="Filter"))
    of_machine = page.get_by_role("row", name="Borealis")
    expect(of_machine).to_contain_text("60.0 %")
    expect(of_machine).to_contain_text("in the band")

    go(page, of_machine.get_by_role("link", name="12"))
    expect(page.get_by_role("link", name="Checklists")).to_have_attribute("aria-current", "page")
    expect(rows(page)).to_have_count(12)
    assert complaints_in_both_themes(page) == []

    tab_to(page, page.get_by_label("Evidence"))
    page.keyboard.type("Something")
    go(page, page.get_by_role("button", name="Filter"))
    expect(rows(page)).to_have_count(2)
    expect(rows(page).first).to_contain_text("Motion management documented: missing")

    go(page, rows(page).first.locator("a[data-line]"))
    expect(page.get_by_role("complementary", name="Why this charge line?")).to_contain_text(HIGHEST)

    go(page, rows(page).first.get_by_role("link", name="If audited today"))
    expect(title(page)).to_have_text("If audited today")
    expect(page.locator(".audit-gaps")).to_contain_text("Motion management documented: 2 sessions")
    expect(page.get_by_role("article")).to_have_count(2)
    first = page.get_by_role("article").first
    expect(first).to_contain_text("Active motion management, level 3")
    expect(first).to_contain_text("Claim form: institutional")
    assert complaints_in_both_themes(page) == []
    page.emulate_media(media="print")
    expect(first).to_contain_text("Prescription signed")
    expect(page.get_by_role("navigation", name="Main")).to_be_hidden()
    expect(page.get_by_role("button", name="Print")).to_be_hidden()
    page.emulate_media(media="screen")

    go(page, first.get_by_role("link", name="Why").first)
    expect(title(page)).to_contain_text("Why")


def test_guard_is_read_without_script(plain_page: Page, live_server, clinic) -> None:
    page = plain_page

    page.goto(f"{live_server.url}/level-guard/")
    page.get_by_label("By", exact=True).select_option("Machine")
    page.get_by_role("button", name="Filter").click()
    page.get_by_role("row", name="Borealis").get_by_role("link", name="8").click()

    expect(page.get_by_label("Code", exact=True)).to_have_value("77407")
    expect(rows(page)).to_have_count(8)
