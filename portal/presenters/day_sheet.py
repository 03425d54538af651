"""One machine's day as a grid: who was planned, what the log and the record have, what it owes and what to know."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from coding.models import ChargeLine, LineState, SessionHold, SessionRuling
from payers.models import Attestation, Coverage
from payers.reading_services import to_read
from portal.forms.clock_fields import in_clock_words
from portal.forms.day_sheets import FIELDS, NOT_ENTERED, OUTCOME_LABELS, DayRowForm, row_values
from portal.models import (
    Completion,
    Course,
    Guidance,
    Machine,
    MotionManagement,
    ScheduledFraction,
    TreatmentSession,
    User,
)
from portal.presenters.addresses import addresses
from portal.presenters.rulings import finding_title
from portal.services.answers import Given, GivenKeys, Query, answer
from portal.services.day_sheet_reading import SessionElsewhere, machine_day, sessions_of_day
from portal.services.day_sheet_undo import Refusal
from portal.services.day_sheets import DayRow, MachineDay, Outcome, Remark, last_change
from portal.services.log_matching import OpenRecord

ENTERING = (
    "portal.add_treatmentsession",
    "portal.change_treatmentsession",
    "portal.change_scheduledfraction",
    "portal.import_sessions",
)
REMARKS = {
    Remark.MOTION_UNDOCUMENTED: gettext_lazy("Motion management is not documented"),
    Remark.UNSIGNED: gettext_lazy("Prescription not signed"),
    Remark.ALL_DELIVERED: gettext_lazy("All fractions are delivered already"),
    Remark.OTHER_FRACTION: gettext_lazy("Another fraction is next than the planned one"),
    Remark.NOT_PLANNED: gettext_lazy("Not planned for this day"),
    Remark.PLANNED_TWICE: gettext_lazy("Planned twice"),
    Remark.ONE_RECORD_OF_TWO: gettext_lazy("Planned twice, one record in the log"),
    Remark.MORE_RECORDS: gettext_lazy("Planned once, more records in the log"),
    Remark.PARTIAL_RECORD: gettext_lazy("Partial by the treatment log"),
    Remark.OTHER_SITES: gettext_lazy("The log has another site than the plan"),
    Remark.UNKNOWN_SITES: gettext_lazy("The log's site is not matched to a prescription"),
    Remark.MISSED_BUT_LOGGED: gettext_lazy("Missed, but the treatment log has a record"),
    Remark.RECORD_LEFT: gettext_lazy("The treatment log has a further record"),
}
OUTCOME_ICONS = {
    None: "circle",
    Outcome.TREATED: "check-circle-fill",
    Outcome.TWICE: "check-circle-fill",
    Outcome.PARTIAL: "pause-circle-fill",
    Outcome.INPATIENT: "slash-circle",
    Outcome.MISSED: "dash-circle",
}
CONFLICT_FIELDS = {
    "outcome": gettext_lazy("Outcome"),
    "missed_reason": gettext_lazy("Why missed"),
    "start": gettext_lazy("Start"),
    "second_start": gettext_lazy("Second start"),
    "motion": gettext_lazy("Motion management"),
    "guidance": gettext_lazy("Image guidance"),
    "review": gettext_lazy("Review signed"),
}
REFUSALS = {
    Refusal.CHANGED: gettext_lazy("somebody changed it since."),
    Refusal.EXPORTED: gettext_lazy("a line of it was exported."),
    Refusal.PLANNED_AGAIN: gettext_lazy("its missed fraction was planned again on another day."),
}
NO_RECORD = gettext_lazy("No record in the treatment log")


class Words:
    """What is said in many rows, looked up once for all of them."""

    def __init__(self) -> None:
        self.remarks = {remark: str(label) for remark, label in REMARKS.items()}
        self.outcomes = {outcome: str(label) for outcome, label in OUTCOME_LABELS.items()}
        self.not_entered = str(NOT_ENTERED[1])
        self.no_record = str(NO_RECORD)
        self.session_of = _("Session of %(clock)s")


@dataclass(frozen=True, slots=True)
class SheetLine:
    """A line as the grid shows it."""

    code: str
    modifiers: tuple[str, ...]
    state: str
    why_url: str


@dataclass(frozen=True, slots=True)
class Link:
    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that two people filled differently."""

    label: str
    mine: str
    theirs: str


