"""A worker that is killed, or told to end, in the middle of a preview: nothing is left, and the next one does it."""

import signal
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from coding.impact_services import ask_preview
from coding.jobs import KINDS
from coding.models import ImpactPreview, ImpactRow, TraceRecord
from coding.services import capture_from
from portal.models import Job
from portal.services.jobs import SILENT_AFTER, work_off
from tests.builders import make_organization, make_policy_version, make_session, make_treated_course, make_user
from tests.coding.job_worker import GATE
from tests.coding.test_capture_concurrency import environment

ROOT = Path(__file__).resolve().parent.parent.parent
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def preview() -> ImpactPreview:
    """A preview that waits: one second session of a day, whose modifier would change."""
    organization = make_organization()
    person = make_user(organization)
    course = make_treated_course(organization)
    course.prescriptions.update(sessions_a_day=2)
    for number, hour in enumerate((13, 20), start=1):
        make_session(course, fraction=number, started_at=datetime(2025, 12, 3, hour, tzinfo=UTC))
    capture_from(patient=course.patient, day=date(2025, 12, 1), by=person)
    payer = course.patient.coverages.get().payer
    draft = make_policy_version(payer, terms={"bid": "59"}, publish=False, effective_from=date(2025, 12, 1))
    return ask_preview(version=draft, first=date(2025, 12, 1), last=date(2025, 12, 31), by=person)


@pytest.fixture
def worker(preview):
    """A worker that has begun the preview and waits at the closed gate."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [GATE])
    program = [sys.executable, "-u", str(ROOT / "tests/coding/job_worker.py")]
    with subprocess.Popen(program, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        yield process
        process.kill()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock_all()")


def open_the_gate() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s)", [GATE])


def charges() -> str:
    out = StringIO()
    call_command("charges_digest", stdout=out)
    return out.getvalue()


def test_killed_worker_leaves_nothing_behind(preview, worker) -> None:
    before = charges()
    traces = TraceRecord.objects.count()

    worker.kill()
    worker.wait()

    assert (charges(), ImpactRow.objects.count(), TraceRecord.objects.count()) == (before, 0, traces)
    assert Job.objects.get().state == "running"


def test_next_worker_takes_up_what_a_killed_one_left(preview, worker) -> None:
    worker.kill()
    worker.wait()
    Job.objects.update(heard_at=timezone.now() - SILENT_AFTER - timedelta(seconds=1))

    work_off(kinds=KINDS)

    preview.refresh_from_db()
    assert (Job.objects.get().state, preview.changed, ImpactRow.objects.count()) == ("done", 1, 1)


def test_worker_that_is_told_to_end_sets_its_job_back(preview, worker) -> None:
    worker.send_signal(signal.SIGTERM)
    open_the_gate()

    status = worker.wait(timeout=30)

    assert (status, Job.objects.get().state, ImpactRow.objects.count()) == (0, "waiting", 0)
