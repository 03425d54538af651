"""The rows of a course's ledger as cells of the calendar and rows of the table: state, lines, and what disagrees."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _

from coding.ledger import CourseLedger, Disagreement, LedgerRow
from coding.models import ChargeLine, LineState
from coding.models.lines import LineRole
from portal.models import ClaimForm, Completion, User
from portal.presenters.addresses import addresses
from portal.presenters.rulings import finding_title

VOIDED, PLANNED, MISSED, MISSING, MOVED = "void", "planned", "missed", "missing", "moved"
# A session without a line: one that should have it looks like an error, one that owes none is quiet.
NOT_CHARGED, NO_LINE_DUE = "error", "no-line"
STATE_ICONS = {
    "draft": "pencil",
    "held": "pause-circle-fill",
    NOT_CHARGED: "exclamation-octagon-fill",
    MISSING: "question-circle",
    MOVED: "arrow-right",
    "ready": "check-circle-fill",
    "exported": "lock-fill",
    PLANNED: "circle",
    MISSED: "dash-circle",
    NO_LINE_DUE: "dash-circle",
    VOIDED: "slash-circle",
}
# The line that needs somebody most speaks for its session.
STATES_BY_NEED = ("draft", "held", "ready", "exported", "void")
NEED_WORK = frozenset({"draft", "held", NOT_CHARGED})


@dataclass(frozen=True, slots=True)
class Action:
    """Something that the person may do here."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class LineView:
    """One charge line as a cell and a table row show it; `usual` modifiers are those of every line of the course."""

    code: str
    usual: tuple[str, ...]
    unusual: tuple[str, ...]
    units: int
    claim_form: str
    role: str
    state: str
    state_label: str
    why_url: str

    @property
    def icon(self) -> str:
        return STATE_ICONS[self.state]


@dataclass(frozen=True, slots=True)
class Badge:
    """One disagreement of the ledger in a few words."""

    icon: str
    words: str


@dataclass(frozen=True, slots=True)
class Cell:
    """One session, or one planned or missed fraction, of a day.

    `state` is a key of STATE_ICONS: that of the session's line that needs somebody most, or what is wrong instead.
    `in_words` says day and fraction; `reasons` say in a few words why it is not plainly ready; `badges` say where the
    ledger disagrees; `further` are the session's other lines. `primary_url` is what Enter opens: why the line, or why
    there is none. `shown_by` are the numbers of the strip that count the cell.
    """

    anchor: str
    day: date
    kind: str
    fraction: str
    in_words: str
    site: str
    time: str
    state: str
    state_label: str
    reasons: tuple[str, ...]
    badges: tuple[Badge, ...]
    prescribed: str
    delivered: str
    authorized: str
    paid: str
    url: str
    primary_url: str
    shown_by: frozenset[str]
    line: LineView | None = None
    further: tuple[LineView, ...] = ()
    actions: tuple[Action, ...] = ()

    @property
    def is_problem(self) -> bool:
        return "problems" in self.shown_by

    @property
    def brief(self) -> str:
        """The first reason, and how many more the table and the session's page tell."""
        if len(self.reasons) < 2:
            return "".join(self.reasons)
        return _("%(reason)s, and %(count)d more") % {"reason": self.reasons[0], "count": len(self.reasons) - 1}

    @property
    def reason(self) -> str:
        return "; ".join(self.reasons)

    @property
    def icon(self) -> str:
        return STATE_ICONS[self.state]

    @property
    def lines(self) -> tuple[LineView, ...]:
        return (self.line, *self.further) if self.line else ()


def course_cells(ledger: CourseLedger, usual: tuple[str, ...], user: User) -> list[Cell]:
    """A cell for every row of the ledger, in its order."""
    cells = _Cells(ledger, usual, user)
    return [cells.of_session(row) if row.session else cells.of_planned(row) for row in ledger.rows]


def usual_modifiers(rows: Iterable[LedgerRow]) -> tuple[str, ...]:
    """The modifiers that every first line of the course carries: shown gray, since they tell nothing apart."""
    firsts = [row.lines[0] for row in rows if row.lines]
    if len(firsts) < 2:
        return ()
    return tuple(m for m in firsts[0].modifiers if all(m in line.modifiers for line in firsts))


