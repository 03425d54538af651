"""The guard of the highest delivery level: how often it is charged and by whom, and what documents each session."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

from django.db.models import Q, QuerySet, TextChoices
from django.utils.translation import gettext_lazy

from coding.codebook_in_use import current_codebook
from coding.engine.facts import SessionFacts
from coding.engine.periods import ONE_DAY
from coding.engine.trace import Citation
from coding.engine.vocabulary import Guidance, Isocenters, LineRole, MotionManagement
from coding.ledger import CourseLedger, LedgerRow, course_ledger
from coding.models import ChargeLine, ChargeRollup, TraceRecord
from coding.rollups import counts_of_lines, counts_of_months, month_after
from coding.shaping import ClinicRows, PatientRecord
from portal.models import Course, Patient, User

# Of fewer sessions than this a share says little, and is held against no band.
FEWEST_JUDGED = 20
# What one public summary expects of the highest level. It is named beside the band and is never the band.
EXPECTED_ELSEWHERE = Citation("HCN, summary of the 2026 delivery codes", "https://hcn.health/?p=7717")


class Evidence(TextChoices):
    """What an auditor asks of a session, in the order of the checklist."""

    PRESCRIPTION = "prescription", gettext_lazy("Prescription signed")
    PLAN = "plan", gettext_lazy("Plan approved")
    RECORD = "record", gettext_lazy("Treatment record")
    IMAGES = "images", gettext_lazy("Image review signed")
    MOTION = "motion", gettext_lazy("Motion management documented")
    ISOCENTERS = "isocenters", gettext_lazy("Isocenters recorded")


# The finding that each piece of evidence lacks where the engine found it missing.
FINDINGS_OF_EVIDENCE = (
    "RX_NOT_SIGNED",
    "PLAN_NOT_APPROVED",
    "RECORD_MISSING",
    "IMAGE_UNSIGNED",
    "LEVEL3_DOCUMENTATION",
)


@dataclass(frozen=True, slots=True)
class Levels:
    """The delivery codes that are told apart by level, the lowest first, and the first date of service they hold."""

    codes: tuple[str, ...]
    first: date

    @property
    def highest(self) -> str:
        return self.codes[-1]


def levels_on(day: date) -> Levels | None:
    """The codes by level that hold on the day, as the codebook has them; None where technique tells codes apart."""
    codebook = current_codebook()
    if codebook.last_day_of_deleted_codes(on=day) is None:
        return None
    choices = [choice for choice in codebook.delivery_choices if day in choice.period]
    codes = tuple(sorted({choice.code for choice in choices}))
    return Levels(codes, max(choice.period.starts_on for choice in choices if choice.period.starts_on))


class Grouping(TextChoices):
    PHYSICIAN = "physician", gettext_lazy("Physician")
    MACHINE = "machine", gettext_lazy("Machine")


@dataclass(frozen=True, slots=True)
class LevelFilters:
    """Which sessions are meant, both days inclusive; an empty filter leaves everything."""

    start: date
    end: date
    department_id: int | None = None
    physician_id: int | None = None
    machine_id: int | None = None
    is_without_physician: bool = False
    is_without_machine: bool = False


@dataclass(frozen=True, slots=True)
class Mix:
    """How many sessions were charged by each code; `share` is that of the highest level, None where there are none."""

    numbers: Mapping[str, int]
    share: Decimal | None

    @property
    def sessions(self) -> int:
        return sum(self.numbers.values())

    @property
    def is_judged(self) -> bool:
        return self.sessions >= FEWEST_JUDGED


@dataclass(frozen=True, slots=True)
class MixRow:
    """The mix of one physician or machine in one month; `key` is None where the session names none."""

    key: int | None
    month: date
    mix: Mix


def level_lines(*, user: User, levels: Levels, filters: LevelFilters) -> QuerySet:
    """The live delivery lines of these codes that the person may see and the filters leave."""
    wanted = _level_wanted(levels, filters, of_session="session__")
    wanted &= Q(date_of_service__range=(filters.start, filters.end))
    return ChargeLine.objects.live().visible_to(user).filter(wanted)


def _level_rollups(user: User, levels: Levels, filters: LevelFilters) -> QuerySet:
    """What is kept of the same lines, of all months."""
    rollups = ChargeRollup.objects.filter(_level_wanted(levels, filters), organization=user.organization_id)
    return rollups if user.sees_all_departments else rollups.filter(department__users=user)


def _level_wanted(levels: Levels, filters: LevelFilters, *, of_session: str = "") -> Q:
    """What lines and what is kept of them are asked alike; `of_session` leads to what a line has by its session."""
    wanted = Q(role=LineRole.DELIVERY, code__in=levels.codes)
    for name, chosen, is_without in (
        ("department", filters.department_id, False),
        ("physician", filters.physician_id, filters.is_without_physician),
        ("machine", filters.machine_id, filters.is_without_machine),
    ):
        if chosen is not None:
            wanted &= Q(**{f"{of_session}{name}": chosen})
        if is_without:
            wanted &= Q(**{f"{of_session}{name}__isnull": True})
    return wanted


def level_mix(*, user: User, levels: Levels, filters: LevelFilters, grouping: Grouping) -> list[MixRow]:
    """The mix by physician or machine and month of the lines of `level_lines`; of whole months what is kept of them."""
    lines = level_lines(user=user, levels=levels, filters=filters)
    by = (grouping.value, "month", "code")
    first_month = filters.start if filters.start.day == 1 else month_after(filters.start)
    month_cut_short = (filters.end + ONE_DAY).replace(day=1)
    whole_months = Q(date_of_service__gte=first_month, date_of_service__lt=month_cut_short)
    found = counts_of_lines(lines.exclude(whole_months), by)
    if first_month < month_cut_short:
        kept = _level_rollups(user, levels, filters).filter(month__gte=first_month, month__lt=month_cut_short)
        of_months = partial(lines.filter, whole_months)
        found |= counts_of_months(of_months, kept, by, asked={"role"}, organization_id=user.organization_id)
    counts: dict[tuple[int | None, date], dict[str, int]] = defaultdict(dict)
    for (key, month, code), number in found.items():
        counts[key, month][code] = number
    return [MixRow(key, month, _mix(numbers, levels)) for (key, month), numbers in counts.items()]


def mix_of(rows: Iterable[MixRow], levels: Levels) -> Mix:
    """The mix of several rows together."""
    numbers: dict[str, int] = defaultdict(int)
    for row in rows:
        for code, number in row.mix.numbers.items():
            numbers[code] += number
    return _mix(numbers, levels)


def _mix(numbers: Mapping[str, int], levels: Levels) -> Mix:
    of_all = {code: numbers.get(code, 0) for code in levels.codes}
    total = sum(of_all.values())
    return Mix(of_all, Decimal(of_all[levels.highest]) / total if total else None)


@dataclass(frozen=True, slots=True)
class Band:
    """The organization's own average share of the highest level, so many points to either side."""

    average: Decimal
    points: int

    @property
    def least(self) -> Decimal:
        return max(self.average - Decimal(self.points) / 100, Decimal(0))

    @property
    def most(self) -> Decimal:
        return min(self.average + Decimal(self.points) / 100, Decimal(1))


