"""Drafting a version of a payer's policy: its dates, every term with its citation, and every statement."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from coding.codebook_files import load_codebook
from coding.engine.vocabulary import PayerKind
from payers import draft_services as services
from payers.models import Payer, PolicyClause, PolicyVersion, VersionStatus
from payers.policy_forms import ClauseForm, DraftForm, TermForm, VersionForm
from payers.presenters.asked import today_of
from payers.presenters.policies import form_page, version_page
from payers.presenters.terms import WORDS_OF


def told_when_frozen(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A view that changes a draft; where somebody published or discarded it meanwhile, the person is told so."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except services.NotADraft:
            messages.error(request, _("Somebody has published or discarded this draft meanwhile: nothing was changed."))
            return redirect("policy-list")

    return wrapped


@require_http_methods(["GET", "POST"])
@permission_required("payers.change_policyversion", raise_exception=True)
def version_draft(request: HttpRequest, slug: str) -> HttpResponse:
    """Begin a draft; a policy has one at a time."""
    payer = _payer(request, slug)
    form = DraftForm(request.POST or None, initial={"effective_from": today_of(request.user)})
    if request.method == "POST" and form.is_valid():
        try:
            draft = services.draft_version(
                policy=payer.policy, effective_from=form.cleaned_data["effective_from"], by=request.user
            )
        except services.DraftExists:
            form.add_error(None, _("There is a draft of this policy already: finish or discard it first."))
        else:
            return redirect("version-edit", pk=draft.pk)
    return _form_page(
        request,
        form,
        title=_("%(name)s: new version") % {"name": payer.name},
        payer=payer,
        submit_label=_("Begin the draft"),
    )


@require_http_methods(["GET", "POST"])
@permission_required("payers.change_policyversion", raise_exception=True)
@told_when_frozen
def version_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """A draft with its dates, every term, and every statement."""
    version = _draft(request, pk)
    form = VersionForm(request.POST or None, version=version, today=today_of(request.user))
    if request.method == "POST" and form.is_valid():
        services.amend_draft(version=version, by=request.user, **form.cleaned_data)
        messages.success(request, _("Draft saved."))
        return redirect("version-edit", pk=version.pk)
    context = version_page(version, codebook=load_codebook()) | {"form": form}
    return render(request, "payers/version_edit.html", context, status=_status(request))


@require_http_methods(["GET", "POST"])
@permission_required("payers.change_policyversion", raise_exception=True)
@told_when_frozen
def version_term(request: HttpRequest, pk: int, key: str) -> HttpResponse:
    """One term of a draft: what the payer says with its citation, or that it is silent."""
    version = _draft(request, pk)
    if key not in WORDS_OF:
        raise Http404(key)
    payer, words = version.policy.payer, WORDS_OF[key]
    form = TermForm(
        request.POST or None,
        key=key,
        version=version,
        existing=version.clauses.filter(term=key).first(),
        defaults=load_codebook().house_defaults(payer.slug, PayerKind(payer.kind)),
    )
    if request.method == "POST" and form.is_valid():
        if form.is_silent:
            services.leave_to_house(version=version, key=key, by=request.user)
        else:
            services.set_term(
                version=version,
                key=key,
                value=form.cleaned_data["term"],
                clause=form.clause(topic=words.topic.value),
                by=request.user,
            )
        return redirect(f"{reverse('version-edit', args=[version.pk])}#term-{key}")
    return _form_page(request, form, title=words.label, payer=payer, version=version)


@require_http_methods(["GET", "POST"])
@permission_required("payers.change_policyversion", raise_exception=True)
@told_when_frozen
def clause_create(request: HttpRequest, pk: int) -> HttpResponse:
    version = _draft(request, pk)
    form = ClauseForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        clause = form.clause(topic=form.cleaned_data["topic"])
        saved = services.cite_clause(version=version, clause=clause, by=request.user)
        return redirect(f"{reverse('version-edit', args=[version.pk])}#clause-{saved.pk}")
    return _form_page(request, form, title=_("New statement"), payer=version.policy.payer, version=version)


@require_http_methods(["GET", "POST"])
@permission_required("payers.change_policyversion", raise_exception=True)
@told_when_frozen
def clause_amend(request: HttpRequest, pk: int) -> HttpResponse:
    """Reword a statement of a draft; the clause of a term is changed with its term."""
    clause = _statement(request, pk)
    form = ClauseForm(request.POST or None, existing=clause)
    if request.method == "POST" and form.is_valid():
        services.cite_clause(
            version=clause.version,
            clause=form.clause(topic=form.cleaned_data["topic"]),
            existing=clause,
            by=request.user,
        )
        return redirect(f"{reverse('version-edit', args=[clause.version_id])}#clause-{clause.pk}")
    payer = clause.version.policy.payer
    return _form_page(request, form, title=_("Statement"), payer=payer, version=clause.version)


@require_POST
@permission_required("payers.change_policyversion", raise_exception=True)
@told_when_frozen
def clause_remove(request: HttpRequest, pk: int) -> HttpResponse:
    clause = _statement(request, pk)
    services.remove_clause(clause=clause, by=request.user)
    messages.success(request, _("Statement removed from the draft."))
    return redirect(f"{reverse('version-edit', args=[clause.version_id])}#statements")


@require_POST
@permission_required("payers.change_policyversion", raise_exception=True)
@told_when_frozen
def version_discard(request: HttpRequest, pk: int) -> HttpResponse:
    version = _draft(request, pk)
    slug = version.policy.payer.slug
    services.discard_draft(version=version, by=request.user)
    messages.success(request, _("Draft discarded."))
    return redirect("policy-detail", slug=slug)


def _payer(request: HttpRequest, slug: str) -> Payer:
    payers = Payer.objects.filter(organization=request.user.organization_id).select_related("policy")
    return get_object_or_404(payers, slug=slug, policy__isnull=False)


def _draft(request: HttpRequest, pk: int) -> PolicyVersion:
    """A draft of the person's organization; what is published is frozen and has no such page."""
    drafts = PolicyVersion.objects.visible_to(request.user).filter(status=VersionStatus.DRAFT)
    return get_object_or_404(drafts.with_terms(), pk=pk)


def _statement(request: HttpRequest, pk: int) -> PolicyClause:
    clauses = PolicyClause.objects.filter(
        version__policy__payer__organization=request.user.organization_id,
        version__status=VersionStatus.DRAFT,
        term="",
    )
    return get_object_or_404(clauses.select_related("version__policy__payer"), pk=pk)


def _form_page(request: HttpRequest, form: object, **words: Any) -> HttpResponse:
    return render(request, "payers/policy_form.html", form_page(form, **words), status=_status(request))


def _status(request: HttpRequest) -> int:
    """A posted form that comes back has something to correct."""
    return 422 if request.method == "POST" else 200
