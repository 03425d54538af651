"""A course's ledger: prescribed, delivered, charged, authorized and paid, set side by side visit by visit."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum

from coding.engine.facts import AuthorizationFacts
from coding.models import ChargeLine, LineState, SessionHold, SessionRuling
from coding.shaping import PatientRecord, Visit
from payers.models import Authorization
from portal.models import Completion, Course, Prescription, ScheduledFraction, TreatmentSession

# Findings that say that nobody authorized what would be charged.
AUTHORIZATION_FINDINGS = frozenset({"AUTH_MISSING", "AUTH_EXPIRED", "AUTH_UNITS_EXCEEDED", "AUTH_CODE_MISMATCH"})
# Findings after which a delivered session rightly has no line here: it is billed elsewhere, or with another session.
NOTHING_OWED = frozenset({"SAME_SESSION", "INPATIENT_BUNDLED", "UNDER_ARRANGEMENT_BILL_HOSPITAL", "TECHNIQUE_NOT_IMRT"})


class Disagreement(StrEnum):
    """Where two columns of the ledger say different things; each names both."""

    PLANNED_NOT_DELIVERED = "planned_not_delivered"
    DELIVERED_ON_ANOTHER_DAY = "delivered_on_another_day"
    DELIVERED_NOT_PLANNED = "delivered_not_planned"
    DELIVERED_TWICE = "delivered_twice"
    DELIVERED_BEYOND_PRESCRIPTION = "delivered_beyond_prescription"
    DELIVERED_NOT_CHARGED = "delivered_not_charged"
    CHARGED_NOT_DELIVERED = "charged_not_delivered"
    CHARGED_NOT_AUTHORIZED = "charged_not_authorized"


@dataclass(frozen=True, slots=True)
class Fraction:
    """One fraction of a row. `number` is None where nobody said; `other_day` is where the same number stands too."""

    prescription: Prescription
    number: int | None
    other_day: date | None = None

    @property
    def is_prescribed(self) -> bool:
        return self.number is None or self.number <= self.prescription.fractions


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One session, or one planned fraction that no session covers.

    `session` and `planned` exclude each other. `lines` are what stands of the session, and a voided line only where
    nothing took its place. `authorization` is what the session is held against, and None where none is on file.
    `is_delivered` is False for a voided session, for one without beam and for one entered twice; `is_planned` is False
    where a prescription has no plan, and for a missed fraction. `paid` is None as long as no payment is known.
    """

    day: date
    fractions: tuple[Fraction, ...]
    session: TreatmentSession | None = None
    planned: ScheduledFraction | None = None
    is_delivered: bool = False
    is_planned: bool = False
    lines: tuple[ChargeLine, ...] = ()
    holds: tuple[SessionHold, ...] = ()
    ruling: SessionRuling | None = None
    authorization: AuthorizationFacts | None = None
    disagreements: tuple[Disagreement, ...] = ()
    paid: Decimal | None = None

    @property
    def is_missed(self) -> bool:
        return self.planned is not None and bool(self.planned.missed_reason)

    @property
    def charged(self) -> tuple[ChargeLine, ...]:
        return tuple(line for line in self.lines if line.state != LineState.VOID)

    @property
    def found(self) -> frozenset[str]:
        """The names of what the ruling found."""
        return frozenset(finding["name"] for finding in self.ruling.findings) if self.ruling else frozenset()

    @property
    def owes_nothing(self) -> bool:
        """Whether the ruling says that no line is due here."""
        return bool(NOTHING_OWED & self.found)

    @property
    def uses_authorization(self) -> bool:
        return self.is_delivered and self.authorization is not None


@dataclass(frozen=True, slots=True)
class AuthorizedUnits:
    """One authorization with the visits that capture counts against it; `left` is None where units are not counted."""

    authorization: Authorization
    used: int

    @property
    def left(self) -> int | None:
        units = self.authorization.units
        return None if units is None else max(units - self.used, 0)

    def is_over(self, today: date) -> bool:
        ends_on = self.authorization.ends_on
        return ends_on is not None and ends_on < today


