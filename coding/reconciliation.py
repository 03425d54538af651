"""Reconciliation: prescribed, scheduled, delivered, charged, held, exported and paid, compared visit by visit."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from django.utils.translation import gettext as _

from coding.courses_in_brief import BriefCourse, BriefPatient, ClinicInBrief, SharedByCourses
from coding.engine.findings import CATALOGUE
from coding.ledger import AUTHORIZATION_FINDINGS, CourseRows, Disagreement, LedgerRow, ledger_rows
from coding.models import LineState
from coding.shaping import PatientRecord
from portal.models import Course, Department, Organization, ScheduledFraction, TreatmentSession, User

# Patients whose rows are read together: the number of queries grows with these chunks and with nothing else.
PATIENTS_AT_ONCE = 500


class GapKind(StrEnum):
    """Where what was done and what is billed part ways."""

    DELIVERED_NOT_CHARGED = "delivered_not_charged"
    CHARGED_NOT_DELIVERED = "charged_not_delivered"
    MISSED_WITHOUT_REASON = "missed_without_reason"
    DUPLICATE = "duplicate"
    EXTRA = "extra"
    OVER_PRESCRIPTION = "over_prescription"
    AUTHORIZATION_SHORT = "authorization_short"
    EXPORTED_NOT_ACKNOWLEDGED = "exported_not_acknowledged"
    PAID_LESS_THAN_EXPECTED = "paid_less_than_expected"


# Nobody knows these before payers' answers are read; until then they are None, never zero.
NOT_KNOWN_YET = frozenset({GapKind.EXPORTED_NOT_ACKNOWLEDGED, GapKind.PAID_LESS_THAN_EXPECTED})
KNOWN = tuple(kind for kind in GapKind if kind not in NOT_KNOWN_YET)


class Column(StrEnum):
    """What is compared."""

    PRESCRIBED = "prescribed"
    SCHEDULED = "scheduled"
    DELIVERED = "delivered"
    CHARGED = "charged"
    HELD = "held"
    EXPORTED = "exported"
    PAID = "paid"


@dataclass(frozen=True, slots=True)
class Gap:
    """One gap, with one sentence that names no patient. `session_id` is None where only the plan knows of the visit."""

    kind: GapKind
    course_id: int
    session_id: int | None
    department_id: int
    day: date
    detail: str


@dataclass(frozen=True, slots=True)
class ReconciledVisit:
    """A session, or a planned fraction without one: the columns in which it counts, and its gaps."""

    day: date
    course_id: int
    department_id: int
    session_id: int | None
    planned_id: int | None
    machine_id: int | None
    hold_id: int | None
    fractions: str
    columns: frozenset[Column]
    gaps: tuple[Gap, ...]


@dataclass(frozen=True, slots=True)
class Tally:
    """How many visits of some rows count in each column, and their gaps by kind. None is "not known", never zero."""

    columns: Mapping[Column, int | None]
    gaps: Mapping[GapKind, int | None]

    @property
    def gap_count(self) -> int:
        """The gaps that are known."""
        return sum(number for number in self.gaps.values() if number is not None)


@dataclass(slots=True)
class Reconciliation:
    """Every visit from `first` through `last`, in order of day."""

    first: date
    last: date
    visits: list[ReconciledVisit] = field(default_factory=list)

    @property
    def gaps(self) -> dict[GapKind, list[Gap] | None]:
        """The gaps of every kind in order of day; None for a kind that cannot be known yet."""
        found: dict[GapKind, list[Gap] | None] = {kind: None if kind in NOT_KNOWN_YET else [] for kind in GapKind}
        for visit in self.visits:
            for gap in visit.gaps:
                found[gap.kind].append(gap)
        return found

    @property
    def total(self) -> Tally:
        return tally(self.visits)

    def narrowed(self, *, kind: GapKind | None = None, course_id: int | None = None) -> "Reconciliation":
        """The visits of one course, or with a gap of one kind."""
        return Reconciliation(
            self.first,
            self.last,
            [
                visit
                for visit in self.visits
                if (course_id is None or visit.course_id == course_id)
                and (kind is None or kind in {gap.kind for gap in visit.gaps})
            ],
        )

    def by_day(self) -> dict[tuple[date, int], Tally]:
        """Each day of each department (by id) that has a visit, the latest first."""
        days = _grouped(self.visits, lambda visit: (visit.day, visit.department_id))
        return {
            place: tally(days[place]) for place in sorted(days, key=lambda place: (-place[0].toordinal(), place[1]))
        }

    def by_course(self) -> dict[int, Tally]:
        """The courses that have a visit, by id."""
        courses = _grouped(self.visits, lambda visit: visit.course_id)
        return {course: tally(visits) for course, visits in courses.items()}


def tally(visits: Iterable[ReconciledVisit]) -> Tally:
    """The visits counted. A payment is known of none yet."""
    columns, gaps = Counter(), Counter()
    for visit in visits:
        columns.update(visit.columns)
        gaps.update(gap.kind for gap in visit.gaps)
    return Tally(
        columns={column: None if column is Column.PAID else columns[column] for column in Column},
        gaps={kind: None if kind in NOT_KNOWN_YET else gaps[kind] for kind in GapKind},
    )


def reconcile(
    *,
    organization: Organization,
    first: date,
    last: date,
    now: datetime,
    user: User | None = None,
    department_id: int | None = None,
) -> Reconciliation:
    """Compare every visit from `first` through `last`, of one department where it is given; with `user`, those of
    departments that the person may see.

    A visit is a session, or a planned fraction that no session covers. The ledger of a course judges it, so that the
    two never say different things; a course is read whole, since earlier visits decide what a later one may be.

    - `delivered_not_charged`: delivered, a line is due, and no delivery line is billed. A draft that an error keeps is
      not billed, nor is a hold without a line; a held line is charged. Nothing is due where the ruling bills the visit
      elsewhere (an inpatient, the same visit continued).
    - `charged_not_delivered`: a billed line of a voided session, or of one whose beam was never on.
    - `missed_without_reason`: a planned fraction whose day is past in its department, without a session and without a
      reason. A session covers a fraction of its own day first; one that finds none there covers that of another day.
    - `duplicate`: a fraction delivered or entered again; it is counted as nothing else. The rest of a partial is none.
    - `extra`: delivered on or after the first planned day, and the plan has neither the day nor the fraction.
    - `over_prescription`: a fraction beyond the prescribed number. It is not counted as extra.
    - `authorization_short`: a delivered visit that owes a line, or a planned one of today or later, which no
      authorization on file covers by days, units or codes, or which has none although the payer asks for one. It may
      stand beside another kind, since either would remain when the other is put right.
    - `exported_not_acknowledged`, `paid_less_than_expected`: not known yet.

    Reads a fixed number of queries for each `PATIENTS_AT_ONCE` patients.
    """
    found = Reconciliation(first, last)
    shared = SharedByCourses(organization)
    visible = Department.objects.visible_to(user).values_list("pk", flat=True) if user else shared.departments
    departments = [pk for pk in visible if department_id in (None, pk)]
    wanted = frozenset(departments)
    machines = [machine for machine, place in shared.department_of_machine.items() if place in wanted]
    for visit in _visits(_courses_with_a_visit(departments, machines, first, last), shared, first, last, now):
        if visit.department_id in wanted:
            found.visits.append(visit)
    found.visits.sort(key=lambda visit: (visit.day, visit.course_id, visit.session_id or 0, visit.planned_id or 0))
    return found


def _courses_with_a_visit(departments: list[int], machines: list[int], first: date, last: date) -> dict[int, list[int]]:
    """The courses that have a session in these departments or a planned fraction on these machines, by patient.

    Asked one after the other: either alone finds its index, whatever the planner believes of the tables' sizes.
    """
    days = (first, last)
    sessions = TreatmentSession.objects.filter(department__in=departments, date_of_service__range=days)
    planned = ScheduledFraction.objects.filter(machine__in=machines, planned_on__range=days)
    found = {*sessions.order_by().values_list("course", flat=True).distinct()}
    found.update(planned.order_by().values_list("prescription__course", flat=True).distinct())
    of_patients: dict[int, list[int]] = defaultdict(list)
    for patient, course in (
        Course.objects.filter(pk__in=found).order_by("patient_id", "pk").values_list("patient", "pk")
    ):
        of_patients[patient].append(course)
    return of_patients


def _visits(
    courses: Mapping[int, list[int]], shared: SharedByCourses, first: date, last: date, now: datetime
) -> Iterator[ReconciledVisit]:
    """The visits of the patients' courses in these days, in whatever department."""
    today = {pk: now.astimezone(department.zone).date() for pk, department in shared.departments.items()}
    patients = list(courses)
    for start in range(0, len(patients), PATIENTS_AT_ONCE):
        chunk = patients[start : start + PATIENTS_AT_ONCE]
        clinic = ClinicInBrief(chunk, shared)
        rows = clinic.rows_of([course for patient in chunk for course in courses[patient]], first, last)
        for patient in chunk:
            record = PatientRecord(BriefPatient(patient), clinic)
            for pk in courses[patient]:
                course = clinic.courses[pk]
                yield from _visits_of(course, record, rows, today[course.department_id], first, last)


