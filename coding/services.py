"""Charge capture and what people do to lines: one patient at a time, one transaction, an audit row each."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from coding.answers import digest, finding_as_json, trace_as_json
from coding.engine.code_session import code_session
from coding.engine.edits.timely_filing import last_day_to_file
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding
from coding.engine.ruling import Charge, Ruling
from coding.engine.signature import decision_signature
from coding.engine.terms import PolicyTerms, TermsInForce
from coding.engine.trace import Citation, Step
from coding.engine.vocabulary import Severity
from coding.models import (
    ChargeLine,
    ContractRate,
    FeeSchedule,
    LineState,
    RecaptureItem,
    RecaptureState,
    SessionHold,
    SessionRuling,
    TraceRecord,
)
from coding.rates import AgreedRates, with_agreed_rates
from coding.shaping import PatientRecord, is_review_overdue, last_reviewed_on
from payers.models import PayerPolicy, PolicyVersion
from portal.models import AuditEvent, Course, Department, Patient, TreatmentSession, User
from portal.services.audit import record_event
from portal.services.sessions import Fractions, amend_session, record_session

HoldKey = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """The engine's ruling for one session, with everything that is saved of it."""

    session: TreatmentSession
    ruling: Ruling
    version: PolicyVersion | None
    signature: str
    file_by: date | None
    prices: dict[tuple[str, str], Decimal]
    setting: str

    @property
    def payer_id(self) -> int | None:
        """The payer whose policy ruled."""
        return self.version.policy.payer_id if self.version else None

    def price_of(self, charge: Charge) -> Decimal | None:
        """The organization's price of the line, or None where no price is loaded."""
        component = "26" if "26" in charge.modifiers else ""
        price = self.prices.get((charge.code, component))
        return None if price is None else price * charge.units


@dataclass(slots=True)
class Captured:
    """The rows of one capture, written together at its end."""

    rulings: list[SessionRuling] = field(default_factory=list)
    traces: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    lines: list[ChargeLine] = field(default_factory=list)
    replaced: list[tuple[SessionRuling, list[int]]] = field(default_factory=list)
    cancelled: list[tuple[SessionRuling, list[int]]] = field(default_factory=list)
    holds: list[SessionHold] = field(default_factory=list)
    events: list[AuditEvent] = field(default_factory=list)


def capture_charges(*, patient: Patient, date_of_service: date, by: User | None) -> list[SessionRuling]:
    """Rule on every session of a patient's day and save what changed; the rulings that are new, in order of start.

    The only door into the engine for stored sessions. Doing it again is safe: an equal answer writes nothing, another
    one is a new revision beside the old. Unexported lines are replaced; for an exported one a correction is drafted.
    """
    return _capture(patient_id=patient.pk, wanted=Q(date_of_service=date_of_service), by=by)


def capture_days(*, patient: Patient, days: Iterable[date], by: User | None) -> list[SessionRuling]:
    """Capture some days of a patient in one transaction, as `capture_charges` does one."""
    return _capture(patient_id=patient.pk, wanted=Q(date_of_service__in=set(days)), by=by)


def capture_from(*, patient: Patient, day: date, by: User | None) -> list[SessionRuling]:
    """Capture a day and every later day of the patient, since fraction sequence and authorized units look back."""
    return _capture(patient_id=patient.pk, wanted=Q(date_of_service__gte=day), by=by)


def recapture_for_policy(*, policy: PayerPolicy, since: date, by: User | None) -> int:
    """Capture again every day on or after `since` that the payer may be billed for; the number of new rulings."""
    patients = (
        TreatmentSession.objects.filter(date_of_service__gte=since, course__patient__coverages__payer=policy.payer_id)
        .order_by("course__patient")
        .values_list("course__patient", flat=True)
        .distinct()
    )
    return _recapture(patients, since=since, by=by)


def recapture_for_department(*, department: Department, since: date, by: User | None) -> int:
    """Capture again every day on or after `since` with a session in the department; the number of new rulings."""
    patients = (
        TreatmentSession.objects.filter(date_of_service__gte=since, department=department)
        .order_by("course__patient")
        .values_list("course__patient", flat=True)
        .distinct()
    )
    return _recapture(patients, since=since, by=by)


