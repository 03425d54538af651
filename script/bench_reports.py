"""Reports over a year of a large network, each beside the sign-in page, all in one run of one server.

The demo's clinic is copied to 320,000 sessions and summed first. Pages that are no report are measured too, and not
held to the same.
"""

import statistics
import time
from collections import defaultdict
from urllib.parse import urlencode

from bench_pages import queries_of
from demo_server import Page, ask, served, session_of
from django.db import connection
from django.urls import reverse
from large_network import FIRST_DAY, LAST_DAY, build_large_network

from coding.act_rollups import refresh_acts
from coding.models import ActRollup, ChargeLine, ChargeRollup
from coding.presenters.report_tables import TABLE_REPORTS
from coding.reports import Grouping
from coding.rollups import refresh_rollups
from coding.units_used import refresh_units_used
from portal.models import AuditEvent, TreatmentSession

RUNS = 15
WARMING = 3
# Of pages that are no report; some of them take a minute.
OTHER_RUNS = 2
MOST_TIMES_SIGN_IN = 10
PERSON = "manager"
YEAR = {"start": FIRST_DAY.isoformat(), "end": LAST_DAY.isoformat()}
SIGN_IN = "sign-in"


def reports() -> list[Page]:
    """Every report over the year, by each of its groupings."""
    charges = reverse("report-charges")
    by_two = {"by": [Grouping.MONTH, Grouping.PAYER]}
    pages = [
        Page("charges, usual groupings", f"{charges}?{urlencode(YEAR)}"),
        Page("charges by month and payer", f"{charges}?{urlencode(YEAR | by_two, doseq=True)}"),
        *(
            Page(f"charges by {grouping}", f"{charges}?{urlencode(YEAR | {'by': grouping.value})}")
            for grouping in Grouping
        ),
    ]
    for report in TABLE_REPORTS.values():
        asked = {name: value for name, value in YEAR.items() if name in report.asks}
        for grouping in [value for value, _label in report.groupings] or [""]:
            by = {"by": grouping} if grouping else {}
            pages.append(Page(f"{report.name} {grouping}".strip(), f"{report.url}?{urlencode(asked | by)}"))
    return [*pages, Page("list of reports", reverse("report-list"))]


def others() -> list[Page]:
    """Pages of a manager that read the same rows."""
    return [
        Page("home", reverse("home")),
        Page("reconciliation, a week", f"{reverse('reconciliation')}?start=2026-03-02&end=2026-03-08"),
        Page("filing clock", reverse("filing-clock")),
        Page("services on deleted codes", reverse("filing-sunset")),
        Page("authorization ledger", reverse("authorization-ledger")),
        Page("level 3 guard", f"{reverse('level-guard')}?{urlencode(YEAR)}"),
    ]


def main() -> int:
    """Print a line a page; 1 where a report is too slow."""
    build_large_network()
    began = time.perf_counter()
    months = refresh_rollups()
    summed = time.perf_counter()
    days = refresh_acts()
    acts_summed = time.perf_counter()
    patients = refresh_units_used()
    units_counted = time.perf_counter()
    print(
        f"{TreatmentSession.objects.count():,} sessions, {ChargeLine.objects.live().count():,} live lines, "
        f"{AuditEvent.objects.count():,} acts\n"
        f"{months} months summed in {summed - began:.1f} s to {ChargeRollup.objects.count():,} rows\n"
        f"{days} days summed in {acts_summed - summed:.1f} s to {ActRollup.objects.count():,} rows\n"
        f"units used of {patients:,} patients counted in {units_counted - acts_summed:.1f} s",
        flush=True,
    )
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return measure()


def measure() -> int:
    sign_in, judged, unjudged = Page(SIGN_IN, reverse("sign-in"), is_signed_in=False), reports(), others()
    cookie = session_of(PERSON)
    times: dict[str, list[float]] = defaultdict(list)
    with served() as port:

        def ask_all(pages: list[Page], *, warming: int, runs: int) -> None:
            """In turns, so that a busy moment of the machine falls on all alike."""
            for run in range(warming + runs):
                for page in pages:
                    took, _content = ask(port, page, cookie)
                    if run >= warming:
                        times[page.name].append(took)

        ask_all([sign_in, *judged], warming=WARMING, runs=RUNS)
        ask_all(unjudged, warming=1, runs=OTHER_RUNS)
    median = {name: statistics.median(took) for name, took in times.items()}
    slow = 0
    for page in (sign_in, *judged, *unjudged):
        ratio = median[page.name] / median[SIGN_IN]
        is_slow = page in judged and ratio > MOST_TIMES_SIGN_IN
        slow += is_slow
        print(
            f"{page.name}: {median[page.name]:.1f} ms, {queries_of(page, PERSON)} queries, {ratio:.1f} x sign-in"
            f"{', too slow' * is_slow}",
            flush=True,
        )
    return 1 if slow else 0


if __name__ == "__main__":
    raise SystemExit(main())
