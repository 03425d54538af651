"""Reports, each on its page and as files: all three show the same rows."""

from datetime import date

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from coding.forms.reports import ChargeReportForm
from coding.presenters.charge_report import report_page
from coding.presenters.report_list import SavedReport, address_of, reports_listed, saved_reports
from coding.presenters.report_tables import TABLE_REPORTS
from coding.reports import ChargeReport, charge_report, report_csv, report_xlsx, table_csv, table_xlsx
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
        "view": SavedReport.of("charges", request.GET, form),
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


@require_safe
@permission_required("coding.view_reports", raise_exception=True)
def report_list(request: HttpRequest) -> HttpResponse:
    """Every report, and those that people saved; the address of a saved one leads on to its report."""
    if "report" in request.GET:
        return redirect(address_of(request.GET))
    context = {"reports": reports_listed(), "saved": saved_reports(request.user)}
    return render(request, "coding/report_list.html", context)


@require_safe
@permission_required("coding.view_reports", raise_exception=True)
def report_table(request: HttpRequest, name: str) -> HttpResponse:
    """A report that is one table, grouped by what was chosen."""
    report = TABLE_REPORTS[name]
    form = report.form(request.GET, request.user)
    if not form.is_valid():
        return render(request, "coding/report_table.html", {"report": report, "form": form}, status=422)
    context = {
        "report": report,
        "form": form,
        "table": report.table_of(form),
        "query": request.GET.urlencode(),
        "view": SavedReport.of(name, request.GET, form),
        "now": clock.now(),
    }
    return render(request, "coding/report_table.html", context)


@require_safe
@permission_required("coding.view_reports", raise_exception=True)
def report_table_csv(request: HttpRequest, name: str) -> HttpResponseBase:
    report = TABLE_REPORTS[name]
    form = report.form(request.GET, request.user)
    if not form.is_valid():
        return render(request, "coding/report_table.html", {"report": report, "form": form}, status=422)
    lines = table_csv(form.printed, report.table_of(form).lines())
    return _download(request, StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8"), "csv", name)


@require_safe
@permission_required("coding.view_reports", raise_exception=True)
def report_table_xlsx(request: HttpRequest, name: str) -> HttpResponseBase:
    report = TABLE_REPORTS[name]
    form = report.form(request.GET, request.user)
    if not form.is_valid():
        return render(request, "coding/report_table.html", {"report": report, "form": form}, status=422)
    book = table_xlsx(str(report.title), form.printed, report.table_of(form).lines(), amounts="0.0")
    return _download(request, HttpResponse(book, content_type=XLSX), "xlsx", name)


def _report(request: HttpRequest, form: ChargeReportForm) -> ChargeReport:
    return charge_report(user=request.user, filters=form.filters, in_words=form.in_words, groupings=form.groupings)


def _download(request: HttpRequest, response: HttpResponseBase, ending: str, name: str = "charges") -> HttpResponseBase:
    response.headers["Content-Disposition"] = f'attachment; filename="{name}-{_today(request):%Y-%m-%d}.{ending}"'
    return response


def _today(request: HttpRequest) -> date:
    """The day at the first department that the person sees."""
    department = Department.objects.visible_to(request.user).first() or Department()
    return clock.today(department.zone)
