"""Reports over a year of a large network, each beside the sign-in page, all in one run of one server.

The demo's clinic is copied to 320,000 sessions and summed first. Pages that are no report are measured too, and not
held to the same.
"""

import statistics
import time
from urllib.parse import urlencode

from bench_pages import queries_of
from demo_server import Page, ask, served, session_of
from django.urls import reverse
from large_network import FIRST_DAY, LAST_DAY, build_large_network

from coding.models import ChargeLine, ChargeRollup
from coding.presenters.report_tables import TABLE_REPORTS
from coding.reports import Grouping
from coding.rollups import refresh_rollups
from portal.models import AuditEvent, TreatmentSession

RUNS = 15
WARMING = 3
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
        Page("reconciliation, a month", f"{reverse('reconciliation')}?start=2026-03-01&end=2026-03-31"),
        Page("reconciliation, the year", f"{reverse('reconciliation')}?{urlencode(YEAR)}"),
        Page("filing clock", reverse("filing-clock")),
        Page("authorization ledger", reverse("authorization-ledger")),
        Page("level 3 guard", f"{reverse('level-guard')}?{urlencode(YEAR)}"),
    ]


def main() -> int:
    """Print a line a page; 1 where a report is too slow."""
    build_large_network()
    began = time.perf_counter()
    months = refresh_rollups()
    took = time.perf_counter() - began
    print(
        f"{TreatmentSession.objects.count():,} sessions, {ChargeLine.objects.live().count():,} live lines, "
        f"{AuditEvent.objects.count():,} acts; {months} months summed in {took:.1f} s to "
        f"{ChargeRollup.objects.count():,} rows",
        flush=True,
    )
    return measure()


def measure() -> int:
    judged = {page.name for page in reports()}
    pages = [Page(SIGN_IN, reverse("sign-in"), is_signed_in=False), *reports(), *others()]
    queries = {page.name: queries_of(page, PERSON) for page in pages}
    cookie = session_of(PERSON)
    times: dict[str, list[float]] = {page.name: [] for page in pages}
    with served() as port:
        for run in range(WARMING + RUNS):
            # The sign-in page before each, so that a busy moment of the machine falls on both alike.
            for page in pages:
                took, _content = ask(port, page, cookie)
                if run >= WARMING:
                    times[page.name].append(took)
    median = {name: statistics.median(took) for name, took in times.items()}
    slow = []
    for name, ms in median.items():
        ratio = ms / median[SIGN_IN]
        is_slow = name in judged and ratio > MOST_TIMES_SIGN_IN
        slow += [name] * is_slow
        print(f"{name}: {ms:.1f} ms, {queries[name]} queries, {ratio:.1f} x sign-in{' TOO SLOW' * is_slow}")
    return 1 if slow else 0


if __name__ == "__main__":
    raise SystemExit(main())