def _visits_of(
    course: BriefCourse, record: PatientRecord, rows: CourseRows, today: date, first: date, last: date
) -> Iterator[ReconciledVisit]:
    # What is planned from today on uses up authorizations before a window that begins later.
    begins = min(first, today)
    ledger = ledger_rows(course_id=course.pk, record=record, rows=rows, today=today, first=begins, last=last)
    short = _planned_and_not_authorized(course, record, ledger, today)
    for row in ledger:
        if row.day >= first:
            yield _visit(course, row, short)


def _visit(course: BriefCourse, row: LedgerRow, short: Mapping[int, str]) -> ReconciledVisit:
    session, planned = row.session, row.planned
    session_id, planned_id = session.pk if session else None, planned.pk if planned else None
    department_id = (session or planned).department_id
    told = _session_gaps(row) if session else _planned_gaps(row, short)
    return ReconciledVisit(
        day=row.day,
        course_id=course.pk,
        department_id=department_id,
        session_id=session_id,
        planned_id=planned_id,
        machine_id=(session or planned).machine_id,
        hold_id=row.holds[0].pk if row.holds else None,
        fractions=_numbers(row),
        columns=_columns(row),
        gaps=tuple(Gap(kind, course.pk, session_id, department_id, row.day, detail) for kind, detail in told),
    )