@dataclass(frozen=True, slots=True)
class CourseLedger:
    """Every row of a course in order of day and start, and the authorizations on file.

    `visits` counts the delivered visits, `visits_left` the fewest that can deliver what is still to be delivered.
    `authorized_left` is None where no authorization that still holds counts units.
    """

    course: Course
    prescriptions: tuple[Prescription, ...]
    rows: tuple[LedgerRow, ...]
    authorizations: tuple[AuthorizedUnits, ...]
    visits: int
    visits_left: int
    authorized_left: int | None
    delivered: Mapping[int, int]
    planned: int
    record: PatientRecord = field(repr=False)

    @property
    def prescribed(self) -> int:
        return sum(prescription.fractions for prescription in self.prescriptions)

    @property
    def charged(self) -> int:
        return sum(len(row.charged) for row in self.rows)

    @property
    def held(self) -> int:
        return sum(line.state == LineState.HELD for row in self.rows for line in row.charged)

    @property
    def paid(self) -> Decimal | None:
        """What payers paid, or None: no payment is known yet."""
        amounts = [row.paid for row in self.rows if row.paid is not None]
        return sum(amounts, Decimal()) if amounts else None


def course_ledger(course: Course, *, today: date) -> CourseLedger:
    """The ledger as the rows stand, read in a fixed number of queries; what is planned before `today` is due.

    Delivery is told by sessions, charge by the lines of their current rulings, authorization by what capture holds a
    session against: nothing is ruled on here.
    """
    record = PatientRecord(course.patient)
    prescriptions = tuple(course.prescriptions.select_related("signed_by", "plan_approved_by"))
    visits = [visit for day in record.days.values() for visit in day if visit.session.course_id == course.pk]
    planned = list(
        ScheduledFraction.objects.filter(prescription__course=course)
        .select_related("machine", "prescription")
        .order_by("planned_on", "planned_time", "fraction_number", "pk")
    )
    rows = _session_rows(course, record, visits, planned) + _planned_rows(visits, planned, today)
    rows.sort(key=lambda row: (row.day, row.session is None))
    authorizations = tuple(
        AuthorizedUnits(authorization, record.units_used(authorization))
        for authorization in record.authorizations
        if authorization.course_id == course.pk
    )
    delivered = _delivered_numbers(visits)
    return CourseLedger(
        course=course,
        prescriptions=prescriptions,
        rows=tuple(rows),
        authorizations=authorizations,
        visits=sum(visit.is_delivered and visit.is_own_visit for visit in visits),
        visits_left=_visits_left(prescriptions, delivered, [row.planned for row in rows if row.planned], today),
        authorized_left=_authorized_left(authorizations, today),
        delivered={p.pk: len(delivered[p.pk]) for p in prescriptions},
        planned=sum(not fraction.missed_reason for fraction in planned),
        record=record,
    )


def _session_rows(
    course: Course, record: PatientRecord, visits: Sequence[Visit], planned: Sequence[ScheduledFraction]
) -> list[LedgerRow]:
    lines, holds = _lines_by_session(course), defaultdict(list)
    for hold in SessionHold.objects.open().filter(session__course=course):
        holds[hold.session_id].append(hold)
    rulings = {ruling.session_id: ruling for ruling in SessionRuling.objects.current().filter(session__course=course)}
    told = _fractions_by_session(visits)
    in_plan, beside_plan = _compared_with_plan(visits, planned)

    def row(session: TreatmentSession, visit: Visit | None) -> LedgerRow:
        plain = LedgerRow(
            day=session.date_of_service,
            fractions=told.get(session.pk) or _fractions_of(session),
            session=session,
            is_delivered=visit is not None and visit.is_delivered,
            is_planned=session.pk in in_plan,
            lines=tuple(lines[session.pk]),
            holds=tuple(holds[session.pk]),
            ruling=rulings.get(session.pk),
            authorization=record.authorization_of(session) if visit else None,
        )
        return _with_disagreements(plain, visit, is_beside_plan=session.pk in beside_plan)

    voided = (
        course.sessions.filter(voided_at__isnull=False)
        .select_related("department")
        .prefetch_related("delivered_fractions__prescription")
    )
    rows = [row(visit.session, visit) for visit in visits] + [row(session, None) for session in voided]
    return sorted(rows, key=lambda r: (r.session.started_at, r.session.pk))


