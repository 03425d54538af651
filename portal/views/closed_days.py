"""Closed days of a department: holidays and days on which a machine is down. Plans go around them."""

from datetime import date

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core import signing
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal import clock
from portal.forms.closed_days import CloseDaysForm, HolidaysForm
from portal.models import FIRST_DAY, LAST_DAY, ClosedDay, Department, User
from portal.presenters.undo import told_with_undo
from portal.services.closed_days import close_days, federal_holidays, fractions_planned_on, reopen_day

HTMX = "HX-Request"
SALT = "closed day"


@require_safe
@permission_required("portal.view_department", raise_exception=True)
def closed_day_list(request: HttpRequest) -> HttpResponse:
    """The closed days of `?department=` in `?year=`; without them the first department, this year."""
    departments = _departments(request.user)
    department = _chosen(request, departments)
    if department is None:
        return render(request, "portal/closed_day_list.html", {"departments": []})
    year = _year(request, department)
    return render(
        request,
        "portal/closed_day_list.html",
        {
            "departments": departments,
            "department": department,
            "year": year,
            "years": [other for other in (year - 1, year + 1) if FIRST_DAY.year <= other <= LAST_DAY.year],
            "closed": department.closed_days.filter(day__year=year)
            .select_related("machine")
            .order_by("day", "machine"),
        },
    )


@require_http_methods(["GET", "POST"])
@permission_required("portal.change_setup", raise_exception=True)
def closed_day_create(request: HttpRequest) -> HttpResponse:
    """Close one day or a stretch of them. What it closes is shown before it is saved."""
    departments = _departments(request.user)
    department = _chosen(request, departments)
    form = CloseDaysForm(
        request.POST or None,
        initial={"place": f"d{department.pk}"} if department else None,
        departments=departments,
        today=clock.today((department or Department()).zone),
    )
    is_valid = request.method == "POST" and form.is_valid()
    if is_valid and "preview" not in request.POST:
        closed = close_days(department=form.department, machine=form.machine, reasons=form.reasons, by=request.user)
        return _closed(request, form.department, closed, form.cleaned_data["first_day"].year)
    preview = _preview(form) if is_valid else None
    if request.headers.get(HTMX):
        return render(request, "portal/_closed_day_preview.html", {"form": form, "preview": preview})
    return render(
        request,
        "portal/closed_day_form.html",
        {"form": form, "preview": preview},
        status=422 if form.errors else 200,
    )


@require_http_methods(["GET", "POST"])
@permission_required("portal.change_setup", raise_exception=True)
def closed_day_holidays(request: HttpRequest) -> HttpResponse:
    """Close the department of `?department=` on the federal holidays of `?year=` that are ticked."""
    department = _chosen(request, _departments(request.user))
    if department is None:
        return redirect("closed-day-list")
    year = _year(request, department)
    holidays = federal_holidays(year)
    already = department.closed_days.filter(machine__isnull=True, day__in=[holiday.day for holiday in holidays])
    form = HolidaysForm(
        request.POST if request.method == "POST" else None,
        holidays=holidays,
        closed=set(already.values_list("day", flat=True)),
    )
    if request.method == "POST" and form.is_valid():
        closed = close_days(department=department, machine=None, reasons=form.reasons, by=request.user)
        return _closed(request, department, closed, year)
    return render(
        request,
        "portal/closed_day_holidays.html",
        {"form": form, "department": department, "year": year, "already": already},
        status=422 if request.method == "POST" else 200,
    )


@require_POST
@permission_required("portal.change_setup", raise_exception=True)
def closed_day_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Treat on that day after all; the message has the way back."""
    closed = get_object_or_404(
        ClosedDay.objects.filter(department__in=_departments(request.user)).select_related("department", "machine"),
        pk=pk,
    )
    kept = signing.dumps([closed.department_id, closed.machine_id, closed.day.isoformat(), closed.reason], salt=SALT)
    reopen_day(closed=closed, by=request.user)
    told = _("%(place)s is open on %(day)s.") % {
        "place": closed.machine or closed.department,
        "day": f"{closed.day:%m/%d/%Y}",
    }
    messages.success(request, told_with_undo(request, told, url=reverse("closed-day-restore"), kept=kept))
    return redirect(_list_url(closed.department, closed.day.year))


@require_POST
@permission_required("portal.change_setup", raise_exception=True)
def closed_day_restore(request: HttpRequest) -> HttpResponse:
    """Close a day again that was just removed: the button of the message carries it, signed."""
    try:
        department_id, machine_id, day, reason = signing.loads(request.POST.get("kept", ""), salt=SALT)
    except signing.BadSignature:
        messages.error(request, _("That day is not known any more. Close it again by hand."))
        return redirect("closed-day-list")
    department = get_object_or_404(_departments(request.user), pk=department_id)
    machine = get_object_or_404(department.machines, pk=machine_id) if machine_id else None
    reasons = {date.fromisoformat(day): reason}
    closed = close_days(department=department, machine=machine, reasons=reasons, by=request.user)
    return _closed(request, department, closed, date.fromisoformat(day).year)


def _departments(user: User) -> QuerySet[Department]:
    return Department.objects.visible_to(user).order_by("name")


def _chosen(request: HttpRequest, departments: QuerySet[Department]) -> Department | None:
    """The department that the address names, or the first that the person sees."""
    named = request.GET.get("department", "")
    if not named:
        return departments.first()
    if not (named.isascii() and named.isdigit() and len(named) < 19):
        raise Http404
    return get_object_or_404(departments, pk=int(named))


def _year(request: HttpRequest, department: Department) -> int:
    """The year that the address names, or this one; a year that the portal does not keep is not found."""
    named = request.GET.get("year", "")
    if not named:
        return clock.today(department.zone).year
    if not (named.isascii() and named.isdigit() and FIRST_DAY.year <= int(named[:5]) <= LAST_DAY.year):
        raise Http404
    return int(named)


def _preview(form: CloseDaysForm) -> dict[str, object]:
    """Which days the form closes, which are closed already, and what is planned on them."""
    days = sorted(form.reasons)
    already = form.department.closed_days.filter(machine=form.machine, day__in=days)
    return {
        "place": form.machine or form.department,
        "days": days,
        "already": set(already.values_list("day", flat=True)),
        "planned": fractions_planned_on(department=form.department, machine=form.machine, days=days),
    }


def _closed(request: HttpRequest, department: Department, closed: list[ClosedDay], year: int) -> HttpResponse:
    count = len(closed)
    if count:
        told = ngettext("%(count)d day closed.", "%(count)d days closed.", count) % {"count": count}
        messages.success(request, told)
    else:
        messages.info(request, _("These days are closed already. Nothing was changed."))
    return redirect(_list_url(department, year))


def _list_url(department: Department, year: int) -> str:
    return f"{reverse('closed-day-list')}?department={department.pk}&year={year}"