class _Cells:
    """Makes one cell after the other; the words and addresses that most of them need are looked up once."""

    def __init__(self, ledger: CourseLedger, usual: tuple[str, ...], user: User) -> None:
        self.usual = usual
        self.sessions_of_day = Counter(row.day for row in ledger.rows if row.session)
        self.names_sites = len(ledger.prescriptions) > 1
        self.may_amend = user.has_perm("portal.change_treatmentsession")
        self.may_void = user.has_perm("portal.delete_treatmentsession")
        self.may_miss = user.has_perm("portal.change_scheduledfraction")
        self.session_url, self.why_url = addresses("session-detail"), addresses("session-why")
        self.line_url, self.missed_url = addresses("line-why"), addresses("fraction-missed")
        self.amend_url, self.void_url = addresses("session-amend"), addresses("session-void")
        self.numbered, self.not_numbered = _("fraction %(number)s"), _("fraction not numbered")
        self.amend, self.void = _("Amend"), _("Void")
        self.miss, self.undo = _("Missed"), _("Undo missed")
        self.yes, self.in_part, self.no = _("yes"), _("in part"), _("no")
        self.prescribed, self.beyond = _("%(number)s of %(prescribed)d"), _("%(number)s, beyond %(prescribed)d")
        self.not_asked_for, self.not_known = _("not asked for"), _("not known")
        self.roles = {role: _("guidance") if role == LineRole.GUIDANCE else _("delivery") for role in LineRole}
        self.claim_forms = {form: str(label).partition(" (")[0] for form, label in ClaimForm.choices}
        self.states = {state: str(label) for state, label in LineState.choices}

    def of_session(self, row: LedgerRow) -> Cell:
        session = row.session
        shown = tuple(self._line(line) for line in row.lines)
        state, label = _session_state(row, shown)
        fraction, clock = _numbers(row), _clock(session.local_start)
        return Cell(
            anchor=f"session-{session.pk}",
            day=row.day,
            kind="session",
            fraction=fraction,
            in_words=self._in_words(row.day, fraction),
            site=_sites(row) if self.names_sites else "",
            time="" if self.sessions_of_day[row.day] < 2 else clock,
            state=state,
            state_label=label,
            reasons=_reasons(row),
            badges=_badges(row),
            prescribed=self._prescribed(row),
            delivered=self._delivered(row, clock),
            authorized=self._authorized(row),
            paid=self._paid(row) if row.charged else "",
            url=self.session_url(session.pk),
            primary_url=shown[0].why_url if shown else self.why_url(session.pk),
            shown_by=_shown_by(row, state),
            line=shown[0] if shown else None,
            further=shown[1:],
            actions=self._session_actions(row),
        )

    def of_planned(self, row: LedgerRow) -> Cell:
        planned = row.planned
        state, label = _planned_state(row)
        action = Action(self.undo if row.is_missed else self.miss, self.missed_url(planned.pk))
        actions = (action,) if self.may_miss else ()
        fraction = _numbers(row)
        when = [_clock(planned.planned_time)] if planned.planned_time else []
        return Cell(
            anchor=f"planned-{planned.pk}",
            day=row.day,
            kind=MISSED if row.is_missed else PLANNED,
            fraction=fraction,
            in_words=self._in_words(row.day, fraction),
            site=_sites(row) if self.names_sites else "",
            time="".join(when),
            state=state,
            state_label=label,
            reasons=(planned.missed_reason,) if row.is_missed else (),
            badges=_badges(row),
            prescribed=self._prescribed(row),
            delivered=", ".join([self.no, *when, planned.machine_name]),
            authorized="",
            paid="",
            url="",
            primary_url=actions[0].url if actions else "",
            shown_by=_shown_by(row, state),
            actions=actions,
        )

    def _line(self, line: ChargeLine) -> LineView:
        return LineView(
            code=line.code,
            usual=tuple(m for m in line.modifiers if m in self.usual),
            unusual=tuple(m for m in line.modifiers if m not in self.usual),
            units=line.units,
            claim_form=self.claim_forms[line.claim_form],
            role=self.roles[line.role],
            state=line.state,
            state_label=self.states[line.state],
            why_url=self.line_url(line.pk),
        )

    def _in_words(self, day: date, fraction: str) -> str:
        told = self.numbered % {"number": fraction} if fraction else self.not_numbered
        return f"{day:%A, %B} {day.day}, {day.year}, {told}"

    def _prescribed(self, row: LedgerRow) -> str:
        """How each fraction stands to its prescription: 5 of 35, or beyond it."""
        return " + ".join(
            (self.prescribed if fraction.is_prescribed else self.beyond)
            % {"number": fraction.number or "?", "prescribed": fraction.prescription.fractions}
            for fraction in row.fractions
        )

    def _delivered(self, row: LedgerRow, clock: str) -> str:
        session = row.session
        whole = self.yes if session.completion == Completion.COMPLETE else self.in_part
        where = [session.machine_name] if session.machine_name else []
        return ", ".join([whole if row.is_delivered else self.no, clock, *where])

    def _authorized(self, row: LedgerRow) -> str:
        held_against = row.authorization
        if Disagreement.CHARGED_NOT_AUTHORIZED in row.disagreements:
            return _("no: %(number)s does not cover it") % {"number": held_against.number} if held_against else self.no
        if held_against is None:
            return self.not_asked_for if row.is_delivered and row.ruling else ""
        return held_against.number

    def _paid(self, row: LedgerRow) -> str:
        return self.not_known if row.paid is None else f"${row.paid:,.2f}"

    def _session_actions(self, row: LedgerRow) -> tuple[Action, ...]:
        session = row.session
        if session.voided_at is not None:
            return ()
        actions = []
        if self.may_amend:
            actions.append(Action(self.amend, self.amend_url(session.pk)))
        if self.may_void:
            actions.append(Action(self.void, self.void_url(session.pk)))
        return tuple(actions)


