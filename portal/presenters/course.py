"""The course page: facts, authorizations, the ledger's numbers, and every session as a calendar and as a table."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from coding.course_to_show import ledger_to_show
from coding.ledger import CourseLedger
from coding.models import ChargeLine, LineState, SessionRuling
from payers.models import Coverage
from portal.models import Course, MotionManagement, Patient, Prescription, User
from portal.presenters.authorizations import AuthorizationBar, authorization_bars, authorization_shortage
from portal.presenters.course_calendar import Week, calendar_weeks, weekday_names
from portal.presenters.course_cells import STATE_ICONS, Action, Cell, course_cells, usual_modifiers

# Lines that are not on a claim by then are told above the calendar.
WARN_BEFORE_DEADLINE = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Notice:
    """What keeps lines of the course back or runs out, and the action that clears it where the person may take it."""

    text: str
    action: Action | None
    icon: str = "exclamation-triangle"


@dataclass(frozen=True, slots=True)
class PrescriptionView:
    prescription: Prescription
    delivered: int
    signed: str
    plan_approved: str


@dataclass(frozen=True, slots=True)
class LedgerNumber:
    """A total of the ledger. Its address shows the cells behind it; it is empty where there are none to show."""

    label: str
    value: str
    url: str
    is_chosen: bool
    key: str = ""
    is_problem: bool = False


@dataclass(frozen=True, slots=True)
class StateCount:
    label: str
    icon: str
    number: int


@dataclass(frozen=True, slots=True)
class Showing:
    """Which cells a person asked to see, in one sentence, and the way back to all of them."""

    sentence: str
    key: str
    all_url: str


@dataclass(slots=True)
class CoursePage:
    """Everything that the template places; rows are read once, in a number of queries that does not grow."""

    course: Course
    setting: str
    payer: str
    notices: list[Notice]
    prescriptions: list[PrescriptionView]
    authorizations: list[AuthorizationBar]
    shortage: str
    weekdays: list[str]
    weeks: list[Week]
    cells: list[Cell]
    numbers: list[LedgerNumber]
    counts: list[StateCount]
    usual_modifiers: tuple[str, ...]
    first_problem: Cell | None
    showing: Showing | None
    pattern_url: str
    calendar_url: str
    table_url: str
    is_table: bool

    @property
    def columns(self) -> int:
        """The columns of the calendar: the week, its weekdays, its lines."""
        return len(self.weekdays) + 2

    @property
    def rows(self) -> list[Cell]:
        """The table's rows: those asked for, or all of them."""
        key = self.showing.key if self.showing else ""
        return [cell for cell in self.cells if not key or key in cell.shown_by]

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


def course_page(course: Course, *, user: User, today: date, is_table: bool, show: str = "") -> CoursePage:
    """The page of one course, whose patient, department and physician are read with it.

    `show` is the key of a number of the ledger; one that is not known shows everything.
    """
    ledger = ledger_to_show(course, today=today)
    usual = usual_modifiers(ledger.rows)
    cells = course_cells(ledger, usual, user)
    coverages = ledger.record.coverages
    current_day = _day_of_interest(ledger, today)
    bars, shortage = authorization_bars(ledger, today), authorization_shortage(ledger)
    address = reverse("course-detail", args=[course.pk])
    numbers = _numbers(ledger, cells, address, show=show, is_table=is_table)
    return CoursePage(
        course=course,
        setting=_setting_words(course, current_day),
        payer=_payer_words(coverages, current_day),
        notices=[
            *_notices(course, ledger.prescriptions, coverages, user),
            *_authorization_notices(course, bars, shortage, user),
            *_deadline_notices(ledger, today),
        ],
        prescriptions=[_prescription_view(p, ledger) for p in ledger.prescriptions],
        authorizations=bars,
        shortage=shortage,
        weekdays=weekday_names(cells),
        weeks=[] if is_table else calendar_weeks(ledger, cells),
        cells=cells,
        numbers=numbers,
        counts=_counts(cells),
        usual_modifiers=usual,
        first_problem=next((cell for cell in cells if cell.is_problem), None),
        showing=_showing(address, numbers, cells, is_table=is_table),
        pattern_url=_pattern_url(ledger) if user.has_perm("portal.add_scheduledfraction") else "",
        calendar_url=_page_url(address, show=show),
        table_url=_page_url(address, show=show, is_table=True),
        is_table=is_table,
    )


def _page_url(address: str, *, show: str = "", is_table: bool = False) -> str:
    asked = {key: value for key, value in (("view", "table" if is_table else ""), ("show", show)) if value}
    return f"{address}?{urlencode(asked)}" if asked else address


def _numbers(
    ledger: CourseLedger, cells: Sequence[Cell], address: str, *, show: str, is_table: bool
) -> list[LedgerNumber]:
    """The ledger in totals, in the order of its columns; a chosen number leads back to everything."""
    delivered = sum(ledger.delivered.values())
    problems = sum(cell.is_problem for cell in cells)
    left = str(ledger.authorized_left) if ledger.authorized_left is not None else _("not counted")
    paid = _("not known yet") if ledger.paid is None else f"${ledger.paid:,.2f}"
    totals = (
        ("prescribed", _("Prescribed"), str(ledger.prescribed)),
        ("planned", _("Planned"), str(ledger.planned)),
        ("delivered", _("Delivered"), str(delivered)),
        ("charged", _("Charge lines"), str(ledger.charged)),
        ("held", _("Held"), str(ledger.held)),
        ("authorized", _("Authorized left"), left if ledger.authorizations else _("none on file")),
        ("", _("Paid"), paid),
        ("problems", _("Needs work"), str(problems)),
    )
    return [
        LedgerNumber(
            label=label,
            value=value,
            url=_page_url(address, show="" if key == show else key, is_table=is_table)
            if any(key in cell.shown_by for cell in cells)
            else "",
            is_chosen=bool(key) and key == show,
            key=key,
            is_problem=key == "problems" and problems > 0,
        )
        for key, label, value in totals
    ]


