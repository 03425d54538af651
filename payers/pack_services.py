"""Installing the first policies of an organization from the rule packs."""

from collections.abc import Iterable

from django.db import transaction

from payers.draft_services import as_json, clause_row, lock_policy, record_on_version
from payers.models import Payer, PayerPolicy, PolicyClause, PolicyVersion
from payers.policy_files import Pack, read_packs
from payers.services import mark_published
from portal.models import Organization, User


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
        lock_policy(policy)
    starts = set(policy.versions.values_list("effective_from", flat=True))
    for packed in pack.versions:
        if packed.effective_from in starts:
            continue
        draft = PolicyVersion.objects.create(
            policy=policy,
            effective_from=packed.effective_from,
            terms={key: as_json(key, value) for key, value in packed.terms.items()},
            summary=packed.summary,
            reviewed_on=packed.reviewed_on,
            drafted_by=by,
        )
        PolicyClause.objects.bulk_create(
            [clause_row(clause, draft, position) for position, clause in enumerate(packed.clauses, start=1)]
        )
        mark_published(draft, at=draft.drafted_at, by=by)
        record_on_version(draft, "install_version", f"{draft.label} installed from its rule pack", by)
        yield draft
