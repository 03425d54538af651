"""The policies of payers: their history, and the life of a version from its review to its retirement."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from coding.codebook_in_use import current_codebook
from coding.publishing import check_version, publish_checked, submit_checked
from coding.reports import table_csv
from coding.services import recapture_for_policy
from payers import services
from payers.models import Payer, PolicyVersion, VersionStatus
from payers.presenters.asked import today_of
from payers.presenters.overrides import override_groups
from payers.presenters.policies import (
    check_page,
    form_page,
    how_it_stands,
    overdue_rows,
    policies_table,
    policy_page,
    policy_rows,
    version_page,
)
from payers.review_forms import RetireForm, ReviewForm, SendBackForm
from portal import clock
from portal.presenters.downloads import csv_download


@require_safe
@permission_required("payers.view_policyversion", raise_exception=True)
def policy_list(request: HttpRequest) -> HttpResponse:
    today = today_of(request.user)
    rows = policy_rows(request.user.organization_id, today=today)
    overdue = sum(row["is_overdue"] and row["payer"].is_active for row in rows)
    context = {"rows": rows, "overdue": overdue, "today": today}
    return render(request, "payers/policy_list.html", context)


@require_safe
@permission_required("payers.view_policyversion", raise_exception=True)
def policy_list_csv(request: HttpRequest) -> HttpResponseBase:
    """The same as a file."""
    today = today_of(request.user)
    lines = table_csv(
        [(_("In force on"), f"{today:%m/%d/%Y}")], policies_table(request.user.organization_id, today=today)
    )
    return csv_download(lines, name="policies", on=today)


@require_safe
@permission_required("payers.view_policyversion", raise_exception=True)
def policy_detail(request: HttpRequest, slug: str) -> HttpResponse:
    payer = _payer(request, slug)
    return render(request, "payers/policy_detail.html", policy_page(payer, today=today_of(request.user)))


@require_safe
@permission_required("payers.view_policyversion", raise_exception=True)
def version_detail(request: HttpRequest, pk: int) -> HttpResponse:
    version = _version(request, pk)
    context = version_page(version, codebook=current_codebook()) | how_it_stands(version, today=today_of(request.user))
    return render(request, "payers/version_detail.html", context)


@require_http_methods(["GET", "POST"])
@permission_required("payers.change_policyversion", raise_exception=True)
def version_submit(request: HttpRequest, pk: int) -> HttpResponse:
    """Check a draft, with every example run, and hand it over for review."""
    version = _in_state(request, pk, VersionStatus.DRAFT)
    if request.method == "POST":
        try:
            submit_checked(version=version, at=clock.now(), by=request.user)
        except services.NotReady:
            return _check_page(request, version, "payers/version_submit.html", status=422)
        messages.success(request, _("Submitted for review: nobody changes it now unless it is sent back."))
        return redirect("version-detail", pk=version.pk)
    return _check_page(request, version, "payers/version_submit.html")


@require_http_methods(["GET", "POST"])
@permission_required("payers.publish_policyversion", raise_exception=True)
def version_publish(request: HttpRequest, pk: int) -> HttpResponse:
    """Check a version in review, then publish it; the sessions that it answers otherwise are listed for a person."""
    version = _in_state(request, pk, VersionStatus.IN_REVIEW)
    if request.method == "POST":
        try:
            published = publish_checked(version=version, at=clock.now(), by=request.user)
        except services.NotReady:
            return _check_page(request, version, "payers/version_publish.html", status=422, form=SendBackForm())
        messages.success(
            request,
            _("Published. What it answers otherwise than was charged is being listed under To capture again."),
        )
        return redirect("policy-detail", slug=published.policy.payer.slug)
    return _check_page(request, version, "payers/version_publish.html", form=SendBackForm())


@require_POST
@permission_required("payers.publish_policyversion", raise_exception=True)
def version_send_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Make a version in review a draft again, with a reason for its author."""
    version = _in_state(request, pk, VersionStatus.IN_REVIEW)
    form = SendBackForm(request.POST)
    if not form.is_valid():
        return _check_page(request, version, "payers/version_publish.html", status=422, form=form)
    services.send_back(version=version, reason=form.cleaned_data["reason"], by=request.user)
    messages.success(request, _("Sent back: it is a draft again."))
    return redirect("version-detail", pk=version.pk)


