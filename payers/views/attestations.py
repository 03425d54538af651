"""Reading what a version changes and attesting to it, and for managers who has."""

import csv

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from coding.reports import BYTE_ORDER_MARK, harmless
from payers import reading_services
from payers.models import Attestation, PolicyVersion
from payers.presenters.attestations import asked_page, readers_csv, readers_page, reading_list, version_rows
from portal import clock


@require_safe
@permission_required("portal.add_treatmentsession", raise_exception=True)
def attestation_list(request: HttpRequest) -> HttpResponse:
    """What the person is asked to read."""
    page = reading_list(request.user, zone=request.user.zone)
    return render(request, "payers/attestation_list.html", {"page": page})


@require_safe
@permission_required("portal.add_treatmentsession", raise_exception=True)
def attestation_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """What one version changes; asked for by htmx, the changes alone."""
    asked = asked_page(_own(request, pk), zone=request.user.zone)
    template = "_attestation_changes.html" if request.headers.get("HX-Request") else "attestation_detail.html"
    return render(request, f"payers/{template}", {"asked": asked})


@require_POST
@permission_required("portal.add_treatmentsession", raise_exception=True)
def attestation_attest(request: HttpRequest, pk: int) -> HttpResponse:
    """“I have read it”: then back to `next`, a page of the portal, where the form names one."""
    attestation = reading_services.attest(attestation=_own(request, pk), at=clock.now(), by=request.user)
    version = attestation.version
    if request.headers.get("HX-Request"):
        return render(request, "payers/_attestation_done.html", {"version": version})
    messages.success(request, _("Read: %(version)s.") % {"version": version.label})
    back = request.POST.get("next", "")
    if back and url_has_allowed_host_and_scheme(back, allowed_hosts=None):
        return redirect(back)
    return redirect("attestation-list")


@require_safe
@permission_required("coding.view_reports", raise_exception=True)
def reader_list(request: HttpRequest) -> HttpResponse:
    """Each version whose readers were asked, with how many have read it."""
    rows = version_rows(request.user, zone=request.user.zone, now=clock.now())
    return render(request, "payers/reader_list.html", {"rows": rows})


@require_safe
@permission_required("coding.view_reports", raise_exception=True)
def reader_detail(request: HttpRequest, pk: int) -> HttpResponse:
    page = readers_page(_version(request, pk), zone=request.user.zone, now=clock.now())
    return render(request, "payers/reader_detail.html", {"page": page})


@require_safe
@permission_required("coding.view_reports", raise_exception=True)
def reader_csv(request: HttpRequest, pk: int) -> HttpResponse:
    page = readers_page(_version(request, pk), zone=request.user.zone, now=clock.now())
    response = HttpResponse(BYTE_ORDER_MARK, content_type="text/csv; charset=utf-8")
    name = f"readers-{page['payer'].slug}-{page['version'].effective_from:%Y-%m-%d}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    csv.writer(response).writerows([harmless(cell) for cell in row] for row in readers_csv(page))
    return response


@require_POST
@permission_required(("coding.view_reports", "portal.add_treatmentsession"), raise_exception=True)
def reader_remind(request: HttpRequest, pk: int) -> HttpResponse:
    """Remind the one that the form names, or everybody who has not read the version."""
    version = _version(request, pk)
    waiting = Attestation.objects.visible_to(request.user)
    if request.POST.get("attestation", "").isdecimal():
        waiting = waiting.filter(pk=request.POST["attestation"])
    number = reading_services.remind(attestations=waiting, version=version, at=clock.now(), by=request.user)
    if number:
        words = ngettext("%d person was reminded.", "%d people were reminded.", number) % number
        messages.success(request, words)
    else:
        messages.info(request, _("Nobody was left to remind."))
    return redirect("reader-detail", pk=version.pk)


def _own(request: HttpRequest, pk: int) -> Attestation:
    """What the person was asked, and nobody else."""
    asked = Attestation.objects.visible_to(request.user).filter(user=request.user)
    return get_object_or_404(asked.select_related("version__policy__payer", "reminded_by"), pk=pk)


def _version(request: HttpRequest, pk: int) -> PolicyVersion:
    versions = PolicyVersion.objects.visible_to(request.user).published()
    return get_object_or_404(versions.select_related("policy__payer"), pk=pk)
