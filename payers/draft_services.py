"""Drafting a payer's policy: beginning, amending, citing and discarding a version that is not published yet.

A published version is frozen. A change is a new version from a later day; a correction is a new revision with the same
start.
"""

from collections.abc import Mapping
from datetime import date

from django.db import transaction
from django.db.models import Max

from coding.engine.terms import TERMS
from payers.models import PayerPolicy, PolicyClause, PolicyExample, PolicyVersion, VersionStatus
from payers.policy_files import Clause, term_text
from portal.models import User
from portal.services.audit import changed_fields, record_event


class DraftExists(Exception):
    """The policy has a draft or a version in review: it is published or discarded before another is begun."""


class NotADraft(Exception):
    """The version is no longer a draft, and so frozen."""


@transaction.atomic
def draft_version(*, policy: PayerPolicy, effective_from: date, by: User) -> PolicyVersion:
    """Begin a draft for dates of service from a day on, a copy of the version in force that day.

    It has its terms, clauses, examples and free text; an example from before the draft's start moves to its first day.
    With no version in force it begins empty. A start that a version has already makes it a correction: a new revision.
    Nobody has compared the draft with its sources yet, so `reviewed_on` is empty. Raises DraftExists.
    """
    lock_policy(policy)
    if policy.versions.unpublished().exists():
        raise DraftExists(policy.title)
    before = policy.versions.in_force(on=effective_from).prefetch_related("clauses", "examples").first()
    draft = PolicyVersion.objects.create(
        policy=policy,
        effective_from=effective_from,
        revision=next_revision(policy, effective_from),
        terms=dict(before.terms) if before else {},
        guidance=before.guidance if before else "",
        drafted_by=by,
    )
    if before:
        PolicyClause.objects.bulk_create([_copy(clause, draft) for clause in before.clauses.all()])
        PolicyExample.objects.bulk_create([_example_of(example, draft) for example in before.examples.all()])
    record_on_version(draft, "draft_version", f"Draft of {draft.label} begun", by)
    return draft


@transaction.atomic
def amend_draft(
    *, version: PolicyVersion, effective_from: date, reviewed_on: date | None, summary: str, by: User
) -> PolicyVersion:
    """Change a draft's start, the day it was compared with its sources, and its summary. Raises NotADraft."""
    draft = locked_draft(version)
    before = {"effective_from": draft.effective_from, "reviewed_on": draft.reviewed_on, "summary": draft.summary}
    after = {"effective_from": effective_from, "reviewed_on": reviewed_on, "summary": summary}
    changes = changed_fields(before, after)
    if not changes:
        return draft
    if effective_from != draft.effective_from:
        draft.revision = next_revision(draft.policy, effective_from)
    draft.effective_from, draft.reviewed_on, draft.summary = effective_from, reviewed_on, summary
    draft.save(update_fields=["effective_from", "revision", "reviewed_on", "summary"])
    record_on_version(draft, "amend_draft", f"Draft of {draft.label} amended", by, changes)
    return draft


@transaction.atomic
def write_guidance(*, version: PolicyVersion, text: str, by: User) -> PolicyVersion:
    """Replace a draft's free text, Markdown for the guidance page. Raises NotADraft."""
    draft = locked_draft(version)
    if text == draft.guidance:
        return draft
    changes = {"guidance": (draft.guidance, text)}
    draft.guidance = text
    draft.save(update_fields=["guidance"])
    record_on_version(draft, "write_guidance", f"Free text of {draft.label} written", by, changes)
    return draft


@transaction.atomic
def set_term(*, version: PolicyVersion, key: str, value: object, clause: Clause, by: User) -> PolicyClause:
    """Set a term of a draft together with the clause that it rests on; both replace what was there.

    `value` is one that `parse_term` gives. Raises NotADraft, and KeyError for a key that is no term.
    """
    draft = locked_draft(version)
    plain = as_json(key, value)
    before = draft.terms.get(key)
    draft.terms = {**draft.terms, key: plain}
    draft.save(update_fields=["terms"])
    saved = _write_clause(draft, clause, term=key, existing=draft.clauses.filter(term=key).first())
    record_on_version(
        draft, "set_term", f"{key} of {draft.label} set to {term_text(plain)}", by, {key: (before, plain)}
    )
    return saved


@transaction.atomic
def leave_to_house(*, version: PolicyVersion, key: str, by: User) -> PolicyVersion:
    """Let a draft be silent on a term: the term and the clause behind it go. Raises NotADraft."""
    draft = locked_draft(version)
    if key not in draft.terms:
        return draft
    before = draft.terms[key]
    draft.terms = {other: value for other, value in draft.terms.items() if other != key}
    draft.save(update_fields=["terms"])
    draft.clauses.filter(term=key).delete()
    record_on_version(draft, "set_term", f"{key} of {draft.label} left to the house default", by, {key: (before, None)})
    return draft


