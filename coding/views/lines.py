"""Charge review, and why a line is as it is."""

import csv
from itertools import chain

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from coding.forms.lines import ChargeFilterForm, VoidLineForm, WithoutLineFilterForm
from coding.models import ChargeLine, LineState
from coding.presenters.line_actions import line_bar
from coding.presenters.review import (
    lines_by_state,
    reason_counts,
    review_csv,
    review_page,
    state_counts,
    without_line_page,
    without_line_table,
)
from coding.presenters.why import why_line, why_session
from coding.reports import BYTE_ORDER_MARK, Echo, charge_lines, table_csv
from coding.services import void_charge_line
from portal.models import TreatmentSession, ViewPlace
from portal.presenters.downloads import csv_download
from portal.presenters.saved_views import asks_for_numbers, view_strip

# The views that come with charge review, by their filters.
BUILT_IN = (
    (gettext_lazy("All"), ""),
    (gettext_lazy("Held"), "state=held"),
    (gettext_lazy("Mine"), "owner=me"),
    (gettext_lazy("Nobody's"), "owner=nobody"),
    (gettext_lazy("Ready"), "state=ready"),
    (gettext_lazy("File within 30 days"), "filing=30"),
)


@require_safe
@permission_required("coding.view_chargeline", raise_exception=True)
def charge_review(request: HttpRequest) -> HttpResponse:
    """Live lines, newest date of service first; a filter that cannot be read is named, and nothing is shown for it."""
    form = ChargeFilterForm(request.GET, user=request.user)
    if not form.is_valid():
        return render(request, "coding/charge_review.html", {"form": form}, status=422)
    strip = view_strip(
        request,
        place=ViewPlace.CHARGES,
        url_name="charge-review",
        form=form,
        built_in=BUILT_IN,
        rows_of=lambda other: charge_lines(user=request.user, filters=other.filters),
    )
    if asks_for_numbers(request):
        return render(request, "_components/view_numbers.html", {"strip": strip})
    numbers = lines_by_state(form)
    page = review_page(form, asked=request.GET, numbers=numbers)
    context = {
        "form": form,
        "page": page,
        "strip": strip,
        "states": state_counts(form, numbers),
        "reasons": reason_counts(form),
        "bulk": line_bar(request.user, len(page.rows), page.pages.count_text),
    }
    return render(request, "coding/charge_review.html", context)


@require_safe
@permission_required("coding.view_chargeline", raise_exception=True)
def charge_review_csv(request: HttpRequest) -> HttpResponseBase:
    """Every line that the filters leave, as a file that begins with the filters."""
    form = ChargeFilterForm(request.GET, user=request.user)
    if not form.is_valid():
        return render(request, "coding/charge_review.html", {"form": form}, status=422)
    writer = csv.writer(Echo())
    rows = chain([BYTE_ORDER_MARK], (writer.writerow(row) for row in review_csv(form)))
    response = StreamingHttpResponse(rows, content_type="text/csv; charset=utf-8")
    name = f"charge-lines-{form.choices.today:%Y-%m-%d}.csv"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@require_safe
@permission_required("coding.view_chargeline", raise_exception=True)
def sessions_without_line(request: HttpRequest) -> HttpResponse:
    """Sessions that owe no line as they stand, and what is wrong with each."""
    form = WithoutLineFilterForm(request.GET, user=request.user)
    if not form.is_valid():
        return render(request, "coding/sessions_without_line.html", {"form": form}, status=422)
    page = without_line_page(form, asked=request.GET)
    return render(request, "coding/sessions_without_line.html", {"form": form, "page": page})


@require_safe
@permission_required("coding.view_chargeline", raise_exception=True)
def sessions_without_line_csv(request: HttpRequest) -> HttpResponseBase:
    """Every session without a line that the filters leave, as a file that begins with the filters."""
    form = WithoutLineFilterForm(request.GET, user=request.user)
    if not form.is_valid():
        return render(request, "coding/sessions_without_line.html", {"form": form}, status=422)
    filters = form.in_words or [(_("Filters"), _("none: all sessions without a line"))]
    lines = table_csv(filters, without_line_table(form))
    return csv_download(lines, name="sessions-without-a-line", on=form.choices.today)


@require_safe
@permission_required("coding.view_chargeline", raise_exception=True)
def line_why(request: HttpRequest, pk: int) -> HttpResponse:
    """The reasons of one line: beside a list for htmx, a page of its own otherwise."""
    line = get_object_or_404(_lines(request), pk=pk)
    template = "coding/_why_panel.html" if request.headers.get("HX-Request") else "coding/why.html"
    return render(request, template, {"why": why_line(line, request.user)})


@require_safe
@permission_required("coding.view_sessionruling", raise_exception=True)
def session_why(request: HttpRequest, pk: int) -> HttpResponse:
    """The reasons of a session's current ruling, lines or none."""
    sessions = TreatmentSession.objects.visible_to(request.user).select_related("course__patient", "department")
    session = get_object_or_404(sessions.prefetch_related("delivered_fractions"), pk=pk)
    template = "coding/_why_panel.html" if request.headers.get("HX-Request") else "coding/why.html"
    return render(request, template, {"why": why_session(session, request.user)})


@require_http_methods(["GET", "POST"])
@permission_required("coding.void_chargeline", raise_exception=True)
def line_void(request: HttpRequest, pk: int) -> HttpResponse:
    """Void a line with a reason; asked for on a page of its own, since it is not undone."""
    line = get_object_or_404(_lines(request).exclude(state=LineState.VOID).filter(replaced_in__isnull=True), pk=pk)
    form = VoidLineForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        void_charge_line(line=line, reason=form.cleaned_data["reason"], by=request.user)
        messages.success(request, _("The line is void. Capturing again does not bring it back."))
        return redirect("line-why", pk=line.pk)
    return render(
        request,
        "coding/line_void.html",
        {"line": line, "form": form},
        status=422 if request.method == "POST" else 200,
    )


def _lines(request: HttpRequest):
    return (
        ChargeLine.objects.visible_to(request.user)
        .select_related(
            "session__course__patient",
            "session__department",
            "ruling__trace",
            "ruling__policy_version__policy__payer",
            "corrects",
            "voided_by",
        )
        .prefetch_related("session__delivered_fractions")
    )
