"""Courses with their calendar, prescriptions, and planned fractions that were missed."""

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.db import IntegrityError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from coding.services import capture_from
from portal import clock
from portal.forms.clinic import CourseForm, MissedFractionForm, PrescriptionForm
from portal.models import Course, Patient, Prescription, ScheduledFraction, User
from portal.presenters.course import course_crumbs, course_page, patient_crumbs, recapture_sentence
from portal.services.clinic import (
    FractionPlannedAgain,
    amend_course,
    amend_prescription,
    miss_fraction,
    open_course,
    record_prescription,
    restore_fraction,
    suggest_account_number,
)


@require_safe
@permission_required("portal.view_course", raise_exception=True)
def course_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """The fraction calendar, or with ?view=table the same as a table; ?show= names a number of the ledger."""
    courses = Course.objects.visible_to(request.user).select_related("department", "patient", "physician")
    course = get_object_or_404(courses.prefetch_related("department__statuses", "department__billers"), pk=pk)
    page = course_page(
        course,
        user=request.user,
        today=clock.today(course.department.zone),
        is_table=request.GET.get("view") == "table",
        show=request.GET.get("show", ""),
    )
    return render(request, "portal/course_detail.html", {"page": page, "course": course})


@require_http_methods(["GET", "POST"])
@permission_required("portal.add_course", raise_exception=True)
def course_create(request: HttpRequest, pk: int) -> HttpResponse:
    patient = get_object_or_404(Patient.objects.visible_to(request.user), pk=pk)
    initial = {"account_number": suggest_account_number(organization=request.user.organization)}
    form = CourseForm(request.POST or None, initial=initial, user=request.user, today=_today(request.user))
    if request.method == "POST" and form.is_valid():
        try:
            course = open_course(patient=patient, by=request.user, **form.facts)
        except IntegrityError:
            form.add_error("account_number", _("Somebody has just given this account number to another course."))
        else:
            messages.success(request, _("Course opened. Add its prescription next."))
            _hint(request, form)
            return redirect("course-detail", pk=course.pk)
    return _form_page(
        request,
        form,
        title=_("New course"),
        submit=_("Open course"),
        crumbs=patient_crumbs(patient),
    )


@require_http_methods(["GET", "POST"])
@permission_required("portal.change_course", raise_exception=True)
def course_amend(request: HttpRequest, pk: int) -> HttpResponse:
    """Diagnoses decide pointers and holds, so the course's days are captured again."""
    course = get_object_or_404(_courses(request.user), pk=pk)
    crumbs = course_crumbs(course)
    form = CourseForm(
        request.POST or None, instance=course, user=request.user, today=clock.today(course.department.zone)
    )
    if request.method == "POST" and form.is_valid():
        try:
            amended = amend_course(course=course, by=request.user, **form.facts)
        except IntegrityError:
            form.add_error("account_number", _("Somebody has just given this account number to another course."))
        else:
            messages.success(request, _("Course saved. %(lines)s") % {"lines": _capture(amended, request.user)})
            _hint(request, form)
            return redirect("course-detail", pk=course.pk)
    return _form_page(
        request,
        form,
        title=_("Amend course"),
        submit=_("Save course"),
        crumbs=crumbs,
    )


@require_http_methods(["GET", "POST"])
@permission_required("portal.add_prescription", raise_exception=True)
def prescription_create(request: HttpRequest, pk: int) -> HttpResponse:
    course = get_object_or_404(_courses(request.user), pk=pk)
    crumbs = course_crumbs(course)
    initial = {"signed_by": course.physician_id, "plan_approved_by": course.physician_id}
    form = PrescriptionForm(request.POST or None, initial=initial, course=course, now=clock.now())
    if request.method == "POST" and form.is_valid():
        record_prescription(course=course, by=request.user, **form.facts)
        messages.success(request, _("Prescription saved. %(lines)s") % {"lines": _capture(course, request.user)})
        _hint(request, form)
        return redirect("course-detail", pk=course.pk)
    return _form_page(
        request,
        form,
        title=_("New prescription"),
        submit=_("Save prescription"),
        crumbs=crumbs,
    )


