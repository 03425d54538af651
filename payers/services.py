"""Payer policies: drafting, citing, publishing, retiring; and installing the first ones from rule packs.

A published version is frozen. A change is a new version from a later day; a correction is a new revision with the same
start. None of these services captures charges again: a view calls `coding.services.recapture_for_policy` next.
"""

from collections.abc import Iterable
from datetime import date, datetime

from django.db import transaction
from django.db.models import Max

from coding.engine.terms import TERMS
from payers.models import Payer, PayerPolicy, PolicyClause, PolicyVersion, VersionStatus
from payers.policy_files import Clause, Pack, read_packs, term_text
from portal.models import AuditEvent, Organization, User
from portal.services.audit import changed_fields, record_event

# The acts of the trail that make a person an author of a draft.
WRITING = ("draft_version", "amend_draft", "set_term", "cite_clause", "remove_clause")


class DraftExists(Exception):
    """The policy has a draft already: it is finished or discarded before another is begun."""


class NotADraft(Exception):
    """The version is no longer a draft, and so frozen."""


class NotPublishable(Exception):
    """What keeps a draft from being published: `reasons`, each a sentence."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = reasons


@transaction.atomic
def draft_version(*, policy: PayerPolicy, effective_from: date, by: User) -> PolicyVersion:
    """Begin a draft for dates of service from a day on, with the terms and clauses of the version in force that day.

    With no version in force it begins empty. A start that a version has already makes it a correction: a new revision.
    Nobody has compared the draft with its sources yet, so `reviewed_on` is empty. Raises DraftExists.
    """
    _lock(policy)
    if policy.versions.filter(status=VersionStatus.DRAFT).exists():
        raise DraftExists(policy.title)
    before = policy.versions.in_force(on=effective_from).prefetch_related("clauses").first()
    draft = PolicyVersion.objects.create(
        policy=policy,
        effective_from=effective_from,
        revision=_next_revision(policy, effective_from),
        terms=dict(before.terms) if before else {},
        drafted_by=by,
    )
    if before:
        PolicyClause.objects.bulk_create([_copy(clause, draft) for clause in before.clauses.all()])
    _record(draft, "draft_version", f"Draft of {draft.label} begun", by)
    return draft


@transaction.atomic
def amend_draft(
    *, version: PolicyVersion, effective_from: date, reviewed_on: date | None, summary: str, by: User
) -> PolicyVersion:
    """Change a draft's start, the day it was compared with its sources, and its summary. Raises NotADraft."""
    draft = _locked_draft(version)
    before = {"effective_from": draft.effective_from, "reviewed_on": draft.reviewed_on, "summary": draft.summary}
    after = {"effective_from": effective_from, "reviewed_on": reviewed_on, "summary": summary}
    changes = changed_fields(before, after)
    if not changes:
        return draft
    if effective_from != draft.effective_from:
        draft.revision = _next_revision(draft.policy, effective_from)
    draft.effective_from, draft.reviewed_on, draft.summary = effective_from, reviewed_on, summary
    draft.save(update_fields=["effective_from", "revision", "reviewed_on", "summary"])
    _record(draft, "amend_draft", f"Draft of {draft.label} amended", by, changes)
    return draft


@transaction.atomic
def set_term(*, version: PolicyVersion, key: str, value: object, clause: Clause, by: User) -> PolicyClause:
    """Set a term of a draft together with the clause that it rests on; both replace what was there.

    `value` is one that `parse_term` gives. Raises NotADraft, and KeyError for a key that is no term.
    """
    draft = _locked_draft(version)
    plain = _as_json(key, value)
    before = draft.terms.get(key)
    draft.terms = {**draft.terms, key: plain}
    draft.save(update_fields=["terms"])
    saved = _write_clause(draft, clause, term=key, existing=draft.clauses.filter(term=key).first())
    _record(draft, "set_term", f"{key} of {draft.label} set to {term_text(plain)}", by, {key: (before, plain)})
    return saved


