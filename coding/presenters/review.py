"""Charge review: live lines newest first, filtered and counted, and the sessions that owe no line, with why."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.db import connection
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from coding.engine.vocabulary import Severity
from coding.forms.lines import HOLD_REASONS, ChargeFilterForm
from coding.models import ChargeLine, LineState, SessionHold, SessionRuling
from coding.reports import (
    ChargeFilters,
    charge_lines,
    deadline_wanted,
    harmless,
    holds_wanted,
    is_of_holds,
    session_wanted,
)
from portal.models import User
from portal.presenters.keyset import COUNTED_UP_TO, KeysetPage, counted, keyset_page
from portal.presenters.rulings import finding_title

TITLES = dict(HOLD_REASONS)
REVIEWED_STATES = (LineState.HELD, LineState.READY, LineState.DRAFT, LineState.EXPORTED)
# A deadline this near is shown with a sign, not only with its day.
DEADLINE_IS_NEAR = 30
# The lines stand in FROM, which a queryset cannot say: asked as a condition, they are all looked up a second time.
LINES_OF_REASONS = """
    SELECT hold.name, count(DISTINCT line.id)
    FROM (%s) line (id, session_id, claim_form, role) JOIN coding_sessionhold hold USING (session_id)
    WHERE hold.closed_at IS NULL AND hold.released_at IS NULL
      AND hold.claim_form IN ('', line.claim_form) AND hold.role IN ('', line.role)
    GROUP BY hold.name
"""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a line is kept back or absent: an error or a hold in a few words; a hold with its page and its owner."""

    name: str
    title: str
    severity: str
    hold_id: int | None = None
    is_hard: bool = False
    owner: str = ""
    due_on: date | None = None
    is_overdue: bool = False


def days_in_words(days: int) -> str:
    """How long there is to file; where the number is negative, how long ago the last day was."""
    if days < 0:
        return ngettext("%(n)d day over", "%(n)d days over", -days) % {"n": -days}
    return ngettext("%(n)d day left", "%(n)d days left", days) % {"n": days}


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """A line with its payer, what keeps it back, the last day to file it, and a correction drafted beside it.

    `days_left` to that day is negative once it has passed, and None where the day is unknown or nothing is due.
    """

    line: ChargeLine
    claim_form: str
    payer: str
    reasons: list[Reason]
    corrections: list[ChargeLine]
    file_by: date | None
    days_left: int | None

    @property
    def deadline(self) -> str:
        """How long there is to file the line, in words."""
        return "" if self.days_left is None else days_in_words(self.days_left)

    @property
    def is_near(self) -> bool:
        return self.days_left is not None and self.days_left <= DEADLINE_IS_NEAR


@dataclass(frozen=True, slots=True)
class WithoutLineRow:
    ruling: SessionRuling
    payer: str
    reasons: list[Reason]


@dataclass(frozen=True, slots=True)
class NarrowTo:
    """How many lines there are of one state or reason, and the list narrowed to them, or widened again."""

    name: str
    label: str
    number: str
    url: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class ReviewPage:
    rows: list[ReviewRow] | list[WithoutLineRow]
    pages: KeysetPage


def review_page(form: ChargeFilterForm, *, asked: Mapping[str, str]) -> ReviewPage:
    """One page of the lines that a valid form leaves, in a fixed number of queries; `asked` names the page."""
    lines = with_reasons(charge_lines(user=form.user, filters=form.filters))
    pages = keyset_page(lines, by="date_of_service", asked=asked, kept=form.kept)
    return ReviewPage(review_rows(pages.rows, form.choices.today), pages)


def with_reasons(lines: QuerySet) -> QuerySet:
    """Lines with everything that their rows in charge review tell."""
    holds = SessionHold.objects.open().select_related("owner", "placed_by")
    return lines.select_related(
        "session__course__patient", "session__department", "ruling__policy_version__policy__payer"
    ).prefetch_related(
        Prefetch("session__holds", queryset=holds, to_attr="open_holds"),
        Prefetch("corrections", queryset=ChargeLine.objects.standing(), to_attr="standing_corrections"),
    )


def review_rows(lines: list[ChargeLine], today: date) -> list[ReviewRow]:
    return [_line_row(line, today) for line in lines]


def state_counts(form: ChargeFilterForm) -> list[NarrowTo]:
    """How many lines the other filters leave in each state."""
    numbers = {state: _capped(_lines(form, state=state)) for state in REVIEWED_STATES}
    return [
        _narrow(form, "state", state, str(state.label), counted(number))
        for state, number in numbers.items()
        if number or form.filters.state == state
    ]


