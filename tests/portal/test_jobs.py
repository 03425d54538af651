"""Long work beside the pages: claimed once, told as it goes, stopped, failed with a sentence, taken up again."""

import logging
import threading
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from portal.models import AuditEvent, Job
from portal.services.jobs import (
    GIVEN_UP_AFTER,
    SILENT_AFTER,
    JobProblem,
    ask_job,
    cancel_job,
    is_worker_missing,
    work_off,
)
from tests.builders import make_job, make_organization, make_user


@pytest.fixture
def person(db):
    return make_user(make_organization())


@pytest.fixture
def job(person) -> Job:
    return ask_job(kind="counting", arguments={"up_to": 3}, by=person)


def counting(job, progress) -> None:
    for number in range(1, job.arguments["up_to"] + 1):
        progress(number, job.arguments["up_to"])


def fresh(job: Job) -> Job:
    return Job.objects.get(pk=job.pk)


def test_job_is_done_and_says_how_far_it_came(job) -> None:
    taken = work_off(kinds={"counting": counting})

    after = fresh(job)
    assert (taken, after.state, after.done, after.total) == (1, "done", 3, 3)
    assert after.started_at <= after.heard_at <= after.ended_at


def test_asking_is_recorded_without_the_arguments(job, person) -> None:
    event = AuditEvent.objects.about(job).get()

    assert (event.by, event.sentence) == (person, "Job asked for: counting")


def test_progress_is_seen_from_outside_while_the_work_goes_on(job) -> None:
    seen = []

    def watched(job, progress) -> None:
        progress(1, 2)
        seen.append((fresh(job).state, fresh(job).done))

    work_off(kinds={"counting": watched})

    assert seen == [("running", 1)]


def test_oldest_job_is_done_first(job, person) -> None:
    later = ask_job(kind="counting", arguments={"up_to": 0}, by=person)
    order = []

    work_off(kinds={"counting": lambda job, progress: order.append(job.pk)})

    assert order == [job.pk, later.pk]


def test_job_of_an_unknown_kind_waits(job) -> None:
    taken = work_off(kinds={"another": counting})

    assert (taken, fresh(job).state) == (0, "waiting")


def test_waiting_job_is_cancelled_at_once(job, person) -> None:
    cancel_job(job=job, by=person)

    taken = work_off(kinds={"counting": counting})

    assert (taken, fresh(job).state) == (0, "cancelled")
    assert AuditEvent.objects.about(job).first().action == "cancel_job"


def test_running_job_stops_at_its_next_pause(job, person) -> None:
    reached = []

    def cancelled_half_way(job, progress) -> None:
        progress(1, 2)
        cancel_job(job=job, by=person)
        progress(2, 2)
        reached.append("the end")

    work_off(kinds={"counting": cancelled_half_way})

    assert (fresh(job).state, reached) == ("cancelled", [])


def test_job_that_is_over_is_not_cancelled(job, person) -> None:
    work_off(kinds={"counting": counting})

    cancel_job(job=job, by=person)

    assert fresh(job).state == "done"


def test_result_is_not_kept_once_a_cancel_is_asked_for(job, person) -> None:
    kept = []

    def cancelled_at_the_end(job, progress) -> None:
        cancel_job(job=job, by=person)
        with transaction.atomic():
            progress.hold()
            kept.append("a result")

    work_off(kinds={"counting": cancelled_at_the_end})

    assert (fresh(job).state, kept) == ("cancelled", [])


def test_problem_is_told_in_its_own_sentence(job) -> None:
    def refused(job, progress) -> None:
        raise JobProblem("The draft was discarded meanwhile.")

    work_off(kinds={"counting": refused})

    assert (fresh(job).state, fresh(job).problem) == ("failed", "The draft was discarded meanwhile.")


def test_unforeseen_failure_is_logged_by_kind_and_id_and_told_without_its_values(job, caplog) -> None:
    def broken(job, progress) -> None:
        raise ValueError("Sample, Alex was born on 05/17/1960")

    with caplog.at_level(logging.ERROR):
        work_off(kinds={"counting": broken})

    assert fresh(job).state == "failed"
    assert "Sample" not in fresh(job).problem
    assert [record.getMessage() for record in caplog.records] == [f"job {job.pk} of kind counting failed"]


