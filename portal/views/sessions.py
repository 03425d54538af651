"""Sessions: entering one and seeing at once what it owes, amending, voiding."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from coding.services import capture_from, preview_charges
from portal import clock
from portal.forms.clock_fields import in_clock_words
from portal.forms.sessions import SessionForm, VoidSessionForm
from portal.models import Course, TreatmentSession, User
from portal.presenters.course import course_crumbs
from portal.presenters.rulings import previewed_ruling
from portal.presenters.session import (
    differences,
    initial_of,
    initial_of_new,
    last_amendment,
    session_crumbs,
    session_page,
)
from portal.services.sessions import StaleRevision, amend_session, record_session, void_session


@require_http_methods(["GET", "POST"])
@permission_required("portal.add_treatmentsession", raise_exception=True)
def session_create(request: HttpRequest) -> HttpResponse:
    """Enter a session of the course in `?course=`, of the day in `?date=`; `?after=` is what was entered before it."""
    course = get_object_or_404(_courses(request.user), pk=_key(request.GET.get("course")))
    after = None
    if request.GET.get("after"):
        after = get_object_or_404(_sessions(request.user), pk=_key(request.GET["after"]), course=course)
    form = _form(request, course, after=after)
    if request.method == "POST" and form.is_valid():
        session = record_session(
            course=course, today=form.today, by=request.user, fractions=form.fractions, **form.facts
        )
        capture_from(patient=course.patient, day=session.date_of_service, by=request.user)
        messages.success(request, _("Session recorded. %(lines)s") % {"lines": _lines_sentence(session)})
        return redirect("session-detail", pk=session.pk)
    return render(
        request,
        "portal/session_form.html",
        {
            "form": form,
            "course": course,
            "crumbs": course_crumbs(course),
            "title": _("New session"),
            "submit": _("Record session"),
            "cancel_url": reverse("course-detail", args=[course.pk]),
        },
        status=422 if request.method == "POST" else 200,
    )


@require_safe
@permission_required("portal.view_treatmentsession", raise_exception=True)
def session_detail(request: HttpRequest, pk: int) -> HttpResponse:
    session = get_object_or_404(_sessions(request.user), pk=pk)
    return render(
        request,
        "portal/session_detail.html",
        {"page": session_page(session, user=request.user), "session": session},
    )


@require_http_methods(["GET", "POST"])
@permission_required("portal.change_treatmentsession", raise_exception=True)
def session_amend(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a session's facts. Where somebody else saved meanwhile both are shown, and nothing typed is lost."""
    session = get_object_or_404(_sessions(request.user), pk=pk)
    if session.voided_at is not None:
        return _is_void_already(request, session)
    form = _form(request, session.course, session=session)
    conflict: dict[str, Any] = {}
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            day_before = session.date_of_service
            try:
                amended = amend_session(
                    session=session,
                    revision=form.cleaned_data["revision"] or 0,
                    today=form.today,
                    by=request.user,
                    reason=form.cleaned_data["reason"],
                    fractions=form.fractions,
                    **form.facts,
                )
            except StaleRevision as stale:
                conflict, status = _conflict(form, stale.session), 409
            else:
                first_day = min(day_before, amended.date_of_service)
                capture_from(patient=session.course.patient, day=first_day, by=request.user)
                messages.success(request, _("Session saved. %(lines)s") % {"lines": _lines_sentence(amended)})
                return redirect("session-detail", pk=session.pk)
    return render(
        request,
        "portal/session_form.html",
        {
            "form": form,
            "course": session.course,
            "session": session,
            "crumbs": session_crumbs(session),
            "title": _("Amend session of %(day)s") % {"day": f"{session.date_of_service:%m/%d/%Y}"},
            "submit": _("Save session"),
            "cancel_url": reverse("session-detail", args=[session.pk]),
            **conflict,
        },
        status=status,
    )