def reason_counts(form: ChargeFilterForm) -> list[NarrowTo]:
    """How many of the held lines that the other filters leave are held for each reason, the most frequent first."""
    held = _lines(form, reason="", state=LineState.HELD).order_by().values("pk", "session", "claim_form", "role")
    lines, values = held[: COUNTED_UP_TO + 1].query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(LINES_OF_REASONS % lines, values)
        numbers = dict(cursor.fetchall())
    filters = form.filters
    if filters.reason:
        numbers.setdefault(filters.reason, 0)
    found = sorted(numbers.items(), key=lambda pair: (-pair[1], pair[0]))
    return [_narrow(form, "reason", name, TITLES.get(name, name), counted(number)) for name, number in found]


def _lines(form: ChargeFilterForm, **changes: Any) -> QuerySet:
    return charge_lines(user=form.user, filters=replace(form.filters, **changes))


def _capped(lines: QuerySet) -> int:
    return lines.order_by()[: COUNTED_UP_TO + 1].count()


def _narrow(form: ChargeFilterForm, field: str, name: str, label: str, number: str) -> NarrowTo:
    is_chosen = form.kept.get(field) == name
    others = {key: value for key, value in form.kept.items() if key != field}
    url = "?" + urlencode(others if is_chosen else others | {field: name})
    return NarrowTo(name, label, number, url, is_chosen)


def without_line_page(form: ChargeFilterForm, *, asked: Mapping[str, str]) -> ReviewPage:
    """One page of standing sessions that owe no line as they stand, each with its errors, holds, or a person's void."""
    pages = keyset_page(_told_without_line(form), by="session__date_of_service", asked=asked, kept=form.kept)
    return ReviewPage([_without_line_row(ruling, form.choices.today) for ruling in pages.rows], pages)


def without_line_table(form: ChargeFilterForm) -> Iterator[list[str]]:
    """Every session without a line that the filters leave, in the order of the list, as a table for a file."""
    yield [
        *(_("Date of service"), _("Department"), _("Patient record number"), _("Account number"), _("Payer")),
        *(_("No line, because"), _("Owners"), _("Due")),
    ]
    rulings = _told_without_line(form).order_by("-session__date_of_service", "-id")
    for ruling in rulings.iterator(chunk_size=500):
        row, session = _without_line_row(ruling, form.choices.today), ruling.session
        yield [
            session.date_of_service.isoformat(),
            session.department.name,
            session.course.patient.number,
            session.course.account_number,
            row.payer,
            "; ".join(reason.title for reason in row.reasons),
            _owners(row.reasons),
            _first_due(row.reasons),
        ]


def _told_without_line(form: ChargeFilterForm) -> QuerySet:
    """The rulings of the sessions that a valid form leaves, with everything that their rows tell."""
    holds = SessionHold.objects.open().select_related("owner", "placed_by")
    return (
        sessions_without_line(form.user, form.filters)
        .select_related("session__course__patient", "session__department", "policy_version__policy__payer")
        .prefetch_related(
            Prefetch("session__holds", queryset=holds, to_attr="open_holds"),
            Prefetch("session__charge_lines", queryset=_voided_by_hand(), to_attr="void_lines"),
        )
    )


def sessions_without_line(user: User, filters: ChargeFilters) -> QuerySet:
    """The current rulings of standing sessions that the filters leave and that have no line."""
    # Where any line stands, one of them is live.
    standing = ChargeLine.objects.standing().filter(session=OuterRef("session"))
    rulings = SessionRuling.objects.current().visible_to(user)
    return rulings.filter(~Exists(standing), _wanted(filters), session__voided_at__isnull=True)


def _voided_by_hand() -> QuerySet:
    return ChargeLine.objects.filter(state=LineState.VOID, replaced_in__isnull=True).order_by("pk")


def _wanted(filters: ChargeFilters) -> Q:
    """The filters that can be asked of a session without a line."""
    wanted = session_wanted(filters)
    if filters.payer is not None:
        wanted &= Q(policy_version__policy__payer=filters.payer)
    if filters.is_without_payer:
        wanted &= Q(policy_version__isnull=True)
    if filters.start is not None:
        wanted &= Q(session__date_of_service__gte=filters.start)
    if filters.end is not None:
        wanted &= Q(session__date_of_service__lte=filters.end)
    wanted &= deadline_wanted(filters)
    if is_of_holds(filters):
        of_holds = Q(Exists(holds_wanted(filters).filter(session=OuterRef("session"))))
        if filters.reason and not is_of_holds(replace(filters, reason="")):
            of_holds |= Q(error_names__contains=[filters.reason])
        wanted &= of_holds
    return wanted


