"""Contract rates: listed, typed one by one, brought in as a whole schedule, and taken out in the same shape."""

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from coding.forms.rates import BringInRatesForm, RateFileForm, RateFilterForm, RateForm
from coding.models import ContractRate
from coding.presenters.rates import (
    COLUMN_WORDS,
    brought_in,
    followed_words,
    jobs_failed,
    jobs_going_on,
    plan_page,
    rates_asked,
    rates_page,
)
from coding.rate_files import RateFileError, rates_table
from coding.rate_services import RatePlan, RatesChanged, RateTaken, bring_in_rates, plan_rates, save_rate
from coding.reports import table_csv
from payers.presenters.asked import today_of
from portal.presenters.downloads import csv_download
from portal.services.jobs import ask_job

JOBS_PART = "rate-jobs"
SALT = "contract rates that were shown"
SHOWN_FOR_SECONDS = 12 * 60 * 60


@require_safe
@permission_required("portal.view_setup", raise_exception=True)
def rate_list(request: HttpRequest) -> HttpResponse:
    """The rates by payer and code; for htmx, which asks while lines follow, only how far that is."""
    jobs = {"jobs": jobs_going_on(request.user), "failed": jobs_failed(request.user), "jobs_part": JOBS_PART}
    if request.headers.get("HX-Target") == JOBS_PART:
        return render(request, "coding/_rate_jobs.html", jobs | {"is_part": True})
    organization = request.user.organization
    form = RateFilterForm(request.GET, organization=organization)
    if not form.is_valid():
        return render(request, "coding/rate_list.html", jobs | {"form": form}, status=422)
    page = rates_page(form, organization, asked=request.GET, today=today_of(request.user))
    return render(request, "coding/rate_list.html", jobs | {"form": form, "page": page})


@require_safe
@permission_required("portal.view_setup", raise_exception=True)
def rate_list_csv(request: HttpRequest) -> HttpResponseBase:
    """The rates that the filters leave, in the shape in which a schedule is brought in."""
    organization = request.user.organization
    form = RateFilterForm(request.GET, organization=organization)
    if not form.is_valid():
        return render(request, "coding/rate_list.html", {"form": form}, status=422)
    rates = rates_asked(form, organization).iterator(chunk_size=1000)
    lines = table_csv(form.in_words, rates_table(rates))
    return csv_download(lines, name="contract-rates", on=today_of(request.user))


@require_http_methods(["GET", "POST"])
@permission_required("portal.change_setup", raise_exception=True)
def rate_edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """A new or amended rate; unsent lines of the payer and code follow it from its first day on."""
    organization = request.user.organization
    rate = get_object_or_404(ContractRate, pk=pk, organization=organization) if pk else None
    form = RateForm(request.POST or None, instance=rate, organization=organization)
    if request.method == "POST" and form.is_valid():
        try:
            followed = save_rate(rate=form.instance, organization=organization, by=request.user)
        except RateTaken:
            form.refuse_second()
        else:
            messages.success(request, f"{_('Rate saved.')} {followed_words(followed)}")
            return redirect("rate-list")
    context = {"form": form, "rate": rate}
    return render(request, "coding/rate_form.html", context, status=422 if request.method == "POST" else 200)


@require_http_methods(["GET", "POST"])
@permission_required("portal.change_setup", raise_exception=True)
def rate_import(request: HttpRequest) -> HttpResponse:
    """Read a schedule and show what it would do; nothing is kept before that is confirmed."""
    form = RateFileForm(*((request.POST, request.FILES) if request.method == "POST" else ()))
    if request.method == "POST" and form.is_valid():
        text = form.cleaned_data["file"]
        try:
            plan = plan_rates(organization=request.user.organization, text=text)
        except RateFileError as error:
            form.add_error("file", str(error))
        else:
            return _preview(request, plan, text)
    context = {"form": form, "columns": COLUMN_WORDS}
    return render(request, "coding/rate_import.html", context, status=422 if form.is_bound else 200)


@require_POST
@permission_required("portal.change_setup", raise_exception=True)
def rate_bring_in(request: HttpRequest) -> HttpResponse:
    """Bring in what was shown: the file comes back signed, for the organization to which it was shown."""
    organization = request.user.organization
    try:
        kept = signing.loads(request.POST.get("kept", ""), salt=SALT, max_age=SHOWN_FOR_SECONDS)
    except signing.BadSignature:
        kept = {}
    if kept.get("organization") != organization.pk:
        messages.error(request, _("That preview is too old: choose the file again. Nothing was changed."))
        return redirect("rate-import")
    plan = plan_rates(organization=organization, text=kept["text"])
    form = BringInRatesForm(request.POST, refused=len(plan.refused))
    if not form.is_valid():
        return _preview(request, plan, kept["text"], form)
    try:
        plan, followed = bring_in_rates(
            organization=organization, text=kept["text"], signature=kept["signature"], by=request.user
        )
    except RatesChanged:
        form.add_error(None, _("Rates were changed meanwhile. Below is what the file would do now; nothing was kept."))
        return _preview(request, plan, kept["text"], form)
    messages.success(request, brought_in(plan, followed))
    return redirect("rate-list")


@require_POST
@permission_required("portal.change_setup", raise_exception=True)
def rate_follow_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask once more for captures after changed rates that failed."""
    job = next((job for job in jobs_failed(request.user) if job.pk == pk), None)
    if job is None:
        raise Http404(str(pk))
    ask_job(kind=job.kind, arguments=job.arguments, by=request.user)
    return redirect("rate-list")


def _preview(request: HttpRequest, plan: RatePlan, text: str, form: BringInRatesForm | None = None) -> HttpResponse:
    """What a schedule would do, with the file in the form, signed: what was shown is what is done."""
    organization = request.user.organization
    kept = {"organization": organization.pk, "text": text, "signature": plan.signature}
    context = plan_page(plan, organization) | {
        "form": form or BringInRatesForm(refused=len(plan.refused)),
        "kept": signing.dumps(kept, salt=SALT, compress=True),
    }
    return render(request, "coding/rate_preview.html", context, status=422 if form else 200)
