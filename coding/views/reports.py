"""The report of charges, on the page and as files; both sum the same rows."""

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from coding.forms.reports import ChargeReportForm
from coding.presenters.charge_report import report_page
from coding.presenters.review import lines_for
from coding.reports import charge_rows, charges_csv, charges_xlsx

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@require_safe
@permission_required("coding.view_reports", raise_exception=True)
def report_charges(request: HttpRequest) -> HttpResponse:
    """Charges by payer, month, code and status, or by whatever is chosen."""
    form, rows = _form_and_rows(request)
    page = report_page(rows, form.groupings, form.kept, request.GET.urlencode())
    return render(
        request,
        "coding/report_charges.html",
        {"form": form, "report": page},
        status=200 if form.is_valid() else 422,
    )


@require_safe
@permission_required("coding.view_reports", raise_exception=True)
def report_charges_csv(request: HttpRequest) -> HttpResponse:
    form, rows = _form_and_rows(request)
    return _file(charges_csv(rows, form.groupings, form.in_words), "text/csv; charset=utf-8", "charges.csv")


@require_safe
@permission_required("coding.view_reports", raise_exception=True)
def report_charges_xlsx(request: HttpRequest) -> HttpResponse:
    form, rows = _form_and_rows(request)
    return _file(charges_xlsx(rows, form.groupings, form.in_words), XLSX, "charges.xlsx")


def _form_and_rows(request: HttpRequest):
    form = ChargeReportForm(request.GET, user=request.user)
    asked = form.cleaned_data if form.is_valid() else {}
    return form, charge_rows(lines_for(request.user, asked), form.groupings)


def _file(content: str | bytes, kind: str, name: str) -> HttpResponse:
    response = HttpResponse(content, content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
