"""Drafting a version of a payer's policy: its dates, every term with its citation, and every statement."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from coding.codebook_in_use import current_codebook
from coding.engine.vocabulary import PayerKind
from payers import draft_services as services
from payers.draft_requests import draft_or_404, is_in_place, sent_elsewhere, told_when_frozen, with_a_way_back
from payers.example_forms import DraftCaseForm
from payers.markdown import as_html
from payers.models import ClauseTopic, Payer, PolicyClause, PolicyVersion, VersionStatus
from payers.policy_forms import ClauseForm, DraftForm, GuidanceForm, TermForm, VersionForm
from payers.presenters.asked import today_of
from payers.presenters.editor import case_beside, editor_page
from payers.presenters.policies import form_page
from payers.presenters.terms import WORDS_OF


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
    """The editor: a draft with its dates, every term, every statement, its free text, its examples and a case."""
    version = draft_or_404(request, pk)
    form = VersionForm(request.POST or None, version=version, today=today_of(request.user))
    if request.method == "POST" and form.is_valid():
        services.amend_draft(version=version, by=request.user, **form.cleaned_data)
        messages.success(request, _("Draft saved."))
        return redirect("version-edit", pk=version.pk)
    return _editor(request, version, form=form)


@require_http_methods(["GET", "POST"])
@permission_required("payers.change_policyversion", raise_exception=True)
@told_when_frozen
def version_term(request: HttpRequest, pk: int, key: str) -> HttpResponse:
    """One term of a draft: what the payer says with its citation, or that it is silent."""
    version = draft_or_404(request, pk)
    if key not in WORDS_OF:
        raise Http404(key)
    payer, words = version.policy.payer, WORDS_OF[key]
    form = TermForm(
        request.POST or None,
        key=key,
        version=version,
        existing=version.clauses.filter(term=key).first(),
        defaults=current_codebook().house_defaults(payer.slug, PayerKind(payer.kind)),
        today=today_of(request.user),
        auto_id=f"{key}_%s",
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
        messages.success(request, _("Saved: %(label)s.") % {"label": words.label})
        return redirect(f"{reverse('version-edit', args=[version.pk])}#term-{key}")
    return _part(request, form, part=f"term-{key}", title=words.label, version=version)


@require_http_methods(["GET", "POST"])
@permission_required("payers.change_policyversion", raise_exception=True)
@told_when_frozen
def clause_create(request: HttpRequest, pk: int) -> HttpResponse:
    """A new statement, beginning with what the address says of it. In the editor it takes its place under its topic."""
    version = draft_or_404(request, pk)
    topic = request.GET.get("topic", "")
    part = f"add-{topic}" if topic in ClauseTopic.values else "add-statement"
    form = ClauseForm(
        request.POST or None, beginning=request.GET.dict(), today=today_of(request.user), auto_id=f"{part}_%s"
    )
    if request.method == "POST" and form.is_valid():
        topic_chosen = form.cleaned_data["topic"]
        saved = services.cite_clause(version=version, clause=form.clause(topic=topic_chosen), by=request.user)
        messages.success(request, _("Statement added."))
        response = redirect(f"{reverse('version-edit', args=[version.pk])}#clause-{saved.pk}")
        if not is_in_place(request):
            return response
        if topic_chosen != topic:
            return sent_elsewhere(response.url)
        # The new statement, and the way to add another one after it.
        response = _editor(request, draft_or_404(request, pk))
        response["HX-Reselect"] = f"#clause-{saved.pk}, #{part}"
        return response
    return _part(request, form, part=part, title=_("New statement"), version=version)


@require_http_methods(["GET", "POST"])
@permission_required("payers.change_policyversion", raise_exception=True)
@told_when_frozen
def clause_amend(request: HttpRequest, pk: int) -> HttpResponse:
    """Reword a statement of a draft; the clause of a term is changed with its term."""
    clause = _statement(request, pk)
    part = f"clause-{clause.pk}"
    form = ClauseForm(request.POST or None, existing=clause, today=today_of(request.user), auto_id=f"{part}_%s")
    if request.method == "POST" and form.is_valid():
        topic = form.cleaned_data["topic"]
        services.cite_clause(version=clause.version, clause=form.clause(topic=topic), existing=clause, by=request.user)
        messages.success(request, _("Statement saved."))
        response = redirect(f"{reverse('version-edit', args=[clause.version_id])}#{part}")
        is_moved = is_in_place(request) and topic != clause.topic
        return sent_elsewhere(response.url) if is_moved else response
    return _part(request, form, part=part, title=_("Statement"), version=clause.version)


@require_http_methods(["GET", "POST"])
@permission_required("payers.change_policyversion", raise_exception=True)
@told_when_frozen
def version_free_text(request: HttpRequest, pk: int) -> HttpResponse:
    """A draft's free text; with `preview` nothing is saved, and how it will read is shown."""
    version = draft_or_404(request, pk)
    form = GuidanceForm(request.POST or None, initial={"guidance": version.guidance})
    is_valid = form.is_valid()
    is_preview = "preview" in request.POST
    if is_valid and not is_preview:
        services.write_guidance(version=version, text=form.cleaned_data["guidance"], by=request.user)
        messages.success(request, _("Free text saved."))
        return redirect(f"{reverse('version-edit', args=[version.pk])}#free-text")
    text = form.cleaned_data["guidance"] if is_valid else version.guidance
    context = {
        "version": version,
        "payer": version.policy.payer,
        "text_form": form,
        "preview": as_html(text),
        "in_place": is_in_place(request),
    }
    status = _status(request) if not is_valid else 200
    return render(request, "payers/version_free_text.html", context, status=status)