@transaction.atomic
def leave_to_house(*, version: PolicyVersion, key: str, by: User) -> PolicyVersion:
    """Let a draft be silent on a term: the term and the clause behind it go. Raises NotADraft."""
    draft = _locked_draft(version)
    if key not in draft.terms:
        return draft
    before = draft.terms[key]
    draft.terms = {other: value for other, value in draft.terms.items() if other != key}
    draft.save(update_fields=["terms"])
    draft.clauses.filter(term=key).delete()
    _record(draft, "set_term", f"{key} of {draft.label} left to the house default", by, {key: (before, None)})
    return draft


@transaction.atomic
def cite_clause(
    *, version: PolicyVersion, clause: Clause, by: User, existing: PolicyClause | None = None
) -> PolicyClause:
    """Add a cited statement to a draft, or replace the wording of `existing`; a term that it sets stays set.

    Raises NotADraft.
    """
    draft = _locked_draft(version)
    saved = _write_clause(draft, clause, term=existing.term if existing else "", existing=existing)
    action = "amended" if existing else "added"
    _record(draft, "cite_clause", f"Clause {action} in {draft.label}: {clause.summary}", by)
    return saved


@transaction.atomic
def remove_clause(*, clause: PolicyClause, by: User) -> None:
    """Take a statement out of a draft; the clause of a term goes only with the term (`leave_to_house`).

    Raises NotADraft, and ValueError for the clause of a term.
    """
    if clause.term:
        raise ValueError(f"the clause cites the term {clause.term}: leave the term to the house instead")
    draft = _locked_draft(clause.version)
    _record(draft, "remove_clause", f"Clause removed from {draft.label}: {clause.summary}", by)
    clause.delete()


def reasons_against_publishing(version: PolicyVersion, by: User) -> list[str]:
    """What keeps this person from publishing this draft, each a sentence; empty where nothing does."""
    reasons = []
    if version.status != VersionStatus.DRAFT:
        reasons.append("It is not a draft.")
    if version.reviewed_on is None:
        reasons.append("Nobody has recorded the day on which it was compared with its sources.")
    if not version.summary.strip():
        reasons.append("It does not say yet what it changes.")
    cited = {clause.term for clause in version.clauses.all()}
    reasons += [f"The term {key} has no citation." for key in version.terms if key not in cited]
    organization = version.policy.payer.organization
    if organization.publishing_needs_second_person and _is_author(version, by):
        reasons.append("A second person publishes in this organization, and you drafted or changed it.")
    return reasons


def _is_author(version: PolicyVersion, person: User) -> bool:
    """Whoever drafted it or changed the draft since: nobody publishes words of their own alone."""
    if version.drafted_by_id == person.pk:
        return True
    return AuditEvent.objects.about(version).filter(by=person, action__in=WRITING).exists()


@transaction.atomic
def publish_version(*, version: PolicyVersion, at: datetime, by: User) -> PolicyVersion:
    """Publish a draft: from then on it is frozen, and in force for its dates of service.

    Raises NotPublishable with every reason: a term without a citation, no review date, no summary, the author
    publishing where the organization wants a second person.
    """
    _lock(version.policy)
    draft = PolicyVersion.objects.select_related("policy__payer__organization").get(pk=version.pk)
    if reasons := reasons_against_publishing(draft, by):
        raise NotPublishable(reasons)
    _publish(draft, at=at, by=by)
    _record(draft, "publish_version", f"{draft.label} published", by)
    return draft


@transaction.atomic
def retire_version(*, version: PolicyVersion, reason: str, at: datetime, by: User) -> PolicyVersion:
    """Take a published version out of force with a reason; the version before it then holds for its dates."""
    _lock(version.policy)
    retired = PolicyVersion.objects.get(pk=version.pk)
    if retired.status != VersionStatus.PUBLISHED:
        raise NotPublishable(["Only a published version is retired."])
    retired.status, retired.retired_at, retired.retired_by = VersionStatus.RETIRED, at, by
    retired.retire_reason = reason
    retired.save(update_fields=["status", "retired_at", "retired_by", "retire_reason"])
    _record(retired, "retire_version", f"{retired.label} retired: {reason}", by)
    return retired


