"""The course page: facts, authorizations, and every session as a calendar of weeks and as a table."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from coding.codebook_files import load_codebook
from coding.engine.findings import CATALOGUE
from coding.models import ChargeLine, LineState, SessionHold, SessionRuling
from payers.models import Authorization, Coverage
from portal.models import (
    Completion,
    Course,
    MotionManagement,
    Patient,
    Prescription,
    ScheduledFraction,
    TreatmentSession,
    User,
)

SATURDAY = 5
# Findings that say that a session was not a visit of its own, so that it uses no authorized unit.
NO_VISIT_OF_ITS_OWN = frozenset({"SAME_SESSION", "DUPLICATE"})
VOIDED, PLANNED, MISSED, NO_LINE = "void", "planned", "missed", "no-line"
STATE_ICONS = {
    "draft": "pencil",
    "held": "pause-circle-fill",
    "ready": "check-circle-fill",
    "exported": "lock-fill",
    VOIDED: "slash-circle",
    NO_LINE: "exclamation-octagon-fill",
    PLANNED: "circle",
    MISSED: "dash-circle",
}


@dataclass(frozen=True, slots=True)
class Action:
    """Something that the person may do here."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Notice:
    """What keeps lines of the course back, and the action that clears it where the person may take it."""

    text: str
    action: Action | None


@dataclass(frozen=True, slots=True)
class LineView:
    """One charge line as a cell and a table row show it; `usual` modifiers are those of every line of the course."""

    code: str
    usual: tuple[str, ...]
    unusual: tuple[str, ...]
    units: int
    claim_form: str
    state: str
    state_label: str
    why_url: str

    @property
    def in_words(self) -> str:
        return " ".join([self.code, *self.unusual, *self.usual, self.state_label])


@dataclass(frozen=True, slots=True)
class Cell:
    """One session, or one planned or missed fraction, of a day.

    `state` is that of the session's first line, or void, no-line, planned or missed. `reasons` say in a few words why
    it is not plainly ready; `further` are the session's other lines.
    """

    day: date
    kind: str
    fraction: str
    site: str
    time: str
    state: str
    state_label: str
    reasons: tuple[str, ...]
    url: str
    machine: str = ""
    line: LineView | None = None
    further: tuple[LineView, ...] = ()
    actions: tuple[Action, ...] = ()

    @property
    def tone(self) -> str:
        """The state as stylesheets name it: a session without a line looks like an error."""
        return "error" if self.state == NO_LINE else self.state

    @property
    def reason(self) -> str:
        return "; ".join(self.reasons)

    @property
    def brief(self) -> str:
        """The first reason, and how many more the table and the session's page tell."""
        if len(self.reasons) < 2:
            return self.reason
        return _("%(reason)s, and %(count)d more") % {"reason": self.reasons[0], "count": len(self.reasons) - 1}

    @property
    def icon(self) -> str:
        return STATE_ICONS[self.state]

    @property
    def lines(self) -> tuple[LineView, ...]:
        return (self.line, *self.further) if self.line else ()

    @property
    def in_words(self) -> str:
        """What a screen reader says before the code."""
        fraction = _("fraction %(number)s") % {"number": self.fraction} if self.fraction else _("fraction not numbered")
        return f"{self.day:%A, %B} {self.day.day}, {self.day.year}, {fraction}"


@dataclass(frozen=True, slots=True)
class Day:
    """One square of the calendar. `begins_code_set` marks the first square under another set of delivery codes."""

    day: date
    label: str
    cells: tuple[Cell, ...]
    is_outside: bool
    is_after_seam: bool
    begins_code_set: bool


@dataclass(frozen=True, slots=True)
class Week:
    """One row of the calendar; `empty_before` counts the weeks without anything that were left out above it."""

    number: int
    label: str
    year: str
    days: tuple[Day, ...]
    lines: int
    seam: "Seam | None"
    empty_before: int


@dataclass(frozen=True, slots=True)
class Seam:
    """A day from which other delivery codes hold."""

    day: date
    ended: tuple[str, ...]
    begun: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AuthorizationBar:
    """What is used and left of one authorization; `left` is None where units are not counted."""

    number: str
    payer: str
    codes: str
    used: int
    units: int | None
    starts_on: date
    ends_on: date | None
    amend_url: str
    is_exceeded: bool
    is_over: bool

    @property
    def left(self) -> int | None:
        return None if self.units is None else max(self.units - self.used, 0)

    @property
    def in_words(self) -> str:
        """The bar in one line, for the head of the page."""
        used = (
            str(self.used)
            if self.units is None
            else _("%(used)d of %(units)d") % {"used": self.used, "units": self.units}
        )
        until = _("until %(day)s") % {"day": f"{self.ends_on:%m/%d/%Y}"} if self.ends_on else _("no end")
        return f"{self.number}: {used}, {until}"

    @property
    def shown_used(self) -> int:
        """The length of the bar, which ends at what was authorized."""
        return self.used if self.units is None else min(self.used, self.units)