@dataclass(slots=True)
class Conflict:
    """A row that somebody else saved meanwhile: who, when, and where the two differ."""

    saved_by: str
    saved_at: str
    differences: list[Difference]


@dataclass(slots=True)
class RowView:
    """One row. `shown` is empty where the person may not enter, or where the session's own form is needed."""

    number: int
    row: DayRow
    shown: dict[str, str]
    outcomes: tuple[tuple[str, str], ...]
    motions: tuple[tuple[str, str], ...]
    site: str
    fraction: str
    payer: str
    outcome: str
    icon: str
    recorded: str
    log_words: str
    lines: list[SheetLine]
    warnings: list[str]
    notes: list[str]
    links: list[Link]
    course_url: str
    is_matched: bool
    errors: list[str] = field(default_factory=list)
    wrong: Collection[str] = ()
    conflict: Conflict | None = None
    is_typed: bool = False

    @property
    def pk(self) -> int:
        return self.row.course.pk

    @property
    def patient(self) -> str:
        return self.row.course.patient.full_name

    @property
    def classes(self) -> str:
        """The state of the row as the styles and scripts read it."""
        names = {
            "row-failed": bool(self.errors),
            "row-conflict": self.conflict is not None,
            "row-typed": self.is_typed,
            "row-entered": self.row.is_entered,
            "row-held": any(line.state == LineState.HELD for line in self.lines),
            "row-matched": self.is_matched,
        }
        return " ".join(name for name, is_so in names.items() if is_so)


@dataclass(frozen=True, slots=True)
class MachineTab:
    label: str
    url: str
    entered: int
    rows: int
    is_here: bool


@dataclass(slots=True)
class DaySheet:
    """The sheet as a page shows it, or the rows of it that an answer brings."""

    machine: Machine
    day: date
    today: date
    may_enter: bool
    rows: list[DayRow]
    views: list[RowView]
    loose: list[Link]
    matched: int
    held: int
    tabs: list[MachineTab] = field(default_factory=list)
    departments: list[tuple[str, str, bool]] = field(default_factory=list)
    to_read: list[Attestation] = field(default_factory=list)

    @property
    def previous_url(self) -> str:
        return sheet_url(self.machine, _weekday_beside(self.day, -1))

    @property
    def next_url(self) -> str:
        return sheet_url(self.machine, _weekday_beside(self.day, 1))

    @property
    def today_url(self) -> str:
        return sheet_url(self.machine, self.today)

    @property
    def is_after_today(self) -> bool:
        return self.day > self.today

    @property
    def entered(self) -> int:
        return sum(row.is_entered for row in self.rows)

    @property
    def counts(self) -> list[tuple[str, int]]:
        """How many rows have each outcome, and how many are held."""
        counted = Counter(row.outcome for row in self.rows)
        pairs = [(str(label), counted[outcome]) for outcome, label in OUTCOME_LABELS.items() if counted[outcome]]
        return pairs + ([(_("with a held line"), self.held)] if self.held else [])

    @property
    def failed(self) -> list[RowView]:
        return [view for view in self.views if view.errors]

    @property
    def guidances(self) -> tuple[tuple[str, str], ...]:
        return tuple((value, str(label)) for value, label in Guidance.choices)

    @property
    def bulk_is_on(self) -> bool:
        return self.may_enter and self.machine.department.confirms_matched_rows


def sheet_url(machine: Machine, day: date) -> str:
    """The address of a machine's day; it names no patient."""
    return f"{reverse('day-sheet')}?{urlencode({'machine': machine.pk, 'date': day.isoformat()})}"


