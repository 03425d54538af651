"""Charge review at a million lines beside the demo's ten thousand: the first page, the fiftieth, and held lines."""

import html
import re
import statistics

from demo_server import Page, ask, served, session_of
from django.db import connection, models
from django.urls import reverse

from coding.models import ChargeLine, SessionHold, SessionRuling
from portal.models import TreatmentSession

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
    """Print a line for each size, and how many times as long the larger one takes."""
    with served() as port:
        few = measure(port)
        multiply_lines()
        many = measure(port)
    for name in few:
        print(f"charge review, {name}: {many[name] / few[name]:.2f} x as long")


def measure(port: int) -> dict[str, float]:
    """The median milliseconds of each page at the present number of lines."""
    cookie = session_of("coder")
    address = reverse("charge-review")
    far = address
    for _ in range(FAR_PAGE - 1):
        _took, content = ask(port, Page("charge review", far), cookie)
        far = address + html.unescape(OLDER.search(content.decode())[1])
    pages = [
        Page("first page", address),
        Page(f"page {FAR_PAGE}", far),
        Page("held lines", f"{address}?state=held"),
    ]
    times: dict[str, list[float]] = {page.name: [] for page in pages}
    for run in range(WARMING + RUNS):
        for page in pages:
            took, _content = ask(port, page, cookie)
            if run >= WARMING:
                times[page.name].append(took)
    median = {name: statistics.median(took) for name, took in times.items()}
    told = ", ".join(f"{name} {took:.1f} ms" for name, took in median.items())
    print(f"charge review, {ChargeLine.objects.live().count():,} lines: {told}", flush=True)
    return median


def multiply_lines() -> None:
    """Copy the demo's sessions with their rulings, lines and holds until there are as many lines as wanted."""
    lines = ChargeLine.objects.count()
    sessions = SessionRuling.objects.current().filter(session__voided_at__isnull=True).count()
    with connection.cursor() as cursor:
        # The guards of single rows would take longer than the rows.
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(SOURCE)
        cursor.execute(COPIES, [(LINES - lines) * sessions // lines])
        of_session = "row.id = copy.old_session"
        day = {"date_of_service": "row.date_of_service - copy.days"}
        hours = {name: f"row.{name} - copy.days * interval '1 day'" for name in ("started_at", "ended_at")}
        copy_rows(cursor, TreatmentSession, of_session, id="copy.session", **day, **hours)
        copy_rows(cursor, SessionRuling, "row.id = copy.old_ruling", id="copy.ruling", session_id="copy.session")
        for model, more in ((ChargeLine, day), (SessionHold, {})):
            copy_rows(
                cursor,
                model,
                "row.ruling_id = copy.old_ruling",
                session_id="copy.session",
                ruling_id="copy.ruling",
                **more,
            )
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("VACUUM ANALYZE")


def copy_rows(cursor: object, model: type[models.Model], condition: str, **changed: str) -> None:
    """Insert a row for each copy of a session that the condition joins; `changed` columns are expressions."""
    columns = [field.column for field in model._meta.concrete_fields]
    kept = [column for column in columns if column != "id" or "id" in changed]
    values = ", ".join(changed.get(column, f"row.{column}") for column in kept)
    cursor.execute(
        f"INSERT INTO {model._meta.db_table} ({', '.join(kept)}) "
        f"SELECT {values} FROM copy JOIN {model._meta.db_table} row ON {condition}"
    )


if __name__ == "__main__":
    main()
