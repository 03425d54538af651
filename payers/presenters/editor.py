"""The editor of a draft: its terms and statements under the headings of a biller, its examples, and a case tried."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from coding.case_files import format_findings, format_lines
from coding.engine.codebook import Codebook
from coding.engine.vocabulary import Setting
from coding.policy_checks import ExampleAnswer, days_of, example_answers
from payers.example_forms import DraftCaseForm
from payers.guidance import Enquiry
from payers.markdown import as_html
from payers.models import ClauseTopic, PolicyClause, PolicyVersion
from payers.presenters.examples import expected_in_words, facts_in_words
from payers.presenters.guidance import SETTING_LABELS, shown_row
from payers.presenters.policies import sent_back, term_groups


@dataclass(frozen=True, slots=True)
class EditedGroup:
    """One heading of the editor with the terms and the statements under it."""

    topic: str
    title: str
    terms: list[dict[str, Any]]
    clauses: list[PolicyClause]


@dataclass(frozen=True, slots=True)
class ShownExample:
    """One example with what it asks for and what the draft answers.

    `is_too_early` where it lies before the draft begins, and is to be moved.
    """

    pk: int
    title: str
    facts: str
    expected: str
    got: str
    is_as_expected: bool
    is_too_early: bool


def editor_page(version: PolicyVersion, codebook: Codebook) -> dict[str, Any]:
    """Everything of the editor but its forms."""
    examples = shown_examples(example_answers(version, codebook))
    return {
        "version": version,
        "payer": version.policy.payer,
        "groups": edited_groups(version, codebook),
        "codes": codes_by_setting(version, codebook),
        "sent_back": sent_back(version),
        "preview": as_html(version.guidance),
    } | example_page(examples)


def edited_groups(version: PolicyVersion, codebook: Codebook) -> list[EditedGroup]:
    """Every heading in the order of the guidance page; one under which nothing stands yet invites a statement."""
    terms = {str(group["title"]): group["rows"] for group in term_groups(version, codebook)}
    clauses = [clause for clause in version.clauses.all() if not clause.term]
    return [
        EditedGroup(
            topic=topic.value,
            title=str(topic.label),
            terms=terms.get(str(topic.label), []),
            clauses=[clause for clause in clauses if clause.topic == topic],
        )
        for topic in ClauseTopic
    ]


def codes_by_setting(version: PolicyVersion, codebook: Codebook) -> dict[str, Any]:
    """What the standing example comes to in each setting: on the draft's first day, and where other codes begin."""
    days_held = days_of(version)
    seams = {choice.period.starts_on for choice in codebook.delivery_choices} - {None}
    days = sorted({version.effective_from, *(day for day in seams if day in days_held)})
    enquiries = [Enquiry(version.policy.payer, version, codebook, day) for day in days]
    rows = [
        (label, [shown_row("", enquiry.answer(setting)) for enquiry in enquiries])
        for setting, label in SETTING_LABELS.items()
    ]
    return {"days": days, "rows": rows}


def example_page(examples: list[ShownExample]) -> dict[str, Any]:
    """The list of examples with the number of those that fail, and of those that lie before the draft begins."""
    return {
        "examples": examples,
        "failing": sum(not example.is_as_expected for example in examples),
        "too_early": sum(example.is_too_early for example in examples),
    }


def shown_examples(answers: Iterable[ExampleAnswer]) -> list[ShownExample]:
    """Each example with its answer in words; why there is no answer stands in the answer's place."""
    return [
        ShownExample(
            pk=answer.example.pk,
            title=answer.example.title,
            facts=facts_in_words(answer.example.facts),
            expected=expected_in_words(answer.example.expected_lines, answer.example.expected_findings),
            got=answer.problem or expected_in_words(answer.lines, answer.findings),
            is_as_expected=answer.is_as_expected,
            is_too_early=answer.is_too_early,
        )
        for answer in answers
    ]


def case_beside(version: PolicyVersion, form: DraftCaseForm, codebook: Codebook) -> dict[str, Any]:
    """A valid case under the draft, beside what the version in force says of it, and whether the two agree.

    Notes decide nothing and are left out.
    """
    day = form.cleaned_data["date_of_service"]
    in_force = version.policy.versions.in_force(on=day).with_terms().first()
    setting = Setting(form.cleaned_data["setting"])
    rulings = [
        Enquiry(version.policy.payer, asked, codebook, day).answer(setting, **form.changes())
        for asked in (version, in_force)
    ]
    draft, current = rulings
    return {
        "answers": [
            (_("This draft"), version.label, shown_row("", draft)),
            (
                _("In force"),
                in_force.label if in_force else _("No version is in force that day."),
                shown_row("", current),
            ),
        ],
        "is_same": format_lines(draft) == format_lines(current) and format_findings(draft) == format_findings(current),
        "is_before_draft": day < version.effective_from,
        "kept_as": form.kept_as(),
    }