def _line_row(line: ChargeLine, today: date) -> ReviewRow:
    version = line.ruling.policy_version
    errors = line.ruling.error_names if line.state == LineState.DRAFT and line.corrects_id is None else []
    holds = [hold for hold in line.session.open_holds if hold.applies_to(line)]
    # What is exported was filed; its deadline is history.
    file_by = None if line.state == LineState.EXPORTED else line.ruling.file_by
    return ReviewRow(
        line=line,
        claim_form=line.get_claim_form_display().partition(" (")[0],
        payer=version.policy.payer.name if version else "",
        reasons=[_error(name) for name in errors] + [_hold(hold, today) for hold in holds],
        corrections=line.standing_corrections,
        file_by=file_by,
        days_left=(file_by - today).days if file_by else None,
    )


def _without_line_row(ruling: SessionRuling, today: date) -> WithoutLineRow:
    version = ruling.policy_version
    reasons = [_error(name) for name in ruling.error_names]
    reasons += [_hold(hold, today) for hold in ruling.session.open_holds]
    reasons += [
        Reason("VOID", _("%(line)s voided: %(reason)s") % {"line": line, "reason": line.void_reason}, Severity.NOTE)
        for line in ruling.session.void_lines
    ]
    if not reasons:
        reasons = [_note(finding["name"]) for finding in ruling.findings]
    return WithoutLineRow(ruling, version.policy.payer.name if version else "", reasons)


def _error(name: str) -> Reason:
    return Reason(name, finding_title(name), Severity.ERROR)


def _note(name: str) -> Reason:
    return Reason(name, finding_title(name), Severity.NOTE)


def _hold(hold: SessionHold, today: date) -> Reason:
    return Reason(
        hold.name,
        hold_title(hold),
        Severity.HOLD,
        hold.pk,
        is_hard=hold.is_hard,
        owner=hold.owner.shown_name if hold.owner else "",
        due_on=hold.due_on,
        is_overdue=hold.due_on is not None and hold.due_on < today,
    )


def hold_title(hold: SessionHold) -> str:
    """A hold in a few words; one that a person placed says who did, and why."""
    if hold.placed_by is None:
        return finding_title(hold.name)
    return _("Held by %(person)s: %(reason)s") % {"person": hold.placed_by.shown_name, "reason": hold.sentence}


def review_csv(form: ChargeFilterForm) -> Iterator[list[str]]:
    """The rows of a file with every line that the filters leave, headed by the filters themselves."""
    for label, value in form.in_words or [(_("Filters"), _("none: all live lines"))]:
        yield [harmless(label), harmless(value)]
    yield []
    yield [
        _("Date of service"),
        _("Department"),
        _("Patient record number"),
        _("Account number"),
        _("Payer"),
        _("Claim form"),
        _("Code"),
        _("Modifiers"),
        _("Units"),
        _("State"),
        _("Reasons"),
        _("Owners"),
        _("Due"),
        _("File by"),
        _("Charge amount"),
        _("Expected amount"),
        _("Expected by"),
    ]
    lines = with_reasons(_lines(form)).order_by("-date_of_service", "-id")
    for line in lines.iterator(chunk_size=500):
        row = _line_row(line, form.choices.today)
        course = line.session.course
        yield [
            line.date_of_service.isoformat(),
            harmless(line.session.department.name),
            harmless(course.patient.number),
            harmless(course.account_number),
            harmless(row.payer),
            row.claim_form,
            line.code,
            " ".join(line.modifiers),
            str(line.units),
            str(LineState(line.state).label),
            harmless("; ".join(reason.title for reason in row.reasons)),
            harmless(_owners(row.reasons)),
            _first_due(row.reasons),
            row.file_by.isoformat() if row.file_by else "",
            str(line.charge_amount) if line.charge_amount is not None else _("missing"),
            str(line.expected_amount) if line.expected_amount is not None else _("missing"),
            line.expected_from,
        ]


def _owners(reasons: list[Reason]) -> str:
    """Who works on the holds, each once."""
    return "; ".join(sorted({reason.owner for reason in reasons if reason.owner}))


def _first_due(reasons: list[Reason]) -> str:
    """The first day on which one of the holds is due, as a file writes it."""
    return min((reason.due_on.isoformat() for reason in reasons if reason.due_on), default="")
