"""A course's ledger: prescribed, delivered, charged, authorized and paid, set side by side visit by visit."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType

from coding.engine.facts import AuthorizationFacts
from coding.engine.vocabulary import LineRole
from coding.models import ChargeLine, LineState, SessionHold, SessionRuling
from coding.shaping import ClinicRows, PatientRecord, Visit
from payers.models import Authorization
from portal.models import (
    FIRST_DAY,
    LAST_DAY,
    ClaimForm,
    Completion,
    Course,
    Prescription,
    ScheduledFraction,
    TreatmentSession,
)

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
    """One fraction of a row. `number` is None where nobody said; `other_day` is where the same number stands too.

    `place` is the number, or where there is none, how many fractions of its prescription were delivered with it.
    """

    prescription: Prescription
    number: int | None
    other_day: date | None
    place: int

    @property
    def is_prescribed(self) -> bool:
        return self.place <= self.prescription.fractions


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One session, or one planned fraction that no session covers.

    `session` and `planned` exclude each other. `lines` are what stands of the session, and a voided line only where
    nothing took its place. `authorization` is what the session is held against, and None where none is on file.
    `is_delivered` is False for a voided session, for one without beam and for one entered twice; `is_planned` is False
    where a prescription has no plan, and for a missed fraction; `is_on_planned_day` says that its very day has a place
    for the session. `paid` is None as long as no payment is known.
    """

    day: date
    fractions: tuple[Fraction, ...]
    session: TreatmentSession | None = None
    planned: ScheduledFraction | None = None
    is_delivered: bool = False
    is_entered_twice: bool = False
    is_planned: bool = False
    is_on_planned_day: bool = False
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
    def billed(self) -> tuple[ChargeLine, ...]:
        """The lines that were billed or will be: neither void, nor a draft that an error or an older line keeps."""
        return tuple(line for line in self.charged if line.state != LineState.DRAFT)

    @property
    def is_charged(self) -> bool:
        """Whether the delivery is billed; in a department that bills none, whether anything is."""
        if any(line.role == LineRole.DELIVERY for line in self.billed):
            return True
        return bool(self.billed) and not any(
            biller.claim_form != ClaimForm.PROFESSIONAL for biller in self.session.department.billers.all()
        )

    @property
    def found(self) -> frozenset[str]:
        """The names of what the ruling found."""
        return frozenset(finding["name"] for finding in self.ruling.findings) if self.ruling else frozenset()

    @property
    def owes_nothing(self) -> bool:
        """Whether the ruling says that no line is due here."""
        return bool(NOTHING_OWED & self.found)

    @property
    def is_authorized(self) -> bool:
        """Whether what is on file covers the session; where nothing is on file, whether the payer asks for nothing."""
        if AUTHORIZATION_FINDINGS & self.found:
            return False
        held_against = self.authorization
        if held_against is None:
            return True
        ends_on = held_against.ends_on
        is_within = held_against.starts_on <= self.day and (ends_on is None or self.day <= ends_on)
        return is_within and (held_against.units is None or held_against.used < held_against.units)

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


@dataclass(frozen=True, slots=True)
class _PlanCompared:
    """Sessions held against the plan: `sessions` are in it by their day or else their number, some of them by their
    very day, and others are beside it. `places_left` counts planned fractions, by prescription and day, that no session
    of that day covers. `made_up` says by prescription and number on which day a session delivered what was planned for
    another day, none being planned for its own.
    """

    sessions: frozenset[int]
    sessions_of_the_day: frozenset[int]
    sessions_beside: frozenset[int]
    places_left: Mapping[tuple[int, date], int]
    made_up: Mapping[tuple[int, int], date]


@dataclass(frozen=True, slots=True)
class CourseRows:
    """What was planned and voided by course, and charged, held and ruled on by session, of some courses."""

    lines: Mapping[int, list[ChargeLine]]
    holds: Mapping[int, list[SessionHold]]
    rulings: Mapping[int, SessionRuling]
    voided: Mapping[int, list[TreatmentSession]]
    planned: Mapping[int, list[ScheduledFraction]]