@dataclass(frozen=True, slots=True)
class PrescriptionView:
    prescription: Prescription
    delivered: int
    signed: str
    plan_approved: str


@dataclass(frozen=True, slots=True)
class StateCount:
    label: str
    icon: str
    number: int


@dataclass(slots=True)
class CoursePage:
    """Everything that the template places; rows are read once, in a number of queries that does not grow."""

    course: Course
    setting: str
    payer: str
    notices: list[Notice]
    prescriptions: list[PrescriptionView]
    authorizations: list[AuthorizationBar]
    weekdays: list[str]
    weeks: list[Week]
    cells: list[Cell]
    counts: list[StateCount]
    usual_modifiers: tuple[str, ...]
    first_attention: Cell | None
    is_table: bool

    @property
    def columns(self) -> int:
        """The columns of the calendar: the week, its weekdays, its lines."""
        return len(self.weekdays) + 2

    @property
    def crumbs(self) -> list[tuple[str, str]]:
        return patient_crumbs(self.course.patient)


def patient_crumbs(patient: Patient) -> list[tuple[str, str]]:
    """The way to a patient's page."""
    return [
        (_("Patients and courses"), reverse("patient-list")),
        (patient.full_name, reverse("patient-detail", args=[patient.pk])),
    ]


def course_crumbs(course: Course) -> list[tuple[str, str]]:
    """The way to a course's page, through its patient."""
    here = (_("Course %(number)s") % {"number": course}, reverse("course-detail", args=[course.pk]))
    return [*patient_crumbs(course.patient), here]


def course_page(course: Course, *, user: User, today: date, is_table: bool) -> CoursePage:
    """The page of one course, whose patient, department and physician are read with it."""
    sessions = list(
        course.sessions.select_related("machine", "department")
        .prefetch_related("delivered_fractions__prescription")
        .order_by("started_at", "pk")
    )
    planned = list(
        ScheduledFraction.objects.filter(prescription__course=course)
        .select_related("machine", "prescription")
        .order_by("planned_on", "planned_time", "fraction_number", "pk")
    )
    rulings = {ruling.session_id: ruling for ruling in SessionRuling.objects.current().filter(session__course=course)}
    prescriptions = list(course.prescriptions.select_related("signed_by", "plan_approved_by"))
    coverages = list(course.patient.coverages.select_related("payer"))
    lines = _lines_by_session(course)
    usual = _usual_modifiers(lines)
    cells = _session_cells(course, sessions, lines, usual, rulings, prescriptions, user)
    cells += _scheduled_cells(planned, sessions, len(prescriptions) > 1, user)
    cells.sort(key=lambda cell: (cell.day, cell.kind != "session"))
    current_day = _day_of_interest(sessions, today)
    return CoursePage(
        course=course,
        setting=_setting_words(course, current_day),
        payer=_payer_words(coverages, current_day),
        notices=_notices(course, prescriptions, coverages, user),
        prescriptions=[_prescription_view(p, sessions, course) for p in prescriptions],
        authorizations=_authorization_bars(course, sessions, rulings, today),
        weekdays=_weekdays(cells),
        weeks=_weeks(cells),
        cells=cells,
        counts=_counts(cells),
        usual_modifiers=usual,
        first_attention=next((cell for cell in cells if cell.state in ("held", "draft", NO_LINE)), None),
        is_table=is_table,
    )


def recapture_sentence(rulings: Sequence[SessionRuling]) -> str:
    """How many charge lines an amendment changed, for the message after it. An exported line is told by its draft."""
    if not rulings:
        return _("No charge line changed.")
    before: dict[int, set[tuple]] = defaultdict(set)
    after: dict[int, set[tuple]] = defaultdict(set)
    for line in ChargeLine.objects.filter(replaced_in__in=rulings):
        before[line.session_id].add((*line.content, line.state))
    for line in ChargeLine.objects.filter(ruling__in=rulings):
        after[line.session_id].add((*line.content, line.state))
    changed = sum(
        max(
            len(after[ruling.session_id] - before[ruling.session_id]),
            len(before[ruling.session_id] - after[ruling.session_id]),
        )
        for ruling in rulings
    )
    if not changed:
        return _("No charge line changed; their grounds were written anew.")
    return ngettext("%(count)d charge line changed.", "%(count)d charge lines changed.", changed) % {"count": changed}


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


