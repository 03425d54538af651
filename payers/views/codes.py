"""The pages of the codes, and of their change from one year to the next. Everything here only reads."""

from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from coding.codebook_in_use import current_codebook
from coding.engine.vocabulary import Setting
from coding.reference_reports import descriptor_of
from payers.case_forms import CaseForm, CodeAskedForm, TransitionForm
from payers.guidance import payer_books
from payers.presenters.asked import today_of
from payers.presenters.codes import case_of, code_list_page, code_page, example_of, seam_of, transition_page, usual_day


@require_safe
@permission_required("payers.view_payer", raise_exception=True)
def code_list(request: HttpRequest) -> HttpResponse:
    context = code_list_page(current_codebook(), today=today_of(request.user))
    return render(request, "payers/code_list.html", context)


@require_safe
@permission_required("payers.view_payer", raise_exception=True)
def code_detail(request: HttpRequest, code: str) -> HttpResponse:
    """One code's page; the payers are asked for today, or for the last day of a code that has ended."""
    today, codebook = today_of(request.user), current_codebook()
    known = codebook.codes.get(code)
    if known is None or known.role is None:
        raise Http404(code)
    usual = {"on": usual_day(known, today)}
    form = CodeAskedForm(usual | request.GET.dict())
    is_valid = form.is_valid()
    on = form.cleaned_data["on"] if is_valid else usual["on"]
    organization = request.user.organization_id
    books = payer_books(organization)
    example = example_of(known, books, on=on, codebook=codebook)
    case = CaseForm(initial=case_of(example, on=on, today=today), organization=organization)
    context = {
        "page": code_page(known, books, example, on=on, codebook=codebook, today=today),
        "descriptor": descriptor_of(code, on=on),
        "form": form,
        "case_form": case,
    }
    return render(request, "payers/code_detail.html", context, status=200 if is_valid else 422)


@require_safe
@permission_required("payers.view_payer", raise_exception=True)
def code_transition(request: HttpRequest) -> HttpResponse:
    """The change of codes, for one payer and setting, and where every payer stands."""
    today, codebook = today_of(request.user), current_codebook()
    organization = request.user.organization_id
    books = payer_books(organization)
    if not books:
        return render(request, "payers/code_transition.html", {"page": None})
    usual = {"payer": _first(books), "setting": Setting.ON_CAMPUS.value}
    form = TransitionForm(usual | request.GET.dict(), organization=organization)
    is_valid = form.is_valid()
    asked = form.cleaned_data["payer"].slug if is_valid else usual["payer"]
    setting = Setting(form.cleaned_data["setting"] if is_valid else usual["setting"])
    page = transition_page(
        next(book for book in books if book.payer.slug == asked),
        books,
        setting=setting,
        codebook=codebook,
        seam=seam_of(codebook, today),
        today=today,
    )
    return render(request, "payers/code_transition.html", {"page": page, "form": form}, status=200 if is_valid else 422)


def _first(books: list) -> str:
    """Medicare where there is one, since most rules follow it; else the first payer."""
    slugs = [book.payer.slug for book in books]
    return "medicare" if "medicare" in slugs else slugs[0]