def recapture_for_price(*, organization_id: int, code: str, since: date, by: User | None) -> int:
    """Capture again every day on or after `since` with a line of the code, so that its amounts follow the price."""
    patients = (
        ChargeLine.objects.live()
        .filter(organization=organization_id, code=code, session__date_of_service__gte=since)
        .order_by("session__course__patient")
        .values_list("session__course__patient", flat=True)
        .distinct()
    )
    return _recapture(patients, since=since, by=by)


def preview_charges(
    *,
    course: Course,
    started_at: datetime,
    today: date,
    by: User,
    fractions: Fractions = (),
    session: TreatmentSession | None = None,
    **facts: object,
) -> Ruling:
    """The ruling that a session would get if it were saved, beside the day's others; nothing is kept.

    With `session` the facts are those of an amendment.
    """
    with transaction.atomic():
        if session is None:
            saved = record_session(
                course=course, started_at=started_at, today=today, by=by, fractions=fractions, **facts
            )
        else:
            saved = amend_session(
                session=session,
                revision=session.revision,
                today=today,
                by=by,
                fractions=fractions,
                started_at=started_at,
                **facts,
            )
        record = PatientRecord(course.patient)
        answers = {answer.session.pk: answer for answer in _rule_on_day(record, saved.date_of_service, {})}
        transaction.set_rollback(True)
    return answers[saved.pk].ruling


@transaction.atomic
def void_charge_line(*, line: ChargeLine, reason: str, by: User) -> ChargeLine:
    """Cancel a line with a reason. Capturing again does not bring an equal line back."""
    lock_patients([line.session.course.patient_id])
    line = ChargeLine.objects.select_for_update().get(pk=line.pk)
    before = line.state
    line.state, line.void_reason, line.voided_by = LineState.VOID, reason, by
    line.save(update_fields=["state", "void_reason", "voided_by"])
    record_move(line, before, by, f": {reason}")
    return line


@transaction.atomic
def mark_exported(*, lines: Iterable[ChargeLine], by: User) -> list[ChargeLine]:
    """Freeze lines that were handed to a claim: from then on they are corrected or cancelled, never replaced.

    Raises ValueError where a line is not ready, or its session waits to be captured again.
    """
    patients = {line.session.course.patient_id for line in lines}
    lock_patients(patients)
    exported = list(ChargeLine.objects.select_for_update().filter(pk__in=[line.pk for line in lines]).order_by("pk"))
    outdated = set(
        RecaptureItem.objects.open()
        .filter(session__in=[line.session_id for line in exported])
        .values_list("session", flat=True)
    )
    for line in exported:
        if line.state != LineState.READY or line.replaced_in_id is not None:
            raise ValueError(f"charge line {line.pk} is {line.state}; only a ready line is exported")
        if line.session_id in outdated:
            raise ValueError(f"charge line {line.pk} is to be captured again under a policy published since")
        line.state = LineState.EXPORTED
        line.save(update_fields=["state"])
        record_move(line, LineState.READY, by)
    return exported


def _recapture(patient_ids: Iterable[int], *, since: date, by: User | None) -> int:
    return sum(
        len(_capture(patient_id=patient_id, wanted=Q(date_of_service__gte=since), by=by))
        for patient_id in list(patient_ids)
    )


def lock_patients(patient_ids: Iterable[int]) -> None:
    """Whatever is written about a patient's charges is written under this lock; several patients in order of id."""
    list(Patient.objects.filter(pk__in=patient_ids).order_by("pk").select_for_update().values_list("pk", flat=True))


@transaction.atomic
def _capture(*, patient_id: int, wanted: Q, by: User | None) -> list[SessionRuling]:
    lock_patients([patient_id])
    patient = Patient.objects.get(pk=patient_id)
    record = PatientRecord(patient)
    sessions = list(
        TreatmentSession.objects.filter(wanted, course__patient=patient)
        .select_related("department", "physician", "course")
        .order_by("date_of_service", "started_at", "id")
    )
    standing = Standing([session.pk for session in sessions])
    prices = _prices(patient.organization_id)
    captured = Captured()
    days = sorted({session.date_of_service for session in sessions if session.voided_at is None})
    answers = [answer for day in days for answer in _rule_on_day(record, day, prices)]
    answers += [
        Answer(session, _voided(session), None, "voided", None, {}, "")
        for session in sessions
        if session.voided_at is not None and session.pk in standing.rulings
    ]
    charged = {(answer.payer_id, charge.code) for answer in answers for charge in answer.ruling.charges}
    agreed = AgreedRates(patient.organization_id, charged)
    for answer in answers:
        _save(answer, agreed, standing, captured, by)
    _write(captured)
    # Whatever the answer is now, it is that of the version in force: nobody need ask for it again.
    RecaptureItem.objects.open().filter(session__in=sessions).update(
        state=RecaptureState.CAPTURED, decided_by=by, decided_at=timezone.now()
    )
    return captured.rulings


