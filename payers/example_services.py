"""The examples that a version of a policy must satisfy: adding, changing and removing them in its draft."""

from django.db import transaction
from django.db.models import Max

from payers.draft_services import locked_draft, not_before, record_on_version
from payers.models import PolicyExample, PolicyVersion
from payers.policy_files import Example
from portal.models import User


class ExampleExists(Exception):
    """The version has an example of this title already."""


@transaction.atomic
def add_example(*, version: PolicyVersion, example: Example, by: User) -> PolicyExample:
    """Keep a session with the answer that the draft must give. Raises NotADraft, and ExampleExists for its title."""
    draft = locked_draft(version)
    last = draft.examples.aggregate(last=Max("position"))["last"] or 0
    saved = _write(PolicyExample(version=draft, position=last + 1), example)
    record_on_version(draft, "add_example", f"Example added to {draft.label}: {saved.title}", by)
    return saved


@transaction.atomic
def amend_example(*, example: PolicyExample, content: Example, by: User) -> PolicyExample:
    """Replace an example's title, facts and expected answer. Raises NotADraft, and ExampleExists for its title."""
    draft = locked_draft(example.version)
    saved = draft.examples.get(pk=example.pk)
    before = _content(saved)
    _write(saved, content)
    changes = {name: (was, _content(saved)[name]) for name, was in before.items() if was != _content(saved)[name]}
    if changes:
        sentence = f"Example amended in {draft.label}: {saved.title}"
        record_on_version(draft, "amend_example", sentence, by, changes)
    return saved


@transaction.atomic
def remove_example(*, example: PolicyExample, by: User) -> None:
    """Take an example out of a draft; the trail keeps what it said. Raises NotADraft."""
    draft = locked_draft(example.version)
    changes = {name: (was, "") for name, was in _content(example).items()}
    record_on_version(draft, "remove_example", f"Example removed from {draft.label}: {example.title}", by, changes)
    example.delete()


@transaction.atomic
def move_examples(*, version: PolicyVersion, only: PolicyExample | None = None, by: User) -> int:
    """Move to the draft's first day what lies before it, each example or only one; how many moved. Raises NotADraft."""
    draft = locked_draft(version)
    moved = 0
    for example in draft.examples.filter(**({"pk": only.pk} if only else {})):
        facts, before = not_before(example.facts, draft.effective_from), _content(example)
        if facts == example.facts:
            continue
        example.facts = facts
        example.save()
        changes = {"facts": (before["facts"], _content(example)["facts"])}
        sentence = f"Example moved to the first day of {draft.label}: {example.title}"
        record_on_version(draft, "move_example", sentence, by, changes)
        moved += 1
    return moved


def _write(row: PolicyExample, example: Example) -> PolicyExample:
    if row.version.examples.filter(title=example.title).exclude(pk=row.pk).exists():
        raise ExampleExists(example.title)
    row.title, row.facts = example.title, dict(example.facts)
    row.expected_lines, row.expected_findings = example.expected_lines, example.expected_findings
    row.save()
    return row


def _content(row: PolicyExample) -> dict[str, str]:
    facts = "; ".join(f"{column} {value}" for column, value in sorted(row.facts.items()))
    return {
        "title": row.title,
        "facts": facts,
        "expected_lines": row.expected_lines,
        "expected_findings": row.expected_findings,
    }
