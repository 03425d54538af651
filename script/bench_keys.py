"""A person's keys and seconds for the two longest tasks of a coder: a machine's day, and planning a course.

The hand takes 0.28 s a key and the head 1.2 s a decision; both are counted, not waited for. What the person waits for
the portal is measured as it happens. Keyboard alone.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlencode

from demo_server import HOST, QUIET, served, session_of
from django.conf import settings
from django.urls import reverse
from playwright.sync_api import Page, expect, sync_playwright

from coding.demo_day import EXCEPTIONS, MACHINE_TO_ENTER, PATIENTS_TO_ENTER, READY_FOR_A_PATTERN
from coding.models import ChargeLine
from portal.models import Course, Machine, SessionCandidate
from portal.services.day_sheets import DayRow, day_rows

SECONDS_A_KEY, SECONDS_A_DECISION = 0.28, 1.2
FRACTIONS = 35
ENTERED = "[data-day-sheet] tr.row-entered"
ROW_IN_FOCUS = "[data-day-sheet] tr[data-row]:focus-within"
OPEN_ROW_IN_FOCUS = f"{ROW_IN_FOCUS}:not(.row-entered)"
LEAST_AT_ONCE = 24
# What a person presses on a row by what happened to the patient; most were treated as planned.
KEYS_OF = {
    None: ("Enter",),
    "twice": ("b",),
    "missed": ("m", "1"),
    "partial": ("p",),
    "inpatient": ("i",),
}


class Person:
    """Somebody at a keyboard: keys and decisions are counted, waiting is measured."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.keys = self.decisions = 0
        self.waited = 0.0

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
        self.keys += len(keys)

    def decide(self, typed: str = "") -> None:
        """Think once, and type what was decided."""
        self.decisions += 1
        self.page.keyboard.type(typed)
        self.keys += len(typed)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.waited += time.perf_counter() - began

    @property
    def seconds(self) -> float:
        return self.keys * SECONDS_A_KEY + self.decisions * SECONDS_A_DECISION + self.waited


def main() -> None:
    """Do both tasks and print what they took."""
    cookie = {"name": settings.SESSION_COOKIE_NAME, "value": session_of("coder"), "domain": HOST, "path": "/"}
    with served() as port, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ["BEAMLEDGER_CHROMIUM"], args=QUIET)
        context = browser.new_context(base_url=f"http://{HOST}:{port}", viewport={"width": 1440, "height": 900})
        context.add_cookies([cookie])
        for name, task in (("day sheet", enter_day), ("course", plan_course)):
            person = Person(context.new_page())
            task(person)
            print(f"{name}: {person.keys} keys, {person.seconds:.1f} s", flush=True)
        browser.close()


def enter_day(person: Person) -> None:
    """A day of thirty patients to its end: those that agree with the log at once, the others row by row."""
    page = person.page
    machine = Machine.objects.get(name=MACHINE_TO_ENTER)
    logged = SessionCandidate.objects.open().filter(machine_name=machine.source_name)
    day = logged.earliest("started_at").started_at.date()
    told = {row.course.pk: EXCEPTIONS.get(row.planned[0].planned_time) for row in day_rows(machine=machine, day=day)}
    page.goto(f"{reverse('day-sheet')}?{urlencode({'machine': machine.pk, 'date': f'{day:%m/%d/%Y}'})}")
    person.decide()
    person.press("Control+Enter")
    with person.waiting():
        expect(page.locator(ENTERED).nth(LEAST_AT_ONCE - 1)).to_be_attached()
        expect(page.locator(ROW_IN_FOCUS)).to_have_count(1)
    if page.locator(OPEN_ROW_IN_FOCUS).count() == 0:
        # On a row that is entered, Enter goes on to the next open one.
        person.press("Enter")
    for _ in range(PATIENTS_TO_ENTER - page.locator(ENTERED).count()):
        with person.waiting():
            expect(page.locator(OPEN_ROW_IN_FOCUS)).to_have_count(1)
        course = int(page.locator(OPEN_ROW_IN_FOCUS).get_attribute("data-row"))
        person.decide()
        person.press(*KEYS_OF[told[course]])
    with person.waiting():
        expect(page.locator(ENTERED)).to_have_count(PATIENTS_TO_ENTER)
    verify_day(day_rows(machine=machine, day=day), told)


def verify_day(rows: list[DayRow], told: dict[int, str | None]) -> None:
    """See in the database that every row is entered as it was told, and that every session has its line."""
    entered = sum(row.is_entered for row in rows)
    require(entered == PATIENTS_TO_ENTER, f"{entered} rows are entered, not {PATIENTS_TO_ENTER}")
    wrong = [row.course for row in rows if row.outcome != (told[row.course.pk] or "treated")]
    require(not wrong, f"{wrong} are entered otherwise than told")
    sessions = [session.pk for row in rows for session in row.sessions]
    charged = ChargeLine.objects.live().filter(session__in=sessions).values("session").distinct().count()
    require(charged == len(sessions), f"{charged} of {len(sessions)} sessions have a line")


def plan_course(person: Person) -> None:
    """From the course page to 35 planned fractions over the turn of the year, with a break and two double days."""
    page = person.page
    course = Course.objects.get(account_number=READY_FOR_A_PATTERN.account)
    page.goto(reverse("course-detail", args=[course.pk]))
    person.decide("f")
    with person.waiting():
        expect(page.get_by_role("textbox", name="First day")).to_be_focused()
    person.decide("120125")
    person.press("Tab", "Tab")
    person.decide("740")
    person.press("Tab")
    person.decide("12/16")
    person.press("Tab")
    person.decide("12/19,1/9")
    person.press("Tab")
    person.decide("205p")
    with person.waiting():
        expect(page.locator(".pattern-sentence")).to_contain_text(f"{FRACTIONS} fractions, 12/01/2025 to 01/20/2026")
    person.decide()
    person.press("Enter")
    with person.waiting():
        expect(page.get_by_role("status").first).to_contain_text(f"{FRACTIONS} fractions planned.")
    planned = course.prescriptions.get().scheduled_fractions.count()
    require(planned == FRACTIONS, f"{planned} fractions are planned, not {FRACTIONS}")


def require(is_so: bool, otherwise: str) -> None:
    """End the run where the portal did not do what the keys were to do."""
    if not is_so:
        raise SystemExit(f"The benchmark is void: {otherwise}.")


if __name__ == "__main__":
    main()
