"""The list of sessions with the lines that they became."""

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from coding.forms.sessions import SessionFilterForm
from coding.presenters.sessions import session_page, sessions_table
from coding.reports import table_csv
from portal.presenters.downloads import csv_download


@require_safe
@permission_required("portal.view_treatmentsession", raise_exception=True)
def session_list(request: HttpRequest) -> HttpResponse:
    """Sessions that were not voided, the newest day of service first."""
    form = SessionFilterForm(request.GET, user=request.user)
    if not form.is_valid():
        return render(request, "coding/session_list.html", {"form": form}, status=422)
    context = {"form": form, "page": session_page(form, asked=request.GET)}
    return render(request, "coding/session_list.html", context)


@require_safe
@permission_required("portal.view_treatmentsession", raise_exception=True)
def session_list_csv(request: HttpRequest) -> HttpResponseBase:
    """Every session that the filters leave, as a file that begins with the filters and leaves row by row."""
    form = SessionFilterForm(request.GET, user=request.user)
    if not form.is_valid():
        return render(request, "coding/session_list.html", {"form": form}, status=422)
    filters = form.in_words or [(_("Filters"), _("none: all sessions"))]
    return csv_download(table_csv(filters, sessions_table(form)), name="sessions", on=form.choices.today)
