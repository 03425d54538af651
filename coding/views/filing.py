"""The filing clock: lines and services by days left, the limits of payers, and a line's proof of timely filing."""

import csv
from collections.abc import Iterable
from itertools import chain

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from coding.filing import filing_limits, sunset
from coding.forms.filing import FilingForm, LimitsForm, SunsetForm
from coding.forms.lines import FilterChoices
from coding.models import ChargeLine
from coding.presenters.filing import (
    filing_csv,
    filing_page,
    limit_in_words,
    proof_page,
    sunset_csv,
    sunset_page,
)
from coding.reports import BYTE_ORDER_MARK, Echo
from portal import clock


@require_safe
@permission_required("coding.view_chargeline", raise_exception=True)
def filing_clock(request: HttpRequest) -> HttpResponse:
    """Every line that is not exported, the soonest deadline first."""
    form = FilingForm(request.GET, user=request.user)
    if not form.is_valid():
        return render(request, "coding/filing_clock.html", {"form": form}, status=422)
    page = filing_page(form, asked=request.GET)
    return render(request, "coding/filing_clock.html", {"form": form, "page": page, "counts": page.counts})


@require_safe
@permission_required("coding.view_chargeline", raise_exception=True)
def filing_clock_csv(request: HttpRequest) -> HttpResponseBase:
    form = FilingForm(request.GET, user=request.user)
    if not form.is_valid():
        return render(request, "coding/filing_clock.html", {"form": form}, status=422)
    return _download(filing_csv(form), f"filing-clock-{form.choices.today:%Y-%m-%d}.csv")


@require_safe
@permission_required("coding.view_chargeline", raise_exception=True)
def filing_sunset(request: HttpRequest) -> HttpResponse:
    """Services on codes that are deleted since, which were not exported."""
    form = SunsetForm(request.GET, user=request.user)
    period = sunset(form.choices.today)
    if not form.is_valid():
        return render(request, "coding/filing_sunset.html", {"form": form, "period": period}, status=422)
    context = {"form": form, "period": period}
    if period is not None:
        page = sunset_page(form, period, asked=request.GET)
        context |= {"page": page, "counts": page.counts, "codes": ", ".join(sorted(period.codes))}
    return render(request, "coding/filing_sunset.html", context)


@require_safe
@permission_required("coding.view_chargeline", raise_exception=True)
def filing_sunset_csv(request: HttpRequest) -> HttpResponseBase:
    form = SunsetForm(request.GET, user=request.user)
    period = sunset(form.choices.today)
    if not form.is_valid() or period is None:
        return render(request, "coding/filing_sunset.html", {"form": form, "period": period}, status=422)
    return _download(sunset_csv(form, period), f"services-on-deleted-codes-{form.choices.today:%Y-%m-%d}.csv")


@require_safe
@permission_required("coding.view_chargeline", raise_exception=True)
def filing_limits_by_payer(request: HttpRequest) -> HttpResponse:
    """What each payer's version in force says of filing and appeals, and the last day for one date of service."""
    form = LimitsForm(request.GET)
    if not form.is_valid():
        return render(request, "coding/filing_limits.html", {"form": form}, status=422)
    on = form.day(FilterChoices(request.user).today)
    limits = filing_limits(request.user.organization_id, on)
    rows = [(limit, limit_in_words(limit)) for limit in limits]
    return render(request, "coding/filing_limits.html", {"form": form, "rows": rows, "on": on})


@require_safe
@permission_required("coding.view_chargeline", raise_exception=True)
def filing_proof(request: HttpRequest, pk: int) -> HttpResponse:
    """What the portal holds on the filing of one line, to print."""
    lines = ChargeLine.objects.visible_to(request.user).select_related(
        "session__course__patient",
        "session__department",
        "ruling__policy_version__policy__payer",
        "ruling__captured_by",
    )
    page = proof_page(get_object_or_404(lines, pk=pk), now=clock.now())
    return render(request, "coding/filing_proof.html", {"page": page})


def _download(table: Iterable[list[str]], name: str) -> StreamingHttpResponse:
    writer = csv.writer(Echo())
    lines = chain([BYTE_ORDER_MARK], (writer.writerow(row) for row in table))
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