@require_POST
@permission_required("portal.add_treatmentsession", raise_exception=True)
def session_preview(request: HttpRequest) -> HttpResponse:
    """The lines that the session on the form would get; posted, so that no address tells a fact. Nothing is kept."""
    if request.POST.get("session"):
        session = get_object_or_404(_sessions(request.user).standing(), pk=_key(request.POST["session"]))
        course = session.course
    else:
        session, course = None, get_object_or_404(_courses(request.user), pk=_key(request.POST.get("course")))
    form = _form(request, course, session=session)
    if session is not None:
        # The lines do not depend on why somebody amends.
        form.fields["reason"].required = False
    ruling = None
    if form.is_valid():
        ruling = previewed_ruling(
            preview_charges(
                course=course,
                session=session,
                today=form.today,
                by=request.user,
                fractions=form.fractions,
                **form.facts,
            )
        )
    return render(request, "portal/_session_preview.html", {"ruling": ruling, "form": form})


@require_http_methods(["GET", "POST"])
@permission_required("portal.delete_treatmentsession", raise_exception=True)
def session_void(request: HttpRequest, pk: int) -> HttpResponse:
    session = get_object_or_404(_sessions(request.user), pk=pk)
    if session.voided_at is not None:
        return _is_void_already(request, session)
    form = VoidSessionForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        void_session(session=session, reason=form.cleaned_data["reason"], at=clock.now(), by=request.user)
        capture_from(patient=session.course.patient, day=session.date_of_service, by=request.user)
        messages.success(request, _("Session voided. It stays in the record with your reason."))
        return redirect("session-detail", pk=session.pk)
    return render(
        request,
        "portal/session_void.html",
        {"form": form, "session": session, "crumbs": session_crumbs(session)},
        status=422 if request.method == "POST" else 200,
    )


def _courses(user: User) -> QuerySet[Course]:
    return Course.objects.visible_to(user).select_related("department", "organization", "patient", "physician")


def _sessions(user: User) -> QuerySet[TreatmentSession]:
    return (
        TreatmentSession.objects.visible_to(user)
        .select_related(
            "course__department",
            "course__organization",
            "course__patient",
            "course__physician",
            "department",
            "machine",
            "physician",
            "recorded_by",
            "voided_by",
        )
        .prefetch_related("delivered_fractions__prescription")
    )


def _is_void_already(request: HttpRequest, session: TreatmentSession) -> HttpResponse:
    messages.error(request, _("This session is void. Enter it again if it took place after all."))
    return redirect("session-detail", pk=session.pk)


def _key(text: str | None) -> int:
    """A key from an address or a hidden field; anything else is not found."""
    if text and text.isascii() and text.isdigit() and len(text) <= 18:
        return int(text)
    raise Http404


def _day(text: str | None) -> date | None:
    """The day that an address asks for; anything else asks for none."""
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None


def _form(
    request: HttpRequest,
    course: Course,
    *,
    session: TreatmentSession | None = None,
    after: TreatmentSession | None = None,
) -> SessionForm:
    data: Mapping[str, Any] | None = request.POST.copy() if request.method == "POST" else None
    prescriptions = list(course.prescriptions.order_by("number"))
    now: datetime = clock.now()
    today = clock.today((session or course).department.zone)
    initial = (
        initial_of(session)
        if session
        else initial_of_new(course, prescriptions, today=today, after=after, on=_day(request.GET.get("date")))
    )
    return SessionForm(
        data,
        initial=initial,
        user=request.user,
        course=course,
        prescriptions=prescriptions,
        session=session,
        today=today,
        now=now,
    )


def _conflict(form: SessionForm, saved: TreatmentSession) -> dict[str, Any]:
    """What the other person saved, beside what was typed; the next save replaces what is shown here."""
    amendment = last_amendment(saved)
    form.data["revision"] = saved.revision
    form.add_error(
        None,
        _("%(who)s saved this session at %(time)s, after you had opened it. What you typed is kept below.")
        % {"who": amendment.who, "time": in_clock_words(amendment.at)}
        if amendment
        else _("Somebody saved this session after you had opened it. What you typed is kept below."),
    )
    return {"differences": differences(form, saved), "conflict": amendment}


def _lines_sentence(session: TreatmentSession) -> str:
    count = session.charge_lines.standing().count()
    if not count:
        return _("It has no charge line; the reason stands below.")
    return ngettext("%(count)d charge line.", "%(count)d charge lines.", count) % {"count": count}
