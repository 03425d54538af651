"""One machine's day as a grid: who was planned, what is recorded, what it owes and what to know."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from coding.models import ChargeLine, SessionHold, SessionRuling
from payers.models import Coverage
from portal.forms.clock_fields import in_clock_words
from portal.forms.day_sheets import OUTCOME_LABELS, DayRowForm
from portal.models import (
    Course,
    Department,
    Guidance,
    Machine,
    MotionManagement,
    ScheduledFraction,
    TreatmentSession,
    User,
)
from portal.presenters.rulings import finding_title
from portal.services.day_sheets import DayRow, day_rows, highest_fractions


@dataclass(frozen=True, slots=True)
class SheetLine:
    """A line as the grid shows it."""

    code: str
    modifiers: tuple[str, ...]
    state: str
    state_label: str
    why_url: str


@dataclass(frozen=True, slots=True)
class SessionLink:
    label: str
    url: str


@dataclass(slots=True)
class RowView:
    """One row: `form` is None where the person may not enter, or where the session's own form is needed."""

    number: int
    row: DayRow
    form: DayRowForm | None
    fraction: str
    payer: str
    motion: str
    outcome: str
    recorded: str
    lines: list[SheetLine]
    know: list[str]
    sessions: list[SessionLink]
    course_url: str

    @property
    def patient(self) -> str:
        return self.row.course.patient.full_name

    @property
    def is_failed(self) -> bool:
        return self.form is not None and bool(self.form.errors)

    @property
    def errors(self) -> list[str]:
        """Every message of the row, in the order of its fields."""
        if self.form is None:
            return []
        return [message for messages in self.form.errors.values() for message in messages]


@dataclass(frozen=True, slots=True)
class MachineTab:
    label: str
    url: str
    entered: int
    rows: int
    is_here: bool


@dataclass(slots=True)
class DaySheet:
    machine: Machine
    day: date
    rows: list[RowView]
    tabs: list[MachineTab]
    departments: list[tuple[str, str, bool]]
    previous_url: str
    next_url: str
    today_url: str
    is_after_today: bool
    may_enter: bool

    @property
    def entered(self) -> int:
        return sum(view.row.is_entered for view in self.rows)

    @property
    def counts(self) -> list[tuple[str, int]]:
        """How many rows have each outcome, and how many are held."""
        counted = Counter(view.outcome for view in self.rows)
        pairs = [(str(label), counted[str(label)]) for label in OUTCOME_LABELS.values() if counted[str(label)]]
        held = sum(any(line.state == "held" for line in view.lines) for view in self.rows)
        return pairs + ([(_("with a held line"), held)] if held else [])

    @property
    def failed(self) -> list[RowView]:
        return [view for view in self.rows if view.is_failed]

    @property
    def is_over(self) -> bool:
        return self.entered == len(self.rows)


FormOf = Callable[[DayRow, str], DayRowForm | None]


def sheet_url(machine: Machine, day: date) -> str:
    """The address of a machine's day; it names no patient."""
    return f"{reverse('day-sheet')}?{urlencode({'machine': machine.pk, 'date': day.isoformat()})}"


def day_sheet(
    machine: Machine,
    day: date,
    *,
    user: User,
    today: date,
    now: datetime,
    forms: Mapping[int, DayRowForm] | None = None,
) -> DaySheet:
    """The sheet, in a number of queries that does not grow with its rows. `forms` are those typed in, by course."""
    may_enter = may_enter_rows(user) and day <= today
    rows = day_rows(machine=machine, day=day)
    tabs, departments = _machines(machine, day, user)
    return DaySheet(
        machine=machine,
        day=day,
        rows=_views(rows, machine, day, user=user, now=now, may_enter=may_enter, forms=forms or {}),
        tabs=tabs,
        departments=departments,
        previous_url=sheet_url(machine, _weekday_beside(day, -1)),
        next_url=sheet_url(machine, _weekday_beside(day, 1)),
        today_url=sheet_url(machine, today),
        is_after_today=day > today,
        may_enter=may_enter,
    )


def may_enter_rows(user: User) -> bool:
    """Whether the person may do everything that saving a row can do."""
    return user.has_perms(
        ["portal.add_treatmentsession", "portal.change_treatmentsession", "portal.change_scheduledfraction"]
    )