def _columns(row: LedgerRow) -> frozenset[Column]:
    is_first_time = not row.is_entered_twice and all(fraction.other_day is None for fraction in row.fractions)
    counts = {
        Column.PRESCRIBED: ((row.is_delivered and is_first_time) or row.planned is not None)
        and all(fraction.is_prescribed for fraction in row.fractions),
        Column.SCHEDULED: row.is_on_planned_day or row.planned is not None,
        Column.DELIVERED: row.is_delivered,
        Column.CHARGED: row.is_charged,
        Column.HELD: any(line.state == LineState.HELD for line in row.billed),
        Column.EXPORTED: any(line.state == LineState.EXPORTED for line in row.billed),
    }
    return frozenset(column for column, is_counted in counts.items() if is_counted)


def _session_gaps(row: LedgerRow) -> Iterator[tuple[GapKind, str]]:
    disagreements = frozenset(row.disagreements)
    if Disagreement.DELIVERED_TWICE in disagreements:
        yield GapKind.DUPLICATE, _duplicate(row)
        return
    if Disagreement.DELIVERED_NOT_CHARGED in disagreements:
        yield GapKind.DELIVERED_NOT_CHARGED, _not_charged(row)
    if Disagreement.CHARGED_NOT_DELIVERED in disagreements:
        yield GapKind.CHARGED_NOT_DELIVERED, _not_delivered(row)
    if Disagreement.DELIVERED_BEYOND_PRESCRIPTION in disagreements:
        beyond = next(fraction for fraction in row.fractions if not fraction.is_prescribed)
        words = _("Fraction %(number)d was delivered, and %(prescribed)d are prescribed.")
        yield (
            GapKind.OVER_PRESCRIPTION,
            words % {"number": beyond.place, "prescribed": beyond.prescription.fractions},
        )
    if Disagreement.DELIVERED_NOT_PLANNED in disagreements:
        yield GapKind.EXTRA, _("Delivered on a day that the plan does not have, and not planned for another day.")
    if row.is_delivered and not row.owes_nothing and not row.is_authorized:
        yield GapKind.AUTHORIZATION_SHORT, _not_authorized(row)


def _planned_gaps(row: LedgerRow, short: Mapping[int, str]) -> Iterator[tuple[GapKind, str]]:
    if Disagreement.PLANNED_NOT_DELIVERED in row.disagreements:
        words = _("Fraction %(number)d was planned for this day; no session covers it, and nobody said why.")
        yield GapKind.MISSED_WITHOUT_REASON, words % {"number": row.planned.fraction_number}
    if row.planned.pk in short:
        yield GapKind.AUTHORIZATION_SHORT, short[row.planned.pk]


