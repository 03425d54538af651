"""Saved reports that come to a person's inbox: on which days, about which days, and no more."""

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from coding.forms.report_schedules import ReportScheduleForm
from coding.presenters.report_files import takes_period
from coding.presenters.report_list import report_of, report_titles
from portal import clock
from portal.models import ReportSchedule, SavedView, ViewPlace
from portal.presenters.undo import told_with_undo
from portal.services.inbox import schedule_report, stop_schedule


@require_http_methods(["GET", "POST"])
@permission_required("coding.view_reports", raise_exception=True)
def report_schedule(request: HttpRequest, pk: int) -> HttpResponse:
    """Have a saved report delivered to the person's inbox, or otherwise than so far."""
    view = get_object_or_404(SavedView.objects.visible_to(request.user).filter(place=ViewPlace.REPORTS), pk=pk)
    name, titles = report_of(view), report_titles()
    if name not in titles:
        raise Http404
    schedule = ReportSchedule.objects.filter(owner=request.user, view=view).first()
    form = ReportScheduleForm(
        request.POST if request.method == "POST" else None,
        schedule=schedule,
        takes_period=takes_period(name),
        today=clock.today(request.user.zone),
    )
    if request.method == "POST" and form.is_valid():
        schedule = schedule_report(view=view, **form.terms, by=request.user)
        told = _("“%(name)s” comes to your inbox, next on %(day)s.")
        messages.success(request, told % {"name": view.name, "day": f"{schedule.next_on:%m/%d/%Y}"})
        return redirect("report-list")
    context = {"form": form, "view": view, "report": titles[name], "schedule": schedule}
    return render(request, "coding/report_schedule.html", context, status=422 if form.errors else 200)


@require_POST
@permission_required("coding.view_reports", raise_exception=True)
def report_schedule_stop(request: HttpRequest, pk: int) -> HttpResponse:
    """Deliver a report no more; the message has the way back."""
    schedule = get_object_or_404(ReportSchedule.objects.select_related("view"), pk=pk, owner=request.user)
    stop_schedule(schedule=schedule, by=request.user)
    told = _("“%(name)s” comes to your inbox no more.") % {"name": schedule.view.name}
    way_back = told_with_undo(
        request,
        told,
        url=reverse("report-schedule", args=[schedule.view_id]),
        rhythm=schedule.rhythm,
        first_on=f"{schedule.next_on:%m/%d/%Y}",
        period=schedule.period,
        file_format=schedule.file_format,
    )
    messages.success(request, way_back)
    return redirect("report-list")
