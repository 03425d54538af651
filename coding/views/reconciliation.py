"""Reconciliation: what parts ways by day and by course, the rows behind each number, and the sign-off of a day."""

import csv
from collections.abc import Iterable
from datetime import date, timedelta
from itertools import chain
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from coding.forms.reconciliation import GapReasonForm, ReconciliationForm, VisitsForm
from coding.presenters.reconciliation import (
    DayPage,
    ReconciliationPage,
    VisitsPage,
    day_url,
    tallies_table,
    visits_table,
)
from coding.reconciliation import GapKind
from coding.reconciliation_services import (
    DayIsSigned,
    DayNotOver,
    GapsOpen,
    give_reason,
    sign_off_day,
    take_reason_back,
    withdraw_sign_off,
)
from coding.reports import BYTE_ORDER_MARK, Echo
from portal import clock
from portal.models import Course, DaySignOff, Department, GapReason, TreatmentSession


@require_safe
@permission_required("coding.view_reports", raise_exception=True)
def reconciliation(request: HttpRequest) -> HttpResponse:
    """Days, courses, or days to sign; the last fourteen days where none are asked for."""
    form = ReconciliationForm(request.GET, user=request.user)
    if not form.is_valid():
        return render(request, "coding/reconciliation.html", {"form": form}, status=422)
    page = ReconciliationPage(form, now=clock.now(), asked=request.GET)
    return render(request, "coding/reconciliation.html", {"form": form, "page": page})


@require_safe
@permission_required("coding.view_reports", raise_exception=True)
def reconciliation_csv(request: HttpRequest) -> HttpResponseBase:
    form = ReconciliationForm(request.GET, user=request.user)
    if not form.is_valid():
        return render(request, "coding/reconciliation.html", {"form": form}, status=422)
    page = ReconciliationPage(form, now=clock.now(), asked=request.GET)
    return _download(form, tallies_table(page), f"reconciliation-{page.first}-{page.last}.csv")


@require_safe
@permission_required("coding.view_reports", raise_exception=True)
def reconciliation_visits(request: HttpRequest) -> HttpResponse:
    """Exactly the rows of one number."""
    form = VisitsForm(request.GET, user=request.user)
    if not form.is_valid():
        return render(request, "coding/reconciliation_visits.html", {"form": form}, status=422)
    page = VisitsPage(form, now=clock.now(), asked=request.GET)
    return render(request, "coding/reconciliation_visits.html", {"form": form, "page": page})


@require_safe
@permission_required("coding.view_reports", raise_exception=True)
def reconciliation_visits_csv(request: HttpRequest) -> HttpResponseBase:
    form = VisitsForm(request.GET, user=request.user)
    if not form.is_valid():
        return render(request, "coding/reconciliation_visits.html", {"form": form}, status=422)
    page = VisitsPage(form, now=clock.now(), asked=request.GET)
    return _download(form, visits_table(page), f"reconciliation-visits-{page.first}-{page.last}.csv")


@require_safe
@permission_required("coding.view_reports", raise_exception=True)
def reconciliation_day(request: HttpRequest, pk: int) -> HttpResponse:
    """A department's day, that of `?day=`, or yesterday."""
    department = _department(request, pk)
    yesterday = clock.today(department.zone) - timedelta(days=1)
    day = _day(request.GET["day"]) if "day" in request.GET else yesterday
    return _day_page(request, DayPage(department, day, now=clock.now(), user=request.user))