@transaction.atomic
def discard_draft(*, version: PolicyVersion, by: User) -> None:
    """Drop a draft that is not wanted; the trail keeps that there was one. Raises NotADraft."""
    draft = _locked_draft(version)
    _record(draft, "discard_draft", f"Draft of {draft.label} discarded", by)
    draft.delete()


@transaction.atomic
def install_packs(*, organization: Organization, by: User | None) -> list[PolicyVersion]:
    """Give an organization the payers of the rule packs with their policies and published versions.

    Safe to run again: what is there stays as it is, and only versions whose start the policy lacks are added.
    """
    return [version for pack in read_packs() for version in _install(pack, organization, by)]


def _install(pack: Pack, organization: Organization, by: User | None) -> Iterable[PolicyVersion]:
    payer, _ = Payer.objects.get_or_create(
        organization=organization, slug=pack.slug, defaults={"name": pack.name, "kind": pack.kind}
    )
    policy, is_new = PayerPolicy.objects.get_or_create(
        payer=payer, defaults={"title": pack.title, "number": pack.number}
    )
    if not is_new:
        _lock(policy)
    starts = set(policy.versions.values_list("effective_from", flat=True))
    for packed in pack.versions:
        if packed.effective_from in starts:
            continue
        draft = PolicyVersion.objects.create(
            policy=policy,
            effective_from=packed.effective_from,
            terms={key: _as_json(key, value) for key, value in packed.terms.items()},
            summary=packed.summary,
            reviewed_on=packed.reviewed_on,
            drafted_by=by,
        )
        PolicyClause.objects.bulk_create(
            [_row(clause, draft, position) for position, clause in enumerate(packed.clauses, start=1)]
        )
        _publish(draft, at=draft.drafted_at, by=by)
        _record(draft, "install_version", f"{draft.label} installed from its rule pack", by)
        yield draft


def _publish(draft: PolicyVersion, *, at: datetime, by: User | None) -> None:
    draft.status, draft.submitted_at, draft.submitted_by = VersionStatus.IN_REVIEW, at, by
    draft.save(update_fields=["status", "submitted_at", "submitted_by"])
    draft.status, draft.published_at, draft.published_by = VersionStatus.PUBLISHED, at, by
    draft.save(update_fields=["status", "published_at", "published_by"])


def _lock(policy: PayerPolicy) -> None:
    """Two people who change one policy at once take turns here."""
    PayerPolicy.objects.select_for_update().get(pk=policy.pk)


def _locked_draft(version: PolicyVersion) -> PolicyVersion:
    _lock(version.policy)
    draft = PolicyVersion.objects.select_related("policy__payer").filter(pk=version.pk).first()
    if draft is None or draft.status != VersionStatus.DRAFT:
        raise NotADraft(str(version.pk))
    return draft


def _next_revision(policy: PayerPolicy, effective_from: date) -> int:
    last = policy.versions.filter(effective_from=effective_from).aggregate(last=Max("revision"))["last"]
    return (last or 0) + 1


def _as_json(key: str, value: object) -> object:
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


def _row(clause: Clause, version: PolicyVersion, position: int) -> PolicyClause:
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
    )


def _write_clause(draft: PolicyVersion, clause: Clause, *, term: str, existing: PolicyClause | None) -> PolicyClause:
    last = draft.clauses.aggregate(last=Max("position"))["last"] or 0
    row = _row(clause, draft, existing.position if existing else last + 1)
    row.term = term
    row.pk = existing.pk if existing else None
    row.save()
    return row


def _record(version: PolicyVersion, action: str, sentence: str, by: User | None, changes: dict | None = None) -> None:
    record_event(
        subject=version,
        action=action,
        sentence=sentence[:400],
        by=by,
        organization=version.policy.payer.organization_id,
        changes=changes,
    )
