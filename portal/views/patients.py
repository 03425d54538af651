"""Patients: the list with its search, and one patient's page."""

import re

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from portal import clock
from portal.forms.clinic import PatientForm
from portal.models import Patient
from portal.presenters.course import patient_crumbs
from portal.presenters.patient import patient_list as list_of_patients
from portal.presenters.patient import patient_page
from portal.services.clinic import amend_patient, record_patient

KEY = re.compile(r"[0-9]{1,18}")


@require_http_methods(["GET", "POST"])
@permission_required("portal.view_patient", raise_exception=True)
def patient_list(request: HttpRequest) -> HttpResponse:
    """Patients in order of name. A search is posted, so that no name or record number stands in an address."""
    asked = request.POST if request.method == "POST" else request.GET
    # PostgreSQL keeps no NUL in a text, so none is searched for.
    wanted = request.POST.get("q", "").replace("\0", "").strip()
    neighbours = {side: _neighbour(request, asked.get(side, "")) for side in ("after", "before")}
    page = list_of_patients(user=request.user, wanted=wanted, **neighbours)
    return render(request, "portal/patient_list.html", {"page": page, "wanted": wanted})


@require_http_methods(["GET", "POST"])
@permission_required("portal.add_patient", raise_exception=True)
def patient_create(request: HttpRequest) -> HttpResponse:
    organization = request.user.organization
    form = PatientForm(request.POST or None, organization=organization, today=_today(request))
    if request.method == "POST" and form.is_valid():
        try:
            patient = record_patient(organization=organization, by=request.user, **form.facts)
        except IntegrityError:
            form.add_error("number", _("Somebody has just given this record number to another patient."))
        else:
            messages.success(request, _("Patient recorded. Open the first course next."))
            return redirect("patient-detail", pk=patient.pk)
    crumbs = [(_("Patients and courses"), reverse("patient-list"))]
    return _form_page(request, form, title=_("New patient"), crumbs=crumbs)


@require_safe
@permission_required("portal.view_patient", raise_exception=True)
def patient_detail(request: HttpRequest, pk: int) -> HttpResponse:
    patient = get_object_or_404(Patient.objects.visible_to(request.user), pk=pk)
    return render(
        request, "portal/patient_detail.html", patient_page(patient, user=request.user, today=_today(request))
    )


@require_http_methods(["GET", "POST"])
@permission_required("portal.change_patient", raise_exception=True)
def patient_amend(request: HttpRequest, pk: int) -> HttpResponse:
    """Names, number and birth bear on no charge, so nothing is captured again."""
    patient = get_object_or_404(Patient.objects.visible_to(request.user), pk=pk)
    crumbs = patient_crumbs(patient)
    form = PatientForm(
        request.POST or None, instance=patient, organization=request.user.organization, today=_today(request)
    )
    if request.method == "POST" and form.is_valid():
        try:
            amend_patient(patient=patient, by=request.user, **form.facts)
        except IntegrityError:
            form.add_error("number", _("Somebody has just given this record number to another patient."))
        else:
            messages.success(request, _("Patient saved."))
            return redirect("patient-detail", pk=patient.pk)
    return _form_page(request, form, title=_("Amend patient"), crumbs=crumbs)


def _neighbour(request: HttpRequest, key: str) -> Patient | None:
    """The patient next to whom a page of the list begins or ends; an unknown key gives the first page."""
    if not KEY.fullmatch(key):
        return None
    return Patient.objects.visible_to(request.user).filter(pk=key).first()


def _today(request: HttpRequest):
    """The day at the first department that the person sees."""
    return clock.today(request.user.zone)


def _form_page(request: HttpRequest, form: PatientForm, *, title: str, crumbs: list[tuple[str, str]]) -> HttpResponse:
    """The form, from which one cancels to the page before it."""
    return render(
        request,
        "portal/clinic_form.html",
        {"form": form, "title": title, "submit": _("Save patient"), "crumbs": crumbs, "cancel_url": crumbs[-1][1]},
        status=422 if request.method == "POST" else 200,
    )
