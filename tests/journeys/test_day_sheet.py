"""Two coders enter a machine's day by keys on one sheet: nothing is lost, and every step can be taken back."""

import re
from datetime import date, time

import pytest
from playwright.sync_api import Page, expect

from portal.models import Course, TreatmentSession
from portal.presenters.day_sheet import sheet_url
from portal.roles import install_roles
from portal.services.day_sheets import Outcome, day_rows
from tests.builders import (
    make_department,
    make_machine,
    make_organization,
    make_scheduled_fraction,
    make_treated_course,
    make_user,
)
from tests.journeys.browsing import CountedKeyboard, complaints, leave, sign_in

pytestmark = pytest.mark.django_db(transaction=True)
DAY = date(2026, 11, 23)
MOST_KEYS, MOST_SECONDS = 70, 90
# The sheet asks for the rows of others every ten seconds.
UNTIL_OTHERS_ARE_SEEN = 25_000


@pytest.fixture
def clinic():
    install_roles()
    return make_organization()


@pytest.fixture
def machine(clinic):
    return make_machine(make_department(clinic))


@pytest.fixture
def second_page(browser, browser_context_args, live_server, clinic):
    """Another coder's own browser."""
    context = browser.new_context(**browser_context_args)
    page = context.new_page()
    sign_in(page, live_server.url, make_user(clinic, role="coder", first_name="Dana", last_name="Whitfield"))
    yield page
    leave(page)
    context.close()


def planned(machine, rows: int) -> list[Course]:
    courses = [make_treated_course(machine.department.organization, department=machine.department) for _ in range(rows)]
    for place, course in enumerate(courses):
        at = time(7 + place // 6, place % 6 * 10)
        make_scheduled_fraction(course.prescriptions.get(), machine=machine, planned_on=DAY, planned_time=at)
    return courses


def open_sheet(page: Page, base: str, machine, *, row: int) -> None:
    """The sheet, with the focus in the outcome of a row."""
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"{base}{sheet_url(machine, DAY)}")
    page.locator("tr[data-row] select").nth(row * 3).focus()


def outcomes(machine) -> list[Outcome | None]:
    return [row.outcome for row in day_rows(machine=machine, day=DAY)]


def test_day_of_thirty_patients_is_entered_within_the_budget(coder_page: Page, live_server, machine) -> None:
    planned(machine, 30)
    open_sheet(coder_page, live_server.url, machine, row=0)
    keys = CountedKeyboard(coder_page)
    entered = coder_page.locator("tr.row-entered")

    for place in range(26):
        keys.decide()
        keys.press("Enter")
        expect(entered).to_have_count(place + 1)
    for place, pressed in enumerate([("m", "1"), ("p",), ("i",)], start=27):
        keys.decide()
        keys.press(*pressed)
        expect(entered).to_have_count(place)
    keys.decide()
    keys.press("b")
    keys.type("205p")
    keys.press("Enter")
    expect(entered).to_have_count(30)

    assert outcomes(machine) == [Outcome.TREATED] * 26 + [
        Outcome.MISSED,
        Outcome.PARTIAL,
        Outcome.INPATIENT,
        Outcome.TWICE,
    ]
    assert (keys.keys <= MOST_KEYS, keys.seconds <= MOST_SECONDS) == (True, True)


def test_step_is_taken_back_by_a_key(coder_page: Page, live_server, machine) -> None:
    planned(machine, 2)
    open_sheet(coder_page, live_server.url, machine, row=0)
    tab = coder_page.locator("#tab-entered")
    coder_page.keyboard.press("Enter")
    expect(coder_page.locator("tr.row-entered")).to_have_count(1)
    expect(tab).to_have_text("1")

    coder_page.keyboard.press("Control+z")

    expect(coder_page.locator("tr.row-entered")).to_have_count(0)
    expect(tab).to_have_text("0")
    assert outcomes(machine) == [None, None]


def test_two_coders_on_one_sheet_lose_nothing(coder_page: Page, second_page: Page, live_server, machine) -> None:
    planned(machine, 3)
    open_sheet(coder_page, live_server.url, machine, row=0)
    open_sheet(second_page, live_server.url, machine, row=1)

    second_page.keyboard.press("Enter")
    expect(second_page.locator("tr.row-entered")).to_have_count(1)
    coder_page.keyboard.press("Enter")
    expect(coder_page.locator("tr[data-row]").nth(0)).to_have_class("row-entered")
    expect(coder_page.locator("tr.row-entered")).to_have_count(2, timeout=UNTIL_OTHERS_ARE_SEEN)

    assert outcomes(machine) == [Outcome.TREATED, Outcome.TREATED, None]


def test_second_coder_on_a_row_sees_both_values_and_keeps_what_was_typed(
    coder_page: Page, second_page: Page, live_server, machine
) -> None:
    planned(machine, 1)
    open_sheet(coder_page, live_server.url, machine, row=0)
    open_sheet(second_page, live_server.url, machine, row=0)
    second_page.keyboard.press("Enter")
    expect(second_page.locator("tr.row-entered")).to_have_count(1)

    coder_page.keyboard.press("p")
    coder_page.keyboard.press("Enter")

    row = coder_page.locator("tr[data-row]")
    expect(row).to_have_class("row-failed row-conflict row-typed row-entered")
    expect(row).to_contain_text("Dana Whitfield")
    assert (outcomes(machine), TreatmentSession.objects.count()) == ([Outcome.TREATED], 1)

    coder_page.keyboard.press("k")

    expect(row).to_have_class(re.compile(r"^(?!.*row-(failed|typed|saving)).*row-entered"))
    expect(row.locator("select").first).to_have_value("partial")
    assert outcomes(machine) == [Outcome.PARTIAL]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_day_sheet_is_accessible(coder_page: Page, live_server, machine, scheme) -> None:
    planned(machine, 3)
    coder_page.emulate_media(color_scheme=scheme)
    open_sheet(coder_page, live_server.url, machine, row=0)
    coder_page.keyboard.press("Enter")
    expect(coder_page.locator("tr.row-entered")).to_have_count(1)

    assert complaints(coder_page) == []
