"""What an unpublished version would change: asked for, run beside the pages, kept to be read. No charge changes."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from coding.answers import digest, trace_as_json
from coding.models import ImpactPreview, ImpactRow, TraceRecord
from coding.policy_preview import PolicyPreview, PreviewedSession, preview_in_steps
from payers.models import PolicyVersion
from portal.models import Job, User
from portal.services.jobs import JobProblem, Progress, ask_job, cancel_job

PREVIEW_POLICY = "preview_policy"
DAYS_BACK = timedelta(days=90)
ROWS_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class _Kept:
    """What a run gathers, patient by patient: the rows, and each distinct trace once."""

    rows: list[ImpactRow]
    traces: dict[str, list[dict[str, Any]]]


def content_digest(version: PolicyVersion) -> str:
    """Of what a preview rests on: the version's start and its terms."""
    return digest([version.effective_from.isoformat(), version.terms])


@transaction.atomic
def ask_preview(
    *, version: PolicyVersion, first: date, last: date, by: User, is_throughout: bool = False
) -> ImpactPreview:
    """Ask for a preview of an unpublished version over the days from `first` through `last`, in place of one that runs.

    With `is_throughout` the version stands in on every day of the window, whatever its start. Raises ValueError for a
    version that is published, and for days out of order.
    """
    version = PolicyVersion.objects.select_for_update(of=("self",)).select_related("policy").get(pk=version.pk)
    if not version.is_unpublished:
        raise ValueError(f"{version} is {version.status}; only what is not published is previewed")
    if last < first:
        raise ValueError(f"the last day {last} lies before the first {first}")
    for going_on in ImpactPreview.objects.filter(version=version, job__in=Job.objects.going_on()).select_related("job"):
        cancel_job(job=going_on.job, by=by)
    arguments = {"version": version.pk, "is_throughout": is_throughout}
    return ImpactPreview.objects.create(
        version=version,
        job=ask_job(kind=PREVIEW_POLICY, arguments=arguments, by=by),
        first=first,
        last=last,
        content_digest=content_digest(version),
    )


def run_preview(job: Job, progress: Progress) -> None:
    """Rule again on every session of the asked window, patient by patient, and keep what would change, all or nothing.

    A new result takes the place of the version's older ones; until it is kept they stay. Run again after a worker that
    died it gives the same result once.
    """
    preview = ImpactPreview.objects.filter(job=job).first()
    if preview is None:
        raise JobProblem(_("The draft was discarded meanwhile."))
    version = PolicyVersion.objects.with_terms().get(pk=preview.version_id)
    kept, ruled = _Kept([], {}), PolicyPreview()
    for done, total in preview_in_steps(
        ruled,
        policy=version.policy,
        draft=version.as_terms(),
        first=preview.first,
        last=preview.last,
        is_throughout=job.arguments["is_throughout"],
    ):
        for row in ruled.rows:
            kept.rows.append(_row(preview, row, kept.traces))
        ruled.rows.clear()
        progress(done, total)
    with transaction.atomic():
        progress.hold()
        _keep(preview, version, ruled.sessions, kept)


def _row(preview: ImpactPreview, row: PreviewedSession, traces: dict[str, list[dict[str, Any]]]) -> ImpactRow:
    digests = []
    for ruling in (row.before, row.after):
        steps = trace_as_json(ruling)
        digests.append(digest(steps))
        traces[digests[-1]] = steps
    return ImpactRow(
        preview=preview,
        session=row.session,
        date_of_service=row.session.date_of_service,
        lines_before=row.lines[0],
        lines_after=row.lines[1],
        findings_before=row.findings[0],
        findings_after=row.findings[1],
        holds_added=len(row.holds_added),
        holds_removed=len(row.holds_removed),
        exported_affected=row.exported_affected,
        amount_difference=row.amount_difference,
        trace_before_id=digests[0],
        trace_after_id=digests[1],
    )


def _keep(preview: ImpactPreview, version: PolicyVersion, sessions: int, kept: _Kept) -> None:
    """Write the rows, and the counts as the rows add up to them."""
    TraceRecord.objects.bulk_create(
        [TraceRecord(digest=key, steps=kept.traces[key]) for key in sorted(kept.traces)],
        ignore_conflicts=True,
        batch_size=ROWS_AT_ONCE,
    )
    preview.rows.all().delete()
    ImpactRow.objects.bulk_create(kept.rows, batch_size=ROWS_AT_ONCE)
    preview.changed = len(kept.rows)
    for name in ("holds_added", "holds_removed", "exported_affected"):
        setattr(preview, name, sum(getattr(row, name) for row in kept.rows))
    amounts = [row.amount_difference for row in kept.rows]
    preview.amount_difference = None if None in amounts else sum(amounts, Decimal(0))
    preview.sessions, preview.content_digest = sessions, content_digest(version)
    preview.save()
    ImpactPreview.objects.filter(version=version).exclude(job__in=Job.objects.going_on()).delete()