def usual_guidance(courses: Sequence[Course]) -> dict[int, str]:
    """The guidance of each course's last session: what its next one most likely has."""
    last = (
        TreatmentSession.objects.standing()
        .filter(course__in=courses)
        .order_by("course", "-started_at", "-pk")
        .distinct("course")
    )
    return dict(last.values_list("course", "guidance"))


def _views(
    rows: list[DayRow],
    machine: Machine,
    day: date,
    *,
    user: User,
    now: datetime,
    may_enter: bool,
    forms: Mapping[int, DayRowForm],
) -> list[RowView]:
    sessions = [session.pk for row in rows for session in row.sessions]
    payers = _payers(rows, day)
    guidances = usual_guidance([row.course for row in rows]) if may_enter else {}
    highest = highest_fractions({p.pk for row in rows for p in row.prescriptions})
    lines, reasons, opens = _lines(sessions), _reasons(sessions), _courses_to_open(rows, user)
    elsewhere = _sessions_elsewhere(rows, machine, day)
    names = Counter(_alike(row) for row in rows)
    views = []
    for number, row in enumerate(rows, start=1):
        form = forms.get(row.course.pk)
        if form is None and may_enter and not row.is_beyond_the_sheet:
            guidance = guidances.get(row.course.pk, Guidance.NONE)
            form = DayRowForm(row=row, machine=machine, day=day, now=now, guidance=guidance)
        know = [reason for session in row.sessions for reason in reasons[session.pk]]
        know += _remarks(row, highest)
        know += [_elsewhere_in_words(session) for session in elsewhere[row.course.pk]]
        if names[_alike(row)] > 1:
            know.append(_("Another patient here has a similar name"))
        views.append(
            RowView(
                number=number,
                row=row,
                form=form,
                fraction=_fraction(row, highest),
                payer=payers.get(row.course.patient_id, ""),
                motion=_motion(row),
                outcome=_outcome(row),
                recorded=" and ".join(in_clock_words(session.local_start) for session in row.sessions),
                lines=[line for session in row.sessions for line in lines[session.pk]],
                know=list(dict.fromkeys(know)),
                sessions=[
                    SessionLink(
                        _("Session of %(clock)s") % {"clock": in_clock_words(session.local_start)},
                        reverse("session-detail", args=[session.pk]),
                    )
                    for session in [*row.sessions, *elsewhere[row.course.pk]]
                ],
                course_url=reverse("course-detail", args=[row.course.pk]) if row.course.pk in opens else "",
            )
        )
    return views


def _machines(machine: Machine, day: date, user: User) -> tuple[list[MachineTab], list[tuple[str, str, bool]]]:
    """The tabs of the department's machines with their counts, and the other departments by their first machine."""
    machines = [
        m
        for m in Machine.objects.filter(department__in=Department.objects.visible_to(user))
        .select_related("department")
        .order_by("department__name", "name")
        if m.is_active or m.pk == machine.pk
    ]
    here = [m for m in machines if m.department_id == machine.department_id]
    counts = machine_counts([m.pk for m in here], day)
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
    for place, course, missed in ScheduledFraction.objects.filter(machine__in=machines, planned_on=day).values_list(
        "machine", "prescription__course", "missed_reason"
    ):
        planned[place][course] = planned[place].get(course, True) and bool(missed)
    treated: dict[int, set[int]] = defaultdict(set)
    sessions = TreatmentSession.objects.standing().filter(machine__in=machines, date_of_service=day)
    for place, course in sessions.values_list("machine", "course"):
        treated[place].add(course)
    return {
        place: (
            len(treated[place] | {course for course, is_missed in planned[place].items() if is_missed}),
            len(treated[place] | set(planned[place])),
        )
        for place in machines
    }


def _payers(rows: list[DayRow], day: date) -> dict[int, str]:
    """Who is billed for each patient that day."""
    patients = {row.course.patient_id for row in rows}
    coverages = Coverage.objects.on(day).filter(patient__in=patients, rank=1).select_related("payer")
    return {coverage.patient_id: coverage.payer.name for coverage in coverages}


def _lines(sessions: list[int]) -> dict[int, list[SheetLine]]:
    lines: dict[int, list[SheetLine]] = defaultdict(list)
    for line in ChargeLine.objects.live().filter(session__in=sessions).order_by("role", "claim_form", "pk"):
        lines[line.session_id].append(
            SheetLine(
                code=line.code,
                modifiers=tuple(line.modifiers),
                state=line.state,
                state_label=line.get_state_display(),
                why_url=reverse("line-why", args=[line.pk]),
            )
        )
    return lines


