"""Treatment logs: upload, preview, import, and what a person decides on each candidate."""

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from coding.models import ChargeLine
from coding.reports import table_csv
from coding.services import capture_from
from payers.coverage_services import record_coverage
from portal import clock
from portal.forms.import_lists import CandidateListForm, ImportListForm
from portal.forms.imports import ConfirmForm, DismissForm, LogUploadForm
from portal.models import (
    CandidateState,
    Course,
    Patient,
    Prescription,
    SessionCandidate,
    TreatmentLogImport,
    TreatmentLogUpload,
    TreatmentSession,
    User,
)
from portal.presenters.downloads import csv_download
from portal.presenters.imports import (
    candidate_crumbs,
    candidate_list_page,
    candidate_page,
    confirmed_sentence,
    import_crumbs,
    import_list_page,
    import_page,
    imports_table,
    imports_told,
    open_candidates,
    preview_page,
    refused_page,
    refused_rows,
)
from portal.services.clinic import open_course, record_patient, record_prescription
from portal.services.imports import (
    CandidateDecided,
    accept_log_change,
    confirm_candidate,
    discard_upload,
    dismiss_candidate,
    import_upload,
    keep_upload,
    plan_import,
    read_upload,
    reopen_candidate,
)

ROWS_A_PAGE = 50


@require_safe
@permission_required("portal.view_treatmentsession", raise_exception=True)
def import_list(request: HttpRequest) -> HttpResponse:
    form = ImportListForm(request.GET, user=request.user)
    if not form.is_valid():
        return render(request, "portal/import_list.html", {"form": form}, status=422)
    page = Paginator(imports_told(form), ROWS_A_PAGE).get_page(request.GET.get("page"))
    return render(request, "portal/import_list.html", {"form": form} | import_list_page(form, page=page))


@require_safe
@permission_required("portal.view_treatmentsession", raise_exception=True)
def import_list_csv(request: HttpRequest) -> HttpResponseBase:
    """Every import that the filter leaves, as a file that begins with the filter."""
    form = ImportListForm(request.GET, user=request.user)
    if not form.is_valid():
        return render(request, "portal/import_list.html", {"form": form}, status=422)
    filters = form.in_words or [(_("Filters"), _("none: all imports"))]
    return csv_download(table_csv(filters, imports_table(form)), name="imports", on=clock.today(request.user.zone))


@require_safe
@permission_required("portal.view_treatmentsession", raise_exception=True)
def import_refused(request: HttpRequest) -> HttpResponse:
    """The rows that imports could not use, whichever import met them."""
    form = ImportListForm(request.GET, user=request.user)
    if not form.is_valid():
        return render(request, "portal/import_refused.html", {"form": form, "crumbs": import_crumbs()}, status=422)
    page = Paginator(refused_rows(form), ROWS_A_PAGE).get_page(request.GET.get("page"))
    return render(request, "portal/import_refused.html", {"form": form} | refused_page(form, page=page))


@require_safe
@permission_required("portal.view_treatmentsession", raise_exception=True)
def candidate_list(request: HttpRequest) -> HttpResponse:
    """The candidates that wait to be confirmed, whichever import found them."""
    form = CandidateListForm(request.GET, user=request.user)
    if not form.is_valid():
        return render(request, "portal/candidate_list.html", {"form": form, "crumbs": import_crumbs()}, status=422)
    candidates = open_candidates(form, user=request.user, now=clock.now())
    page = Paginator(candidates, ROWS_A_PAGE).get_page(request.GET.get("page"))
    return render(request, "portal/candidate_list.html", {"form": form} | candidate_list_page(form, page=page))


@require_http_methods(["GET", "POST"])
@permission_required("portal.import_sessions", raise_exception=True)
def import_upload_files(request: HttpRequest) -> HttpResponse:
    """Take the files; nothing becomes a candidate before the preview is confirmed."""
    sent = (request.POST, request.FILES) if request.method == "POST" else ()
    form = LogUploadForm(*sent, user=request.user)
    if form.is_valid():
        upload = keep_upload(
            organization=request.user.organization,
            department=form.cleaned_data["department"],
            tables=form.cleaned_data["files"],
            at=clock.now(),
            by=request.user,
        )
        return redirect("import-preview", pk=upload.pk)
    return render(
        request,
        "portal/import_upload.html",
        {"form": form, "crumbs": import_crumbs()},
        status=422 if request.method == "POST" else 200,
    )