def day_sheet(
    machine: Machine, day: date, *, user: User, today: date, forms: Mapping[int, DayRowForm] | None = None
) -> DaySheet:
    """The whole sheet, in a number of queries that does not grow with its rows. `forms` are those typed in."""
    sheet = day_sheet_rows(machine, day, user=user, today=today, forms=forms)
    sheet.tabs, sheet.departments = _machines(sheet, user)
    if sheet.may_enter:
        asked = [pk for (pk,) in answer(_to_read(), user=user.pk, machine=machine.pk, day=day)]
        sheet.to_read = list(to_read(user).filter(pk__in=asked)) if asked else []
    return sheet


@cache
def _to_read() -> Query:
    """What the person is asked to read of the policies by which the day was ruled."""
    rulings = SessionRuling.objects.current().filter(
        session__machine=Given("machine"), session__date_of_service=Given("day")
    )
    asked = to_read(Given("user")).filter(version__in=rulings.values("policy_version"))
    return asked.order_by().values_list("pk").query.sql_with_params()


def day_sheet_rows(
    machine: Machine,
    day: date,
    *,
    user: User,
    today: date,
    forms: Mapping[int, DayRowForm] | None = None,
    only: Collection[int] | None = None,
    found: MachineDay | None = None,
) -> DaySheet:
    """The sheet with the views of the courses in `only`, or of all; without what stands around the rows.

    `found` is the day where it was read already.
    """
    found = found or machine_day(machine=machine, day=day)
    may_enter = day <= today and user.has_perms(ENTERING)
    lines = _lines(machine.pk, day) if any(row.sessions for row in found.rows) else {}
    return DaySheet(
        machine=machine,
        day=day,
        today=today,
        may_enter=may_enter,
        rows=found.rows,
        views=_views(found, lines, user=user, may_enter=may_enter, forms=forms or {}, only=only),
        loose=[_loose(candidate) for candidate in found.loose],
        matched=sum(found.is_matched(row) for row in found.rows) if may_enter else 0,
        held=sum(
            any(line.state == LineState.HELD for session in row.sessions for line in lines.get(session.pk, ()))
            for row in found.rows
        ),
    )


def usual_guidance(courses: Collection[int]) -> dict[int, str]:
    """The guidance of each course's last session: what its next one most likely has."""
    return dict(answer(_guidance(), courses=list(courses))) if courses else {}


@cache
def _guidance() -> Query:
    sessions = TreatmentSession.objects.standing().filter(course__in=GivenKeys("courses"))
    last = sessions.order_by("course", "-started_at", "-pk").distinct("course")
    return last.values_list("course", "guidance").query.sql_with_params()