def read_course_rows(courses: Iterable[int]) -> CourseRows:
    """The rows of some courses, in a fixed number of queries for all."""
    courses = list(courses)
    holds: dict[int, list[SessionHold]] = defaultdict(list)
    for hold in SessionHold.objects.open().filter(session__course__in=courses):
        holds[hold.session_id].append(hold)
    voided: dict[int, list[TreatmentSession]] = defaultdict(list)
    for session in (
        TreatmentSession.objects.filter(course__in=courses, voided_at__isnull=False)
        .select_related("department")
        .prefetch_related("department__billers", "delivered_fractions__prescription")
    ):
        voided[session.course_id].append(session)
    planned: dict[int, list[ScheduledFraction]] = defaultdict(list)
    for fraction in (
        ScheduledFraction.objects.filter(prescription__course__in=courses)
        .select_related("machine__department", "prescription")
        .order_by("planned_on", "planned_time", "fraction_number", "pk")
    ):
        planned[fraction.prescription.course_id].append(fraction)
    return CourseRows(
        lines=lines_to_show(ChargeLine.objects.filter(session__course__in=courses, replaced_in__isnull=True)),
        holds=holds,
        rulings={
            ruling.session_id: ruling for ruling in SessionRuling.objects.current().filter(session__course__in=courses)
        },
        voided=voided,
        planned=planned,
    )


def ledger_rows(
    *,
    course_id: int,
    record: PatientRecord,
    rows: CourseRows,
    today: date,
    first: date = FIRST_DAY,
    last: date = LAST_DAY,
) -> list[LedgerRow]:
    """The rows of a course from `first` through `last`, in order of day and start.

    What is planned before `today` is due. Other days are looked at for what they delivered and planned, and not given.
    """
    visits, planned = _visits_of(course_id, record), rows.planned.get(course_id, ())
    plan = _compared_with_plan(visits, planned)
    found = _session_rows(course_id, record, rows, visits, plan, first, last)
    found += _planned_rows(planned, plan, today, first, last)
    return sorted(found, key=lambda row: (row.day, row.session is None))


def course_ledger(course: Course, *, today: date) -> CourseLedger:
    """The ledger as the rows stand, read in a fixed number of queries; what is planned before `today` is due.

    Delivery is told by sessions, charge by the lines of their current rulings, authorization by what capture holds a
    session against: nothing is ruled on here.
    """
    prescriptions = course.prescriptions.select_related("signed_by", "plan_approved_by")
    return ledger_of(course, tuple(prescriptions), PatientRecord(course.patient), read_course_rows([course.pk]), today)


def course_ledgers(courses: Iterable[Course], *, now: datetime) -> dict[int, CourseLedger]:
    """The ledgers of several courses by id, read in a fixed number of queries for all; due is what their departments'
    day says. Reads `patient` and `department` of each course.
    """
    courses = list(courses)
    patients = {course.patient_id: course.patient for course in courses}
    clinic, source = ClinicRows(patients.values(), many=True), read_course_rows([course.pk for course in courses])
    prescriptions: dict[int, list[Prescription]] = defaultdict(list)
    for prescription in Prescription.objects.filter(course__in=courses):
        prescriptions[prescription.course_id].append(prescription)
    records = {pk: PatientRecord(patient, clinic) for pk, patient in patients.items()}
    return {
        course.pk: ledger_of(
            course,
            tuple(prescriptions[course.pk]),
            records[course.patient_id],
            source,
            now.astimezone(course.department.zone).date(),
        )
        for course in courses
    }


def ledger_of(
    course: Course, prescriptions: tuple[Prescription, ...], record: PatientRecord, source: CourseRows, today: date
) -> CourseLedger:
    """The ledger of rows that were read; asks no more."""
    visits, planned = _visits_of(course.pk, record), source.planned.get(course.pk, ())
    rows = ledger_rows(course_id=course.pk, record=record, rows=source, today=today)
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