@require_http_methods(["GET", "POST"])
@permission_required("payers.publish_policyversion", raise_exception=True)
def version_retire(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a published version out of force, with a reason; its days are captured again."""
    version = _in_state(request, pk, VersionStatus.PUBLISHED)
    form = RetireForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        services.retire_version(version=version, reason=form.cleaned_data["reason"], at=clock.now(), by=request.user)
        number = recapture_for_policy(policy=version.policy, since=version.effective_from, by=request.user)
        again = ngettext("%d session has a new ruling.", "%d sessions have a new ruling.", number) % number
        messages.success(request, _("Retired. %(again)s") % {"again": again})
        return redirect("policy-detail", slug=version.policy.payer.slug)
    return _form_page(
        request,
        form,
        title=_("Retire %(label)s") % {"label": version.label},
        payer=version.policy.payer,
        submit_label=_("Retire this version"),
    )


@require_http_methods(["GET", "POST"])
@permission_required("payers.change_policyversion", raise_exception=True)
def version_review(request: HttpRequest, pk: int) -> HttpResponse:
    """Note that a published version was compared with its sources again and nothing is to change."""
    version = _in_state(request, pk, VersionStatus.PUBLISHED)
    form = ReviewForm(request.POST or None, version=version, today=today_of(request.user))
    if request.method == "POST" and form.is_valid():
        services.record_review(version=version, at=clock.now(), by=request.user, **form.cleaned_data)
        messages.success(request, _("Noted: %(label)s was compared again.") % {"label": version.label})
        return redirect("policy-review-list")
    context = version_page(version, codebook=current_codebook()) | {"form": form}
    return render(request, "payers/version_review.html", context, status=_status(request))


@require_safe
@permission_required("payers.view_policyversion", raise_exception=True)
def policy_review_list(request: HttpRequest) -> HttpResponse:
    """The versions in force that nobody has compared with their sources for a year, the longest first."""
    today = today_of(request.user)
    context = {"rows": overdue_rows(request.user.organization_id, today=today), "today": today}
    return render(request, "payers/policy_review_list.html", context)


@require_safe
@permission_required("payers.view_policyversion", raise_exception=True)
def policy_override_list(request: HttpRequest) -> HttpResponse:
    """Every term that stands against a national rule, whoever decided it, and the lines that it touches."""
    context = {"groups": override_groups(request.user, today=today_of(request.user))}
    return render(request, "payers/override_list.html", context)


def _payer(request: HttpRequest, slug: str) -> Payer:
    payers = Payer.objects.filter(organization=request.user.organization_id).select_related("policy")
    return get_object_or_404(payers, slug=slug, policy__isnull=False)


def _version(request: HttpRequest, pk: int) -> PolicyVersion:
    return get_object_or_404(PolicyVersion.objects.visible_to(request.user).with_terms(), pk=pk)


def _in_state(request: HttpRequest, pk: int, status: VersionStatus) -> PolicyVersion:
    """A version of the person's organization in the state that the page is for; in another it has no such page."""
    return get_object_or_404(PolicyVersion.objects.visible_to(request.user).filter(status=status).with_terms(), pk=pk)


def _check_page(
    request: HttpRequest, version: PolicyVersion, template: str, *, status: int = 200, **context: Any
) -> HttpResponse:
    check = check_version(version, request.user)
    return render(request, template, check_page(version, check, codebook=current_codebook()) | context, status=status)


def _form_page(request: HttpRequest, form: object, **words: Any) -> HttpResponse:
    return render(request, "payers/policy_form.html", form_page(form, **words), status=_status(request))


def _status(request: HttpRequest) -> int:
    """A posted form that comes back has something to correct."""
    return 422 if request.method == "POST" else 200
