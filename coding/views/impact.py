"""What an unpublished version would change: asked for, watched, stopped, read, taken away as a file."""

import csv
from itertools import chain

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from coding.forms.impact import ImpactForm
from coding.impact_services import ask_preview
from coding.models import ImpactPreview, ImpactRow
from coding.presenters.impact import changed_row, impact_csv, impact_page, narrowed, rows_of, step_pairs
from coding.reports import BYTE_ORDER_MARK, Echo
from payers.models import PolicyVersion
from payers.presenters.asked import today_of
from portal.models import Job, JobState, TreatmentSession
from portal.services.jobs import cancel_job


@require_safe
@permission_required("coding.view_reports", raise_exception=True)
def version_impact(request: HttpRequest, pk: int) -> HttpResponse:
    """The newest preview of the version as far as it is; a part of the page for htmx, which asks while it runs."""
    version = _version(request, pk)
    return _page(request, version, ImpactForm(version=version, today=today_of(request.user)))


@require_POST
@permission_required("payers.change_policyversion", raise_exception=True)
def version_impact_start(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for a preview over the chosen days, in place of one that goes on."""
    version = _version(request, pk)
    form = ImpactForm(request.POST, version=version, today=today_of(request.user))
    if not form.is_valid():
        return _page(request, version, form, status=422)
    ask_preview(
        version=version,
        first=form.first,
        last=form.last,
        is_throughout=form.cleaned_data["is_throughout"],
        by=request.user,
    )
    return redirect("version-impact", pk=version.pk)


@require_POST
@permission_required("payers.change_policyversion", raise_exception=True)
def version_impact_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop the preview that goes on; what an older one found stays."""
    version = _version(request, pk)
    for preview in version.previews.filter(job__in=Job.objects.going_on()).select_related("job"):
        cancel_job(job=preview.job, by=request.user)
    return redirect("version-impact", pk=version.pk)


@require_safe
@permission_required("coding.view_reports", raise_exception=True)
def version_impact_csv(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The changed sessions of the newest preview that is done, all or those of one kind of change."""
    previews = ImpactPreview.objects.filter(version=_version(request, pk), job__state=JobState.DONE)
    preview = get_object_or_404(previews.order_by("-pk")[:1])
    rows = narrowed(rows_of(preview, request.user), request.GET.get("kind", ""))
    writer = csv.writer(Echo())
    content = chain([BYTE_ORDER_MARK], (writer.writerow(row) for row in impact_csv(rows)))
    response = StreamingHttpResponse(content, content_type="text/csv; charset=utf-8")
    name = f"preview-{preview.version.policy.payer.slug}-{preview.first:%Y-%m-%d}-{preview.last:%Y-%m-%d}.csv"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@require_safe
@permission_required("coding.view_reports", raise_exception=True)
def version_impact_session(request: HttpRequest, pk: int) -> HttpResponse:
    """One changed session: its lines, findings and both traces beside each other."""
    rows = ImpactRow.objects.filter(
        preview__in=ImpactPreview.objects.visible_to(request.user),
        session__in=TreatmentSession.objects.visible_to(request.user),
    ).select_related(
        "preview__version__policy__payer",
        "session__course__patient",
        "session__department",
        "trace_before",
        "trace_after",
    )
    row = get_object_or_404(rows, pk=pk)
    context = {
        "told": changed_row(row),
        "version": row.preview.version,
        "payer": row.preview.version.policy.payer,
        "session": row.session,
        "runs": step_pairs(row),
    }
    return render(request, "coding/impact_session.html", context)


def _page(request: HttpRequest, version: PolicyVersion, form: ImpactForm, status: int = 200) -> HttpResponse:
    context = {
        "version": version,
        "payer": version.policy.payer,
        "form": form,
        "page": impact_page(version, request.user, asked=request.GET),
        "is_part": bool(request.headers.get("HX-Request")),
    }
    template = "coding/_impact.html" if context["is_part"] else "coding/impact.html"
    return render(request, template, context, status=status)


def _version(request: HttpRequest, pk: int) -> PolicyVersion:
    """A version that is not published yet: of a published one the charges themselves tell what it does."""
    versions = PolicyVersion.objects.visible_to(request.user).unpublished()
    return get_object_or_404(versions.select_related("policy__payer"), pk=pk)