def _with_disagreements(row: LedgerRow, visit: Visit | None, *, is_beside_plan: bool) -> LedgerRow:
    is_entered_twice = visit is not None and visit.is_duplicate
    is_first_time = all(fraction.other_day is None for fraction in row.fractions)
    is_prescribed = all(fraction.is_prescribed for fraction in row.fractions)
    is_owed = row.is_delivered and not row.owes_nothing
    checks = {
        Disagreement.DELIVERED_TWICE: is_entered_twice or (row.is_delivered and not is_first_time),
        Disagreement.DELIVERED_BEYOND_PRESCRIPTION: row.is_delivered and not is_prescribed,
        Disagreement.DELIVERED_NOT_PLANNED: row.is_delivered and is_prescribed and is_first_time and is_beside_plan,
        Disagreement.DELIVERED_NOT_CHARGED: is_owed and not row.charged,
        Disagreement.CHARGED_NOT_DELIVERED: bool(row.charged) and not row.is_delivered,
        Disagreement.CHARGED_NOT_AUTHORIZED: bool(row.charged) and row.is_delivered and not _is_authorized(row),
    }
    found = tuple(kind for kind, is_so in checks.items() if is_so)
    return replace(row, disagreements=found)


def _is_authorized(row: LedgerRow) -> bool:
    """Whether what is on file covers the session; where nothing is on file, whether the payer asks for nothing."""
    if AUTHORIZATION_FINDINGS & row.found:
        return False
    held_against = row.authorization
    if held_against is None:
        return True
    is_within = held_against.starts_on <= row.day and (held_against.ends_on is None or row.day <= held_against.ends_on)
    return is_within and (held_against.units is None or held_against.used < held_against.units)


def _planned_rows(visits: Iterable[Visit], planned: Iterable[ScheduledFraction], today: date) -> list[LedgerRow]:
    """Planned fractions that no session of their day covers, and missed ones.

    A session covers one planned fraction of each prescription that it delivered, whatever its number: after a missed
    day the numbers move on while the plan stays.
    """
    covered, delivered_on = defaultdict(int), {}
    for visit in visits:
        for delivered in visit.session.delivered_fractions.all():
            covered[(delivered.prescription_id, visit.session.date_of_service)] += not visit.is_duplicate
            if visit.is_delivered:
                key = (delivered.prescription_id, delivered.fraction_number)
                delivered_on.setdefault(key, visit.session.date_of_service)
    rows = []
    for fraction in planned:
        key = (fraction.prescription_id, fraction.planned_on)
        if not fraction.missed_reason and covered[key]:
            covered[key] -= 1
            continue
        other_day = delivered_on.get((fraction.prescription_id, fraction.fraction_number))
        is_due = not fraction.missed_reason and fraction.planned_on < today
        elsewhere = Disagreement.DELIVERED_ON_ANOTHER_DAY if other_day else Disagreement.PLANNED_NOT_DELIVERED
        rows.append(
            LedgerRow(
                day=fraction.planned_on,
                fractions=(Fraction(fraction.prescription, fraction.fraction_number, other_day),),
                planned=fraction,
                is_planned=not fraction.missed_reason,
                disagreements=(elsewhere,) if is_due else (),
            )
        )
    return rows