def _visits_of(course_id: int, record: PatientRecord) -> list[Visit]:
    return [visit for day in record.days.values() for visit in day if visit.session.course_id == course_id]


def _session_rows(
    course_id: int,
    record: PatientRecord,
    source: CourseRows,
    visits: Sequence[Visit],
    plan: _PlanCompared,
    first: date,
    last: date,
) -> list[LedgerRow]:
    told = _fractions_by_session(visits)

    def row(session: TreatmentSession, visit: Visit | None) -> LedgerRow:
        plain = LedgerRow(
            day=session.date_of_service,
            fractions=told.get(session.pk) or _fractions_of(session),
            session=session,
            is_delivered=visit is not None and visit.is_delivered,
            is_entered_twice=visit is not None and visit.is_duplicate,
            is_planned=session.pk in plan.sessions,
            is_on_planned_day=session.pk in plan.sessions_of_the_day,
            lines=tuple(source.lines.get(session.pk, ())),
            holds=tuple(source.holds.get(session.pk, ())),
            ruling=source.rulings.get(session.pk),
            authorization=record.authorization_of(session) if visit else None,
        )
        return _with_disagreements(plain, is_beside_plan=session.pk in plan.sessions_beside)

    rows = [row(visit.session, visit) for visit in visits if first <= visit.session.date_of_service <= last]
    voided = source.voided.get(course_id, ())
    rows += [row(session, None) for session in voided if first <= session.date_of_service <= last]
    return sorted(rows, key=lambda r: (r.session.started_at, r.session.pk))


def _with_disagreements(row: LedgerRow, *, is_beside_plan: bool) -> LedgerRow:
    is_first_time = all(fraction.other_day is None for fraction in row.fractions)
    is_prescribed = all(fraction.is_prescribed for fraction in row.fractions)
    is_owed = row.is_delivered and not row.owes_nothing
    checks = {
        Disagreement.DELIVERED_TWICE: row.is_entered_twice or (row.is_delivered and not is_first_time),
        Disagreement.DELIVERED_BEYOND_PRESCRIPTION: row.is_delivered and not is_prescribed,
        Disagreement.DELIVERED_NOT_PLANNED: row.is_delivered and is_prescribed and is_first_time and is_beside_plan,
        Disagreement.DELIVERED_NOT_CHARGED: is_owed and not row.is_charged,
        Disagreement.CHARGED_NOT_DELIVERED: bool(row.billed) and not row.is_delivered,
        Disagreement.CHARGED_NOT_AUTHORIZED: bool(row.charged) and row.is_delivered and not row.is_authorized,
    }
    found = tuple(kind for kind, is_so in checks.items() if is_so)
    return replace(row, disagreements=found)


def _planned_rows(
    planned: Sequence[ScheduledFraction], plan: _PlanCompared, today: date, first: date, last: date
) -> list[LedgerRow]:
    """Planned fractions that no session of their day covers, and missed ones.

    A session covers one planned fraction of each prescription that it delivered, whatever its number: after a missed
    day the numbers move on while the plan stays. Only a session whose own day has no place for it covers another day's.
    """
    covered = Counter((f.prescription_id, f.planned_on) for f in planned if not f.missed_reason)
    covered.subtract(plan.places_left)
    rows = []
    for fraction in planned:
        key = (fraction.prescription_id, fraction.planned_on)
        if not fraction.missed_reason and covered[key] > 0:
            covered[key] -= 1
            continue
        if not first <= fraction.planned_on <= last:
            continue
        other_day = plan.made_up.get((fraction.prescription_id, fraction.fraction_number))
        is_due = not fraction.missed_reason and fraction.planned_on < today
        elsewhere = Disagreement.DELIVERED_ON_ANOTHER_DAY if other_day else Disagreement.PLANNED_NOT_DELIVERED
        number = fraction.fraction_number
        rows.append(
            LedgerRow(
                day=fraction.planned_on,
                fractions=(Fraction(fraction.prescription, number, other_day, number),),
                planned=fraction,
                is_planned=not fraction.missed_reason,
                disagreements=(elsewhere,) if is_due else (),
            )
        )
    return rows


