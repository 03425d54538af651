"""Who covers a patient over which days, and what a payer has authorized for a course."""

from collections.abc import Mapping

from django.db import models, transaction

from payers.models import Authorization, Coverage
from portal.models import Course, Patient, User
from portal.services.audit import changed_fields, record_event


@transaction.atomic
def record_coverage(*, patient: Patient, by: User, **facts: object) -> Coverage:
    """Say that a payer covers the patient. `facts` are fields of Coverage; the last day is inclusive, None goes on.

    Raises IntegrityError where another payer holds the same rank on one of the days.
    """
    _lock_patient(patient.pk)
    coverage = Coverage.objects.create(patient=patient, organization_id=patient.organization_id, **facts)
    _record(coverage, "record_coverage", f"Coverage recorded: {coverage}", by)
    return coverage


@transaction.atomic
def amend_coverage(*, coverage: Coverage, by: User, **changes: object) -> Coverage:
    """Change payer, rank or days of a coverage; capture the patient's days again afterwards.

    Raises IntegrityError where another payer holds the same rank on one of the days.
    """
    _lock_patient(coverage.patient_id)
    coverage, changed = _amend(coverage, changes)
    _record(coverage, "amend_coverage", f"Coverage amended: {coverage}", by, _without_member_number(changed))
    return coverage


@transaction.atomic
def record_authorization(*, course: Course, by: User, **facts: object) -> Authorization:
    """Remember what a payer authorized for a course. `facts` are fields of Authorization; units are sessions."""
    _lock_patient(course.patient_id)
    authorization = Authorization.objects.create(course=course, organization_id=course.organization_id, **facts)
    _record(authorization, "record_authorization", f"Authorization {authorization} recorded for course {course}", by)
    return authorization


@transaction.atomic
def amend_authorization(*, authorization: Authorization, by: User, **changes: object) -> Authorization:
    """Change an authorization; capture the patient's days again afterwards."""
    _lock_patient(authorization.course.patient_id)
    authorization, changed = _amend(authorization, changes)
    _record(authorization, "amend_authorization", f"Authorization {authorization} amended", by, changed)
    return authorization


def _without_member_number(changed: Mapping[str, tuple]) -> dict[str, tuple]:
    """The trail says that a member number changed, and keeps the numbers themselves out."""
    return {f: ("(kept out)", "(kept out)") if f == "member_number" else pair for f, pair in changed.items()}


def _lock_patient(patient_id: int) -> None:
    """What bears on a patient's charges is written one person at a time."""
    Patient.objects.select_for_update().get(pk=patient_id)


def _amend(record: models.Model, changes: Mapping[str, object]) -> tuple[models.Model, dict[str, tuple]]:
    """Save the changes on the row as it stands now; the row, and each changed field with (before, after)."""
    record = type(record).objects.select_for_update(of=("self",)).get(pk=record.pk)
    before = {field: getattr(record, field) for field in changes}
    for field, value in changes.items():
        setattr(record, field, value)
    record.save(update_fields=list(changes))
    return record, changed_fields(before, changes)


def _record(
    subject: Coverage | Authorization,
    action: str,
    sentence: str,
    by: User,
    changes: Mapping[str, tuple] | None = None,
) -> None:
    record_event(
        subject=subject,
        action=action,
        sentence=sentence[:400],
        by=by,
        organization=subject.organization_id,
        changes=changes,
    )
