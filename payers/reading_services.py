"""Reading a payer's guidance: who was asked to read what a version changed, who attested, and what a person read last.

A version that changes a term or a statement asks everybody who enters charges. Whoever wrote, submitted or published
it knows it already and is not asked.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from payers.models import Attestation, GuidanceReading, Payer, PolicyClause, PolicyVersion, VersionStatus
from portal.models import AuditEvent, User
from portal.roles import roles_with
from portal.services.audit import record_event

# Whoever may do this reads what changes: coders, and those who oversee them.
READS = "portal.add_treatmentsession"
# What a reader is not asked to read again: where a statement stands, and when it was last compared.
NOT_SAID = {"id", "version", "position", "reviewed_on"}


def predecessor(version: PolicyVersion) -> PolicyVersion | None:
    """The published version that would hold on its first day without it: what it corrects, or the one before."""
    return predecessors([version])[version.pk]


def predecessors(versions: Sequence[PolicyVersion]) -> dict[int, PolicyVersion | None]:
    """The predecessor of each of several versions by its key, with what a comparison reads, in two queries."""
    policies = {version.policy_id for version in versions}
    others = PolicyVersion.objects.published().filter(policy__in=policies).with_terms()
    by_order = sorted(others, key=_order, reverse=True)
    return {
        version.pk: next(
            (other for other in by_order if other.policy_id == version.policy_id and _order(other) < _order(version)),
            None,
        )
        for version in versions
    }


def changes_what_is_said(earlier: PolicyVersion | None, later: PolicyVersion) -> bool:
    """Whether a reader of the earlier version would find a term, a statement or the free text changed."""
    if earlier is None:
        return True
    return (
        earlier.terms != later.terms
        or earlier.guidance != later.guidance
        or _statements(earlier.clauses.all()) != _statements(later.clauses.all())
    )


@transaction.atomic
def ask_readers(*, version: PolicyVersion, at: datetime) -> list[Attestation]:
    """Ask everybody who enters charges to read what a version, just published, changes; asking again adds nobody.

    Nobody is asked where nothing changes for a reader, and no author is. Returns whom it asked now.
    """
    if not changes_what_is_said(predecessor(version), version):
        return []
    asked = set(version.attestations.values_list("user", flat=True))
    readers = readers_of(version).exclude(pk__in=asked | _authors(version))
    return Attestation.objects.bulk_create(
        [Attestation(version=version, user=reader, asked_at=at) for reader in readers]
    )


@transaction.atomic
def attest(*, attestation: Attestation, at: datetime, by: User) -> Attestation:
    """That the person who was asked has read what the version changed; saying it again changes nothing.

    The version counts as read on the guidance page too. Raises ValueError for anybody else: nobody reads for another.
    """
    if attestation.user_id != by.pk:
        raise ValueError(f"attestation {attestation.pk} asks another person")
    saved = Attestation.objects.select_for_update(of=("self",)).select_related("version__policy__payer")
    asked = saved.get(pk=attestation.pk)
    if asked.attested_at is not None:
        return asked
    asked.attested_at = max(at, asked.asked_at)
    asked.save(update_fields=["attested_at"])
    record_reading(version=asked.version, at=at, by=by)
    _record(asked.version, "attest_reading", f"What {asked.version.label} changes was read by {by.shown_name}", by)
    return asked


@transaction.atomic
def remind(*, attestations: QuerySet[Attestation], version: PolicyVersion, at: datetime, by: User) -> int:
    """Remind those of `attestations` who were asked to read the version and have not; the number of them."""
    waiting = list(
        attestations.open()
        .filter(version=version, user__is_active=True)
        .select_related("user")
        .select_for_update(of=("self",))
    )
    if not waiting:
        return 0
    Attestation.objects.filter(pk__in=[asked.pk for asked in waiting]).update(reminded_at=at, reminded_by=by)
    names = [asked.user.shown_name for asked in waiting]
    _record(version, "remind_readers", f"Reminded to read {version.label}: {', '.join(sorted(names))}", by)
    return len(names)


@transaction.atomic
def record_reading(*, version: PolicyVersion, at: datetime, by: User) -> GuidanceReading:
    """That a person has read the guidance as a version has it. A version older than the one read last is no news.

    It is a bookmark of the person's own and not an act on a record, so it leaves no event.
    """
    reading, is_first = GuidanceReading.objects.select_for_update(of=("self",)).get_or_create(
        user=by, payer=version.policy.payer, defaults={"version": version, "read_at": at}
    )
    if not is_first and (reading.version == version or is_news(version, reading.version)):
        reading.version, reading.read_at = version, at
        reading.save(update_fields=["version", "read_at"])
    return reading


def to_read(user: User) -> QuerySet[Attestation]:
    """What a person is asked to read and has not attested, the oldest first; a retired version asks nobody any more."""
    return (
        Attestation.objects.open()
        .filter(user=user, version__status=VersionStatus.PUBLISHED)
        .select_related("version__policy__payer", "reminded_by")
        .order_by("asked_at", "pk")
    )


def last_reading(user: User, payer: Payer) -> GuidanceReading | None:
    """The version of a payer's guidance that a person read last, with its clauses, or None."""
    readings = GuidanceReading.objects.filter(user=user, payer=payer)
    return readings.select_related("version__policy__payer").prefetch_related("version__clauses").first()


def is_news(version: PolicyVersion, read: PolicyVersion) -> bool:
    """Whether a version is news to a reader of another: it comes later, corrects it, or holds where it was retired."""
    if version.pk == read.pk:
        return False
    return read.status == VersionStatus.RETIRED or _order(version) > _order(read)


def readers_of(version: PolicyVersion) -> QuerySet[User]:
    """The people of the payer's organization who enter charges, authors among them."""
    people = User.objects.filter(
        organization=version.policy.payer.organization_id, is_active=True, groups__name__in=roles_with(READS)
    )
    return people.distinct().order_by("last_name", "first_name", "username")


def _authors(version: PolicyVersion) -> set[int]:
    """Whoever had a hand in the version: drafted, changed, submitted or published it."""
    named = {version.drafted_by_id, version.submitted_by_id, version.published_by_id}
    hands = AuditEvent.objects.about(version).exclude(action__in=("attest_reading", "remind_readers"))
    return {pk for pk in named | set(hands.values_list("by", flat=True)) if pk is not None}


def _order(version: PolicyVersion) -> tuple[date, int]:
    return version.effective_from, version.revision


def _statements(clauses: Iterable[PolicyClause]) -> list[tuple[Any, ...]]:
    fields = [field.name for field in PolicyClause._meta.concrete_fields if field.name not in NOT_SAID]
    return sorted(tuple(str(getattr(clause, name)) for name in fields) for clause in clauses)


def _record(version: PolicyVersion, action: str, sentence: str, by: User) -> None:
    record_event(
        subject=version,
        action=action,
        sentence=sentence[:400],
        by=by,
        organization=version.policy.payer.organization_id,
    )
