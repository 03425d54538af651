"""Server time, queries and size of pages, each beside the sign-in page, all in one run of one server.

Signing in itself, which takes a password, is measured too: it is what a person waits for before any page.
"""

import statistics
from collections.abc import Callable

from demo_server import HOST, Page, ask, served, session_of
from django.conf import settings
from django.db import connection
from django.test import Client
from django.urls import reverse

from coding.demo_day import EXAMPLES, FULL_MACHINE, PATIENTS_OF_FULL_MACHINE
from portal.models import Course, Machine, SessionCandidate

RUNS = 20
WARMING = 5
MOST_TIMES_SIGN_IN = 5
MOST_BYTES = 200_000


def pages() -> list[Page]:
    """The sign-in page first, then the pages of a coder's day."""
    machine = Machine.objects.get(name=FULL_MACHINE)
    to_enter = (
        SessionCandidate.objects.open().filter(machine_name=machine.source_name).earliest("started_at").started_at
    )
    entered = machine.sessions.filter(date_of_service__lt=to_enter.date()).latest("date_of_service").date_of_service
    sheet = f"{reverse('day-sheet')}?machine={machine.pk}&date="
    course = Course.objects.get(account_number=EXAMPLES[1].account)
    password = {"username": "coder", "password": settings.DEMO_PASSWORD}
    return [
        Page("sign-in", reverse("sign-in"), is_signed_in=False),
        Page("signing in", reverse("sign-in"), posted=tuple(password.items()), is_signed_in=False),
        Page(f"day sheet: {PATIENTS_OF_FULL_MACHINE} patients", f"{sheet}{to_enter:%m/%d/%Y}"),
        Page("day sheet, entered", f"{sheet}{entered:%m/%d/%Y}"),
        Page("course", reverse("course-detail", args=[course.pk])),
        Page("charge review", reverse("charge-review")),
        Page("holds", reverse("hold-list")),
        Page("command bar", reverse("search"), posted=(("q", "ald"),)),
    ]


def main() -> int:
    """Print a line a page; 1 where the day sheet is too large or too slow."""
    asked = pages()
    queries = {page.name: queries_of(page) for page in asked}
    cookie = session_of("coder")
    with served() as port:
        times: dict[str, list[float]] = {page.name: [] for page in asked}
        sizes: dict[str, int] = {}
        for run in range(WARMING + RUNS):
            # In turns, so that a busy moment of the machine falls on every page alike.
            for page in asked:
                took, content = ask(port, page, cookie)
                sizes[page.name] = len(content)
                if run >= WARMING:
                    times[page.name].append(took)
    median = {name: statistics.median(took) for name, took in times.items()}
    for page in asked:
        ratio = median[page.name] / median["sign-in"]
        print(
            f"{page.name}, {sizes[page.name]} bytes, {queries[page.name]} queries, "
            f"{median[page.name]:.1f} ms, {ratio:.1f} x sign-in"
        )
    sheets = [page.name for page in asked if page.name.startswith("day sheet")]
    is_light = all(
        sizes[sheet] < MOST_BYTES and median[sheet] <= MOST_TIMES_SIGN_IN * median["sign-in"] for sheet in sheets
    )
    return 0 if is_light else 1


def queries_of(page: Page, username: str = "coder") -> int:
    """How many queries the page asks once it is warm."""
    client = Client(HTTP_HOST=HOST)
    if page.is_signed_in:
        client.cookies[settings.SESSION_COOKIE_NAME] = session_of(username)
    asked: list[str] = []

    def ask_once() -> None:
        if page.posted:
            client.post(page.path, dict(page.posted), headers={"hx-request": "true"})
        else:
            client.get(page.path)

    def note(execute: Callable, sql: str, params: object, many: bool, context: object) -> object:
        asked.append(sql)
        return execute(sql, params, many, context)

    ask_once()
    with connection.execute_wrapper(note):
        ask_once()
    return len(asked)


if __name__ == "__main__":
    raise SystemExit(main())