def _rule_on_day(
    record: PatientRecord, day: date, prices: dict[tuple[str, str], list[tuple[date, Decimal]]]
) -> list[Answer]:
    """The day's answers under the version in force, each with everything that is saved of it."""
    codebook = record.codebook
    version = record.version_on(day)
    day_prices = {key: amount for key, rows in prices.items() if (amount := _price_on(rows, day)) is not None}
    answers = []
    for session, facts, terms, ruling in rule_on_day(record, day, partial(terms_of, version)):
        signature = hashlib.sha256(repr(decision_signature(facts, terms, codebook)).encode()).hexdigest()
        in_force = TermsInForce(terms, codebook.house_defaults(facts.payer, facts.payer_kind))
        file_by = last_day_to_file(day, in_force)
        answers.append(Answer(session, ruling, version, signature, file_by, day_prices, facts.setting or ""))
    return answers


def rule_on_day(
    record: PatientRecord,
    day: date,
    terms_on: Callable[[date], PolicyTerms | None],
    known: dict[str, Ruling] | None = None,
) -> Iterator[tuple[TreatmentSession, SessionFacts, PolicyTerms | None, Ruling]]:
    """Rule session by session in order of start; each sees the day's earlier rulings. Nothing is stored.

    `terms_on` gives the terms for a session that was coded on a day: whether a review is overdue depends on it. Who
    rules on thousands hands in `known`, where rulings are kept by decision signature: equal ones are decided once.
    """
    codebook = record.codebook
    rulings: dict[int, Ruling] = {}
    for visit in record.days[day]:
        facts = record.facts(visit.session, rulings)
        terms = terms_on(facts.coded_on)
        if known is None:
            ruling = code_session(facts, terms, codebook)
        else:
            signature = decision_signature(facts, terms, codebook)
            if signature not in known:
                known[signature] = code_session(facts, terms, codebook)
            ruling = known[signature]
        rulings[visit.session.pk] = ruling
        yield visit.session, facts, terms, ruling


def terms_of(version: PolicyVersion | None, coded_on: date) -> PolicyTerms | None:
    """A version's terms for a session coded on a day, or None without a version."""
    if version is None:
        return None
    terms = version.as_terms(is_review_overdue=is_review_overdue(version, coded_on))
    return replace(terms, reviewed_on=last_reviewed_on(version, coded_on))


class Standing:
    """What is saved of some sessions: current rulings, lines and holds that stand, and contents that were voided."""

    def __init__(self, session_ids: list[int]) -> None:
        self.rulings = {
            ruling.session_id: ruling for ruling in SessionRuling.objects.current().filter(session__in=session_ids)
        }
        self.lines: dict[int, list[ChargeLine]] = defaultdict(list)
        self.voided: dict[int, set[tuple]] = defaultdict(set)
        for line in ChargeLine.objects.filter(session__in=session_ids, replaced_in__isnull=True).order_by("pk"):
            if line.state == LineState.VOID:
                self.voided[line.session_id].add(line.content)
            else:
                self.lines[line.session_id].append(line)
        self.holds: dict[int, dict[HoldKey, SessionHold]] = defaultdict(dict)
        for hold in SessionHold.objects.standing().filter(session__in=session_ids):
            self.holds[hold.session_id][(hold.name, hold.claim_form, hold.role, hold.grounds_digest)] = hold