@transaction.atomic
def cite_clause(
    *, version: PolicyVersion, clause: Clause, by: User, existing: PolicyClause | None = None
) -> PolicyClause:
    """Add a cited statement to a draft, or replace the wording of `existing`; a term that it sets stays set.

    Raises NotADraft.
    """
    draft = locked_draft(version)
    saved = _write_clause(draft, clause, term=existing.term if existing else "", existing=existing)
    action = "amended" if existing else "added"
    record_on_version(draft, "cite_clause", f"Clause {action} in {draft.label}: {clause.summary}", by)
    return saved


@transaction.atomic
def remove_clause(*, clause: PolicyClause, by: User) -> None:
    """Take a statement out of a draft; the clause of a term goes only with the term (`leave_to_house`).

    Raises NotADraft, and ValueError for the clause of a term.
    """
    if clause.term:
        raise ValueError(f"the clause cites the term {clause.term}: leave the term to the house instead")
    draft = locked_draft(clause.version)
    record_on_version(draft, "remove_clause", f"Clause removed from {draft.label}: {clause.summary}", by)
    clause.delete()


@transaction.atomic
def discard_draft(*, version: PolicyVersion, by: User) -> None:
    """Drop a draft that is not wanted; the trail keeps that there was one. Raises NotADraft."""
    draft = locked_draft(version)
    record_on_version(draft, "discard_draft", f"Draft of {draft.label} discarded", by)
    draft.delete()


def lock_policy(policy: PayerPolicy) -> None:
    """Two people who change one policy at once take turns here."""
    PayerPolicy.objects.select_for_update().get(pk=policy.pk)


def locked_draft(version: PolicyVersion) -> PolicyVersion:
    """The draft as it is now, its policy locked until the transaction ends. Raises NotADraft."""
    lock_policy(version.policy)
    draft = PolicyVersion.objects.select_related("policy__payer").filter(pk=version.pk).first()
    if draft is None or draft.status != VersionStatus.DRAFT:
        raise NotADraft(str(version.pk))
    return draft


def next_revision(policy: PayerPolicy, effective_from: date) -> int:
    """The revision of a policy's next version with this start: 1 for a start that no version has."""
    last = policy.versions.filter(effective_from=effective_from).aggregate(last=Max("revision"))["last"]
    return (last or 0) + 1


def as_json(key: str, value: object) -> object:
    """A term's value as a version keeps it. Raises KeyError for a key that is no term."""
    if key not in TERMS:
        raise KeyError(key)
    return value.isoformat() if isinstance(value, date) else value


def _copy(clause: PolicyClause, version: PolicyVersion) -> PolicyClause:
    fields = {
        field.name: getattr(clause, field.name)
        for field in PolicyClause._meta.concrete_fields
        if field.name not in ("id", "version")
    }
    return PolicyClause(version=version, **fields)


def not_before(facts: Mapping[str, str], first_day: date) -> dict[str, str]:
    """The facts of an example, moved to the day where they lie before it; then they are coded soon after that."""
    start = first_day.isoformat()
    if facts.get("date_of_service", start) >= start:
        return dict(facts)
    return {column: text for column, text in facts.items() if column != "coded_on"} | {"date_of_service": start}


def _example_of(example: PolicyExample, draft: PolicyVersion) -> PolicyExample:
    """A copy for the draft, on a day that the draft speaks of."""
    return PolicyExample(
        version=draft,
        position=example.position,
        title=example.title,
        facts=not_before(example.facts, draft.effective_from),
        expected_lines=example.expected_lines,
        expected_findings=example.expected_findings,
    )


def clause_row(clause: Clause, version: PolicyVersion, position: int) -> PolicyClause:
    """A statement of a rule pack or a form as a row of a version, not saved."""
    return PolicyClause(
        version=version,
        position=position,
        topic=clause.topic,
        term=clause.term,
        summary=clause.summary,
        citation_title=clause.title,
        citation_url=clause.url,
        citation_published=clause.published,
        citation_section=clause.section,
        confidence=clause.confidence,
        reviewed_on=clause.reviewed_on,
        alert_from=clause.alert_from,
        alert_until=clause.alert_until,
    )


def _write_clause(draft: PolicyVersion, clause: Clause, *, term: str, existing: PolicyClause | None) -> PolicyClause:
    last = draft.clauses.aggregate(last=Max("position"))["last"] or 0
    row = clause_row(clause, draft, existing.position if existing else last + 1)
    row.term = term
    row.pk = existing.pk if existing else None
    row.save()
    return row


def record_on_version(
    version: PolicyVersion, action: str, sentence: str, by: User | None, changes: dict | None = None
) -> None:
    """Add an act on a version to the trail."""
    record_event(
        subject=version,
        action=action,
        sentence=sentence[:400],
        by=by,
        organization=version.policy.payer.organization_id,
        changes=changes,
    )