@require_POST
@permission_required("portal.sign_off_day", raise_exception=True)
def reconciliation_reason(request: HttpRequest, pk: int) -> HttpResponse:
    """Say why a gap is none; what was typed stays where it cannot be saved."""
    department, day = _department(request, pk), _day(request.POST.get("day", ""))
    form = GapReasonForm(request.POST)
    if not form.is_valid():
        page = DayPage(department, day, now=clock.now(), user=request.user)
        page.with_form(form)
        return _day_page(request, page, form=form, status=422)
    named = form.cleaned_data
    sessions = TreatmentSession.objects.visible_to(request.user).filter(course=named["course"])
    try:
        give_reason(
            department=department,
            day=day,
            kind=GapKind(named["kind"]),
            course=get_object_or_404(Course.objects.visible_to(request.user), pk=named["course"]),
            session=get_object_or_404(sessions, pk=named["session"]) if named["session"] else None,
            reason=named["reason"],
            at=clock.now(),
            by=request.user,
        )
    except DayIsSigned:
        messages.error(request, _("The day was signed off meanwhile. Withdraw that first."))
    else:
        messages.success(request, _("Reason kept."))
    return redirect(day_url(department.pk, day))


@require_POST
@permission_required("portal.sign_off_day", raise_exception=True)
def reconciliation_reason_back(request: HttpRequest, pk: int) -> HttpResponseRedirect:
    reasons = GapReason.objects.filter(department__in=Department.objects.visible_to(request.user))
    reason = get_object_or_404(reasons.select_related("department"), pk=pk)
    try:
        take_reason_back(reason=reason, by=request.user)
    except DayIsSigned:
        messages.error(request, _("The day is signed off. Withdraw that first."))
    else:
        messages.success(request, _("Reason taken back; the gap is open again."))
    return redirect(day_url(reason.department_id, reason.day))


@require_POST
@permission_required("portal.sign_off_day", raise_exception=True)
def reconciliation_sign_off(request: HttpRequest, pk: int) -> HttpResponseRedirect:
    """Sign a day off, from its page or from the days to sign, whose filters are then in `list`."""
    department, day = _department(request, pk), _day(request.POST.get("day", ""))
    try:
        sign_off_day(department=department, day=day, now=clock.now(), by=request.user)
    except DayNotOver:
        messages.error(request, _("The day is not over; it can be signed off tomorrow."))
    except GapsOpen as refused:
        words = ngettext(
            "Not signed off: %(n)d gap is neither fixed nor has a reason.",
            "Not signed off: %(n)d gaps are neither fixed nor have a reason.",
            len(refused.gaps),
        )
        messages.error(request, words % {"n": len(refused.gaps)})
    else:
        messages.success(
            request, _("%(day)s, %(department)s is signed off.") % {"day": f"{day:%m/%d/%Y}", "department": department}
        )
        if "list" in request.POST:
            return redirect(f"{reverse('reconciliation')}?{QueryDict(request.POST['list']).urlencode()}")
    return redirect(day_url(department.pk, day))


@require_POST
@permission_required("portal.sign_off_day", raise_exception=True)
def reconciliation_withdraw(request: HttpRequest, pk: int) -> HttpResponseRedirect:
    department, day = _department(request, pk), _day(request.POST.get("day", ""))
    signed = DaySignOff.objects.filter(department=department, day=day).select_related("department").first()
    if signed is not None:
        withdraw_sign_off(sign_off=signed, by=request.user)
        messages.success(request, _("%(day)s is open again.") % {"day": f"{day:%m/%d/%Y}"})
    return redirect(day_url(department.pk, day))


def _day_page(
    request: HttpRequest, page: DayPage, *, form: GapReasonForm | None = None, status: int = 200
) -> HttpResponse:
    return render(request, "coding/reconciliation_day.html", {"page": page, "form": form}, status=status)


def _department(request: HttpRequest, pk: int) -> Department:
    return get_object_or_404(Department.objects.visible_to(request.user).select_related("organization"), pk=pk)


def _day(asked: str) -> date:
    try:
        return date.fromisoformat(asked)
    except ValueError as error:
        raise Http404("no such day") from error


def _download(form: ReconciliationForm, table: Iterable[list[Any]], name: str) -> StreamingHttpResponse:
    """The filters, then the table."""
    writer = csv.writer(Echo())
    days = [_("Days"), f"{form.first:%m/%d/%Y} – {form.last:%m/%d/%Y}"]
    rows = chain([days], ([name, value] for name, value in form.in_words), [[]], table)
    lines = chain([BYTE_ORDER_MARK], (writer.writerow(row) for row in rows))
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
