"""The lists of work at a million lines beside the demo's ten thousand.

Charge review: the first page, the fiftieth, and held lines. Holds: the first page. The numbers on the tabs of a list
come after its page and are measured apart.
"""

import contextlib
import html
import os
import re
import statistics
from collections import defaultdict
from collections.abc import Iterator
from urllib.parse import urlsplit

from demo_server import Page, ask, served, session_of
from django.db import connection
from django.urls import reverse
from row_copies import copy_rows, unguarded

from coding.models import ChargeLine, SessionHold, SessionRuling
from portal.models import TreatmentSession
from portal.presenters.saved_views import TABS

LINES = 1_000_000
RUNS = 20
WARMING = 3
FAR_PAGE = 50
OLDER = re.compile(r'href="(\?[^"]*older=[^"]*)"')
# Copies of a session lie a day apart, so that the lines spread over the years as they would.
SOURCE = """
    CREATE TEMPORARY TABLE source AS
    SELECT session.id AS session, ruling.id AS ruling, row_number() OVER (ORDER BY session.id) - 1 AS place
    FROM portal_treatmentsession session JOIN coding_sessionruling ruling ON ruling.session_id = session.id
    WHERE ruling.is_current AND session.voided_at IS NULL
"""
COPIES = """
    CREATE TEMPORARY TABLE copy AS
    SELECT source.session AS old_session, source.ruling AS old_ruling, (number / size.sessions)::integer AS days,
           nextval(pg_get_serial_sequence('portal_treatmentsession', 'id')) AS session,
           nextval(pg_get_serial_sequence('coding_sessionruling', 'id')) AS ruling
    FROM (SELECT count(*) AS sessions FROM source) size
    CROSS JOIN LATERAL generate_series(0, %s - 1) number
    JOIN source ON source.place = number %% size.sessions
"""


def main() -> None:
    """Print a line for each page: its milliseconds at both sizes, and how many times as long the larger one takes."""
    cookie = session_of("coder")
    with copied_database() as few_lines:
        told = size()
        multiply_lines()
        print(f"{told} beside {size()}", flush=True)
        with served(few_lines) as few, served() as many:
            measure({port: pages(port, cookie) for port in (few, many)}, cookie)


def size() -> str:
    return f"{ChargeLine.objects.live().count():,} lines and {SessionHold.objects.open().count():,} open holds"


@contextlib.contextmanager
def copied_database() -> Iterator[str]:
    """The address of a copy of the database as it is now; it ends with the block."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    name = connection.settings_dict["NAME"]
    copy = f"{name}_few"
    connection.close()
    with connection._nodb_cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{copy}" TEMPLATE "{name}"')
    try:
        yield urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{copy}").geturl()
    finally:
        with connection._nodb_cursor() as cursor:
            cursor.execute(f'DROP DATABASE "{copy}" WITH (FORCE)')


def pages(port: int, cookie: str) -> list[Page]:
    """The pages that are measured; the far one has an address of its own at each size."""
    address = reverse("charge-review")
    far = address
    for _ in range(FAR_PAGE - 1):
        _took, content = ask(port, Page("charge review", far), cookie)
        far = address + html.unescape(OLDER.search(content.decode())[1])
    return [
        Page("charge review, first page", address),
        Page(f"charge review, page {FAR_PAGE}", far),
        Page("charge review, held lines", f"{address}?state=held"),
        Page("charge review, numbers on its tabs", address, part=TABS),
        Page("holds, first page", reverse("hold-list")),
        Page("holds, numbers on its tabs", reverse("hold-list"), part=TABS),
    ]


def measure(pages_of: dict[int, list[Page]], cookie: str) -> None:
    """Ask for the pages of both sizes in turns, so that a busy moment of the machine falls on both alike."""
    times: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for run in range(WARMING + RUNS):
        for both in zip(*pages_of.values(), strict=True):
            for port, page in zip(pages_of, both, strict=True):
                took, _content = ask(port, page, cookie)
                if run >= WARMING:
                    times[page.name][port].append(took)
    for name, took in times.items():
        few, many = (statistics.median(took[port]) for port in pages_of)
        print(f"{name}: {few:.1f} and {many:.1f} ms, {many / few:.2f} x as long")


def multiply_lines() -> None:
    """Copy the demo's sessions with their rulings, lines and holds until there are as many lines as wanted."""
    lines = ChargeLine.objects.count()
    sessions = SessionRuling.objects.current().filter(session__voided_at__isnull=True).count()
    with unguarded() as cursor:
        cursor.execute(SOURCE)
        cursor.execute(COPIES, [(LINES - lines) * sessions // lines])
        of_session = "JOIN copy ON row.id = copy.old_session"
        day = {"date_of_service": "row.date_of_service - copy.days"}
        filed = {"file_by": "row.file_by - copy.days"}
        hours = {name: f"row.{name} - copy.days * interval '1 day'" for name in ("started_at", "ended_at")}
        copy_rows(cursor, TreatmentSession, of_session, id="copy.session", **day, **hours)
        copy_rows(
            cursor,
            SessionRuling,
            "JOIN copy ON row.id = copy.old_ruling",
            id="copy.ruling",
            session_id="copy.session",
            **filed,
        )
        for model, more in ((ChargeLine, day | filed), (SessionHold, {})):
            copy_rows(
                cursor,
                model,
                "JOIN copy ON row.ruling_id = copy.old_ruling",
                session_id="copy.session",
                ruling_id="copy.ruling",
                **more,
            )


if __name__ == "__main__":
    main()