def _usual_modifiers(lines: dict[int, list[ChargeLine]]) -> tuple[str, ...]:
    """The modifiers that every first line of the course carries: shown gray, since they tell nothing apart."""
    firsts = [session_lines[0] for session_lines in lines.values()]
    if len(firsts) < 2:
        return ()
    return tuple(m for m in firsts[0].modifiers if all(m in line.modifiers for line in firsts))


def _line_view(line: ChargeLine, usual: tuple[str, ...]) -> LineView:
    return LineView(
        code=line.code,
        usual=tuple(m for m in line.modifiers if m in usual),
        unusual=tuple(m for m in line.modifiers if m not in usual),
        units=line.units,
        claim_form=line.get_claim_form_display().partition(" (")[0],
        state=line.state,
        state_label=line.get_state_display(),
        why_url=reverse("line-why", args=[line.pk]),
    )


def _session_cells(
    course: Course,
    sessions: list[TreatmentSession],
    lines: dict[int, list[ChargeLine]],
    usual: tuple[str, ...],
    rulings: dict[int, SessionRuling],
    prescriptions: list[Prescription],
    user: User,
) -> list[Cell]:
    holds: dict[int, list[SessionHold]] = defaultdict(list)
    for hold in SessionHold.objects.open().filter(session__course=course):
        holds[hold.session_id].append(hold)
    names_sites = len(prescriptions) > 1
    sessions_of_day: dict[date, int] = defaultdict(int)
    for session in sessions:
        sessions_of_day[session.date_of_service] += 1
    cells = []
    for session in sessions:
        delivered = list(session.delivered_fractions.all())
        numbers = [str(f.fraction_number) for f in delivered if f.fraction_number is not None]
        shown = tuple(_line_view(line, usual) for line in lines[session.pk])
        state, label = _session_state(session, shown)
        clock = f"{session.local_start:%I:%M %p}".lstrip("0")
        cells.append(
            Cell(
                day=session.date_of_service,
                kind="session",
                fraction=" + ".join(numbers),
                site=" + ".join(f.prescription.anatomical_site for f in delivered) if names_sites else "",
                time=clock if sessions_of_day[session.date_of_service] > 1 else "",
                state=state,
                state_label=label,
                reasons=_reasons(session, rulings.get(session.pk), holds[session.pk]),
                url=reverse("session-detail", args=[session.pk]),
                machine=session.machine.name if session.machine else "",
                line=shown[0] if shown else None,
                further=shown[1:],
                actions=_session_actions(session, user),
            )
        )
    return cells


def _session_state(session: TreatmentSession, lines: tuple[LineView, ...]) -> tuple[str, str]:
    if session.voided_at is not None:
        return VOIDED, _("Voided")
    if not lines:
        return NO_LINE, _("No line")
    # The line that needs somebody most speaks for the session.
    first = min(lines, key=lambda line: ("draft", "held", "ready", "exported", "void").index(line.state))
    return first.state, first.state_label


def _reasons(session: TreatmentSession, ruling: SessionRuling | None, holds: list[SessionHold]) -> tuple[str, ...]:
    """Why the session is not plainly ready, in the catalogue's few words: errors first, then open holds."""
    if session.voided_at is not None:
        return (session.void_reason,)
    if ruling is None:
        return (_("Not ruled on yet"),)
    errors = [finding["name"] for finding in ruling.findings if finding["severity"] == "error"]
    titles = tuple(dict.fromkeys(finding_title(name) for name in [*errors, *(hold.name for hold in holds)]))
    if not titles and session.completion != Completion.COMPLETE:
        return (session.get_completion_display(),)
    return titles


def finding_title(name: str) -> str:
    """A finding in a few words."""
    wording = CATALOGUE.get(name.lower())
    return wording.title if wording else name.replace("_", " ").capitalize()


def _session_actions(session: TreatmentSession, user: User) -> tuple[Action, ...]:
    if session.voided_at is not None:
        return ()
    actions = []
    if user.has_perm("portal.change_treatmentsession"):
        actions.append(Action(_("Amend"), reverse("session-amend", args=[session.pk])))
    if user.has_perm("portal.delete_treatmentsession"):
        actions.append(Action(_("Void"), reverse("session-void", args=[session.pk])))
    return tuple(actions)


