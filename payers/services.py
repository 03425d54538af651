"""Publishing a payer's policy and taking it out of force. A published version is frozen.

None of these services captures charges again: a view calls `coding.services.recapture_for_policy` next.
"""

from datetime import datetime

from django.db import transaction

from payers.draft_services import lock_policy, record_on_version
from payers.models import PolicyVersion, VersionStatus
from payers.reading_services import ask_readers
from portal.models import AuditEvent, User

# The acts of the trail that make a person an author of a draft.
WRITING = ("draft_version", "amend_draft", "set_term", "cite_clause", "remove_clause")


class NotPublishable(Exception):
    """What keeps a draft from being published: `reasons`, each a sentence."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = reasons


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
    lock_policy(version.policy)
    draft = PolicyVersion.objects.select_related("policy__payer__organization").get(pk=version.pk)
    if reasons := reasons_against_publishing(draft, by):
        raise NotPublishable(reasons)
    mark_published(draft, at=at, by=by)
    record_on_version(draft, "publish_version", f"{draft.label} published", by)
    ask_readers(version=draft, at=at)
    return draft


@transaction.atomic
def retire_version(*, version: PolicyVersion, reason: str, at: datetime, by: User) -> PolicyVersion:
    """Take a published version out of force with a reason; the version before it then holds for its dates."""
    lock_policy(version.policy)
    retired = PolicyVersion.objects.get(pk=version.pk)
    if retired.status != VersionStatus.PUBLISHED:
        raise NotPublishable(["Only a published version is retired."])
    retired.status, retired.retired_at, retired.retired_by = VersionStatus.RETIRED, at, by
    retired.retire_reason = reason
    retired.save(update_fields=["status", "retired_at", "retired_by", "retire_reason"])
    record_on_version(retired, "retire_version", f"{retired.label} retired: {reason}", by)
    return retired


def mark_published(draft: PolicyVersion, *, at: datetime, by: User | None) -> None:
    """Take a draft through review into force, with nothing asked; the caller has asked."""
    draft.status, draft.submitted_at, draft.submitted_by = VersionStatus.IN_REVIEW, at, by
    draft.save(update_fields=["status", "submitted_at", "submitted_by"])
    draft.status, draft.published_at, draft.published_by = VersionStatus.PUBLISHED, at, by
    draft.save(update_fields=["status", "published_at", "published_by"])