def _reasons(sessions: list[int]) -> dict[int, list[str]]:
    """Why each session is not plainly ready: its errors, then its open holds, in the catalogue's few words."""
    reasons: dict[int, list[str]] = defaultdict(list)
    for ruling in SessionRuling.objects.current().filter(session__in=sessions):
        reasons[ruling.session_id] += [finding_title(name) for name in ruling.error_names]
    for hold in SessionHold.objects.open().filter(session__in=sessions):
        reasons[hold.session_id].append(finding_title(hold.name))
    return reasons


def _sessions_elsewhere(rows: list[DayRow], machine: Machine, day: date) -> dict[int, list[TreatmentSession]]:
    """The courses' sessions of that day on another machine of the department, or on one that nobody named.

    Without them a course that was moved would look untreated here and be entered twice.
    """
    sessions: dict[int, list[TreatmentSession]] = defaultdict(list)
    found = (
        TreatmentSession.objects.standing()
        .filter(course__in=[row.course.pk for row in rows], date_of_service=day, department=machine.department_id)
        .exclude(pk__in=[session.pk for row in rows for session in row.sessions])
        .select_related("machine", "department")
        .order_by("started_at", "pk")
    )
    for session in found:
        sessions[session.course_id].append(session)
    return sessions


def _elsewhere_in_words(session: TreatmentSession) -> str:
    where = session.machine.name if session.machine else _("a machine that is not named")
    return _("Recorded on %(machine)s at %(clock)s") % {
        "machine": where,
        "clock": in_clock_words(session.local_start),
    }


def _courses_to_open(rows: list[DayRow], user: User) -> set[int]:
    """The courses whose own page the person may open: a session may stand in another department than its course."""
    courses = Course.objects.visible_to(user).filter(pk__in=[row.course.pk for row in rows])
    return set(courses.values_list("pk", flat=True))


def _remarks(row: DayRow, highest: Mapping[int, int]) -> Iterable[str]:
    """What to look at before or while the row is entered."""
    for prescription in row.prescriptions:
        is_active = prescription.motion_management == MotionManagement.ACTIVE
        if is_active and not prescription.motion_documentation.strip():
            yield _("Motion management is not documented")
        if not row.sessions and prescription.signed_at is None:
            yield _("Prescription not signed")
        if not row.sessions and highest.get(prescription.pk, 0) >= prescription.fractions:
            yield _("All fractions are delivered already")
    if not row.planned:
        yield _("Not planned for this day")
    if row.is_missed and row.planned[0].missed_reason:
        yield row.planned[0].missed_reason


def _fraction(row: DayRow, highest: Mapping[int, int]) -> str:
    """n/N: what was delivered, else the next one."""
    delivered = [f for session in row.sessions for f in session.delivered_fractions.all()]
    if delivered:
        return " + ".join(f"{f.fraction_number or '?'}/{f.prescription.fractions}" for f in delivered)
    planned = {f.prescription_id: f.fraction_number for f in reversed(row.planned)}
    return " + ".join(
        f"{highest[p.pk] + 1 if p.pk in highest else planned[p.pk]}/{p.fractions}" for p in row.prescriptions
    )


def _motion(row: DayRow) -> str:
    """Motion management as prescribed, where there is any."""
    prescriptions = row.prescriptions or [
        f.prescription for session in row.sessions for f in session.delivered_fractions.all()
    ]
    is_active = any(p.motion_management == MotionManagement.ACTIVE for p in prescriptions)
    return _("Motion active, as prescribed") if is_active else ""


def _outcome(row: DayRow) -> str:
    if row.outcome:
        return str(OUTCOME_LABELS[row.outcome])
    if row.sessions:
        return "; ".join(dict.fromkeys(session.get_completion_display() for session in row.sessions))
    return _("Not entered")


def _alike(row: DayRow) -> tuple[str, str]:
    patient = row.course.patient
    return patient.family_name.casefold(), patient.given_name.casefold()[:1]


def _weekday_beside(day: date, step: int) -> date:
    day += timedelta(days=step)
    while day.weekday() >= 5:
        day += timedelta(days=step)
    return day
