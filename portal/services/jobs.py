"""Long work beside the pages: asked for by a person, done by a worker (`manage.py work`), stopped when asked.

Its times are the machine's own, not those of `portal.clock`: a pinned day must not make a worker seem silent.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.models import Job, JobState, Organization, User
from portal.services.audit import record_event

logger = logging.getLogger(__name__)

# A worker says how far it is many times a minute; one that was not heard for so long is taken for dead.
SILENT_AFTER = timedelta(seconds=60)
# A worker that has nothing to do takes a job at once; one that waits longer without a busy worker has none.
MISSED_AFTER = timedelta(seconds=10)
# A job that outlives its workers for so long would only end the next one too.
GIVEN_UP_AFTER = timedelta(hours=1)


class JobProblem(Exception):
    """What keeps a job from being done, as one sentence for the person who asked for it, without a patient in it."""


class _Cancelled(Exception):
    """A person asked for the job to be stopped."""


class _WorkerStops(Exception):
    """The worker was told to end: the job waits for the next one."""


class _TakenOver(Exception):
    """Another worker has the job: this one was silent for too long."""


class Progress:
    """How a job says how far it is, in a short transaction of its own, and hears that it is to stop.

    Call it between pieces of work, never within a transaction: what is told there is seen by nobody, and a stop would
    not leave what was done before.
    """

    def __init__(self, job: Job, *, is_stopping: Callable[[], bool] = lambda: False) -> None:
        self._job = job
        self._is_stopping = is_stopping

    def __call__(self, done: int, total: int) -> None:
        """Tell that `done` of `total` pieces are done; a job that is to stop does not come back from here."""
        now = timezone.now()
        ours = Job.objects.filter(pk=self._job.pk, state=JobState.RUNNING, heard_at=self._job.heard_at)
        if not ours.update(done=done, total=total, heard_at=now):
            raise _TakenOver
        self._job.heard_at, self._job.done, self._job.total = now, done, total
        if Job.objects.filter(pk=self._job.pk, is_cancel_asked=True).exists():
            raise _Cancelled
        if self._is_stopping():
            raise _WorkerStops

    def hold(self) -> None:
        """Within the transaction that keeps the result: it is kept only if the job is still this worker's to do."""
        job = Job.objects.select_for_update().get(pk=self._job.pk)
        if job.state != JobState.RUNNING or job.heard_at != self._job.heard_at:
            raise _TakenOver
        if job.is_cancel_asked:
            raise _Cancelled


Work = Callable[[Job, Progress], None]


@transaction.atomic
def ask_job(
    *, kind: str, arguments: Mapping[str, object], by: User | None, organization: Organization | None = None
) -> Job:
    """Ask for long work of a kind that the worker knows. `arguments` are ids and days, never a patient's name.

    What no person asked for names its organization.
    """
    job = Job.objects.create(
        organization_id=by.organization_id if organization is None else organization.pk,
        kind=kind,
        arguments=dict(arguments),
        asked_by=by,
        asked_at=timezone.now(),
    )
    record_event(
        subject=job, action="ask_job", sentence=f"Job asked for: {kind}", by=by, organization=job.organization_id
    )
    return job


@transaction.atomic
def cancel_job(*, job: Job, by: User) -> Job:
    """Stop a job: at once where it waits, at its next pause where it runs. One that is over stays as it is."""
    job = Job.objects.select_for_update().get(pk=job.pk)
    if job.is_over or job.is_cancel_asked:
        return job
    job.is_cancel_asked = True
    if job.state == JobState.WAITING:
        job.state, job.ended_at = JobState.CANCELLED, timezone.now()
    job.save(update_fields=["is_cancel_asked", "state", "ended_at"])
    record_event(
        subject=job, action="cancel_job", sentence=f"Job cancelled: {job.kind}", by=by, organization=job.organization_id
    )
    return job


def is_worker_missing(job: Job) -> bool:
    """Whether the job goes on by no worker: it waits while none is busy with another, or its own fell silent."""
    now = timezone.now()
    if job.state == JobState.RUNNING:
        return job.heard_at < now - SILENT_AFTER
    if job.state != JobState.WAITING or job.asked_at > now - MISSED_AFTER:
        return False
    return not Job.objects.filter(state=JobState.RUNNING, heard_at__gte=now - SILENT_AFTER).exists()


def work_off(*, kinds: Mapping[str, Work], is_stopping: Callable[[], bool] = lambda: False) -> int:
    """Do the jobs of these kinds that wait, the oldest first, until none does; how many were taken up."""
    taken = 0
    while not is_stopping() and (job := _claim(kinds)) is not None:
        _run(job, kinds[job.kind], is_stopping)
        taken += 1
    return taken


@transaction.atomic
def _claim(kinds: Mapping[str, Work]) -> Job | None:
    """The oldest job that waits or whose worker fell silent, now running; None where there is none."""
    now = timezone.now()
    free = Q(state=JobState.WAITING) | Q(state=JobState.RUNNING, heard_at__lt=now - SILENT_AFTER)
    jobs = Job.objects.select_for_update(skip_locked=True, of=("self",)).filter(free, kind__in=kinds)
    job = jobs.order_by("asked_at", "id").first()
    if job is not None:
        job.state, job.heard_at, job.started_at = JobState.RUNNING, now, job.started_at or now
        job.save(update_fields=["state", "heard_at", "started_at"])
    return job


def _run(job: Job, work: Work, is_stopping: Callable[[], bool]) -> None:
    progress = Progress(job, is_stopping=is_stopping)
    try:
        if job.heard_at - job.started_at > GIVEN_UP_AFTER:
            raise JobProblem(_("It was begun again and again and never came to its end."))
        progress(0, 0)
        work(job, progress)
    except _TakenOver:
        logger.warning("job %s of kind %s was taken over", job.pk, job.kind)
    except _Cancelled:
        _end(job, JobState.CANCELLED)
    except _WorkerStops:
        _ours(job).update(state=JobState.WAITING)
    except JobProblem as problem:
        _end(job, JobState.FAILED, str(problem))
    except Exception:
        logger.exception("job %s of kind %s failed", job.pk, job.kind)
        _end(job, JobState.FAILED, _("Something went wrong that was not foreseen; the log names it."))
    else:
        _end(job, JobState.DONE)


def _end(job: Job, state: JobState, problem: str = "") -> None:
    _ours(job).update(state=state, ended_at=timezone.now(), problem=problem[:300])


def _ours(job: Job):
    """The job, if no other worker has taken it over."""
    return Job.objects.filter(pk=job.pk, state=JobState.RUNNING, heard_at=job.heard_at)
