"""The matrix of payers and settings. Everything here only reads."""

import csv
from datetime import date
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from coding.codebook_in_use import current_codebook
from coding.engine.codebook import Codebook
from coding.reports import BYTE_ORDER_MARK, harmless
from payers.guidance import PayerBook, payer_books
from payers.matrix_forms import MatrixForm
from payers.presenters.asked import today_of
from payers.presenters.matrix import changes_page, matrix_page, matrix_rows


@require_safe
@permission_required("payers.view_payer", raise_exception=True)
def matrix(request: HttpRequest) -> HttpResponse:
    """Every payer in every setting on a date of service; asked for by htmx, the table alone."""
    today, codebook = today_of(request.user), current_codebook()
    books = payer_books(request.user.organization_id)
    context, status = _matrix(request, books, codebook, today)
    if request.headers.get("HX-Request"):
        return render(request, "payers/_matrix_table.html", context, status=status)
    context["changes"] = changes_page(books, today=today, codebook=codebook)
    return render(request, "payers/matrix.html", context, status=status)


@require_safe
@permission_required("payers.view_payer", raise_exception=True)
def matrix_csv(request: HttpRequest) -> HttpResponse:
    """The same table as CSV."""
    books = payer_books(request.user.organization_id)
    context, _status = _matrix(request, books, current_codebook(), today_of(request.user))
    page = context["page"]
    response = HttpResponse(BYTE_ORDER_MARK, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="payer-matrix-{page["on"]:%Y-%m-%d}.csv"'
    csv.writer(response).writerows([harmless(cell) for cell in cells] for cells in matrix_rows(page))
    return response


def _matrix(
    request: HttpRequest, books: list[PayerBook], codebook: Codebook, today: date
) -> tuple[dict[str, Any], int]:
    """The matrix that is asked for, or today's where what is asked cannot be read, with the status that says so."""
    usual = {"on": today, "kind": "first", "payer": "", "since": None}
    form = MatrixForm({"on": today, "kind": "first"} | request.GET.dict(), organization=request.user.organization_id)
    is_valid = form.is_valid()
    asked = form.cleaned_data if is_valid else usual
    if asked["payer"]:
        books = [book for book in books if book.payer == asked["payer"]]
    page = matrix_page(books, on=asked["on"], since=asked["since"], kind=asked["kind"], codebook=codebook, today=today)
    return {"form": form, "page": page}, 200 if is_valid else 422