@require_http_methods(["GET", "POST"])
@permission_required("portal.import_sessions", raise_exception=True)
def import_preview(request: HttpRequest, pk: int) -> HttpResponse:
    """What the person's own upload would add; a second press imports it."""
    upload = get_object_or_404(_uploads(request.user), pk=pk)
    if request.method == "POST":
        found = import_upload(upload=upload, by=request.user)
        messages.success(
            request, _("Imported. %(new)d candidate sessions are new and wait below.") % {"new": found.new}
        )
        return redirect("import-detail", pk=found.pk)
    plan = plan_import(organization=upload.organization, log=read_upload(upload), department=upload.department)
    return render(request, "portal/import_preview.html", preview_page(upload, plan))


@require_POST
@permission_required("portal.import_sessions", raise_exception=True)
def import_discard(request: HttpRequest, pk: int) -> HttpResponse:
    discard_upload(upload=get_object_or_404(_uploads(request.user), pk=pk), by=request.user)
    messages.success(request, _("Upload discarded; nothing was imported."))
    return redirect("import-list")


@require_safe
@permission_required("portal.view_treatmentsession", raise_exception=True)
def import_detail(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(TreatmentLogImport.objects.visible_to(request.user).select_related("by"), pk=pk)
    asked = request.GET.get("state", "")
    state = asked if asked in CandidateState.values else ""
    return render(request, "portal/import_detail.html", import_page(found, user=request.user, state=state))


@require_safe
@permission_required("portal.view_treatmentsession", raise_exception=True)
def candidate_detail(request: HttpRequest, pk: int) -> HttpResponse:
    candidate = get_object_or_404(_candidates(request.user), pk=pk)
    page = candidate_page(candidate, user=request.user) | {"form": DismissForm()}
    return render(request, "portal/import_candidate.html", page)


@require_http_methods(["GET", "POST"])
@permission_required("portal.import_sessions", raise_exception=True)
def candidate_confirm(request: HttpRequest, pk: int) -> HttpResponse:
    """Supply what the log does not know, for one candidate or several of the same patient, and record the sessions."""
    chosen = get_object_or_404(_candidates(request.user), pk=pk)
    if chosen.state != CandidateState.OPEN:
        messages.info(request, _("This candidate is decided already."))
        return redirect("candidate-detail", pk=pk)
    siblings = SessionCandidate.objects.visible_to(request.user).open().of_same_patient(chosen)
    known = {"candidates": list(siblings.prefetch_related("deliveries")), "chosen": chosen}
    known |= {"user": request.user, "now": clock.now()}
    is_look_up = request.method == "POST" and "look_up" in request.POST
    if is_look_up or request.method != "POST":
        form = ConfirmForm(typed=request.POST if is_look_up else None, **known)
    else:
        form = ConfirmForm(request.POST, **known)
        if form.is_valid():
            try:
                sessions, lines = _record(form, request.user)
            except CandidateDecided:
                form.add_error(None, _("Somebody has just decided one of these candidates. Look at them again."))
            except IntegrityError:
                form.add_error(
                    None, _("Somebody has just saved the same patient, course or coverage. Look it up again.")
                )
            else:
                messages.success(request, confirmed_sentence(sessions, lines))
                return redirect("candidate-detail", pk=form.included[0].pk)
    return render(
        request,
        "portal/import_confirm.html",
        {
            "form": form,
            "chosen": chosen,
            "crumbs": candidate_crumbs(chosen),
        },
        status=422 if form.errors else 200,
    )


@require_POST
@permission_required("portal.import_sessions", raise_exception=True)
def candidate_dismiss(request: HttpRequest, pk: int) -> HttpResponse:
    candidate = get_object_or_404(_candidates(request.user), pk=pk)
    form = DismissForm(request.POST)
    if not form.is_valid():
        page = candidate_page(candidate, user=request.user) | {"form": form}
        return render(request, "portal/import_candidate.html", page, status=422)
    try:
        dismiss_candidate(candidate=candidate, reason=form.cleaned_data["reason"], at=clock.now(), by=request.user)
    except CandidateDecided:
        messages.error(request, _("Somebody has just decided this candidate."))
    else:
        messages.success(request, _("Candidate dismissed. It can be opened again here."))
    return redirect("candidate-detail", pk=pk)


@require_POST
@permission_required("portal.import_sessions", raise_exception=True)
def candidate_reopen(request: HttpRequest, pk: int) -> HttpResponse:
    candidate = get_object_or_404(_candidates(request.user), pk=pk)
    try:
        reopen_candidate(candidate=candidate, by=request.user)
    except CandidateDecided:
        messages.error(request, _("Its session stands. Void the session first, then open the candidate again."))
    else:
        messages.success(request, _("Candidate opened again."))
    return redirect("candidate-detail", pk=pk)


@require_POST
@permission_required("portal.import_sessions", raise_exception=True)
def candidate_accept(request: HttpRequest, pk: int) -> HttpResponse:
    accept_log_change(candidate=get_object_or_404(_candidates(request.user), pk=pk), by=request.user)
    messages.success(request, _("Marked as looked at."))
    return redirect("candidate-detail", pk=pk)


@transaction.atomic
def _record(form: ConfirmForm, user: User) -> tuple[list[TreatmentSession], int]:
    """The services in turn, all or none; the sessions, and how many charge lines they have."""
    included = form.included
    first_day = included[0].started_at.date()
    patient = _patient(form, user)
    course = _course(form, patient, user)
    if form.cleaned_data["payer"]:
        record_coverage(patient=patient, by=user, payer=form.cleaned_data["payer"], rank=1, starts_on=first_day)
    prescriptions = _prescriptions(form, course, user)
    department = form.cleaned_data["department"]
    sessions = [
        confirm_candidate(
            candidate=candidate,
            course=course,
            department=department,
            machine=form.machine_of(candidate),
            physician=form.cleaned_data["physician"],
            fractions={
                delivery.pk: (prescriptions[delivery.source_site_id], form.fraction_of(candidate, delivery))
                for delivery in candidate.deliveries.all()
            },
            today=clock.today(department.zone),
            at=clock.now(),
            by=user,
            **form.facts_of(candidate),
        )
        for candidate in included
    ]
    capture_from(patient=patient, day=min(session.date_of_service for session in sessions), by=user)
    return sessions, ChargeLine.objects.live().filter(session__in=sessions).count()


def _patient(form: ConfirmForm, user: User) -> Patient:
    if form.patient is not None:
        return form.patient
    told = form.cleaned_data
    return record_patient(
        organization=user.organization,
        by=user,
        number=told["record_number"],
        family_name=told["family_name"],
        given_name=told["given_name"],
        born_on=told["born_on"],
    )


def _course(form: ConfirmForm, patient: Patient, user: User) -> Course:
    told = form.cleaned_data
    return form.chosen_course or open_course(
        patient=patient,
        by=user,
        account_number=told["account_number"],
        department=told["department"],
        physician=told["physician"],
        diagnoses=told["diagnoses"],
    )


def _prescriptions(form: ConfirmForm, course: Course, user: User) -> dict[int, Prescription]:
    """The prescription of each site that the included candidates delivered."""
    prescriptions: dict[int, Prescription] = {}
    for candidate in form.included:
        for delivery in candidate.deliveries.all():
            if delivery.source_site_id not in prescriptions:
                prescriptions[delivery.source_site_id] = form.prescription_of(delivery) or record_prescription(
                    course=course, by=user, **form.new_prescription_of(delivery)
                )
    return prescriptions


def _uploads(user: User):
    """The person's own uploads."""
    return TreatmentLogUpload.objects.filter(by=user).select_related("organization", "department")


def _candidates(user: User):
    candidates = SessionCandidate.objects.visible_to(user).prefetch_related("deliveries")
    return candidates.select_related("found_in", "department", "decided_by", "session__course")
