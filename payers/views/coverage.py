"""Coverages of a patient and authorizations of a course; each change captures the days again that it can touch."""

from datetime import date

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from coding.services import capture_from
from payers.coverage_forms import AuthorizationForm, CoverageForm
from payers.coverage_services import amend_authorization, amend_coverage, record_authorization, record_coverage
from payers.models import Authorization, Coverage
from portal.models import Course, Patient
from portal.presenters.course import course_crumbs, patient_crumbs, recapture_sentence


@require_http_methods(["GET", "POST"])
@permission_required("payers.add_coverage", raise_exception=True)
def coverage_create(request: HttpRequest, pk: int) -> HttpResponse:
    patient = get_object_or_404(Patient.objects.visible_to(request.user), pk=pk)
    form = CoverageForm(request.POST or None, initial={"rank": 1}, patient=patient)
    if request.method == "POST" and form.is_valid():
        try:
            coverage = record_coverage(patient=patient, by=request.user, **form.facts)
        except IntegrityError:
            form.refuse_overlap()
        else:
            _tell(request, _("Coverage saved."), patient, coverage.starts_on)
            return redirect("patient-detail", pk=patient.pk)
    return _form_page(request, form, _("New coverage"), _("Save coverage"), patient_crumbs(patient))


@require_http_methods(["GET", "POST"])
@permission_required("payers.change_coverage", raise_exception=True)
def coverage_amend(request: HttpRequest, pk: int) -> HttpResponse:
    patients = Patient.objects.visible_to(request.user)
    coverage = get_object_or_404(Coverage.objects.filter(patient__in=patients).select_related("patient"), pk=pk)
    patient, began_on = coverage.patient, coverage.starts_on
    form = CoverageForm(request.POST or None, instance=coverage, patient=patient)
    if request.method == "POST" and form.is_valid():
        try:
            amended = amend_coverage(coverage=coverage, by=request.user, **form.facts)
        except IntegrityError:
            form.refuse_overlap()
        else:
            _tell(request, _("Coverage saved."), patient, min(began_on, amended.starts_on))
            return redirect("patient-detail", pk=patient.pk)
    return _form_page(request, form, _("Amend coverage"), _("Save coverage"), patient_crumbs(patient))


@require_http_methods(["GET", "POST"])
@permission_required("payers.add_authorization", raise_exception=True)
def authorization_create(request: HttpRequest, pk: int) -> HttpResponse:
    course = get_object_or_404(Course.objects.visible_to(request.user).select_related("patient"), pk=pk)
    form = AuthorizationForm(request.POST or None, course=course)
    if request.method == "POST" and form.is_valid():
        try:
            record_authorization(course=course, by=request.user, **form.facts)
        except IntegrityError:
            form.refuse_second()
        else:
            return _told_of_authorization(request, course)
    return _authorization_page(request, form, _("New authorization"), course)


@require_http_methods(["GET", "POST"])
@permission_required("payers.change_authorization", raise_exception=True)
def authorization_amend(request: HttpRequest, pk: int) -> HttpResponse:
    courses = Course.objects.visible_to(request.user)
    authorizations = Authorization.objects.filter(course__in=courses).select_related("course__patient")
    authorization = get_object_or_404(authorizations, pk=pk)
    course = authorization.course
    form = AuthorizationForm(request.POST or None, instance=authorization, course=course)
    if request.method == "POST" and form.is_valid():
        try:
            amend_authorization(authorization=authorization, by=request.user, **form.facts)
        except IntegrityError:
            form.refuse_second()
        else:
            return _told_of_authorization(request, course)
    return _authorization_page(request, form, _("Amend authorization"), course)


def _told_of_authorization(request: HttpRequest, course: Course) -> HttpResponse:
    """An authorization is looked for on every day of the course, whether its own dates hold or not."""
    first = course.sessions.order_by("date_of_service").first()
    _tell(request, _("Authorization saved."), course.patient, first.date_of_service if first else None)
    return redirect("course-detail", pk=course.pk)


def _authorization_page(request: HttpRequest, form: AuthorizationForm, title: str, course: Course) -> HttpResponse:
    return _form_page(request, form, title, _("Save authorization"), course_crumbs(course))


def _tell(request: HttpRequest, saved: str, patient: Patient, since: date | None) -> None:
    """Capture the patient's days again, and say what that changed."""
    rulings = capture_from(patient=patient, day=since, by=request.user) if since else []
    messages.success(request, f"{saved} {recapture_sentence(rulings)}")


def _form_page(request: HttpRequest, form, title: str, submit: str, crumbs: list[tuple[str, str]]) -> HttpResponse:
    """The form, from which one cancels to the page before it."""
    return render(
        request,
        "portal/clinic_form.html",
        {"form": form, "title": title, "submit": submit, "crumbs": crumbs, "cancel_url": crumbs[-1][1]},
        status=422 if request.method == "POST" else 200,
    )