def _views(
    found: MachineDay,
    lines: Mapping[int, list[SheetLine]],
    *,
    user: User,
    may_enter: bool,
    forms: Mapping[int, DayRowForm],
    only: Collection[int] | None,
) -> list[RowView]:
    numbered = [(n, row) for n, row in enumerate(found.rows, start=1) if only is None or row.course.pk in only]
    rows = [row for _number, row in numbered]
    payers = _payers(rows, found.day)
    guidances = usual_guidance([row.course.pk for row in rows if not row.sessions]) if may_enter else {}
    reasons = _reasons(found.machine.pk, found.day) if any(row.sessions for row in rows) else {}
    opens = _courses_to_open(rows, user)
    outcomes, motions = _outcome_choices(), _motion_choices()
    course_url, session_url = addresses("course-detail"), addresses("session-detail")
    names = {row.course.pk: _alike(row) for row in found.rows}
    frequent = Counter(names.values())
    words = Words()
    zone = found.machine.department.zone
    has_log = any(row.records for row in found.rows) or any(s.logged_at for r in found.rows for s in r.sessions)
    views = []
    for number, row in numbered:
        remarks = found.remarks(row)
        warnings = [reason for session in row.sessions for reason in reasons.get(session.pk, ())]
        warnings += [words.remarks[remark] for remark in remarks if remark in REMARKS]
        elsewhere = found.elsewhere.get(row.course.pk, [])
        warnings += [_elsewhere_in_words(session) for session in elsewhere]
        notes = _notes(row, words, has_log=has_log)
        if frequent[names[row.course.pk]] > 1:
            notes.append(_("Another patient here has a similar name"))
        view = RowView(
            number=number,
            row=row,
            shown={},
            outcomes=outcomes[bool(row.sessions)],
            motions=motions[row.is_motion_prescribed],
            site=", ".join(dict.fromkeys(p.anatomical_site for p in row.visit)),
            fraction=_fraction(row, found.highest),
            payer=payers.get(row.course.patient_id, ""),
            outcome=_outcome(row, words),
            icon=OUTCOME_ICONS[row.outcome],
            recorded=" and ".join(in_clock_words(session.local_start) for session in row.sessions),
            log_words=_log_words(row, zone),
            lines=[line for session in row.sessions for line in lines.get(session.pk, ())],
            warnings=list(dict.fromkeys(warnings)),
            notes=notes,
            links=_links(row, elsewhere, words, session_url),
            course_url=course_url(row.course.pk) if row.course.pk in opens else "",
            is_matched=may_enter and found.is_matched(row),
        )
        if may_enter and not row.is_beyond_the_sheet:
            guidance = guidances.get(row.course.pk, Guidance.NONE)
            values = row_values(row, guidance=guidance, zone=zone, day=found.day)
            theirs = {name: _in_words(values[name]) for name in FIELDS}
            view.shown = theirs
            _show_what_was_typed(view, forms.get(row.course.pk), theirs, zone)
        views.append(view)
    return views


def _show_what_was_typed(view: RowView, form: DayRowForm | None, theirs: dict[str, str], zone: Any) -> None:
    if form is None:
        return
    view.shown, view.is_typed = form.shown, True
    if not form.is_bound:
        return
    view.wrong = [name for name in form.errors if name in FIELDS]
    view.errors = [message for messages in form.errors.values() for message in messages]
    if form.is_conflict:
        event = last_change(view.row)
        view.conflict = Conflict(
            saved_by=event.by.shown_name if event and event.by else "",
            saved_at=in_clock_words(event.at.astimezone(zone)) if event else "",
            differences=_differences(view, theirs),
        )


def _differences(view: RowView, theirs: dict[str, str]) -> list[Difference]:
    words = {
        "outcome": dict([NOT_ENTERED, *view.outcomes]),
        "guidance": {choice: str(label) for choice, label in Guidance.choices},
        "motion": dict(view.motions),
    }
    return [
        Difference(str(label), *(words.get(name, {}).get(value, value) or "–" for value in (mine, theirs[name])))
        for name, label in CONFLICT_FIELDS.items()
        if (mine := view.shown[name]) != theirs[name]
    ]


def _in_words(value: Any) -> str:
    return in_clock_words(value) if hasattr(value, "hour") else str(value or "")


def _outcome_choices() -> dict[bool, tuple[tuple[str, str], ...]]:
    """What a row can be, by whether sessions are recorded; one that is recorded is not missed by choosing so."""
    choices = tuple((outcome.value, str(label)) for outcome, label in OUTCOME_LABELS.items())
    return {
        True: tuple(choice for choice in choices if choice[0] != Outcome.MISSED),
        False: ((NOT_ENTERED[0], str(NOT_ENTERED[1])), *choices),
    }


def _motion_choices() -> dict[bool, tuple[tuple[str, str], ...]]:
    """What motion management can be, by whether it is prescribed."""
    return {
        True: (("", _("Active")), (MotionManagement.NONE.value, _("Not this time"))),
        False: (("", "–"), (MotionManagement.ACTIVE.value, _("Active"))),
    }