def _scheduled_cells(
    planned: list[ScheduledFraction], sessions: list[TreatmentSession], names_sites: bool, user: User
) -> list[Cell]:
    """Planned fractions that no session of their day covers, and missed ones with why.

    A session covers one planned fraction of each prescription that it delivered, whatever its number: after a missed
    day the numbers move on while the plan stays.
    """
    covered: dict[tuple[int, date], int] = defaultdict(int)
    for session in sessions:
        if session.voided_at is None:
            for delivered in session.delivered_fractions.all():
                covered[(delivered.prescription_id, session.date_of_service)] += 1
    may_change = user.has_perm("portal.change_scheduledfraction")
    cells = []
    for fraction in planned:
        key = (fraction.prescription_id, fraction.planned_on)
        is_missed = bool(fraction.missed_reason)
        if not is_missed and covered[key]:
            covered[key] -= 1
            continue
        label = _("Undo missed") if is_missed else _("Missed")
        action = Action(label, reverse("fraction-missed", args=[fraction.pk]))
        cells.append(
            Cell(
                day=fraction.planned_on,
                kind=MISSED if is_missed else PLANNED,
                fraction=str(fraction.fraction_number),
                site=fraction.prescription.anatomical_site if names_sites else "",
                time=f"{fraction.planned_time:%I:%M %p}".lstrip("0") if fraction.planned_time else "",
                state=MISSED if is_missed else PLANNED,
                state_label=_("Missed") if is_missed else _("Planned"),
                reasons=(fraction.missed_reason,) if is_missed else (),
                url="",
                machine=fraction.machine.name,
                actions=(action,) if may_change else (),
            )
        )
    return cells


def _authorization_bars(
    course: Course, sessions: list[TreatmentSession], rulings: dict[int, SessionRuling], today: date
) -> list[AuthorizationBar]:
    """Each authorization with its used units: delivered visits of its days, as the saved rulings tell them apart."""
    visits = [
        session.date_of_service
        for session in sessions
        if session.voided_at is None
        and session.completion != Completion.NOT_STARTED
        and not (NO_VISIT_OF_ITS_OWN & {f["name"] for f in getattr(rulings.get(session.pk), "findings", [])})
    ]
    bars = []
    for authorization in Authorization.objects.filter(course=course).select_related("payer"):
        used = sum(_holds_on(authorization, day) for day in visits)
        units = authorization.units
        bars.append(
            AuthorizationBar(
                number=authorization.number,
                payer=authorization.payer.name,
                codes=", ".join(authorization.codes) or _("any code"),
                used=used,
                units=units,
                starts_on=authorization.starts_on,
                ends_on=authorization.ends_on,
                amend_url=reverse("authorization-amend", args=[authorization.pk]),
                is_exceeded=units is not None and used > units,
                is_over=authorization.ends_on is not None and authorization.ends_on < today,
            )
        )
    return bars


def _holds_on(authorization: Authorization, day: date) -> bool:
    return authorization.starts_on <= day and (authorization.ends_on is None or day <= authorization.ends_on)


def _prescription_view(
    prescription: Prescription, sessions: list[TreatmentSession], course: Course
) -> PrescriptionView:
    zone = course.department.zone
    delivered = sum(
        fraction.prescription_id == prescription.pk
        for session in sessions
        if session.voided_at is None and session.completion != Completion.NOT_STARTED
        for fraction in session.delivered_fractions.all()
    )
    return PrescriptionView(
        prescription=prescription,
        delivered=delivered,
        signed=_act(prescription.signed_at, prescription.signed_by, zone),
        plan_approved=_act(prescription.plan_approved_at, prescription.plan_approved_by, zone),
    )


def _notices(course: Course, prescriptions: list[Prescription], coverages: list[Coverage], user: User) -> list[Notice]:
    """What keeps the lines of this course back whatever its sessions say."""

    def notice(text: str, label: str, url_name: str, pk: int, permission: str) -> Notice:
        return Notice(text, Action(label, reverse(url_name, args=[pk])) if user.has_perm(permission) else None)

    notices = [
        notice(
            _("%(prescription)s: %(missing)s.") % {"prescription": prescription, "missing": ", ".join(missing)},
            _("Amend the prescription"),
            "prescription-amend",
            prescription.pk,
            "portal.change_prescription",
        )
        for prescription in prescriptions
        if (missing := _missing_parts(prescription))
    ]
    if not prescriptions:
        text = _("No prescription yet; sessions are held until there is one.")
        label = _("Add a prescription")
        notices.append(notice(text, label, "prescription-create", course.pk, "portal.add_prescription"))
    if not course.diagnoses:
        text = _("No diagnosis; lines are held until there is one.")
        notices.append(notice(text, _("Add diagnoses"), "course-amend", course.pk, "portal.change_course"))
    if not coverages:
        text = _("No payer covers this patient; sessions are held until one does.")
        label = _("Add a coverage")
        notices.append(notice(text, label, "coverage-create", course.patient_id, "payers.add_coverage"))
    return notices