def _session_state(row: LedgerRow, lines: tuple[LineView, ...]) -> tuple[str, str]:
    if row.session.voided_at is not None:
        return VOIDED, _("Voided")
    if lines:
        first = min(lines, key=lambda line: STATES_BY_NEED.index(line.state))
        return first.state, first.state_label
    return (NOT_CHARGED, _("No line")) if row.disagreements else (NO_LINE_DUE, _("No line due"))


def _planned_state(row: LedgerRow) -> tuple[str, str]:
    if row.is_missed:
        return MISSED, _("Missed")
    if Disagreement.DELIVERED_ON_ANOTHER_DAY in row.disagreements:
        return MOVED, _("Moved")
    if Disagreement.PLANNED_NOT_DELIVERED in row.disagreements:
        return MISSING, _("Missing")
    return PLANNED, _("Planned")


def _badges(row: LedgerRow) -> tuple[Badge, ...]:
    """Where the columns of the ledger say different things, in words that name both."""
    return tuple(_badge(kind, row) for kind in row.disagreements)


def _badge(kind: Disagreement, row: LedgerRow) -> Badge:
    doubled = next((fraction for fraction in row.fractions if fraction.other_day), None)
    beyond = next((fraction for fraction in row.fractions if not fraction.is_prescribed), None)
    match kind:
        case Disagreement.PLANNED_NOT_DELIVERED:
            return Badge("question-circle", _("planned, not delivered"))
        case Disagreement.DELIVERED_ON_ANOTHER_DAY:
            words = _("planned here, delivered %(day)s") % {"day": f"{doubled.other_day:%m/%d}"}
            return Badge("arrow-right", words)
        case Disagreement.DELIVERED_NOT_PLANNED:
            return Badge("plus-lg", _("extra: delivered, not planned"))
        case Disagreement.DELIVERED_TWICE if doubled is None:
            return Badge("hash", _("duplicate: entered twice"))
        case Disagreement.DELIVERED_TWICE if doubled.other_day == row.day:
            return Badge("hash", _("duplicate: fraction %(number)d twice this day") % {"number": doubled.number})
        case Disagreement.DELIVERED_TWICE:
            words = _("duplicate: fraction %(number)d was delivered %(day)s")
            return Badge("hash", words % {"number": doubled.number, "day": f"{doubled.other_day:%m/%d}"})
        case Disagreement.DELIVERED_BEYOND_PRESCRIPTION:
            words = _("extra: fraction %(number)d of %(prescribed)d")
            return Badge("plus-lg", words % {"number": beyond.place, "prescribed": beyond.prescription.fractions})
        case Disagreement.DELIVERED_NOT_CHARGED:
            return Badge("cash-coin", _("delivered, not charged"))
        case Disagreement.CHARGED_NOT_DELIVERED:
            return Badge("exclamation-triangle-fill", _("charged, not delivered"))
        case Disagreement.CHARGED_NOT_AUTHORIZED:
            return Badge("shield-check", _("charged, not authorized"))


def _reasons(row: LedgerRow) -> tuple[str, ...]:
    """Why the session is not plainly ready, in the catalogue's few words: errors first, then open holds."""
    session = row.session
    if session.voided_at is not None:
        return (session.void_reason,)
    if row.ruling is None:
        return (_("Not ruled on yet"),)
    errors = [finding["name"] for finding in row.ruling.findings if finding["severity"] == "error"]
    titles = tuple(dict.fromkeys(finding_title(name) for name in [*errors, *(hold.name for hold in row.holds)]))
    if not titles and session.completion != Completion.COMPLETE:
        return (str(Completion(session.completion).label),)
    return titles


def _shown_by(row: LedgerRow, state: str) -> frozenset[str]:
    """The numbers of the strip that this row is part of."""
    is_so = {
        "prescribed": bool(row.fractions) and all(fraction.is_prescribed for fraction in row.fractions),
        "planned": row.is_planned,
        "delivered": row.is_delivered,
        "charged": bool(row.charged),
        "held": any(line.state == "held" for line in row.charged),
        "authorized": row.uses_authorization and Disagreement.CHARGED_NOT_AUTHORIZED not in row.disagreements,
        "problems": bool(row.disagreements) or state in NEED_WORK,
    }
    return frozenset(key for key, holds in is_so.items() if holds)


def _numbers(row: LedgerRow) -> str:
    return " + ".join(str(fraction.number) for fraction in row.fractions if fraction.number is not None)


def _sites(row: LedgerRow) -> str:
    return " + ".join(fraction.prescription.anatomical_site for fraction in row.fractions)


def _clock(at) -> str:
    return f"{at:%I:%M %p}".lstrip("0")
