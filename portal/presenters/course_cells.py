"""The rows of a course's ledger as cells of the calendar and rows of the table: state, lines, and what disagrees."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.urls import reverse
from django.utils.translation import gettext as _

from coding.ledger import CourseLedger, Disagreement, LedgerRow
from coding.models import ChargeLine
from coding.models.lines import LineRole
from portal.models import Completion, Machine, User
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
    `reasons` say in a few words why it is not plainly ready; `badges` say where the ledger disagrees; `further` are the
    session's other lines. `primary_url` is what Enter opens: why the line, or why there is none. `shown_by` are the
    numbers of the strip that count the cell.
    """

    anchor: str
    day: date
    kind: str
    fraction: str
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

    @property
    def in_words(self) -> str:
        """What a screen reader says before the code."""
        fraction = _("fraction %(number)s") % {"number": self.fraction} if self.fraction else _("fraction not numbered")
        return f"{self.day:%A, %B} {self.day.day}, {self.day.year}, {fraction}"


def course_cells(ledger: CourseLedger, usual: tuple[str, ...], machines: dict[int, Machine], user: User) -> list[Cell]:
    """A cell for every row of the ledger, in its order."""
    sessions_of_day = Counter(row.day for row in ledger.rows if row.session)
    names_sites = len(ledger.prescriptions) > 1
    return [
        _session_cell(row, usual, machines, user, names_sites=names_sites, is_alone=sessions_of_day[row.day] < 2)
        if row.session
        else _planned_cell(row, user, names_sites=names_sites)
        for row in ledger.rows
    ]


def usual_modifiers(rows: Iterable[LedgerRow]) -> tuple[str, ...]:
    """The modifiers that every first line of the course carries: shown gray, since they tell nothing apart."""
    firsts = [row.lines[0] for row in rows if row.lines]
    if len(firsts) < 2:
        return ()
    return tuple(m for m in firsts[0].modifiers if all(m in line.modifiers for line in firsts))


def _session_cell(
    row: LedgerRow,
    usual: tuple[str, ...],
    machines: dict[int, Machine],
    user: User,
    *,
    names_sites: bool,
    is_alone: bool,
) -> Cell:
    session = row.session
    shown = tuple(_line_view(line, usual) for line in row.lines)
    state, label = _session_state(row, shown)
    clock = _clock(session.local_start)
    return Cell(
        anchor=f"session-{session.pk}",
        day=row.day,
        kind="session",
        fraction=_numbers(row),
        site=_sites(row) if names_sites else "",
        time="" if is_alone else clock,
        state=state,
        state_label=label,
        reasons=_reasons(row),
        badges=_badges(row),
        prescribed=_prescribed(row),
        delivered=_delivered(row, clock, machines),
        authorized=_authorized(row),
        paid=_paid(row) if row.charged else "",
        url=reverse("session-detail", args=[session.pk]),
        primary_url=shown[0].why_url if shown else reverse("session-why", args=[session.pk]),
        shown_by=_shown_by(row, state),
        line=shown[0] if shown else None,
        further=shown[1:],
        actions=_session_actions(row, user),
    )


def _planned_cell(row: LedgerRow, user: User, *, names_sites: bool) -> Cell:
    planned = row.planned
    kind = MISSED if row.is_missed else PLANNED
    state, label = _planned_state(row)
    action = Action(_("Undo missed") if row.is_missed else _("Missed"), reverse("fraction-missed", args=[planned.pk]))
    actions = (action,) if user.has_perm("portal.change_scheduledfraction") else ()
    when = [_clock(planned.planned_time)] if planned.planned_time else []
    return Cell(
        anchor=f"planned-{planned.pk}",
        day=row.day,
        kind=kind,
        fraction=_numbers(row),
        site=_sites(row) if names_sites else "",
        time="".join(when),
        state=state,
        state_label=label,
        reasons=(planned.missed_reason,) if row.is_missed else (),
        badges=_badges(row),
        prescribed=_prescribed(row),
        delivered=", ".join([_("no"), *when, planned.machine.name]),
        authorized="",
        paid="",
        url="",
        primary_url=actions[0].url if actions else "",
        shown_by=_shown_by(row, state),
        actions=actions,
    )


def _line_view(line: ChargeLine, usual: tuple[str, ...]) -> LineView:
    return LineView(
        code=line.code,
        usual=tuple(m for m in line.modifiers if m in usual),
        unusual=tuple(m for m in line.modifiers if m not in usual),
        units=line.units,
        claim_form=line.get_claim_form_display().partition(" (")[0],
        role=_("guidance") if line.role == LineRole.GUIDANCE else _("delivery"),
        state=line.state,
        state_label=line.get_state_display(),
        why_url=reverse("line-why", args=[line.pk]),
    )


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
        return (session.get_completion_display(),)
    return titles


def _prescribed(row: LedgerRow) -> str:
    """How each fraction stands to its prescription: 5 of 35, or beyond it."""
    told = []
    for fraction in row.fractions:
        words = _("%(number)s of %(prescribed)d") if fraction.is_prescribed else _("%(number)s, beyond %(prescribed)d")
        told.append(words % {"number": fraction.number or "?", "prescribed": fraction.prescription.fractions})
    return " + ".join(told)


def _delivered(row: LedgerRow, clock: str, machines: dict[int, Machine]) -> str:
    session = row.session
    machine = machines.get(session.machine_id)
    where = [machine.name] if machine else []
    whole = _("yes") if session.completion == Completion.COMPLETE else _("in part")
    return ", ".join([whole if row.is_delivered else _("no"), clock, *where])


def _authorized(row: LedgerRow) -> str:
    if Disagreement.CHARGED_NOT_AUTHORIZED in row.disagreements:
        return (
            _("no: %(number)s does not cover it") % {"number": row.authorization.number}
            if row.authorization
            else _("no")
        )
    if row.authorization is None:
        return _("not asked for") if row.is_delivered and row.ruling else ""
    return row.authorization.number


def _paid(row: LedgerRow) -> str:
    return _("not known") if row.paid is None else f"${row.paid:,.2f}"


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


def _session_actions(row: LedgerRow, user: User) -> tuple[Action, ...]:
    session = row.session
    if session.voided_at is not None:
        return ()
    actions = []
    if user.has_perm("portal.change_treatmentsession"):
        actions.append(Action(_("Amend"), reverse("session-amend", args=[session.pk])))
    if user.has_perm("portal.delete_treatmentsession"):
        actions.append(Action(_("Void"), reverse("session-void", args=[session.pk])))
    return tuple(actions)
