"""What a biller must know of each payer, found and read, and a case put to the engine."""

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from coding.codebook_in_use import current_codebook
from coding.engine.vocabulary import Setting
from payers.case_forms import CaseForm
from payers.guidance import Enquiry, payer_book, payer_books
from payers.guidance_forms import AskedForm, GuidanceSearchForm
from payers.guidance_search import find_in_guidance
from payers.models import Payer, PolicyVersion
from payers.presenters.asked import today_of, usual_place
from payers.presenters.attestations import reading_part
from payers.presenters.codes import seam_of
from payers.presenters.guidance import case_answer, guidance_page, payer_rows, search_page
from payers.reading_services import record_reading
from portal import clock
from portal.models import Department


@require_safe
@permission_required("payers.view_payer", raise_exception=True)
def guidance_list(request: HttpRequest) -> HttpResponse:
    today = today_of(request.user)
    books = payer_books(request.user.organization_id)
    context = {"rows": payer_rows(books, on=today, codebook=current_codebook()), "today": today}
    return render(request, "payers/guidance_list.html", context)


@require_safe
@permission_required("payers.view_payer", raise_exception=True)
def guidance_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """One payer's guidance for a date of service and a department or setting.

    Where the address names neither, for today and the person's own department.
    """
    payer = _payer(request, slug)
    today, codebook = today_of(request.user), current_codebook()
    departments = Department.objects.visible_to(request.user).filter(is_active=True)
    departments = list(departments.prefetch_related("statuses", "billers"))
    own = usual_place(departments, today)
    form = AskedForm({"on": today, "setting": own.asked} | request.GET.dict(), departments=departments)
    is_valid = form.is_valid()
    asked = form.cleaned_data if is_valid else {"on": today, "place": own}
    page = guidance_page(
        payer_book(payer),
        on=asked["on"],
        place=asked["place"],
        codebook=codebook,
        seam=seam_of(codebook, today),
        today=today,
    )
    case = CaseForm(
        initial=CaseForm.starting_with(
            payer=payer.slug,
            on=asked["on"],
            setting=page["setting"],
            diagnosis=page["diagnosis"],
            today=today,
        ),
        organization=request.user.organization_id,
    )
    reading = reading_part(request.user, payer, shown=page["version"], in_force=page["in_force_today"])
    context = {"page": page, "form": form, "case_form": case, "reading": reading}
    return render(request, "payers/guidance_detail.html", context, status=200 if is_valid else 422)


@require_POST
@permission_required("payers.view_payer", raise_exception=True)
def guidance_read(request: HttpRequest, slug: str) -> HttpResponse:
    """That the person has read the page as a version has it; what comes after it will be told as new."""
    payer = _payer(request, slug)
    key = request.POST.get("version", "")
    versions = PolicyVersion.objects.published().filter(policy__payer=payer).select_related("policy__payer")
    version = get_object_or_404(versions, pk=key if key.isdecimal() else 0)
    reading = record_reading(version=version, at=clock.now(), by=request.user)
    if request.headers.get("HX-Request"):
        context = {
            "read_at": reading.read_at.astimezone(request.user.zone),
            "is_by_hand": "is_by_hand" in request.POST,
        }
        return render(request, "payers/_guidance_read.html", context)
    return redirect("guidance-detail", slug=payer.slug)


@require_safe
@permission_required("payers.view_payer", raise_exception=True)
def guidance_search(request: HttpRequest) -> HttpResponse:
    """Words found in the guidance of all payers; asked for by htmx, what was found alone."""
    today, organization = today_of(request.user), request.user.organization_id
    form = GuidanceSearchForm({"on": today} | request.GET.dict(), organization=organization)
    context, is_valid = {"form": form}, form.is_valid()
    if is_valid and form.cleaned_data["q"]:
        asked = form.cleaned_data
        on = None if asked["every_version"] else asked["on"]
        found = find_in_guidance(
            organization=organization, words=asked["q"], on=on, payer=asked["payer"], topic=asked["topic"]
        )
        context["page"] = search_page(found, asked=request.GET.dict(), on=on)
    template = "_guidance_found" if request.headers.get("HX-Request") else "guidance_search"
    return render(request, f"payers/{template}.html", context, status=200 if is_valid else 422)


@require_safe
@permission_required("payers.view_payer", raise_exception=True)
def try_a_case(request: HttpRequest) -> HttpResponse:
    """What the engine says of one session that is not recorded anywhere; with no question yet, the empty form."""
    today, codebook = today_of(request.user), current_codebook()
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


def _payer(request: HttpRequest, slug: str) -> Payer:
    return get_object_or_404(Payer, slug=slug, organization=request.user.organization_id)