def _showing(address: str, numbers: Sequence[LedgerNumber], cells: Sequence[Cell], *, is_table: bool) -> Showing | None:
    chosen = next((number for number in numbers if number.is_chosen), None)
    if chosen is None:
        return None
    count = sum(chosen.key in cell.shown_by for cell in cells)
    words = ngettext(
        "%(label)s: %(count)d of %(all)d entry is shown.",
        "%(label)s: %(count)d of %(all)d entries are shown.",
        len(cells),
    )
    sentence = words % {"label": chosen.label, "count": count, "all": len(cells)}
    return Showing(sentence, chosen.key, _page_url(address, is_table=is_table))


def _pattern_url(ledger: CourseLedger) -> str:
    """Where the next pattern is filled: the first prescription with something left to deliver, else the first one."""
    left = [p for p in ledger.prescriptions if ledger.delivered[p.pk] < p.fractions] or list(ledger.prescriptions)
    return reverse("fractions-plan", args=[left[0].pk]) if left else ""


def _prescription_view(prescription: Prescription, ledger: CourseLedger) -> PrescriptionView:
    zone = ledger.course.department.zone
    return PrescriptionView(
        prescription=prescription,
        delivered=ledger.delivered[prescription.pk],
        signed=_act(prescription.signed_at, prescription.signed_by, zone),
        plan_approved=_act(prescription.plan_approved_at, prescription.plan_approved_by, zone),
    )


def _authorization_notices(course: Course, bars: Sequence[AuthorizationBar], shortage: str, user: User) -> list[Notice]:
    """What runs out soon, above the calendar; what is short in the long run stands beside the bars alone."""
    told = [f"{bar.number}: {' '.join(bar.warnings)}" for bar in bars if bar.warnings]
    if not told:
        return []
    action = Action(_("Add an authorization"), reverse("authorization-create", args=[course.pk]))
    may_add = user.has_perm("payers.add_authorization")
    return [Notice(" ".join([*told, shortage]), action if may_add else None, "shield-check")]


def _deadline_notices(ledger: CourseLedger, today: date) -> list[Notice]:
    """The filing deadline that comes next, where lines are on no claim yet."""
    waiting = [
        row
        for row in ledger.rows
        if row.ruling
        and row.ruling.file_by
        and row.ruling.file_by - today <= WARN_BEFORE_DEADLINE
        and any(line.state not in (LineState.EXPORTED, LineState.VOID) for line in row.lines)
    ]
    if not waiting:
        return []
    next_row = min(waiting, key=lambda row: (row.ruling.file_by, row.day))
    days = (next_row.ruling.file_by - today).days
    deadline = f"{next_row.ruling.file_by:%m/%d/%Y}"
    if days < 0:
        text = _("The filing limit for %(day)s passed on %(deadline)s.")
    else:
        text = ngettext(
            "%(day)s must be filed by %(deadline)s, in %(days)d day.",
            "%(day)s must be filed by %(deadline)s, in %(days)d days.",
            days,
        )
    told = text % {"day": f"{next_row.day:%m/%d/%Y}", "deadline": deadline, "days": days}
    others = len(waiting) - 1
    if others:
        more = ngettext(
            "%(count)d more session is at its limit or close.",
            "%(count)d more sessions are at their limits or close.",
            others,
        )
        told = f"{told} {more % {'count': others}}"
    return [Notice(told, None, "hourglass-split")]


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


def _notices(
    course: Course, prescriptions: Sequence[Prescription], coverages: list[Coverage], user: User
) -> list[Notice]:
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


def _day_of_interest(ledger: CourseLedger, today: date) -> date:
    """The day whose setting and payer head the page: that of the last session that stands, else today."""
    return max((row.day for row in ledger.rows if row.session and row.session.voided_at is None), default=today)


def _setting_words(course: Course, day: date) -> str:
    begun = [status for status in course.department.statuses.all() if status.effective_from <= day]
    if not begun:
        return _("no setting on %(day)s") % {"day": f"{day:%m/%d/%Y}"}
    return max(begun, key=lambda status: status.effective_from).get_setting_display()


def _payer_words(coverages: list[Coverage], day: date) -> str:
    """The payer that is billed on the day, as the coverages say."""
    for coverage in coverages:
        if coverage.starts_on <= day and (coverage.ends_on is None or day <= coverage.ends_on):
            return coverage.payer.name
    return ""


def _counts(cells: Sequence[Cell]) -> list[StateCount]:
    """How many sessions and fractions stand in each state, in the order of the states."""
    counts = Counter((cell.state, cell.state_label) for cell in cells)
    order = list(STATE_ICONS)
    return [
        StateCount(label, STATE_ICONS[state], number)
        for (state, label), number in sorted(counts.items(), key=lambda count: order.index(count[0][0]))
    ]