def _compared_with_plan(visits: Iterable[Visit], planned: Sequence[ScheduledFraction]) -> tuple[set[int], set[int]]:
    """The sessions that a plan has, by their day or else their fraction number; and those beside the plan.

    What was delivered before the first planned day was not planned here, and is beside nothing.
    """
    places: dict[tuple[int, date], int] = defaultdict(int)
    numbers = set()
    for fraction in planned:
        if not fraction.missed_reason:
            places[(fraction.prescription_id, fraction.planned_on)] += 1
            numbers.add((fraction.prescription_id, fraction.fraction_number))
    begins: dict[int, date] = {}
    for fraction in planned:
        begins.setdefault(fraction.prescription_id, fraction.planned_on)
    in_plan, beside_plan = set(), set()
    for visit in visits:
        for delivered in visit.session.delivered_fractions.all():
            day = visit.session.date_of_service
            key = (delivered.prescription_id, day)
            if visit.is_duplicate or delivered.prescription_id not in begins:
                continue
            places[key] -= 1
            if places[key] >= 0 or (delivered.prescription_id, delivered.fraction_number) in numbers:
                in_plan.add(visit.session.pk)
            elif day >= begins[delivered.prescription_id]:
                beside_plan.add(visit.session.pk)
    return in_plan, beside_plan


def _fractions_by_session(visits: Iterable[Visit]) -> dict[int, tuple[Fraction, ...]]:
    """The fractions of each session; a number that a complete session before it delivered names that day.

    The rest of a partial session delivers nothing twice.
    """
    first_days: dict[tuple[int, int], date] = {}
    told = {}
    for visit in visits:
        session = visit.session
        told[session.pk] = _fractions_of(session, first_days if visit.is_delivered else {})
        if visit.is_delivered and session.completion == Completion.COMPLETE:
            for fraction in told[session.pk]:
                if fraction.number is not None:
                    first_days.setdefault((fraction.prescription.pk, fraction.number), session.date_of_service)
    return told


def _fractions_of(
    session: TreatmentSession, first_days: Mapping[tuple[int, int], date] | None = None
) -> tuple[Fraction, ...]:
    return tuple(
        Fraction(
            delivered.prescription,
            delivered.fraction_number,
            (first_days or {}).get((delivered.prescription_id, delivered.fraction_number)),
        )
        for delivered in session.delivered_fractions.all()
    )


def _lines_by_session(course: Course) -> dict[int, list[ChargeLine]]:
    """The lines to show of each session: what stands, and a voided line only where nothing took its place."""
    lines: dict[int, list[ChargeLine]] = defaultdict(list)
    places: dict[int, set[tuple[str, str]]] = defaultdict(set)
    rows = ChargeLine.objects.filter(session__course=course, replaced_in__isnull=True)
    # Delivery before guidance, and what a person voided last, so that it never hides what stands.
    for line in sorted(rows, key=lambda row: (row.state == LineState.VOID, row.role, row.claim_form, row.pk)):
        place = (line.claim_form, line.role)
        if line.state == LineState.VOID and place in places[line.session_id]:
            continue
        places[line.session_id].add(place)
        lines[line.session_id].append(line)
    return lines


def _delivered_numbers(visits: Iterable[Visit]) -> dict[int, set]:
    """What was delivered of each prescription: fraction numbers, and sessions whose fraction has none."""
    delivered: dict[int, set] = defaultdict(set)
    for visit in visits:
        if visit.is_delivered:
            for fraction in visit.session.delivered_fractions.all():
                number = fraction.fraction_number
                delivered[fraction.prescription_id].add(("session", visit.session.pk) if number is None else number)
    return delivered


def _visits_left(
    prescriptions: Iterable[Prescription],
    delivered: Mapping[int, set],
    still_planned: Iterable[ScheduledFraction],
    today: date,
) -> int:
    """The fewest visits for what is left: prescriptions of one day share a visit, those planned apart do not."""
    left = [max(p.fractions - len(delivered[p.pk]), 0) for p in prescriptions]
    a_day: dict[date, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for fraction in still_planned:
        if not fraction.missed_reason and fraction.planned_on >= today:
            a_day[fraction.planned_on][fraction.prescription_id] += 1
    return min(max([sum(max(counts.values()) for counts in a_day.values()), *left], default=0), sum(left))


def _authorized_left(authorizations: Iterable[AuthorizedUnits], today: date) -> int | None:
    counted = [units.left for units in authorizations if units.left is not None and not units.is_over(today)]
    return sum(counted) if counted else None