@require_http_methods(["GET", "POST"])
@permission_required("portal.change_prescription", raise_exception=True)
def prescription_amend(request: HttpRequest, pk: int) -> HttpResponse:
    """Technique, motion and signatures decide codes and holds, so the course's days are captured again."""
    prescription = get_object_or_404(_prescriptions(request.user), pk=pk)
    course = prescription.course
    crumbs = course_crumbs(course)
    form = PrescriptionForm(request.POST or None, instance=prescription, course=course, now=clock.now())
    if request.method == "POST" and form.is_valid():
        amend_prescription(prescription=prescription, by=request.user, **form.facts)
        messages.success(request, _("Prescription saved. %(lines)s") % {"lines": _capture(course, request.user)})
        _hint(request, form)
        return redirect("course-detail", pk=course.pk)
    return _form_page(
        request,
        form,
        title=_("Amend prescription"),
        submit=_("Save prescription"),
        crumbs=crumbs,
    )


@require_http_methods(["GET", "POST"])
@permission_required("portal.change_scheduledfraction", raise_exception=True)
def fraction_missed(request: HttpRequest, pk: int) -> HttpResponse:
    """Say that a planned fraction was missed and why, or take that back."""
    fractions = ScheduledFraction.objects.filter(prescription__in=_prescriptions(request.user)).select_related(
        "machine", "prescription__course__department", "prescription__course__patient"
    )
    fraction = get_object_or_404(fractions, pk=pk)
    course = fraction.prescription.course
    is_missed = bool(fraction.missed_reason)
    form = MissedFractionForm(request.POST if request.method == "POST" and not is_missed else None, instance=fraction)
    if request.method == "POST" and is_missed:
        try:
            restore_fraction(fraction=fraction, by=request.user)
        except FractionPlannedAgain as again:
            day = f"{again.other.planned_on:%m/%d/%Y}"
            messages.error(
                request,
                _("Fraction %(number)d is planned again on %(day)s. Mark that one missed first.")
                % {"number": fraction.fraction_number, "day": day},
            )
        else:
            messages.success(request, _("The fraction is planned again."))
        return redirect("course-detail", pk=course.pk)
    if request.method == "POST" and form.is_valid():
        miss_fraction(fraction=fraction, reason=form.cleaned_data["missed_reason"], by=request.user)
        messages.success(request, _("Fraction marked missed. Plan it again when its new day is known."))
        return redirect("course-detail", pk=course.pk)
    return render(
        request,
        "portal/course_missed.html",
        {
            "form": form,
            "fraction": fraction,
            "course": course,
            "crumbs": course_crumbs(course),
            "is_missed": is_missed,
        },
        status=422 if request.method == "POST" else 200,
    )


def _courses(user: User) -> QuerySet[Course]:
    return Course.objects.visible_to(user).select_related("department", "organization", "patient")


def _prescriptions(user: User) -> QuerySet[Prescription]:
    return Prescription.objects.filter(course__in=Course.objects.visible_to(user)).select_related(
        "course__department", "course__organization", "course__patient"
    )


def _capture(course: Course, by: User) -> str:
    """Capture the patient again from the course's first session on, and say what changed."""
    first = course.sessions.order_by("date_of_service").first()
    if first is None:
        return recapture_sentence([])
    return recapture_sentence(capture_from(patient=course.patient, day=first.date_of_service, by=by))


def _hint(request: HttpRequest, form: CourseForm | PrescriptionForm) -> None:
    for hint in form.hints:
        messages.warning(request, hint)


def _today(user: User):
    """The day at the first department that the person sees."""
    return clock.today(user.zone)


def _form_page(request: HttpRequest, form, *, title: str, submit: str, crumbs: list[tuple[str, str]]) -> HttpResponse:
    """The form, from which one cancels to the page before it."""
    return render(
        request,
        "portal/clinic_form.html",
        {"form": form, "title": title, "submit": submit, "crumbs": crumbs, "cancel_url": crumbs[-1][1]},
        status=422 if request.method == "POST" else 200,
    )
