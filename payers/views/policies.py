"""The policies of payers: their history, and publishing and retiring a version."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from coding.codebook_files import load_codebook
from coding.services import recapture_for_policy
from payers import services
from payers.models import Payer, PolicyVersion, VersionStatus
from payers.policy_forms import RetireForm
from payers.presenters.asked import today_of
from payers.presenters.policies import comparison_page, form_page, policy_page, policy_rows, term_groups, version_page
from portal import clock


@require_safe
@permission_required("payers.view_policyversion", raise_exception=True)
def policy_list(request: HttpRequest) -> HttpResponse:
    today = today_of(request.user)
    context = {"rows": policy_rows(request.user.organization_id, today=today), "today": today}
    return render(request, "payers/policy_list.html", context)


@require_safe
@permission_required("payers.view_policyversion", raise_exception=True)
def policy_detail(request: HttpRequest, slug: str) -> HttpResponse:
    payer = _payer(request, slug)
    return render(request, "payers/policy_detail.html", policy_page(payer, today=today_of(request.user)))


@require_safe
@permission_required("payers.view_policyversion", raise_exception=True)
def version_detail(request: HttpRequest, pk: int) -> HttpResponse:
    version = _version(request, pk)
    return render(request, "payers/version_detail.html", version_page(version, codebook=load_codebook()))


@require_safe
@permission_required("payers.view_policyversion", raise_exception=True)
def version_compare(request: HttpRequest, pk: int) -> HttpResponse:
    return render(request, "payers/version_compare.html", comparison_page(_version(request, pk)))


@require_http_methods(["GET", "POST"])
@permission_required("payers.publish_policyversion", raise_exception=True)
def version_publish(request: HttpRequest, pk: int) -> HttpResponse:
    """Check the draft once more, then publish it; the days that it can change are captured again."""
    version = _draft(request, pk)
    reasons = services.reasons_against_publishing(version, request.user)
    if request.method == "POST":
        try:
            published = services.publish_version(version=version, at=clock.now(), by=request.user)
        except services.NotPublishable as refused:
            reasons = refused.reasons
        else:
            _capture_again(request, published, "Published.")
            return redirect("policy-detail", slug=published.policy.payer.slug)
    context = comparison_page(version) | {
        "reasons": reasons,
        "groups": term_groups(version, load_codebook()),
    }
    return render(request, "payers/version_publish.html", context, status=_status(request))


@require_http_methods(["GET", "POST"])
@permission_required("payers.publish_policyversion", raise_exception=True)
def version_retire(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a published version out of force, with a reason; its days are captured again."""
    version = _version(request, pk)
    if version.status != VersionStatus.PUBLISHED:
        raise Http404(str(pk))
    form = RetireForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        services.retire_version(version=version, reason=form.cleaned_data["reason"], at=clock.now(), by=request.user)
        _capture_again(request, version, "Retired.")
        return redirect("policy-detail", slug=version.policy.payer.slug)
    return _form_page(
        request,
        form,
        title=_("Retire %(label)s") % {"label": version.label},
        payer=version.policy.payer,
        submit_label=_("Retire this version"),
    )


def _payer(request: HttpRequest, slug: str) -> Payer:
    payers = Payer.objects.filter(organization=request.user.organization_id).select_related("policy")
    return get_object_or_404(payers, slug=slug, policy__isnull=False)


def _version(request: HttpRequest, pk: int) -> PolicyVersion:
    return get_object_or_404(PolicyVersion.objects.visible_to(request.user).with_terms(), pk=pk)


def _draft(request: HttpRequest, pk: int) -> PolicyVersion:
    """A draft of the person's organization; what is published is frozen and has no such page."""
    drafts = PolicyVersion.objects.visible_to(request.user).filter(status=VersionStatus.DRAFT)
    return get_object_or_404(drafts.with_terms(), pk=pk)


def _capture_again(request: HttpRequest, version: PolicyVersion, done: str) -> None:
    number = recapture_for_policy(policy=version.policy, since=version.effective_from, by=request.user)
    again = ngettext("%d session has a new ruling.", "%d sessions have a new ruling.", number) % number
    messages.success(request, f"{done} {again}")


def _form_page(request: HttpRequest, form: object, **words: Any) -> HttpResponse:
    return render(request, "payers/policy_form.html", form_page(form, **words), status=_status(request))


def _status(request: HttpRequest) -> int:
    """A posted form that comes back has something to correct."""
    return 422 if request.method == "POST" else 200
