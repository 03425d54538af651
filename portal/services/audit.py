"""The audit trail's one way in."""

from collections.abc import Mapping
from datetime import date, datetime

from django.db import models

from portal.models import AuditEvent, Organization, User


def record_event(
    *,
    subject: models.Model,
    action: str,
    sentence: str,
    by: User | None,
    organization: Organization | int,
    changes: Mapping[str, tuple] | None = None,
) -> AuditEvent:
    """Add one act on one record to the trail.

    `sentence` says what was done without naming a patient; `changes` maps a field to (before, after).
    """
    return AuditEvent.objects.create(
        organization_id=organization if isinstance(organization, int) else organization.pk,
        by=by,
        action=action,
        subject_kind=subject._meta.label_lower,
        subject_id=subject.pk,
        sentence=sentence,
        changes={field: [_plain(value) for value in pair] for field, pair in (changes or {}).items()},
    )


def changed_fields(before: Mapping[str, object], after: Mapping[str, object]) -> dict[str, tuple]:
    """The fields whose values differ, each with (before, after)."""
    return {field: (before.get(field), value) for field, value in after.items() if before.get(field) != value}


def _plain(value: object) -> object:
    """A value as JSON keeps it."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, models.Model):
        return value.pk
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)