def _log_words(row: DayRow, zone: Any) -> str:
    """When the treatment log says it was, where the row rests on it; empty where it does not."""
    if row.sessions:
        clocks = [session.logged_at for session in row.sessions if session.logged_at]
    else:
        clocks = [record.started_at.astimezone(zone) for record in row.records]
    return ", ".join(in_clock_words(clock) for clock in clocks)


def _notes(row: DayRow, words: Words, *, has_log: bool) -> list[str]:
    """What is good to know and asks for nothing."""
    notes = []
    if row.is_missed and not row.sessions and row.planned[0].missed_reason:
        notes.append(row.planned[0].missed_reason)
    if has_log and not row.records and not row.is_missed and not any(s.logged_at for s in row.sessions):
        notes.append(words.no_record)
    for session in row.sessions:
        if session.logged_at and _minute(session.logged_at) != _minute(session.local_start):
            clock = in_clock_words(session.logged_at)
            notes.append(_("The treatment log says %(clock)s") % {"clock": clock})
    return notes


def _minute(clock: datetime) -> datetime:
    return clock.replace(second=0, microsecond=0, tzinfo=None)


def _links(
    row: DayRow, elsewhere: Iterable[SessionElsewhere], words: Words, session_url: Callable[[int], str]
) -> list[Link]:
    """The sessions' own pages, and those of records that the row does not take in by itself."""
    links = [
        Link(words.session_of % {"clock": in_clock_words(session.local_start)}, session_url(session.pk))
        for session in [*row.sessions, *elsewhere]
    ]
    if row.is_entered or row.has_unclear_record:
        links += [_loose(record.candidate) for record in row.records]
    return links


def _loose(candidate: OpenRecord) -> Link:
    label = _("Record of %(clock)s") % {"clock": in_clock_words(candidate.started_at)}
    return Link(label, reverse("candidate-detail", args=[candidate.pk]))


def _machines(sheet: DaySheet, user: User) -> tuple[list[MachineTab], list[tuple[str, str, bool]]]:
    """The tabs of the department's machines with their counts, and the other departments by their first machine."""
    machine, day = sheet.machine, sheet.day
    machines = [m for m in user.seen_machines if m.is_active or m.pk == machine.pk]
    here = [m for m in machines if m.department_id == machine.department_id]
    counts = machine_counts([m.pk for m in here if m.pk != machine.pk], day)
    counts[machine.pk] = (sheet.entered, len(sheet.rows))
    tabs = [MachineTab(m.name, sheet_url(m, day), *counts[m.pk], is_here=m.pk == machine.pk) for m in here]
    firsts = {m.department_id: m for m in reversed(machines)}
    departments = [
        (m.department.name, sheet_url(m, day), m.department_id == machine.department_id)
        for m in sorted(firsts.values(), key=lambda m: m.department.name)
    ]
    return tabs, departments


def machine_counts(machines: Sequence[int], day: date) -> dict[int, tuple[int, int]]:
    """(entered, rows) of each machine's day: a row is a course that is planned or was treated there."""
    planned: dict[int, dict[int, bool]] = defaultdict(dict)
    treated: dict[int, set[int]] = defaultdict(set)
    asked = {"machines": list(machines), "day": day}
    for place, course, missed in answer(_planned(), **asked) if machines else ():
        planned[place][course] = planned[place].get(course, True) and bool(missed)
    for place, course in answer(_treated(), **asked) if machines else ():
        treated[place].add(course)
    return {
        place: (
            len(treated[place] | {course for course, is_missed in planned[place].items() if is_missed}),
            len(treated[place] | set(planned[place])),
        )
        for place in machines
    }


@cache
def _planned() -> Query:
    planned = ScheduledFraction.objects.filter(machine__in=GivenKeys("machines"), planned_on=Given("day")).order_by()
    return planned.values_list("machine", "prescription__course", "missed_reason").query.sql_with_params()


