"""Several processes capture the same courses at once, and one is killed half way: nothing doubled, nothing lost."""

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from urllib.parse import quote

import pytest
from django.core.management import call_command
from django.db import connection

from coding.models import ChargeLine, SessionRuling
from tests.builders import (
    make_department,
    make_organization,
    make_payer,
    make_policy_version,
    make_session,
    make_treated_course,
)
from tests.coding.capture_worker import GATE

ROOT = Path(__file__).resolve().parents[2]
COURSES, SESSIONS = 20, 6

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def clinic():
    """Twenty courses with six sessions each, none captured yet; every third day has a second session."""
    organization = make_organization()
    department = make_department(organization)
    payer = make_payer(organization, kind="medicare")
    make_policy_version(payer)
    for _ in range(COURSES):
        course = make_treated_course(organization, department=department, payer=payer)
        for number in range(SESSIONS):
            day = datetime(2025, 12, 29, 15, tzinfo=UTC) + timedelta(days=number // 2 * 3, hours=7 * (number % 2))
            make_session(course, fraction=number + 1, started_at=day)
    return organization


def environment() -> dict[str, str]:
    """What a worker needs to reach the test database."""
    database = connection.settings_dict
    url = f"postgres://{quote(database['USER'])}:{quote(database['PASSWORD'])}@/{quote(database['NAME'])}"
    return os.environ | {
        "DATABASE_URL": f"{url}?host={quote(str(database['HOST']), safe='')}&port={database['PORT'] or 5432}",
        "PYTHONPATH": str(ROOT),
    }


def start_worker(organization, lock: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-u", str(ROOT / "tests/coding/capture_worker.py"), organization.slug, lock],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_together(organization, workers: int, lock: str = "with-lock") -> list[int]:
    """Start the workers behind a closed gate, open it once all of them wait there; their exit statuses."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [GATE])
        started = [start_worker(organization, lock) for _ in range(workers)]
        waiting = 0
        while waiting < workers and all(worker.poll() is None for worker in started):
            cursor.execute(
                "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database "
                "WHERE datname = current_database() AND locktype = 'advisory' AND NOT granted"
            )
            waiting = cursor.fetchone()[0]
        cursor.execute("SELECT pg_advisory_unlock(%s)", [GATE])
    for worker in started:
        worker.communicate(timeout=120)
    return [worker.returncode for worker in started]


def digest(organization) -> str:
    out = StringIO()
    call_command("charges_digest", organization=organization.slug, stdout=out)
    return out.getvalue().splitlines()[-1]


@pytest.mark.parametrize("workers", [2, 8])
def test_capture_by_several_processes_at_once_doubles_and_loses_nothing(clinic, workers) -> None:
    statuses = run_together(clinic, workers)
    together = digest(clinic)

    call_command("capture_charges", organization=clinic.slug, stdout=StringIO())

    assert statuses == [0] * workers
    assert digest(clinic) == together
    assert SessionRuling.objects.current().count() == COURSES * SESSIONS
    assert ChargeLine.objects.live().count() == COURSES * SESSIONS * 2


def test_capture_killed_half_way_and_run_again_gives_the_same_charges(clinic) -> None:
    worker = start_worker(clinic, "with-lock")
    worker.stdout.readline()
    worker.send_signal(signal.SIGKILL)
    worker.communicate(timeout=120)
    captured_before_the_kill = SessionRuling.objects.current().count()

    call_command("capture_charges", organization=clinic.slug, stdout=StringIO())
    after_the_kill = digest(clinic)
    call_command("capture_charges", organization=clinic.slug, stdout=StringIO())

    assert worker.returncode == -signal.SIGKILL
    assert 0 < captured_before_the_kill < COURSES * SESSIONS
    assert digest(clinic) == after_the_kill
    assert ChargeLine.objects.live().count() == COURSES * SESSIONS * 2


def test_capture_without_the_lock_goes_wrong_so_that_these_tests_can_fail(clinic) -> None:
    statuses = run_together(clinic, 8, lock="without-lock")

    assert any(statuses)