@dataclass(frozen=True, slots=True)
class Checked:
    """One piece of evidence, and whether it is there."""

    evidence: Evidence
    is_there: bool


def checklist(facts: SessionFacts, findings: Iterable[Mapping[str, Any]]) -> tuple[Checked, ...]:
    """What an auditor asks of the session, as the facts and its ruling have it.

    Image review is asked only where there was guidance, motion only where it was managed, isocenters only where there
    were several: their record is missing where the ruling asks for it.
    """
    is_active = facts.motion_management is MotionManagement.ACTIVE
    asked = {
        Evidence.PRESCRIPTION: facts.is_prescription_signed,
        Evidence.PLAN: facts.is_plan_approved,
        Evidence.RECORD: facts.has_treatment_record,
    }
    if facts.guidance not in (None, Guidance.NONE):
        asked[Evidence.IMAGES] = facts.is_image_review_signed
    if is_active:
        asked[Evidence.MOTION] = facts.is_motion_documented
    if facts.isocenters is Isocenters.MULTIPLE:
        asked[Evidence.ISOCENTERS] = not any(_asks_for_isocenters(finding) for finding in findings)
    return tuple(Checked(evidence, is_there) for evidence, is_there in asked.items())


def _asks_for_isocenters(finding: Mapping[str, Any]) -> bool:
    grounds = dict(finding.get("grounds") or ())
    return finding["name"] == "LEVEL3_DOCUMENTATION" and "isocenters" in grounds.get("grounds_of_level", "")