@cache
def _treated() -> Query:
    sessions = TreatmentSession.objects.standing().filter(
        machine__in=GivenKeys("machines"), date_of_service=Given("day")
    )
    return sessions.order_by().values_list("machine", "course").query.sql_with_params()


def _payers(rows: list[DayRow], day: date) -> dict[int, str]:
    """Who is billed for each patient that day."""
    patients = [row.course.patient_id for row in rows]
    return dict(answer(_first_payers(), patients=patients, day=day)) if patients else {}


@cache
def _first_payers() -> Query:
    coverages = Coverage.objects.on(Given("day")).filter(patient__in=GivenKeys("patients"), rank=1)
    return coverages.values_list("patient", "payer__name").query.sql_with_params()


def _lines(machine: int, day: date) -> dict[int, list[SheetLine]]:
    """The live lines of each session of the machine's day."""
    lines: dict[int, list[SheetLine]] = defaultdict(list)
    why_url = addresses("line-why")
    for session, pk, code, modifiers, state in answer(_live_lines(), machine=machine, day=day):
        lines[session].append(SheetLine(code, tuple(modifiers), state, why_url(pk)))
    return lines


@cache
def _live_lines() -> Query:
    lines = ChargeLine.objects.live().filter(session__in=sessions_of_day())
    shown = ("session", "pk", "code", "modifiers", "state")
    return lines.order_by("role", "claim_form", "pk").values_list(*shown).query.sql_with_params()


def _reasons(machine: int, day: date) -> dict[int, list[str]]:
    """Why each session is not plainly ready: its errors, then its open holds, in the catalogue's few words."""
    reasons: dict[int, list[str]] = defaultdict(list)
    for session, names in answer(_errors(), machine=machine, day=day):
        reasons[session] += [finding_title(name) for name in names]
    for session, name in answer(_open_holds(), machine=machine, day=day):
        reasons[session].append(finding_title(name))
    return reasons


@cache
def _errors() -> Query:
    rulings = SessionRuling.objects.current().filter(session__in=sessions_of_day()).exclude(error_names=[])
    return rulings.order_by().values_list("session", "error_names").query.sql_with_params()


@cache
def _open_holds() -> Query:
    holds = SessionHold.objects.open().filter(session__in=sessions_of_day())
    return holds.values_list("session", "name").query.sql_with_params()


def _elsewhere_in_words(session: SessionElsewhere) -> str:
    return _("Recorded on %(machine)s at %(clock)s") % {
        "machine": session.machine or _("a machine that is not named"),
        "clock": in_clock_words(session.local_start),
    }


def _courses_to_open(rows: list[DayRow], user: User) -> set[int]:
    """The courses whose own page the person may open: a session may stand in another department than its course."""
    courses = {row.course.pk for row in rows}
    if user.sees_all_departments:
        return courses
    return set(Course.objects.visible_to(user).filter(pk__in=courses).order_by().values_list("pk", flat=True))


def _fraction(row: DayRow, highest: Mapping[int, int]) -> str:
    """n/N: what was delivered, else the next one."""
    if row.delivered:
        return " + ".join(f"{f.fraction_number or '?'}/{f.prescription.fractions}" for f in row.delivered)
    planned = {f.prescription_id: f.fraction_number for f in reversed(row.planned)}
    return " + ".join(
        f"{highest[p.pk] + 1 if p.pk in highest else planned[p.pk]}/{p.fractions}" for p in row.prescriptions
    )


def _outcome(row: DayRow, words: Words) -> str:
    if row.outcome:
        return words.outcomes[row.outcome]
    if row.sessions:
        return "; ".join(dict.fromkeys(str(Completion(session.completion).label) for session in row.sessions))
    return words.not_entered


def _alike(row: DayRow) -> tuple[str, str]:
    patient = row.course.patient
    return patient.family_name.casefold(), patient.given_name.casefold()[:1]


def _weekday_beside(day: date, step: int) -> date:
    day += timedelta(days=step)
    while day.weekday() >= 5:
        day += timedelta(days=step)
    return day
