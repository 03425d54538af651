"""Rule packs of an organization: installing the shipped ones, taking its policies out, and bringing others in."""

from collections.abc import Collection, Iterable
from datetime import date

from django.db import transaction
from django.db.models import Prefetch

from payers.draft_services import DraftExists, as_json, clause_row, lock_policy, next_revision, record_on_version
from payers.models import (
    DATED_TERMS,
    Payer,
    PayerPolicy,
    PolicyClause,
    PolicyExample,
    PolicyVersion,
)
from payers.pack_files import read_packs
from payers.policy_files import Clause, Example, Pack, Version
from payers.services import mark_published
from portal.models import Organization, User
from portal.services.audit import record_event


@transaction.atomic
def install_packs(*, organization: Organization, by: User | None) -> list[PolicyVersion]:
    """Give an organization the payers of the shipped packs with their policies and published versions.

    Safe to run again: what is there stays as it is, and only versions whose start the policy lacks are added.
    """
    return [version for pack in read_packs() for version in _install(pack, organization, by)]


def packs_of(organization_id: int, *, slugs: Collection[str] | None = None) -> list[Pack]:
    """An organization's policies as packs, in order of slug: of every payer, or of those named.

    Only published versions are in them; a payer without one has no pack. Takes a fixed number of queries.
    """
    published = (
        PolicyVersion.objects.published().order_by("effective_from", "revision").prefetch_related("clauses", "examples")
    )
    policies = (
        PayerPolicy.objects.filter(payer__organization=organization_id)
        .select_related("payer")
        .prefetch_related(Prefetch("versions", published, to_attr="published"))
    )
    if slugs is not None:
        policies = policies.filter(payer__slug__in=slugs)
    return [
        Pack(
            slug=policy.payer.slug,
            name=policy.payer.name,
            kind=policy.payer.kind,
            title=policy.title,
            number=policy.number,
            versions=tuple(map(packed_version, policy.published)),
        )
        for policy in sorted(policies, key=lambda policy: policy.payer.slug)
        if policy.published
    ]


def packed_version(version: PolicyVersion) -> Version:
    """A published version as a pack holds it. Reads `clauses` and `examples`: prefetch them in a loop."""
    return Version(
        effective_from=version.effective_from,
        revision=version.revision,
        reviewed_on=version.reviewed_on,
        summary=version.summary,
        guidance=version.guidance,
        terms={key: _plain(key, value) for key, value in version.terms.items()},
        clauses=tuple(
            Clause(
                topic=clause.topic,
                summary=clause.summary,
                title=clause.citation_title,
                url=clause.citation_url,
                published=clause.citation_published,
                section=clause.citation_section,
                confidence=clause.confidence,
                term=clause.term,
                reviewed_on=clause.reviewed_on,
                alert_from=clause.alert_from,
                alert_until=clause.alert_until,
            )
            for clause in version.clauses.all()
        ),
        examples=tuple(
            Example(
                title=example.title,
                facts=example.facts,
                expected_lines=example.expected_lines,
                expected_findings=example.expected_findings,
            )
            for example in version.examples.all()
        ),
    )


@transaction.atomic
def import_versions(
    *, organization: Organization, chosen: Iterable[tuple[Pack, Version]], by: User
) -> list[PolicyVersion]:
    """Bring versions of packs in as drafts, all or none: people review and publish each like any other.

    A payer that the organization lacks is added with its policy. A start that a version has already makes the draft a
    correction: the next revision. Raises DraftExists where a policy has a version that is not published yet.
    """
    return [_import(pack, version, organization, by) for pack, version in chosen]


def _import(pack: Pack, version: Version, organization: Organization, by: User) -> PolicyVersion:
    payer, is_new = Payer.objects.get_or_create(
        organization=organization, slug=pack.slug, defaults={"name": pack.name, "kind": pack.kind}
    )
    policy, _ = PayerPolicy.objects.get_or_create(payer=payer, defaults={"title": pack.title, "number": pack.number})
    if is_new:
        record_event(
            subject=payer,
            action="import_payer",
            sentence=f"{payer.name} added from a rule pack",
            by=by,
            organization=organization.pk,
        )
    lock_policy(policy)
    if policy.versions.unpublished().exists():
        raise DraftExists(policy.title)
    draft = _drafted(policy, version, revision=next_revision(policy, version.effective_from), by=by)
    record_on_version(draft, "import_version", f"Draft of {draft.label} brought in from a rule pack", by)
    return draft


def _install(pack: Pack, organization: Organization, by: User | None) -> Iterable[PolicyVersion]:
    payer, _ = Payer.objects.get_or_create(
        organization=organization, slug=pack.slug, defaults={"name": pack.name, "kind": pack.kind}
    )
    policy, is_new = PayerPolicy.objects.get_or_create(
        payer=payer, defaults={"title": pack.title, "number": pack.number}
    )
    if not is_new:
        lock_policy(policy)
    starts = set(policy.versions.values_list("effective_from", flat=True))
    for packed in pack.versions:
        if packed.effective_from in starts:
            continue
        draft = _drafted(policy, packed, revision=packed.revision, by=by)
        mark_published(draft, at=draft.drafted_at, by=by)
        record_on_version(draft, "install_version", f"{draft.label} installed from its rule pack", by)
        yield draft


def _drafted(policy: PayerPolicy, packed: Version, *, revision: int, by: User | None) -> PolicyVersion:
    draft = PolicyVersion.objects.create(
        policy=policy,
        effective_from=packed.effective_from,
        revision=revision,
        terms={key: as_json(key, value) for key, value in packed.terms.items()},
        summary=packed.summary,
        guidance=packed.guidance,
        reviewed_on=packed.reviewed_on,
        drafted_by=by,
    )
    PolicyClause.objects.bulk_create(
        [clause_row(clause, draft, position) for position, clause in enumerate(packed.clauses, start=1)]
    )
    PolicyExample.objects.bulk_create(
        [example_row(example, draft, position) for position, example in enumerate(packed.examples, start=1)]
    )
    return draft


def example_row(example: Example, version: PolicyVersion | None, position: int) -> PolicyExample:
    """An example of a pack as a row of a version, not saved."""
    return PolicyExample(
        version=version,
        position=position,
        title=example.title,
        facts=dict(example.facts),
        expected_lines=example.expected_lines,
        expected_findings=example.expected_findings,
    )


def _plain(key: str, value: object) -> object:
    """A term's value as a version keeps it, the other way round from `as_json`."""
    return date.fromisoformat(value) if key in DATED_TERMS else value