def _compared_with_plan(visits: Iterable[Visit], planned: Sequence[ScheduledFraction]) -> _PlanCompared:
    """What was delivered before the first planned day was not planned here, and is beside nothing."""
    places_left: dict[tuple[int, date], int] = defaultdict(int)
    days_of, begins = {}, {}
    for fraction in planned:
        begins.setdefault(fraction.prescription_id, fraction.planned_on)
        if not fraction.missed_reason:
            places_left[(fraction.prescription_id, fraction.planned_on)] += 1
            days_of[(fraction.prescription_id, fraction.fraction_number)] = fraction.planned_on
    told = [
        (visit, (delivered.prescription_id, delivered.fraction_number))
        for visit in visits
        for delivered in visit.session.delivered_fractions.all()
        if not visit.is_duplicate and delivered.prescription_id in begins
    ]
    # The fraction that a day planned takes the day's place before any other.
    told.sort(key=lambda pair: days_of.get(pair[1]) != pair[0].session.date_of_service)
    in_plan, of_the_day, beside, made_up = set(), set(), set(), {}
    for visit, fraction in told:
        day, session_id = visit.session.date_of_service, visit.session.pk
        if places_left[(fraction[0], day)] > 0:
            places_left[(fraction[0], day)] -= 1
            in_plan.add(session_id)
            of_the_day.add(session_id)
        elif fraction in days_of:
            in_plan.add(session_id)
            if visit.is_delivered:
                made_up.setdefault(fraction, day)
        elif day >= begins[fraction[0]]:
            beside.add(session_id)
    return _PlanCompared(frozenset(in_plan), frozenset(of_the_day), frozenset(beside), places_left, made_up)


def _fractions_by_session(visits: Iterable[Visit]) -> dict[int, tuple[Fraction, ...]]:
    """The fractions of each session; a number that a complete session before it delivered names that day.

    The rest of a partial session delivers nothing twice.
    """
    first_days: dict[tuple[int, int], date] = {}
    delivered: dict[int, set] = defaultdict(set)
    told = {}
    for visit in visits:
        session = visit.session
        if not visit.is_delivered:
            told[session.pk] = _fractions_of(session)
            continue
        told[session.pk] = _fractions_of(session, first_days, delivered)
        for fraction in told[session.pk]:
            prescription = fraction.prescription.pk
            delivered[prescription].add(_delivered_key(session.pk, fraction.number))
            if fraction.number is not None and session.completion == Completion.COMPLETE:
                first_days.setdefault((prescription, fraction.number), session.date_of_service)
    return told


def _fractions_of(
    session: TreatmentSession,
    first_days: Mapping[tuple[int, int], date] = MappingProxyType({}),
    delivered_before: Mapping[int, set] = MappingProxyType({}),
) -> tuple[Fraction, ...]:
    return tuple(
        Fraction(
            delivered.prescription,
            delivered.fraction_number,
            first_days.get((delivered.prescription_id, delivered.fraction_number)),
            delivered.fraction_number or len(delivered_before.get(delivered.prescription_id, ())) + 1,
        )
        for delivered in session.delivered_fractions.all()
    )


def lines_to_show(rows: Iterable[ChargeLine]) -> dict[int, list[ChargeLine]]:
    """The lines to show of each session: what stands, and a voided line only where nothing took its place."""
    lines: dict[int, list[ChargeLine]] = defaultdict(list)
    places: dict[int, set[tuple[str, str]]] = defaultdict(set)
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
                delivered[fraction.prescription_id].add(_delivered_key(visit.session.pk, fraction.fraction_number))
    return delivered


def _delivered_key(session_id: int, number: int | None) -> int | tuple[str, int]:
    return ("session", session_id) if number is None else number


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
