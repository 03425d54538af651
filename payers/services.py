"""The life of a payer's policy version after its draft: in review, published, compared again, retired.

A version in review reads as it will be published, and a published one is frozen: the database holds both. What is asked
for here are citations, days and persons. Whether a version answers its examples is known to charges alone, so a view
submits and publishes through `coding.publishing`. None of these services captures charges again.
"""

from collections.abc import Mapping
from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext as _

from payers.draft_services import lock_policy, record_on_version
from payers.models import PolicyReview, PolicyVersion, VersionStatus
from payers.reading_services import ask_readers
from portal.models import AuditEvent, User

# Acts of the trail that change no word of a version; whoever did another one is an author.
ACTS_OF_REVIEW = ("submit_version", "send_back_version", "publish_version", "review_version", "retire_version")


class NotReady(Exception):
    """What keeps a version from its next state: `reasons`, each a sentence."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = reasons


def overrides_of(terms: Mapping[str, object]) -> list[str]:
    """The keys of the terms that stand against a national rule: TC on technical-only codes, and a deleted code kept."""
    return [key for key in ("technical_modifier", "keep_until") if terms.get(key) not in (None, "none")]


def needs_second_person(version: PolicyVersion) -> bool:
    """Whether nobody publishes this version alone: the organization wants two, or it has a term against the rules."""
    return version.policy.payer.organization.publishing_needs_second_person or bool(overrides_of(version.terms))


def reasons_against_review(version: PolicyVersion) -> list[str]:
    """What keeps a draft from being submitted for review, each a sentence; empty where nothing does."""
    reasons = [] if version.status == VersionStatus.DRAFT else [_("It is not a draft.")]
    return reasons + _incomplete(version)


def reasons_against_publishing(version: PolicyVersion, by: User) -> list[str]:
    """What keeps this person from publishing this version, each a sentence; empty where nothing does."""
    reasons = [] if version.status == VersionStatus.IN_REVIEW else [_("It is not in review.")]
    reasons += _incomplete(version)
    if needs_second_person(version) and _is_author(version, by):
        reasons.append(
            _("A second person publishes a term against a national rule, and you drafted, changed or submitted it.")
            if overrides_of(version.terms)
            else _("A second person publishes in this organization, and you drafted, changed or submitted it.")
        )
    return reasons


def _incomplete(version: PolicyVersion) -> list[str]:
    reasons = []
    if version.reviewed_on is None:
        reasons.append(_("Nobody has recorded the day on which it was compared with its sources."))
    if not version.summary.strip():
        reasons.append(_("It does not say yet what it changes."))
    cited = {clause.term for clause in version.clauses.all()}
    return reasons + [
        _("The term %(key)s has no citation.") % {"key": key} for key in version.terms if key not in cited
    ]


def _is_author(version: PolicyVersion, person: User) -> bool:
    """Whoever drafted it, changed the draft since or submitted it: nobody publishes words of their own alone."""
    if person.pk in (version.drafted_by_id, version.submitted_by_id):
        return True
    return AuditEvent.objects.about(version).filter(by=person).exclude(action__in=ACTS_OF_REVIEW).exists()


@transaction.atomic
def submit_version(*, version: PolicyVersion, at: datetime, by: User) -> PolicyVersion:
    """Hand a draft over for review: from then on nobody changes a word of it until it is sent back.

    Raises NotReady with every reason: not a draft, a term without a citation, no review date, no summary.
    """
    draft = _locked(version)
    if reasons := reasons_against_review(draft):
        raise NotReady(reasons)
    _move_to_review(draft, at=at, by=by)
    record_on_version(draft, "submit_version", f"{draft.label} submitted for review", by)
    return draft


@transaction.atomic
def send_back(*, version: PolicyVersion, reason: str, by: User) -> PolicyVersion:
    """Make a version in review a draft again, with the reason for its author. Raises NotReady."""
    draft = _locked(version)
    if draft.status != VersionStatus.IN_REVIEW:
        raise NotReady([_("It is not in review.")])
    draft.status, draft.submitted_at, draft.submitted_by = VersionStatus.DRAFT, None, None
    draft.save(update_fields=["status", "submitted_at", "submitted_by"])
    sentence = f"{draft.label} sent back: {reason}"
    record_on_version(draft, "send_back_version", sentence, by, {"reason": ("", reason)})
    return draft


@transaction.atomic
def publish_version(*, version: PolicyVersion, at: datetime, by: User) -> PolicyVersion:
    """Publish a version in review: from then on it is frozen, in force for its dates of service, and to be read.

    Raises NotReady with every reason: not in review, what `submit_version` refuses, and whoever wrote or submitted it
    where a second person publishes.
    """
    reviewed = _locked(version)
    if reasons := reasons_against_publishing(reviewed, by):
        raise NotReady(reasons)
    _move_into_force(reviewed, at=at, by=by)
    record_on_version(reviewed, "publish_version", f"{reviewed.label} published", by)
    ask_readers(version=reviewed, at=at)
    return reviewed


@transaction.atomic
def record_review(*, version: PolicyVersion, reviewed_on: date, note: str, at: datetime, by: User) -> PolicyReview:
    """Note that a published version was compared with its sources again, and nothing is to change.

    Sessions coded from that day on say no more that the review is overdue. Raises NotReady.
    """
    published = _locked(version)
    if published.status != VersionStatus.PUBLISHED:
        raise NotReady([_("Only a published version is compared again.")])
    review = PolicyReview.objects.create(version=published, reviewed_on=reviewed_on, note=note, by=by, at=at)
    sentence = f"{published.label} compared with its sources again: nothing to change. {note}".strip()
    record_on_version(published, "review_version", sentence, by)
    return review


@transaction.atomic
def retire_version(*, version: PolicyVersion, reason: str, at: datetime, by: User) -> PolicyVersion:
    """Take a published version out of force with a reason; the version before it then holds for its dates.

    Raises NotReady.
    """
    retired = _locked(version)
    if retired.status != VersionStatus.PUBLISHED:
        raise NotReady([_("Only a published version is retired.")])
    retired.status, retired.retired_at, retired.retired_by = VersionStatus.RETIRED, at, by
    retired.retire_reason = reason
    retired.save(update_fields=["status", "retired_at", "retired_by", "retire_reason"])
    record_on_version(retired, "retire_version", f"{retired.label} retired: {reason}", by)
    return retired


def mark_published(draft: PolicyVersion, *, at: datetime, by: User | None) -> None:
    """Take the draft of a rule pack through review into force, with no second person asked.

    Raises NotReady for a term against a national rule: that is never published by one person, nor by a file.
    """
    if overrides_of(draft.terms):
        raise NotReady([_("A term against a national rule is published by two people, not from a rule pack.")])
    _move_to_review(draft, at=at, by=by)
    _move_into_force(draft, at=at, by=by)


def _locked(version: PolicyVersion) -> PolicyVersion:
    lock_policy(version.policy)
    return PolicyVersion.objects.select_related("policy__payer__organization").get(pk=version.pk)


def _move_to_review(draft: PolicyVersion, *, at: datetime, by: User | None) -> None:
    draft.status, draft.submitted_at, draft.submitted_by = VersionStatus.IN_REVIEW, at, by
    draft.save(update_fields=["status", "submitted_at", "submitted_by"])


def _move_into_force(reviewed: PolicyVersion, *, at: datetime, by: User | None) -> None:
    reviewed.status, reviewed.published_at, reviewed.published_by = VersionStatus.PUBLISHED, at, by
    reviewed.save(update_fields=["status", "published_at", "published_by"])
