"""The examples of a draft, and a case that is put to it before it becomes one."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from coding.codebook_in_use import current_codebook
from coding.engine.periods import in_words
from coding.policy_checks import example_answer, example_answers
from payers import example_services as services
from payers.draft_requests import draft_or_404, is_in_place, told_when_frozen, with_a_way_back
from payers.example_forms import DraftCaseForm, ExampleForm
from payers.models import PolicyExample, PolicyVersion, VersionStatus
from payers.policy_files import FACTS_OF_EXAMPLES
from payers.presenters.asked import today_of
from payers.presenters.editor import case_beside, example_page, shown_examples
from payers.presenters.policies import form_page


@require_safe
@permission_required("payers.change_policyversion", raise_exception=True)
def version_try(request: HttpRequest, pk: int) -> HttpResponse:
    """A case put to a draft, beside what the version in force says of it; nothing is stored.

    A case that is half told is no mistake while it is being told: the editor hears what is missing, and no failure.
    """
    version = draft_or_404(request, pk)
    form = DraftCaseForm(request.GET or DraftCaseForm.of_draft(version, today=today_of(request.user)), version=version)
    context = {"version": version, "payer": version.policy.payer, "case_form": form}
    is_valid = form.is_valid()
    if is_valid:
        context["case"] = case_beside(version, form, current_codebook())
    status = 200 if is_valid or is_in_place(request) else 422
    return render(request, "payers/version_try.html", context, status=status)


@require_http_methods(["GET", "POST"])
@permission_required("payers.change_policyversion", raise_exception=True)
@told_when_frozen
def example_create(request: HttpRequest, pk: int) -> HttpResponse:
    """A new example; one that is kept from a case begins with its facts and with the draft's own answer."""
    version = draft_or_404(request, pk)
    form = ExampleForm(request.POST or None, version=version, initial=_beginning(request, version))
    if request.method == "POST" and form.is_valid():
        try:
            services.add_example(version=version, example=form.example(), by=request.user)
        except services.ExampleExists:
            _title_is_taken(form)
        else:
            messages.success(request, _("Example kept."))
            return redirect(f"{reverse('version-edit', args=[version.pk])}#examples")
    return _example_page(request, version, form, title=_("New example"))


@require_http_methods(["GET", "POST"])
@permission_required("payers.change_policyversion", raise_exception=True)
@told_when_frozen
def example_amend(request: HttpRequest, pk: int) -> HttpResponse:
    example = _example(request, pk)
    version = draft_or_404(request, example.version_id)
    form = ExampleForm(request.POST or None, version=version, initial=ExampleForm.beginning_with(example))
    if request.method == "POST" and form.is_valid():
        try:
            services.amend_example(example=example, content=form.example(), by=request.user)
        except services.ExampleExists:
            _title_is_taken(form)
        else:
            messages.success(request, _("Example saved."))
            return redirect(f"{reverse('version-edit', args=[version.pk])}#examples")
    return _example_page(request, version, form, title=example.title)


@require_POST
@permission_required("payers.change_policyversion", raise_exception=True)
@told_when_frozen
def example_remove(request: HttpRequest, pk: int) -> HttpResponse:
    example = _example(request, pk)
    beginning = urlencode(ExampleForm.beginning_with(example))
    services.remove_example(example=example, by=request.user)
    back = f"{reverse('example-create', args=[example.version_id])}?{beginning}"
    sentence = _("Example removed: %(title)s.") % {"title": example.title}
    messages.success(request, with_a_way_back(sentence, back))
    return redirect(f"{reverse('version-edit', args=[example.version_id])}#examples")


@require_POST
@permission_required("payers.change_policyversion", raise_exception=True)
@told_when_frozen
def example_move(request: HttpRequest, pk: int) -> HttpResponse:
    example = _example(request, pk)
    return _moved(request, example.version, only=example)


@require_POST
@permission_required("payers.change_policyversion", raise_exception=True)
@told_when_frozen
def example_move_all(request: HttpRequest, pk: int) -> HttpResponse:
    return _moved(request, draft_or_404(request, pk))


def _moved(request: HttpRequest, version: PolicyVersion, only: PolicyExample | None = None) -> HttpResponse:
    moved = services.move_examples(version=version, only=only, by=request.user)
    sentence = ngettext("%(n)s example moved to %(day)s.", "%(n)s examples moved to %(day)s.", moved)
    messages.success(request, sentence % {"n": moved, "day": in_words(version.effective_from)})
    return redirect(f"{reverse('version-edit', args=[version.pk])}#examples")


def _example(request: HttpRequest, pk: int) -> PolicyExample:
    examples = PolicyExample.objects.filter(
        version__policy__payer__organization=request.user.organization_id, version__status=VersionStatus.DRAFT
    )
    return get_object_or_404(examples.select_related("version__policy__payer"), pk=pk)


def _beginning(request: HttpRequest, version: PolicyVersion) -> dict[str, Any]:
    """What a new example begins with: what the address says of it, or the draft's own answer to the address's facts."""
    if request.GET.get("title"):
        return request.GET.dict()
    facts = {name: text for name in FACTS_OF_EXAMPLES if (text := request.GET.get(name, ""))}
    if not facts:
        return {"date_of_service": version.effective_from}
    answer = example_answer(PolicyExample(facts=facts), version, version.as_terms(), current_codebook())
    return {
        "title": ExampleForm.titled(facts),
        "expected_lines": answer.lines,
        "expected_findings": answer.findings,
        **facts,
    }


def _title_is_taken(form: ExampleForm) -> None:
    form.add_error("title", _("Another example of this version has this title."))


def _example_page(request: HttpRequest, version: PolicyVersion, form: ExampleForm, *, title: str) -> HttpResponse:
    """The form over the list of examples; the editor takes both in their place."""
    answers = shown_examples(example_answers(version, current_codebook()))
    words = form_page(form, title=title, payer=version.policy.payer, version=version)
    context = words | example_page(answers) | {"version": version, "in_place": is_in_place(request)}
    return render(request, "payers/example_form.html", context, status=422 if request.method == "POST" else 200)