def _duplicate(row: LedgerRow) -> str:
    if row.is_entered_twice:
        words = _("Entered twice: an earlier entry has the same course, fractions and start.")
    else:
        again = next(fraction for fraction in row.fractions if fraction.other_day)
        words = _("Fraction %(number)d was delivered already on %(day)s.") % {
            "number": again.number,
            "day": f"{again.other_day:%m/%d/%Y}",
        }
    return f"{words} {_('It is charged again.')}" if row.billed else words


def _not_charged(row: LedgerRow) -> str:
    if row.ruling is None:
        return _("Delivered, and its charges were not captured yet.")
    if row.ruling.error_names:
        return _("Delivered, and an error refuses its lines: %(errors)s.") % {"errors": _titles(row.ruling.error_names)}
    if any(line.state == LineState.VOID for line in row.lines):
        return _("Delivered; its line was voided and nothing took its place.")
    if row.holds:
        words = _("Delivered, and held without a delivery line: %(holds)s.")
        return words % {"holds": _titles(hold.name for hold in row.holds)}
    return _("Delivered, and no delivery line is billed.")


def _not_delivered(row: LedgerRow) -> str:
    codes = ", ".join(sorted({line.code for line in row.billed}))
    if row.session.voided_at is not None:
        return _("The session is void, and still charged: %(codes)s.") % {"codes": codes}
    return _("The beam was never on, and the session is charged: %(codes)s.") % {"codes": codes}


def _not_authorized(row: LedgerRow) -> str:
    held_against = row.authorization
    if held_against is None:
        return _no_authorization()
    if not held_against.starts_on <= row.day or (held_against.ends_on and held_against.ends_on < row.day):
        return _not_of_the_day()
    if held_against.units is not None and held_against.used >= held_against.units:
        return _units_used_up(held_against.units)
    return _("The authorization on file does not cover it: %(findings)s.") % {
        "findings": _titles(sorted(AUTHORIZATION_FINDINGS & row.found))
    }


def _no_authorization() -> str:
    return _("The payer asks for an authorization, and none is on file.")


def _not_of_the_day() -> str:
    return _("The day lies outside the authorization on file.")


def _units_used_up(units: int) -> str:
    return _("Earlier visits use all %(units)d authorized units.") % {"units": units}


def _planned_and_not_authorized(
    course: BriefCourse, record: PatientRecord, rows: Iterable[LedgerRow], today: date
) -> dict[int, str]:
    """What no authorization covers of the visits planned from today on, by planned fraction: one for each visit.

    They are taken in order of day, each using a unit of what the delivered visits leave.
    """
    of_day: dict[date, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if row.planned and not row.is_missed and row.day >= today:
            of_day[row.day][row.planned.prescription_id].append(row.planned.pk)
    used = {a.pk: record.units_used(a) for a in record.authorizations if a.course_id == course.pk} if of_day else {}
    short = {}
    for day in sorted(of_day):
        # The first fraction of each prescription shares the day's first visit, and so on.
        most = max(of_day[day].values(), key=len)
        for planned_id in most:
            detail = _why_short(record, course, day, used)
            if detail:
                short[planned_id] = detail
    return short


def _why_short(record: PatientRecord, course: BriefCourse, day: date, used: dict[int, int]) -> str:
    """Empty where an authorization covers a visit of the day, and then it has used one unit more."""
    payer = record.payer_on(day)
    offered = [a for a in record.authorizations if a.course_id == course.pk and payer and a.payer_id == payer.pk]
    if not offered:
        version = record.version_on(day)
        return _no_authorization() if version and version.terms.get("authorization_required") else ""
    holding = [a for a in offered if a.starts_on <= day and (a.ends_on is None or day <= a.ends_on)]
    if not holding:
        return _not_of_the_day()
    authorization = next((a for a in holding if a.units is None or used[a.pk] < a.units), None)
    if authorization is None:
        return _units_used_up(holding[-1].units)
    for other in holding:
        used[other.pk] += 1
    return ""


def _titles(names: Iterable[str]) -> str:
    """Findings in a few words."""
    wordings = ((name, CATALOGUE.get(name.lower())) for name in names)
    return "; ".join(wording.title if wording else name.replace("_", " ").capitalize() for name, wording in wordings)


def _numbers(row: LedgerRow) -> str:
    return " + ".join(str(fraction.number) for fraction in row.fractions if fraction.number is not None)


def _grouped(visits: Iterable[ReconciledVisit], key) -> dict:
    groups = defaultdict(list)
    for visit in visits:
        groups[key(visit)].append(visit)
    return groups
