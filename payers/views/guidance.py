"""What a biller must know of each payer, and a case put to the engine. Everything here only reads."""

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from coding.codebook_files import load_codebook
from coding.engine.vocabulary import Setting
from payers.case_forms import AskedForm, CaseForm
from payers.guidance import Enquiry, payer_book, payer_books
from payers.models import Payer
from payers.presenters.asked import today_of
from payers.presenters.codes import seam_of
from payers.presenters.guidance import case_answer, guidance_page, payer_rows


@require_safe
@permission_required("payers.view_payer", raise_exception=True)
def guidance_list(request: HttpRequest) -> HttpResponse:
    today = today_of(request.user)
    books = payer_books(request.user.organization_id)
    context = {"rows": payer_rows(books, on=today, codebook=load_codebook()), "today": today}
    return render(request, "payers/guidance_list.html", context)


@require_safe
@permission_required("payers.view_payer", raise_exception=True)
def guidance_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """One payer's guidance for a date of service and a setting; with neither, for today on campus."""
    payer = get_object_or_404(Payer, slug=slug, organization=request.user.organization_id)
    today, codebook = today_of(request.user), load_codebook()
    usual = {"on": today, "setting": Setting.ON_CAMPUS.value}
    form = AskedForm(usual | request.GET.dict())
    is_valid = form.is_valid()
    asked = form.cleaned_data if is_valid else usual
    page = guidance_page(
        payer_book(payer),
        on=asked["on"],
        setting=Setting(asked["setting"]),
        codebook=codebook,
        seam=seam_of(codebook, today),
        today=today,
    )
    case = CaseForm(
        initial=CaseForm.starting_with(
            payer=payer.slug,
            on=asked["on"],
            setting=asked["setting"],
            diagnosis=page["diagnosis"],
            today=today,
        ),
        organization=request.user.organization_id,
    )
    context = {"page": page, "form": form, "case_form": case}
    return render(request, "payers/guidance_detail.html", context, status=200 if is_valid else 422)


@require_safe
@permission_required("payers.view_payer", raise_exception=True)
def try_a_case(request: HttpRequest) -> HttpResponse:
    """What the engine says of one session that is not recorded anywhere; with no question yet, the empty form."""
    today, codebook = today_of(request.user), load_codebook()
    organization = request.user.organization_id
    if not request.GET.get("payer"):
        initial = CaseForm.starting_with(
            payer="", on=today, setting=Setting.ON_CAMPUS.value, diagnosis="C02.1", today=today
        )
        return render(
            request, "payers/case_try.html", {"case_form": CaseForm(initial=initial, organization=organization)}
        )
    form = CaseForm(request.GET, organization=organization)
    context = {"case_form": form}
    is_valid = form.is_valid()
    if is_valid:
        book = payer_book(form.cleaned_data["payer"])
        enquiry = Enquiry.of(book, on=form.cleaned_data["date_of_service"], codebook=codebook)
        ruling = enquiry.answer(Setting(form.cleaned_data["setting"]), **form.changes())
        policy = enquiry.version.label if enquiry.version else ""
        context["answer"] = case_answer(ruling, payer=book.payer, policy=policy, on=enquiry.on)
    template = "payers/_case_answer.html" if request.headers.get("HX-Request") else "payers/case_try.html"
    return render(request, template, context, status=200 if is_valid else 422)
