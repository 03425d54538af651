"""Remembering treatment sessions. Nothing is decided here: `coding.services` rules on what is remembered."""

from collections.abc import Iterable
from datetime import date, datetime

from django.db import transaction

from portal.models import (
    Course,
    DeliveredFraction,
    Department,
    Machine,
    Patient,
    Physician,
    Prescription,
    TreatmentSession,
    User,
)
from portal.services.audit import changed_fields, record_event

Fractions = Iterable[tuple[Prescription, int | None]]


class StaleRevision(Exception):
    """Somebody else saved the session after this person had opened it."""

    def __init__(self, session: TreatmentSession) -> None:
        super().__init__(f"session {session.pk} is at revision {session.revision}")
        self.session = session


@transaction.atomic
def record_session(
    *,
    course: Course,
    started_at: datetime,
    today: date,
    by: User,
    fractions: Fractions = (),
    department: Department | None = None,
    machine: Machine | None = None,
    physician: Physician | None = None,
    **facts: object,
) -> TreatmentSession:
    """Remember one session as it was told; whatever it owes comes later.

    `started_at` is an aware instant; the date of service is its day in the department's zone. `today` is the coder's
    day. `fractions` pairs each prescription that was delivered with its fraction number, or None where it is not known.
    `facts` are further fields of TreatmentSession.
    """
    _lock_patient(course.patient_id)
    department = department or course.department
    session = TreatmentSession.objects.create(
        organization_id=course.organization_id,
        course=course,
        department=department,
        machine=machine,
        physician=physician,
        started_at=started_at,
        date_of_service=started_at.astimezone(department.zone).date(),
        coded_on=today,
        recorded_by=by,
        **facts,
    )
    _deliver(session, fractions)
    record_event(
        subject=session,
        action="record_session",
        sentence=f"Session of {session.date_of_service:%m/%d/%Y} recorded ({session.get_source_display()})",
        by=by,
        organization=course.organization_id,
    )
    return session


@transaction.atomic
def amend_session(
    *,
    session: TreatmentSession,
    revision: int,
    today: date,
    by: User,
    reason: str = "",
    fractions: Fractions | None = None,
    **changes: object,
) -> TreatmentSession:
    """Change the facts of a session; its date of service follows its start. The trail keeps the person's reason.

    Raises StaleRevision when the session is no longer at the `revision` that the person saw; nothing is written then.
    """
    _lock_patient(session.course.patient_id)
    session = TreatmentSession.objects.select_for_update(of=("self",)).select_related("department").get(pk=session.pk)
    if session.revision != revision:
        raise StaleRevision(session)
    before = {field: getattr(session, field) for field in changes}
    if fractions is not None:
        before["fractions"] = _fractions_of(session)
    for field, value in changes.items():
        setattr(session, field, value)
    session.date_of_service = session.started_at.astimezone(session.department.zone).date()
    session.coded_on = today
    session.revision += 1
    session.save()
    after = dict(changes)
    if fractions is not None:
        session.delivered_fractions.all().delete()
        _deliver(session, fractions)
        after["fractions"] = _fractions_of(session)
    record_event(
        subject=session,
        action="amend_session",
        sentence=f"Session of {session.date_of_service:%m/%d/%Y} amended" + (f": {reason}" if reason else ""),
        by=by,
        organization=session.organization_id,
        changes=changed_fields(before, after),
    )
    return session


@transaction.atomic
def void_session(*, session: TreatmentSession, reason: str, at: datetime, by: User) -> TreatmentSession:
    """Cancel a session that should not have been entered; it stays in the record with the reason."""
    _lock_patient(session.course.patient_id)
    session = TreatmentSession.objects.standing().select_for_update().get(pk=session.pk)
    session.voided_at, session.voided_by, session.void_reason = at, by, reason
    session.revision += 1
    session.save(update_fields=["voided_at", "voided_by", "void_reason", "revision"])
    record_event(
        subject=session,
        action="void_session",
        sentence=f"Session of {session.date_of_service:%m/%d/%Y} voided: {reason}"[:400],
        by=by,
        organization=session.organization_id,
    )
    return session


def _lock_patient(patient_id: int) -> None:
    """Everything about a patient's day is written one person at a time."""
    Patient.objects.select_for_update().get(pk=patient_id)


def _deliver(session: TreatmentSession, fractions: Fractions) -> None:
    DeliveredFraction.objects.bulk_create(
        DeliveredFraction(session=session, prescription=prescription, fraction_number=number)
        for prescription, number in fractions
    )


def _fractions_of(session: TreatmentSession) -> list[list[int | None]]:
    return [list(pair) for pair in session.delivered_fractions.values_list("prescription_id", "fraction_number")]