def _save(answer: Answer, agreed: AgreedRates, standing: Standing, captured: Captured, by: User | None) -> None:
    """Put the rows of a new answer into `captured`; an answer equal to the current one leaves everything as it is."""
    session = answer.session
    rates = [
        agreed.rate_of(charge, payer_id=answer.payer_id, setting=answer.setting, on=session.date_of_service)
        for charge in answer.ruling.charges
    ]
    ruling = with_agreed_rates(answer.ruling, rates)
    steps = trace_as_json(ruling)
    trace_digest = digest(steps)
    findings = [finding_as_json(finding) for finding in ruling.findings]
    lines = [_line_of(answer, charge, rate) for charge, rate in zip(ruling.charges, rates, strict=True)]
    answer_digest = digest(
        [
            trace_digest,
            findings,
            [[str(part) for part in (*line.content, line.charge_amount, line.expected_amount)] for line in lines],
            answer.version.pk if answer.version else None,
            answer.file_by.isoformat() if answer.file_by else None,
        ]
    )
    current = standing.rulings.get(session.pk)
    if current is not None and current.answer_digest == answer_digest:
        return
    if current is not None:
        SessionRuling.objects.filter(pk=current.pk).update(is_current=False)
    captured.traces[trace_digest] = steps
    saved = SessionRuling(
        session=session,
        revision=current.revision + 1 if current else 1,
        captured_by=by,
        policy_version=answer.version,
        signature=answer.signature,
        answer_digest=answer_digest,
        trace_id=trace_digest,
        findings=findings,
        error_names=sorted({f.name for f in ruling.findings if f.severity is Severity.ERROR}),
        file_by=answer.file_by,
    )
    captured.rulings.append(saved)
    holds = _carry_holds(saved, ruling, standing.holds[session.pk], captured)
    _carry_lines(saved, ruling, lines, holds, standing, captured)
    captured.events.append(
        AuditEvent(
            organization_id=session.organization_id,
            by=by,
            action="capture_charges",
            subject_kind=TreatmentSession._meta.label_lower,
            subject_id=session.pk,
            sentence=_sentence(saved, lines, ruling)[:400],
        )
    )


def _carry_holds(
    saved: SessionRuling, ruling: Ruling, standing: dict[HoldKey, SessionHold], captured: Captured
) -> list[SessionHold]:
    """The holds that stand under the new ruling; those with equal grounds go on as they are, released or not.

    What a person placed by hand stays until a person lets it go, or the session is void. A hold that opens again on
    other grounds keeps its owner and due day.
    """
    wanted: dict[HoldKey, Finding] = {}
    for finding in ruling.findings:
        if finding.severity is Severity.HOLD:
            grounds = digest([list(pair) for pair in finding.grounds])
            wanted[(finding.name, finding.claim_form or "", finding.role or "", grounds)] = finding
    kept = {
        key: hold
        for key, hold in standing.items()
        if key in wanted or (hold.placed_by_id is not None and saved.session.voided_at is None)
    }
    gone = [hold for key, hold in standing.items() if key not in kept]
    SessionHold.objects.filter(pk__in=[hold.pk for hold in gone]).update(closed_at=timezone.now())
    holds = list(kept.values())
    for key, finding in wanted.items():
        if key in standing:
            continue
        name, claim_form, role, grounds_digest = key
        before = next((h for h in gone if (h.name, h.claim_form, h.role) == (name, claim_form, role)), None)
        hold = SessionHold(
            organization_id=saved.session.organization_id,
            session=saved.session,
            ruling=saved,
            name=name,
            claim_form=claim_form,
            role=role,
            is_hard=finding.is_hard,
            sentence=finding.sentence,
            remedy=finding.remedy,
            grounds=[list(pair) for pair in finding.grounds],
            grounds_digest=grounds_digest,
            owner_id=before.owner_id if before else None,
            due_on=before.due_on if before else None,
        )
        holds.append(hold)
        captured.holds.append(hold)
    return holds


def _carry_lines(
    saved: SessionRuling,
    ruling: Ruling,
    lines: list[ChargeLine],
    holds: list[SessionHold],
    standing: Standing,
    captured: Captured,
) -> None:
    """Replace what is not exported, draft corrections of what is, and leave alone what a person voided."""
    errors = [finding for finding in ruling.findings if finding.severity is Severity.ERROR]
    before = standing.lines[saved.session.pk]
    exported = {(line.claim_form, line.role): line for line in before if line.state == LineState.EXPORTED}
    replaced = [line for line in before if line.state != LineState.EXPORTED]
    charged = set()
    for charge, line in zip(ruling.charges, lines, strict=True):
        place = (line.claim_form, line.role)
        charged.add(place)
        sent = exported.get(place)
        if sent is not None and sent.content == line.content:
            if sent.cancellation_drafted_in_id is not None:
                ChargeLine.objects.filter(pk=sent.pk).update(cancellation_drafted_in=None)
            continue
        if line.content in standing.voided[saved.session.pk]:
            continue
        line.ruling = saved
        line.corrects = sent
        is_refused = any(error.applies_to(charge.claim_form, charge.role) for error in errors)
        if is_refused or sent is not None:
            line.state = LineState.DRAFT
        else:
            is_kept_back = any(hold.is_open and hold.applies_to(line) for hold in holds)
            line.state = LineState.HELD if is_kept_back else LineState.READY
        captured.lines.append(line)
        saved.has_lines = True
    captured.replaced.append((saved, [line.pk for line in replaced]))
    captured.cancelled.append((saved, [line.pk for place, line in exported.items() if place not in charged]))


