"""What people do to holds: let soft ones go, take that back, place one by hand, give them an owner, write notes."""

from collections.abc import Callable, Iterable
from datetime import date, datetime

from django.db import transaction

from coding.answers import digest
from coding.models import HELD_BY_HAND, ChargeLine, HoldNote, LineState, SessionHold, SessionRuling
from coding.services import capture_from, lock_patients, record_move
from portal.models import TreatmentSession, User
from portal.services.audit import changed_fields, record_event


class HardHold(Exception):
    """The hold is cleared by changing the facts, never by a release."""


class NotReady(Exception):
    """Only a line that is ready, or held already, can be held by hand."""


@transaction.atomic
def release_hold(*, hold: SessionHold, note: str, at: datetime, by: User) -> SessionHold:
    """Let a soft hold go with a note; lines that nothing else keeps back become ready.

    Raises HardHold for one that only changed facts clear. Releasing a hold that is no longer open changes nothing.
    """
    lock_patients([hold.session.course.patient_id])
    hold = SessionHold.objects.select_for_update().get(pk=hold.pk)
    if hold.is_hard:
        raise HardHold(hold.name)
    if not hold.is_open:
        return hold
    hold.released_at, hold.released_by, hold.release_note = at, by, note
    hold.save(update_fields=["released_at", "released_by", "release_note"])
    record_event(
        subject=hold.session,
        action="release_hold",
        sentence=f"Hold {hold.name} released: {note}"[:400],
        by=by,
        organization=hold.organization_id,
    )
    _settle_lines(hold.session, by=by)
    return hold


@transaction.atomic
def reopen_hold(*, hold: SessionHold, at: datetime, by: User) -> SessionHold:
    """Take a release back: the released hold closes and an equal one opens; ready lines that it concerns are held."""
    lock_patients([hold.session.course.patient_id])
    hold = SessionHold.objects.select_for_update().get(pk=hold.pk)
    if hold.closed_at is not None or hold.released_at is None:
        return hold
    hold.closed_at = at
    hold.save(update_fields=["closed_at"])
    reopened = SessionHold.objects.create(
        organization_id=hold.organization_id,
        session_id=hold.session_id,
        ruling_id=hold.ruling_id,
        name=hold.name,
        claim_form=hold.claim_form,
        role=hold.role,
        is_hard=hold.is_hard,
        sentence=hold.sentence,
        remedy=hold.remedy,
        grounds=hold.grounds,
        grounds_digest=hold.grounds_digest,
        placed_by_id=hold.placed_by_id,
        owner_id=hold.owner_id,
        due_on=hold.due_on,
    )
    record_event(
        subject=hold.session,
        action="reopen_hold",
        sentence=f"Release of hold {hold.name} taken back",
        by=by,
        organization=hold.organization_id,
    )
    _settle_lines(hold.session, by=by)
    return reopened


@transaction.atomic
def place_hold(*, line: ChargeLine, reason: str, at: datetime, by: User) -> SessionHold:
    """Keep a line back by hand, for a reason. It is soft: a person lets it go again with a note.

    Raises NotReady where the line is no longer ready or held.
    """
    lock_patients([line.session.course.patient_id])
    line = ChargeLine.objects.select_for_update().get(pk=line.pk)
    if line.state not in (LineState.READY, LineState.HELD) or line.replaced_in_id is not None:
        raise NotReady(f"charge line {line.pk} is {line.state}")
    grounds = [["Line", str(line)], ["Reason", reason]]
    hold = SessionHold.objects.create(
        organization_id=line.organization_id,
        session_id=line.session_id,
        ruling=SessionRuling.objects.current().get(session=line.session_id),
        name=HELD_BY_HAND,
        claim_form=line.claim_form,
        role=line.role,
        is_hard=False,
        sentence=reason,
        remedy="Release it with a note once its reason is gone.",
        grounds=grounds,
        grounds_digest=digest([*grounds, at.isoformat()]),
        placed_by=by,
    )
    record_event(
        subject=line.session,
        action="place_hold",
        sentence=f"Line {line} held by hand: {reason}"[:400],
        by=by,
        organization=line.organization_id,
    )
    _settle_lines(line.session, by=by)
    return hold


@transaction.atomic
def assign_hold(*, hold: SessionHold, owner: User | None, due_on: date | None, by: User) -> SessionHold:
    """Say who works on an open hold and by when; None takes either away. A hold that is not open stays as it is."""
    hold = SessionHold.objects.select_for_update().get(pk=hold.pk)
    before = {"owner": hold.owner_id, "due_on": hold.due_on}
    changes = changed_fields(before, {"owner": owner.pk if owner else None, "due_on": due_on})
    if not hold.is_open or not changes:
        return hold
    hold.owner, hold.due_on = owner, due_on
    hold.save(update_fields=["owner", "due_on"])
    owned = f"given to {owner.shown_name}" if owner else "given to nobody"
    until = f", due {due_on:%m/%d/%Y}" if due_on else ""
    record_event(
        subject=hold.session,
        action="assign_hold",
        sentence=f"Hold {hold.name} {owned}{until}",
        by=by,
        organization=hold.organization_id,
        changes=changes,
    )
    return hold


@transaction.atomic
def note_hold(*, hold: SessionHold, text: str, at: datetime, by: User) -> HoldNote:
    """Write a note on a hold. It is read with every later hold of the same name on the session."""
    note = HoldNote.objects.create(hold=hold, text=text, by=by, at=at)
    record_event(
        subject=hold.session,
        action="note_hold",
        sentence=f"Note on hold {hold.name}: {text}"[:400],
        by=by,
        organization=hold.organization_id,
    )
    return note


@transaction.atomic
def put_right(*, hold: SessionHold, changes: Iterable[Callable[..., object]], by: User) -> SessionHold:
    """Make the changes that should clear a hold, and capture the patient's days again; the hold as it stands then.

    Each change is a service that wants only `by`. All of them are made, or none: what one raises goes on to the caller.
    """
    patient = hold.session.course.patient
    lock_patients([patient.pk])
    for change in changes:
        change(by=by)
    first = TreatmentSession.objects.standing().filter(course__patient=patient).order_by("date_of_service").first()
    if first is not None:
        capture_from(patient=patient, day=first.date_of_service, by=by)
    return SessionHold.objects.get(pk=hold.pk)


def _settle_lines(session: TreatmentSession, *, by: User) -> None:
    """Move held lines to ready where nothing keeps them back any more, and ready ones back where something does."""
    holds = list(SessionHold.objects.open().filter(session=session))
    lines = ChargeLine.objects.standing().filter(session=session, state__in=[LineState.HELD, LineState.READY])
    for line in lines.select_for_update():
        state = LineState.HELD if any(hold.applies_to(line) for hold in holds) else LineState.READY
        if state != line.state:
            before, line.state = line.state, state
            line.save(update_fields=["state"])
            record_move(line, before, by)