def test_failure_does_not_stop_the_next_job(job, person) -> None:
    after = ask_job(kind="counting", arguments={"up_to": 2}, by=person)
    Job.objects.filter(pk=job.pk).update(arguments={})

    work_off(kinds={"counting": counting})

    assert (fresh(job).state, fresh(after).state) == ("failed", "done")


def test_job_of_a_silent_worker_is_taken_up_again(job) -> None:
    heard = timezone.now() - SILENT_AFTER - timedelta(seconds=1)
    Job.objects.filter(pk=job.pk).update(state="running", started_at=heard, heard_at=heard, done=2, total=3)

    taken = work_off(kinds={"counting": counting})

    assert (taken, fresh(job).state, fresh(job).started_at) == (1, "done", heard)


def test_job_of_a_worker_that_is_heard_is_left_to_it(job) -> None:
    heard = timezone.now()
    Job.objects.filter(pk=job.pk).update(state="running", started_at=heard, heard_at=heard)

    taken = work_off(kinds={"counting": counting})

    assert (taken, fresh(job).state) == (0, "running")


def test_job_that_outlives_its_workers_is_given_up(job) -> None:
    heard = timezone.now() - GIVEN_UP_AFTER - timedelta(minutes=1)
    Job.objects.filter(pk=job.pk).update(state="running", started_at=heard, heard_at=heard)

    work_off(kinds={"counting": counting})

    assert (fresh(job).state, fresh(job).problem) == (
        "failed",
        "It was begun again and again and never came to its end.",
    )


def test_worker_that_was_silent_too_long_leaves_the_job_to_the_other(job) -> None:
    reached = []

    def overtaken(job, progress) -> None:
        Job.objects.filter(pk=job.pk).update(heard_at=timezone.now())
        progress(1, 1)
        reached.append("the end")

    work_off(kinds={"counting": overtaken})

    assert (fresh(job).state, reached) == ("running", [])


def test_worker_that_was_silent_too_long_keeps_no_result(job) -> None:
    kept = []

    def overtaken(job, progress) -> None:
        Job.objects.filter(pk=job.pk).update(heard_at=timezone.now())
        with transaction.atomic():
            progress.hold()
            kept.append("a result")

    work_off(kinds={"counting": overtaken})

    assert (fresh(job).state, kept) == ("running", [])


def test_job_waits_for_the_next_worker_when_this_one_is_told_to_end(job) -> None:
    told_to_end = threading.Event()

    def told_half_way(job, progress) -> None:
        told_to_end.set()
        progress(1, 2)

    work_off(kinds={"counting": told_half_way}, is_stopping=told_to_end.is_set)

    assert (fresh(job).state, fresh(job).ended_at) == ("waiting", None)


def test_worker_is_not_missed_at_once(job) -> None:
    assert is_worker_missing(job) is False


def test_worker_is_missed_when_a_job_waits_and_none_is_busy(job) -> None:
    job.asked_at = timezone.now() - timedelta(seconds=11)

    assert is_worker_missing(job) is True


def test_worker_that_is_busy_is_not_missed(job, person) -> None:
    now = timezone.now()
    make_job(person, state="running", started_at=now, heard_at=now)
    job.asked_at = now - timedelta(seconds=11)

    assert is_worker_missing(job) is False


def test_worker_that_fell_silent_is_missed(job) -> None:
    job.state, job.heard_at = "running", timezone.now() - SILENT_AFTER - timedelta(seconds=1)

    assert is_worker_missing(job) is True


def test_jobs_of_another_organization_are_not_seen(job) -> None:
    stranger = make_user(make_organization())

    assert list(Job.objects.visible_to(stranger)) == []


def test_command_ends_when_nothing_waits(db) -> None:
    out = StringIO()

    call_command("work", "--once", stdout=out)

    assert out.getvalue() == "jobs: 0, reports: 0\n"


@pytest.mark.django_db(transaction=True)
def test_two_workers_never_take_one_job() -> None:
    person = make_user(make_organization())
    jobs = [ask_job(kind="counting", arguments={}, by=person) for _ in range(6)]
    taken: list[int] = []
    both_at_work = threading.Barrier(2, timeout=20)

    def at_once(job, progress) -> None:
        taken.append(job.pk)
        progress(1, 1)
        both_at_work.wait()

    def worker() -> None:
        work_off(kinds={"counting": at_once})
        connection.close()

    threads = [threading.Thread(target=worker) for _ in range(2)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]

    assert sorted(taken) == [job.pk for job in jobs]