@dataclass(frozen=True, slots=True)
class GuardedSession:
    """One session of the highest level with its checklist and the step of the trace that chose its code."""

    line: ChargeLine
    checklist: tuple[Checked, ...]
    grounds: str

    @property
    def missing(self) -> list[Checked]:
        return [checked for checked in self.checklist if not checked.is_there]


def with_missing_evidence(lines: QuerySet) -> QuerySet:
    """The lines whose ruling found some evidence missing."""
    wanted = Q()
    for name in FINDINGS_OF_EVIDENCE:
        wanted |= Q(ruling__findings__contains=[{"name": name}])
    return lines.filter(wanted)


def with_evidence(lines: QuerySet) -> QuerySet:
    """Lines with what `guarded_sessions` reads of them."""
    return lines.select_related(
        "session__course__patient",
        "session__department",
        "session__physician",
        "session__machine",
        "ruling__trace",
        "ruling__policy_version__policy__payer",
    )


def guarded_sessions(lines: Iterable[ChargeLine]) -> list[GuardedSession]:
    """The sessions of lines from `with_evidence`, in a fixed number of queries for all of them."""
    lines = list(lines)
    patients: dict[int, Patient] = {line.session.course.patient_id: line.session.course.patient for line in lines}
    rows = ClinicRows(patients.values(), many=True)
    records = {pk: PatientRecord(patient, rows) for pk, patient in patients.items()}
    return [_guarded(line, records[line.session.course.patient_id]) for line in lines]


def _guarded(line: ChargeLine, record: PatientRecord) -> GuardedSession:
    session = next((one for one in record.sessions if one.pk == line.session_id), None)
    # A line of a voided session stands until it is cancelled, and nothing documents it.
    found = checklist(record.facts(session, {}), line.ruling.findings) if session else ()
    return GuardedSession(line, found, grounds_of(line, line.ruling.trace.steps))


def grounds_of(line: ChargeLine, steps: Iterable[Mapping[str, Any]]) -> str:
    """The sentence of the step that chose the line's code."""
    rules = {"delivery_code": LineRole.DELIVERY, "guidance_code": LineRole.GUIDANCE}
    return next(
        (
            step["sentence"]
            for step in steps
            if rules.get(step["rule"]) == line.role and step["result"] and step["claim_form"] in ("", line.claim_form)
        ),
        "",
    )


@dataclass(frozen=True, slots=True)
class AuditedSession:
    """One session of a course with its lines, its checklist, and the trace of its ruling."""

    row: LedgerRow
    checklist: tuple[Checked, ...]
    steps: list[Mapping[str, Any]]

    @property
    def missing(self) -> list[Checked]:
        return [checked for checked in self.checklist if not checked.is_there]


@dataclass(frozen=True, slots=True)
class AuditedCourse:
    """A course as an auditor would read it today: every charged session, and the evidence that is missing."""

    ledger: CourseLedger
    sessions: tuple[AuditedSession, ...]

    @property
    def gaps(self) -> dict[Evidence, list[AuditedSession]]:
        """The sessions that lack each piece of evidence."""
        found: dict[Evidence, list[AuditedSession]] = defaultdict(list)
        for session in self.sessions:
            for checked in session.missing:
                found[checked.evidence].append(session)
        return {evidence: found[evidence] for evidence in Evidence if evidence in found}


def audited_course(course: Course, *, today: date) -> AuditedCourse:
    """Every session of the course that is charged, read in a fixed number of queries."""
    ledger = course_ledger(course, today=today)
    rows = [row for row in ledger.rows if row.session is not None and row.charged]
    digests = {row.ruling.trace_id for row in rows if row.ruling}
    traces = TraceRecord.objects.in_bulk(digests)
    standing = {session.pk for session in ledger.record.sessions}
    return AuditedCourse(
        ledger,
        tuple(
            AuditedSession(
                row=row,
                checklist=checklist(ledger.record.facts(row.session, {}), row.ruling.findings if row.ruling else ())
                if row.session.pk in standing
                else (),
                steps=traces[row.ruling.trace_id].steps if row.ruling else [],
            )
            for row in rows
        ),
    )
