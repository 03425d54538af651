"""The audit trail of the organization, and of one record."""

import csv
from collections.abc import Iterator

from django.apps import apps
from django.contrib.auth.decorators import permission_required
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from coding.reports import BYTE_ORDER_MARK, Echo, harmless
from portal import clock
from portal.forms.audit import AuditFilterForm
from portal.models import AuditEvent
from portal.presenters.audit import event_rows, export_rows, record_name, record_url
from portal.presenters.keyset import instant, keyset_page

LARGEST_KEY = 2**63 - 1


@require_safe
@permission_required("portal.view_auditevent", raise_exception=True)
def audit_list(request: HttpRequest) -> HttpResponse:
    """Everything that was done, newest first, with filters that combine."""
    zone = request.user.zone
    form = AuditFilterForm(request.GET, user=request.user, zone=zone)
    if not form.is_valid():
        return render(request, "portal/audit_list.html", {"form": form, "zone": zone}, status=422)
    pages = _pages(request, _events(request).filter(form.wanted), form.kept)
    context = {
        "form": form,
        "zone": zone,
        "pages": pages,
        "rows": event_rows(pages.rows, zone=zone),
        "query": request.GET.urlencode(),
    }
    return render(request, "portal/audit_list.html", context)


@require_safe
@permission_required("portal.view_auditevent", raise_exception=True)
def audit_csv(request: HttpRequest) -> HttpResponseBase:
    """What the filters leave, newest first, as a file that leaves row by row."""
    zone = request.user.zone
    form = AuditFilterForm(request.GET, user=request.user, zone=zone)
    if not form.is_valid():
        return render(request, "portal/audit_list.html", {"form": form, "zone": zone}, status=422)
    events = _events(request).filter(form.wanted).order_by("-at", "-id").iterator(chunk_size=2000)
    response = StreamingHttpResponse(
        _csv(export_rows(events, form.in_words, zone=zone)), content_type="text/csv; charset=utf-8"
    )
    today = clock.today(zone)
    response.headers["Content-Disposition"] = f'attachment; filename="audit-trail-{today:%Y-%m-%d}.csv"'
    return response


@require_safe
@permission_required("portal.view_auditevent", raise_exception=True)
def audit_object(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    """The trail of one record that the person may see."""
    if pk > LARGEST_KEY:
        raise Http404
    zone = request.user.zone
    events = _events(request).filter(subject_kind=kind, subject_id=pk)
    _refuse_unless_seen(request, kind, pk, events)
    pages = _pages(request, events, {})
    context = {
        "name": record_name(kind, pk),
        "record_url": record_url(kind, pk),
        "zone": zone,
        "pages": pages,
        "rows": event_rows(pages.rows, zone=zone),
    }
    return render(request, "portal/audit_object.html", context)


def _refuse_unless_seen(request: HttpRequest, kind: str, pk: int, events: QuerySet) -> None:
    """Raise Http404 unless the record is one that the person may look up.

    A kind whose records are not bounded by person is known by its events, which are of the organization.
    """
    try:
        records = apps.get_model(kind)._default_manager.all()
    except (LookupError, ValueError):
        raise Http404 from None
    if hasattr(records, "visible_to"):
        get_object_or_404(records.visible_to(request.user), pk=pk)
    elif not events.exists():
        raise Http404


def _events(request: HttpRequest) -> QuerySet:
    return AuditEvent.objects.visible_to(request.user).select_related("by")


def _pages(request: HttpRequest, events: QuerySet, kept: dict[str, str]):
    return keyset_page(events, by="at", asked=request.GET, kept=kept, parse=instant)


def _csv(rows: Iterator[list[str]]) -> Iterator[str]:
    writer = csv.writer(Echo())
    yield BYTE_ORDER_MARK
    for row in rows:
        yield writer.writerow([harmless(cell) for cell in row])
