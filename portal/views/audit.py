"""The audit trail of the organization, and of one record."""

import csv

from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portal.forms.audit import AuditFilterForm
from portal.models import AuditEvent
from portal.presenters.audit import event_rows, export_lines
from portal.presenters.keyset import keyset_page

EXPORTED_AT_MOST = 10_000


@require_safe
@permission_required("portal.view_auditevent", raise_exception=True)
def audit_list(request: HttpRequest) -> HttpResponse:
    """Everything that was done, newest first, with filters that combine."""
    form, events = _filtered(request)
    page = keyset_page(events, by="at", asked=request.GET, kept=form.kept)
    context = {"form": form, "page": page, "rows": event_rows(page.rows), "query": request.GET.urlencode()}
    return render(request, "portal/audit_list.html", context)


@require_safe
@permission_required("portal.view_auditevent", raise_exception=True)
def audit_csv(request: HttpRequest) -> HttpResponse:
    _, events = _filtered(request)
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="audit-trail.csv"'
    csv.writer(response).writerows(export_lines(list(events.order_by("-at", "-pk")[:EXPORTED_AT_MOST])))
    return response


@require_safe
@permission_required("portal.view_auditevent", raise_exception=True)
def audit_object(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    """The whole trail of one record of the organization."""
    events = AuditEvent.objects.visible_to(request.user).filter(subject_kind=kind, subject_id=pk)
    events = list(events.select_related("by").order_by("-at", "-pk")[:500])
    if not events:
        raise Http404
    return render(request, "portal/audit_object.html", {"kind": kind, "pk": pk, "rows": event_rows(events)})


def _filtered(request: HttpRequest):
    visible = AuditEvent.objects.visible_to(request.user).select_related("by")
    actions = sorted(AuditEvent.objects.visible_to(request.user).order_by().values_list("action", flat=True).distinct())
    form = AuditFilterForm(request.GET, user=request.user, actions=actions)
    asked = form.cleaned_data if form.is_valid() else {}
    if asked.get("by"):
        visible = visible.filter(by=asked["by"])
    if asked.get("action"):
        visible = visible.filter(action=asked["action"])
    if asked.get("start"):
        visible = visible.filter(at__date__gte=asked["start"])
    if asked.get("end"):
        visible = visible.filter(at__date__lte=asked["end"])
    return form, visible