def _missing_parts(prescription: Prescription) -> list[str]:
    """What a prescription lacks that sessions are held for."""
    is_undocumented = (
        prescription.motion_management == MotionManagement.ACTIVE and not prescription.motion_documentation.strip()
    )
    parts = [
        (not prescription.technique, _("no technique")),
        (prescription.signed_at is None, _("not signed")),
        (prescription.plan_approved_at is None, _("plan not approved")),
        (is_undocumented, _("motion management not documented")),
    ]
    return [words for is_missing, words in parts if is_missing]


def _act(at, by, zone) -> str:
    """When somebody signed, on the department's clock, and who."""
    return f"{at.astimezone(zone):%m/%d/%Y %I:%M %p}, {by}" if at else _("not yet")


def _day_of_interest(sessions: list[TreatmentSession], today: date) -> date:
    """The day whose setting and payer head the page: that of the last session that stands, else today."""
    days = [session.date_of_service for session in sessions if session.voided_at is None]
    return days[-1] if days else today


def _setting_words(course: Course, day: date) -> str:
    begun = [status for status in course.department.statuses.all() if status.effective_from <= day]
    if not begun:
        return _("no setting on %(day)s") % {"day": f"{day:%m/%d/%Y}"}
    return max(begun, key=lambda status: status.effective_from).get_setting_display()


def _payer_words(coverages: list[Coverage], day: date) -> str:
    """The payer that is billed on the day, as the coverages say."""
    for coverage in coverages:
        if coverage.rank == 1 and coverage.starts_on <= day and (coverage.ends_on is None or day <= coverage.ends_on):
            return coverage.payer.name
    return ""


def _weekdays(cells: Iterable[Cell]) -> list[str]:
    """The columns: Monday to Friday, and the weekend's only where something stands on it."""
    names = [_("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Sun")]
    used = {cell.day.weekday() for cell in cells}
    return names[: max([SATURDAY, *(weekday + 1 for weekday in used)])]


def _weeks(cells: list[Cell]) -> list[Week]:
    if not cells:
        return []
    columns = len(_weekdays(cells))
    by_day: dict[date, list[Cell]] = defaultdict(list)
    for cell in cells:
        by_day[cell.day].append(cell)
    first, last = cells[0].day, cells[-1].day
    seams = _seams(first, last)
    monday = first_monday = first - timedelta(days=first.weekday())
    weeks: list[Week] = []
    empty = 0
    while monday <= last:
        dates = [monday + timedelta(days=offset) for offset in range(7)]
        seam = next((s for s in seams if s.day in dates), None)
        if not seam and not any(by_day[day] for day in dates):
            empty += 1
        else:
            changes_year = not weeks or weeks[-1].days[0].day.year != monday.year
            weeks.append(
                Week(
                    number=(monday - first_monday).days // 7 + 1,
                    label=f"{monday:%b} {monday.day}",
                    year=str(monday.year) if changes_year else "",
                    days=tuple(
                        Day(
                            day=day,
                            label=f"{day:%b} {day.day}" if day == first or day.day == 1 else str(day.day),
                            cells=tuple(by_day[day]),
                            is_outside=not first <= day <= last,
                            is_after_seam=seam is not None and day >= seam.day,
                            begins_code_set=seam is not None and day == seam.day,
                        )
                        for day in dates[:columns]
                    ),
                    lines=sum(len(cell.lines) for day in dates for cell in by_day[day]),
                    seam=seam,
                    empty_before=empty,
                )
            )
            empty = 0
        monday += timedelta(days=7)
    return weeks


def _seams(first: date, last: date) -> list[Seam]:
    """The days after the first and up to the last on which other delivery codes begin to hold."""
    choices = load_codebook().delivery_choices
    days = sorted({c.period.starts_on for c in choices if c.period.starts_on and first < c.period.starts_on <= last})
    seams = []
    for day in days:
        before = {c.code for c in choices if day - timedelta(days=1) in c.period}
        after = {c.code for c in choices if day in c.period}
        seams.append(Seam(day, tuple(sorted(before - after)), tuple(sorted(after - before))))
    return [seam for seam in seams if seam.ended or seam.begun]


def _counts(cells: list[Cell]) -> list[StateCount]:
    """How many sessions and fractions stand in each state, in the order of the states."""
    counts = Counter((cell.state, cell.state_label) for cell in cells)
    order = list(STATE_ICONS)
    return [
        StateCount(label, STATE_ICONS[state], number)
        for (state, label), number in sorted(counts.items(), key=lambda count: order.index(count[0][0]))
    ]
