"""Reports, each on its page and as files: all three show the same rows."""

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from coding.forms.reports import ChargeReportForm
from coding.presenters.charge_report import report_page
from coding.presenters.report_files import FILE_TYPES, AskedReport, file_name
from coding.presenters.report_list import CHARGES, SavedReport, address_of, reports_listed, saved_reports
from coding.presenters.report_tables import TABLE_REPORTS
from portal import clock
from portal.models import ReportFormat


@require_safe
@permission_required("coding.view_reports", raise_exception=True)
def report_charges(request: HttpRequest) -> HttpResponse:
    """Charges by payer, month, code and state, or by fewer of them."""
    form = ChargeReportForm(request.GET, user=request.user)
    if not form.is_valid():
        return render(request, "coding/report_charges.html", {"form": form}, status=422)
    report = AskedReport(CHARGES, form).charges()
    measures_lines = form.cleaned_data["bars"] == "lines"
    context = {
        "form": form,
        "report": report,
        "page": report_page(report, kept=form.kept, measures_lines=measures_lines),
        "query": request.GET.urlencode(),
        "view": SavedReport.of(CHARGES, request.GET, form),
    }
    return render(request, "coding/report_charges.html", context)


@require_safe
@permission_required("coding.view_reports", raise_exception=True)
def report_charges_csv(request: HttpRequest) -> HttpResponseBase:
    return _file(request, CHARGES, ReportFormat.CSV)


@require_safe
@permission_required("coding.view_reports", raise_exception=True)
def report_charges_xlsx(request: HttpRequest) -> HttpResponseBase:
    return _file(request, CHARGES, ReportFormat.XLSX)


@require_safe
@permission_required("coding.view_reports", raise_exception=True)
def report_list(request: HttpRequest) -> HttpResponse:
    """Every report, and those that people saved; the address of a saved one leads on to its report."""
    if "report" in request.GET:
        return redirect(address_of(request.GET))
    saved = saved_reports(request.user, today=clock.today(request.user.zone))
    context = {"reports": reports_listed(), "saved": saved}
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
    }
    return render(request, "coding/report_table.html", context)


@require_safe
@permission_required("coding.view_reports", raise_exception=True)
def report_table_csv(request: HttpRequest, name: str) -> HttpResponseBase:
    return _file(request, name, ReportFormat.CSV)


@require_safe
@permission_required("coding.view_reports", raise_exception=True)
def report_table_xlsx(request: HttpRequest, name: str) -> HttpResponseBase:
    return _file(request, name, ReportFormat.XLSX)


def _file(request: HttpRequest, name: str, file_format: str) -> HttpResponseBase:
    """A report as a file; where a filter cannot be read, its page says which."""
    asked = AskedReport.of(name, request.GET, request.user)
    if not asked.form.is_valid():
        page = "coding/report_charges.html" if name == CHARGES else "coding/report_table.html"
        context = {"report": TABLE_REPORTS.get(name), "form": asked.form}
        return render(request, page, context, status=422)
    content_type = FILE_TYPES[file_format]
    if file_format == ReportFormat.CSV:
        response = StreamingHttpResponse(asked.csv(), content_type=content_type)
    else:
        response = HttpResponse(asked.xlsx(), content_type=content_type)
    called = file_name(name, file_format, on=clock.today(request.user.zone))
    response.headers["Content-Disposition"] = f'attachment; filename="{called}"'
    return response
