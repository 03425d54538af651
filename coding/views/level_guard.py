"""The guard of the highest delivery level: the mix against a band, checklists, a course as an auditor would read it."""

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from coding.forms.level_guard import GuardForm, MixForm
from coding.forms.lines import FilterChoices
from coding.level_guard import EXPECTED_ELSEWHERE, audited_course, levels_on
from coding.presenters.level_guard import audit_page, guard_page, mix_page
from portal import clock
from portal.models import Course


@require_safe
@permission_required("coding.view_reports", raise_exception=True)
def level_guard(request: HttpRequest) -> HttpResponse:
    """Sessions by level, by physician or machine and month, held against the organization's own average."""
    choices = FilterChoices(request.user)
    levels = levels_on(choices.today)
    if levels is None:
        return render(request, "coding/level_guard.html", {})
    form = MixForm(request.GET, user=request.user, choices=choices, levels=levels)
    if not form.is_valid():
        return render(request, "coding/level_guard.html", {"form": form}, status=422)
    context = {"form": form, "page": mix_page(form), "elsewhere": EXPECTED_ELSEWHERE}
    return render(request, "coding/level_guard.html", context)


@require_safe
@permission_required("coding.view_reports", raise_exception=True)
def level_guard_sessions(request: HttpRequest) -> HttpResponse:
    """Exactly the sessions of one number, each with its checklist."""
    choices = FilterChoices(request.user)
    levels = levels_on(choices.today)
    if levels is None:
        return render(request, "coding/level_guard_sessions.html", {})
    form = GuardForm(request.GET, user=request.user, choices=choices, levels=levels)
    if not form.is_valid():
        return render(request, "coding/level_guard_sessions.html", {"form": form}, status=422)
    context = {"form": form, "page": guard_page(form, asked=request.GET)}
    return render(request, "coding/level_guard_sessions.html", context)


@require_safe
@permission_required("coding.view_reports", raise_exception=True)
def level_guard_course(request: HttpRequest, pk: int) -> HttpResponse:
    """If audited today: every charged session of a course with its evidence and traces, to print."""
    courses = Course.objects.visible_to(request.user).select_related("patient", "department", "physician")
    course = get_object_or_404(courses, pk=pk)
    audited = audited_course(course, today=clock.today(course.department.zone))
    return render(request, "coding/level_guard_course.html", {"page": audit_page(audited)})
