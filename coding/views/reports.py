"""The report on charges, on the page and as files: all three show the same rows."""

from datetime import date

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from coding.forms.reports import ChargeReportForm
from coding.presenters.charge_report import report_page
from coding.reports import ChargeReport, charge_report, report_csv, report_xlsx
from portal import clock
from portal.models import Department

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@require_safe
@permission_required("coding.view_reports", raise_exception=True)
def report_charges(request: HttpRequest) -> HttpResponse:
    """Charges by payer, month, code and state, or by fewer of them."""
    form = ChargeReportForm(request.GET, user=request.user)
    if not form.is_valid():
        return render(request, "coding/report_charges.html", {"form": form}, status=422)
    report = _report(request, form)
    measures_lines = form.cleaned_data["bars"] == "lines"
    context = {
        "form": form,
        "report": report,
        "page": report_page(report, kept=form.kept, measures_lines=measures_lines),
        "query": request.GET.urlencode(),
        "now": clock.now(),
    }
    return render(request, "coding/report_charges.html", context)


@require_safe
@permission_required("coding.view_reports", raise_exception=True)
def report_charges_csv(request: HttpRequest) -> HttpResponseBase:
    form = ChargeReportForm(request.GET, user=request.user)
    if not form.is_valid():
        return render(request, "coding/report_charges.html", {"form": form}, status=422)
    lines = report_csv(_report(request, form))
    return _download(request, StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8"), "csv")


@require_safe
@permission_required("coding.view_reports", raise_exception=True)
def report_charges_xlsx(request: HttpRequest) -> HttpResponseBase:
    form = ChargeReportForm(request.GET, user=request.user)
    if not form.is_valid():
        return render(request, "coding/report_charges.html", {"form": form}, status=422)
    return _download(request, HttpResponse(report_xlsx(_report(request, form)), content_type=XLSX), "xlsx")


def _report(request: HttpRequest, form: ChargeReportForm) -> ChargeReport:
    return charge_report(user=request.user, filters=form.filters, in_words=form.in_words, groupings=form.groupings)


def _download(request: HttpRequest, response: HttpResponseBase, ending: str) -> HttpResponseBase:
    response.headers["Content-Disposition"] = f'attachment; filename="charges-{_today(request):%Y-%m-%d}.{ending}"'
    return response


def _today(request: HttpRequest) -> date:
    """The day at the first department that the person sees."""
    department = Department.objects.visible_to(request.user).first() or Department()
    return clock.today(department.zone)