def _write(captured: Captured) -> None:
    """Write the rows in the order in which they refer to one another; traces in order of digest, to avoid deadlocks."""
    TraceRecord.objects.bulk_create(
        [TraceRecord(digest=key, steps=captured.traces[key]) for key in sorted(captured.traces)], ignore_conflicts=True
    )
    SessionRuling.objects.bulk_create(captured.rulings)
    for ruling, line_ids in captured.replaced:
        if line_ids:
            ChargeLine.objects.filter(pk__in=line_ids).update(replaced_in=ruling)
    for ruling, line_ids in captured.cancelled:
        if line_ids:
            ChargeLine.objects.filter(pk__in=line_ids).update(cancellation_drafted_in=ruling)
    SessionHold.objects.bulk_create(captured.holds)
    ChargeLine.objects.bulk_create(captured.lines)
    AuditEvent.objects.bulk_create(captured.events)


def _line_of(answer: Answer, charge: Charge, agreed: ContractRate | None) -> ChargeLine:
    """The line of a charge, with what only the records know: providers, diagnoses, prices. Its state comes later.

    What the contract says is expected before what is paid nationally.
    """
    session = answer.session
    biller = next(b for b in session.department.billers.all() if b.claim_form == charge.claim_form)
    national = charge.national_rate
    rate = agreed or national
    return ChargeLine(
        organization_id=session.organization_id,
        session=session,
        date_of_service=session.date_of_service,
        file_by=answer.file_by,
        claim_form=charge.claim_form.value,
        role=charge.role.value,
        code=charge.code,
        modifiers=list(charge.modifiers),
        units=charge.units,
        place_of_service=charge.place_of_service,
        revenue_code=charge.revenue_code,
        diagnoses=list(session.course.diagnoses),
        diagnosis_pointers=list(charge.diagnosis_pointers),
        rendering_provider=session.physician,
        rendering_npi=session.physician.npi if session.physician else "",
        billing_name=biller.name,
        billing_npi=biller.npi,
        charge_amount=answer.price_of(charge),
        expected_amount=rate.amount * charge.units if rate else None,
        expected_from=agreed.label if agreed else f"{national.schedule} {national.year}" if national else "",
    )


def _voided(session: TreatmentSession) -> Ruling:
    """A session that a person voided owes nothing, and its trace says who decided that: a person, not a rule."""
    step = Step(
        rule="session_voided",
        title="Session voided",
        facts=(("Reason", session.void_reason),),
        sentence="A person voided this session, so it owes no line.",
        result="no line",
        citations=(Citation(title="Session record"),),
    )
    return Ruling(charges=(), findings=(), trace=(step,))


def record_move(line: ChargeLine, before: str, by: User | None, because: str = "") -> None:
    record_event(
        subject=line,
        action="move_line",
        sentence=f"Line {line} moved from {before} to {line.state}{because}"[:400],
        by=by,
        organization=line.organization_id,
        changes={"state": (before, line.state)},
    )


def _sentence(saved: SessionRuling, lines: list[ChargeLine], ruling: Ruling) -> str:
    """What was captured, for the audit trail."""
    charged = " + ".join(str(line) for line in lines) or "no line"
    found = ", ".join(sorted({f.name for f in ruling.findings if f.severity is not Severity.NOTE}))
    return f"Charges captured, revision {saved.revision}: {charged}" + (f"; {found}" if found else "")


def _prices(organization_id: int) -> dict[tuple[str, str], list[tuple[date, Decimal]]]:
    prices: dict[tuple[str, str], list[tuple[date, Decimal]]] = defaultdict(list)
    for price in FeeSchedule.objects.filter(organization=organization_id).order_by("-effective_from"):
        prices[(price.code, price.modifier)].append((price.effective_from, price.amount))
    return prices


def _price_on(rows: list[tuple[date, Decimal]], day: date) -> Decimal | None:
    return next((amount for effective_from, amount in rows if effective_from <= day), None)
