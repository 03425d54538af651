"""Submitting and publishing a payer's policy with what only charges know: whether it answers its examples as it should.

`payers.services` asks for citations, days and persons and cannot ask the engine, which stands one app further right. So
a view submits and publishes here, and one transaction holds both.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from coding.codebook_in_use import current_codebook
from coding.policy_checks import ExampleAnswer, example_answers, problems_of
from coding.recapture_services import list_recapture
from payers import services
from payers.draft_services import lock_policy
from payers.models import PolicyVersion, VersionStatus
from portal.models import User


@dataclass(frozen=True, slots=True)
class VersionCheck:
    """What a version answers to its examples, and every reason that keeps the person from its next step."""

    answers: list[ExampleAnswer]
    reasons: list[str]


def check_version(version: PolicyVersion, by: User) -> VersionCheck:
    """Check a draft for its review, and a version in review for its publication by this person."""
    codebook = current_codebook()
    answers = example_answers(version, codebook)
    of_persons = (
        services.reasons_against_review(version)
        if version.status == VersionStatus.DRAFT
        else services.reasons_against_publishing(version, by)
    )
    return VersionCheck(answers, of_persons + problems_of(version, codebook, answers))


@transaction.atomic
def submit_checked(*, version: PolicyVersion, at: datetime, by: User) -> PolicyVersion:
    """Hand a draft over for review. Raises `payers.services.NotReady` with every reason against it."""
    _refuse_unready(version, by)
    return services.submit_version(version=version, at=at, by=by)


@transaction.atomic
def publish_checked(*, version: PolicyVersion, at: datetime, by: User) -> PolicyVersion:
    """Publish a version in review, and ask for the list of sessions that it answers otherwise than they were charged.

    Raises `payers.services.NotReady` with every reason against it.
    """
    _refuse_unready(version, by)
    published = services.publish_version(version=version, at=at, by=by)
    list_recapture(version=published, by=by)
    return published


def _refuse_unready(version: PolicyVersion, by: User) -> None:
    lock_policy(version.policy)
    as_it_stands = PolicyVersion.objects.with_terms().get(pk=version.pk)
    if reasons := check_version(as_it_stands, by).reasons:
        raise services.NotReady(reasons)