@require_POST
@permission_required("payers.change_policyversion", raise_exception=True)
@told_when_frozen
def clause_remove(request: HttpRequest, pk: int) -> HttpResponse:
    clause = _statement(request, pk)
    beginning = urlencode(ClauseForm.beginning_with(clause))
    services.remove_clause(clause=clause, by=request.user)
    back = f"{reverse('clause-create', args=[clause.version_id])}?{beginning}"
    messages.success(request, with_a_way_back(_("Statement removed from the draft."), back))
    return redirect(f"{reverse('version-edit', args=[clause.version_id])}#statements")


@require_POST
@permission_required("payers.change_policyversion", raise_exception=True)
@told_when_frozen
def version_discard(request: HttpRequest, pk: int) -> HttpResponse:
    version = draft_or_404(request, pk)
    slug = version.policy.payer.slug
    services.discard_draft(version=version, by=request.user)
    messages.success(request, _("Draft discarded."))
    return redirect("policy-detail", slug=slug)


def _payer(request: HttpRequest, slug: str) -> Payer:
    payers = Payer.objects.filter(organization=request.user.organization_id).select_related("policy")
    return get_object_or_404(payers, slug=slug, policy__isnull=False)


def _statement(request: HttpRequest, pk: int) -> PolicyClause:
    clauses = PolicyClause.objects.filter(
        version__policy__payer__organization=request.user.organization_id,
        version__status=VersionStatus.DRAFT,
        term="",
    )
    return get_object_or_404(clauses.select_related("version__policy__payer"), pk=pk)


def _editor(request: HttpRequest, version: PolicyVersion, *, form: VersionForm | None = None) -> HttpResponse:
    codebook, today = current_codebook(), today_of(request.user)
    opening = DraftCaseForm.of_draft(version, today=today)
    case = DraftCaseForm(opening, version=version)
    case.full_clean()
    context = editor_page(version, codebook) | {
        "form": form or VersionForm(version=version, today=today),
        "text_form": GuidanceForm(initial={"guidance": version.guidance}),
        "case_form": case,
        "case": case_beside(version, case, codebook),
        "in_place": True,
    }
    return render(request, "payers/version_edit.html", context, status=_status(request) if form else 200)


def _part(request: HttpRequest, form: Form, *, part: str, title: str, version: PolicyVersion) -> HttpResponse:
    """A form of the editor on a page of its own; the editor takes from it what has the id `part`."""
    context = form_page(form, title=title, payer=version.policy.payer, version=version) | {
        "part": part,
        "in_place": is_in_place(request),
    }
    return render(request, "payers/policy_form.html", context, status=_status(request))


def _form_page(request: HttpRequest, form: Form, **words: Any) -> HttpResponse:
    return render(request, "payers/policy_form.html", form_page(form, **words), status=_status(request))


def _status(request: HttpRequest) -> int:
    """A posted form that comes back has something to correct."""
    return 422 if request.method == "POST" else 200
