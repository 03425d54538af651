"""Filling a pattern and taking it back, with the charges that follow; and what may be charged for planned fractions."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import product

from django.db import transaction

from coding.codebook_files import load_codebook
from coding.engine.facts import SessionFacts
from coding.engine.steps.delivery_code import delivery_code
from coding.engine.terms import TermsInForce
from coding.engine.vocabulary import ClaimForm, Isocenters, MotionManagement, PayerKind, Setting, Technique
from coding.models import ChargeLine, LineState
from coding.services import capture_from, lock_patients
from coding.shaping import PatientRecord
from portal.models import AuditEvent, Guidance, Machine, Prescription, User
from portal.services.patterns import Delivery, FilledPattern, PlannedFraction, fill_pattern, undo_pattern


class LineExported(Exception):
    """A session of the pattern has a line on a claim by now."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the payer in force asks of planned days: `codes` maps each to the delivery codes a session may take then.

    `min_gap` is the minutes between two sessions of a day that the payer of the first day asks for, and `said_by` says
    on whose word; None where nobody does.
    """

    codes: dict[date, tuple[str, ...]]
    min_gap: int | None
    said_by: str


def fill_and_capture(
    *,
    prescription: Prescription,
    fractions: Sequence[PlannedFraction],
    machine: Machine,
    today: date,
    by: User,
    deliveries: Collection[Delivery] = (),
    guidance: str = Guidance.NONE,
) -> FilledPattern:
    """Fill the pattern as `fill_pattern` does, and capture the patient's charges once, in the same transaction."""
    with transaction.atomic():
        filled = fill_pattern(
            prescription=prescription,
            fractions=fractions,
            machine=machine,
            today=today,
            by=by,
            deliveries=deliveries,
            guidance=guidance,
        )
        if filled.sessions:
            first = min(session.date_of_service for session in filled.sessions)
            capture_from(patient=prescription.course.patient, day=first, by=by)
    return filled


def preview_lines(**pattern: object) -> list[ChargeLine]:
    """The lines that the sessions of a pattern would get; in the words of `fill_and_capture`; nothing is kept."""
    with transaction.atomic():
        filled = fill_and_capture(**pattern)
        lines = lines_of(filled)
        transaction.set_rollback(True)
    return lines


def lines_of(filled: FilledPattern) -> list[ChargeLine]:
    """The standing charge lines of the sessions that a pattern recorded."""
    return list(ChargeLine.objects.standing().filter(session__in=filled.sessions).order_by("pk"))


def undo_and_capture(*, event: AuditEvent, prescription: Prescription, reason: str, at: datetime, by: User) -> None:
    """Undo the pattern as `undo_pattern` does, and capture the patient's charges once, in the same transaction.

    Raises LineExported, and undoes nothing, where a line of its sessions was exported.
    """
    with transaction.atomic():
        lock_patients([prescription.course.patient_id])
        recorded = event.changes["sessions"][1]
        if ChargeLine.objects.filter(session__in=recorded, state=LineState.EXPORTED).exists():
            raise LineExported(str(prescription))
        undone = undo_pattern(event=event, prescription=prescription, reason=reason, at=at, by=by)
        if undone.sessions:
            first = min(session.date_of_service for session in undone.sessions)
            capture_from(patient=prescription.course.patient, day=first, by=by)


def outlook(*, prescription: Prescription, days: Iterable[date], record: PatientRecord | None = None) -> Outlook:
    """What may be charged for complete sessions of the prescription on the days, and how far apart two must start.

    The codes are those of every number of isocenters and either motion management: the facts of a session decide.
    `record` is the patient's, where the caller has read it.
    """
    department = prescription.course.department
    record = record or PatientRecord(prescription.course.patient)
    technique = Technique(prescription.technique) if prescription.technique else None
    codebook = load_codebook()
    days = sorted(set(days))
    codes: dict[date, tuple[str, ...]] = {}
    first_terms = None
    for day in days:
        payer, version = record.payer_on(day), record.version_on(day)
        kind = PayerKind(payer.kind) if payer else None
        defaults = codebook.house_defaults(payer.slug if payer else None, kind)
        terms = TermsInForce(version.as_terms() if version else None, defaults)
        first_terms = first_terms or terms
        setting = department.setting_on(day)
        facts = [
            SessionFacts(
                date_of_service=day,
                coded_on=day,
                setting=Setting(setting) if setting else None,
                claim_forms=tuple(ClaimForm(biller.claim_form) for biller in department.billers.all()),
                payer=payer.slug if payer else None,
                payer_kind=kind,
                technique=technique,
                isocenters=isocenters,
                motion_management=motion,
            )
            for isocenters, motion in product(Isocenters, MotionManagement)
        ]
        chosen = (delivery_code(fact, terms, codebook) for fact in facts)
        codes[day] = tuple(sorted({choice.code for choice in chosen if choice}))
    return Outlook(
        codes,
        first_terms.number("min_gap") if first_terms else None,
        first_terms.said_by("min_gap") if first_terms else "",
    )
