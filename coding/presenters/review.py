"""Charge review: live lines newest first, filtered and counted, and the sessions that owe no line, with why."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import cache, lru_cache
from itertools import chain, islice
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from coding.engine.vocabulary import Severity
from coding.forms.lines import HOLD_REASONS, ChargeFilterForm
from coding.models import CONTRACT_FROM, ChargeLine, LineState, SessionHold, SessionRuling, keeps_back, line_in_words
from coding.reports import (
    ChargeFilters,
    charge_lines,
    deadline_wanted,
    harmless,
    holds_wanted,
    is_of_holds,
    session_wanted,
)
from portal.models import ClaimForm, User, name_of_patient, name_of_user
from portal.presenters.keyset import COUNTED_UP_TO, KeysetPage, counted, keyset_page
from portal.presenters.rulings import finding_title
from portal.services.answers import GivenKeys, Person, Query, answer

TITLES = dict(HOLD_REASONS)
REVIEWED_STATES = (LineState.HELD, LineState.READY, LineState.DRAFT, LineState.EXPORTED)
# A deadline this near is shown with a sign, not only with its day.
DEADLINE_IS_NEAR = 30
# So many rows of a file are looked up together.
AT_ONCE = 500
# The lines stand in FROM, which a queryset cannot say: asked as a condition, they are all looked up a second time.
LINES_OF_REASONS = """
    SELECT hold.name, count(DISTINCT line.id)
    FROM (%s) line (id, session_id, claim_form, role) JOIN coding_sessionhold hold USING (session_id)
    WHERE hold.closed_at IS NULL AND hold.released_at IS NULL
      AND hold.claim_form IN ('', line.claim_form) AND hold.role IN ('', line.role)
    GROUP BY hold.name
"""


class LineTold(NamedTuple):
    """A line with what its row tells, as values: whole records of all that it hangs on take ten times as long."""

    pk: int
    session_id: int
    date_of_service: date
    claim_form: str
    role: str
    code: str
    modifiers: list[str]
    units: int
    place_of_service: str
    revenue_code: str
    charge_amount: Decimal | None
    expected_amount: Decimal | None
    expected_from: str
    state: str
    corrects_id: int | None
    cancellation_drafted_in_id: int | None
    error_names: list[str]
    file_by: date | None
    payer: str | None
    department: str
    course_id: int
    account_number: str
    patient_number: str
    family_name: str
    given_name: str

    def __str__(self) -> str:
        return line_in_words(self.code, self.modifiers, self.units)

    @property
    def patient(self) -> str:
        return name_of_patient(self.family_name, self.given_name)

    @property
    def is_expected_by_contract(self) -> bool:
        return self.expected_from.startswith(CONTRACT_FROM)


# Where a line has what it tells, if not in a field of its own name.
PLACES = {
    "error_names": "ruling__error_names",
    "file_by": "ruling__file_by",
    "payer": "ruling__policy_version__policy__payer__name",
    "department": "session__department__name",
    "course_id": "session__course_id",
    "account_number": "session__course__account_number",
    "patient_number": "session__course__patient__number",
    "family_name": "session__course__patient__family_name",
    "given_name": "session__course__patient__given_name",
}
FIELDS_OF_LINE = [PLACES.get(name, name) for name in LineTold._fields]


class OpenHold(NamedTuple):
    """An open hold with what the rows of its lines tell; names are empty where nobody owns it or placed it."""

    session_id: int
    pk: int
    name: str
    claim_form: str
    role: str
    is_hard: bool
    sentence: str
    due_on: date | None
    owner: str
    placed_by: str


def names_of(person: str) -> list[str]:
    """Where a query finds the names of a person, as `person_told` takes them."""
    return [f"{person}__{name}" for name in ("first_name", "last_name", "username")]


def person_told(first_name: str | None, last_name: str | None, username: str | None) -> str:
    """A person from `names_of`, nobody as an empty word."""
    return name_of_user(first_name or "", last_name or "", username) if username else ""


FIELDS_OF_HOLD = [*OpenHold._fields[:8], *names_of("owner"), *names_of("placed_by")]


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

    `days_left` to that day is negative once it has passed, and None where the day is unknown or nothing is due. A
    correction is told by its key and in words.
    """

    line: LineTold
    claim_form: str
    payer: str
    reasons: list[Reason]
    corrections: list[tuple[int, str]]
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


def review_page(form: ChargeFilterForm, *, asked: Mapping[str, str], numbers: Mapping[LineState, int]) -> ReviewPage:
    """One page of the lines that a valid form leaves, in a fixed number of queries.

    `asked` names the page, and `numbers` are those of `lines_by_state`, of which the page has one state or all.
    """
    lines = lines_told(charge_lines(user=form.user, filters=form.filters))
    state = form.filters.state
    number = numbers[LineState(state)] if state else sum(numbers.values())
    pages = keyset_page(lines, by="date_of_service", asked=asked, kept=form.kept, number=number)
    return ReviewPage(review_rows(pages.rows, form.choices.today), pages)


def lines_told(lines: QuerySet) -> QuerySet:
    """Lines as `review_rows` takes them."""
    return lines.values_list(*FIELDS_OF_LINE, named=True)


def with_reasons(lines: QuerySet) -> QuerySet:
    """Lines with everything on which it rests what can be done with them."""
    holds = SessionHold.objects.open().select_related("owner", "placed_by")
    return lines.select_related(
        "session__course__patient", "session__department", "ruling__policy_version__policy__payer"
    ).prefetch_related(Prefetch("session__holds", queryset=holds, to_attr="open_holds"))


def review_rows(lines: Iterable[tuple], today: date) -> list[ReviewRow]:
    """The rows of lines from `lines_told`."""
    shown = [LineTold._make(line) for line in lines]
    holds = open_holds([line.session_id for line in shown])
    # Beside a line that was never exported no correction is drafted.
    corrections = _corrections([line.pk for line in shown if line.state == LineState.EXPORTED])
    forms = {form.value: str(form.label).partition(" (")[0] for form in ClaimForm}
    return [
        _line_row(line, forms[line.claim_form], holds[line.session_id], corrections[line.pk], today) for line in shown
    ]


def rows_of_all(lines: QuerySet, today: date) -> Iterator[ReviewRow]:
    """The rows of all the lines in their order, however many, for a file."""
    chunks = in_chunks(lines_told(lines).iterator(chunk_size=AT_ONCE))
    return chain.from_iterable(review_rows(chunk, today) for chunk in chunks)


def in_chunks(rows: Iterator[Any]) -> Iterator[list[Any]]:
    """The rows by AT_ONCE, so that what belongs to them is looked up for many in one query."""
    return iter(lambda: list(islice(rows, AT_ONCE)), [])


def open_holds(sessions: list[int]) -> Mapping[int, list[OpenHold]]:
    """The open holds of each of the sessions, the oldest first."""
    found: dict[int, list[OpenHold]] = defaultdict(list)
    for row in answer(_holds(), sessions=sessions) if sessions else ():
        of_hold, owner, placer = row[:8], row[8:11], row[11:]
        found[row[0]].append(OpenHold(*of_hold, owner=person_told(*owner), placed_by=person_told(*placer)))
    return found


def _corrections(lines: list[int]) -> Mapping[int, list[tuple[int, str]]]:
    """The corrections drafted beside each of the lines: their keys, and what they charge in words."""
    found: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for line, pk, *charged in answer(_drafted(), lines=lines) if lines else ():
        found[line].append((pk, line_in_words(*charged)))
    return found


# Every page asks these.
@cache
def _holds() -> Query:
    holds = SessionHold.objects.open().filter(session__in=GivenKeys("sessions"))
    return holds.values_list(*FIELDS_OF_HOLD).query.sql_with_params()


@cache
def _drafted() -> Query:
    corrections = ChargeLine.objects.standing().filter(corrects__in=GivenKeys("lines"))
    return corrections.values_list("corrects", "pk", "code", "modifiers", "units").query.sql_with_params()


def lines_by_state(form: ChargeFilterForm) -> dict[LineState, int]:
    """How many lines the other filters leave in each state, counted in one query and no further than a page says."""
    found = dict(answer(_by_state_sql(Person.of(form.user), replace(form.filters, state=""))))
    return {state: found[state] for state in REVIEWED_STATES}


# Putting this together takes longer than its answer, and most people ask the same.
@lru_cache(maxsize=200)
def _by_state_sql(person: Person, filters: ChargeFilters) -> Query:
    """The query that counts the lines of each state."""
    counts: list[str] = []
    values: list[Any] = []
    for state in REVIEWED_STATES:
        lines = _lines_in(state, person, filters).values("pk")
        sql, of_lines = lines[: COUNTED_UP_TO + 1].query.sql_with_params()
        counts.append(f"SELECT %s, count(*) FROM ({sql}) lines")
        values += [state.value, *of_lines]
    return " UNION ALL ".join(counts), tuple(values)


def state_counts(form: ChargeFilterForm, numbers: Mapping[LineState, int]) -> list[NarrowTo]:
    """How many lines the other filters leave in each state, from `lines_by_state`."""
    return [
        _narrow(form, "state", state, str(state.label), counted(number))
        for state, number in numbers.items()
        if number or form.filters.state == state
    ]


def reason_counts(form: ChargeFilterForm) -> list[NarrowTo]:
    """How many of the held lines that the other filters leave are held for each reason, the most frequent first."""
    numbers = dict(answer(_by_reason_sql(Person.of(form.user), replace(form.filters, reason="", state=""))))
    filters = form.filters
    if filters.reason:
        numbers.setdefault(filters.reason, 0)
    found = sorted(numbers.items(), key=lambda pair: (-pair[1], pair[0]))
    return [_narrow(form, "reason", name, TITLES.get(name, name), counted(number)) for name, number in found]


@lru_cache(maxsize=200)
def _by_reason_sql(person: Person, filters: ChargeFilters) -> Query:
    """The query that counts the held lines of each reason."""
    held = _lines_in(LineState.HELD, person, filters).values("pk", "session", "claim_form", "role")
    lines, values = held[: COUNTED_UP_TO + 1].query.sql_with_params()
    return LINES_OF_REASONS % lines, values


def _lines_in(state: LineState, person: Person, filters: ChargeFilters) -> QuerySet:
    lines = charge_lines(user=person.as_user, filters=replace(filters, state=state))
    return lines.order_by()


def _narrow(form: ChargeFilterForm, field: str, name: str, label: str, number: str) -> NarrowTo:
    is_chosen = form.kept.get(field) == name
    others = {key: value for key, value in form.kept.items() if key != field}
    url = "?" + urlencode(others if is_chosen else others | {field: name})
    return NarrowTo(name, label, number, url, is_chosen)


def without_line_page(form: ChargeFilterForm, *, asked: Mapping[str, str]) -> ReviewPage:
    """One page of standing sessions that owe no line as they stand, each with its errors, holds, or a person's void."""
    pages = keyset_page(_told_without_line(form), by="session__date_of_service", asked=asked, kept=form.kept)
    return ReviewPage(_without_line_rows(pages.rows, form.choices.today), pages)


def without_line_table(form: ChargeFilterForm) -> Iterator[list[str]]:
    """Every session without a line that the filters leave, in the order of the list, as a table for a file."""
    yield [
        *(_("Date of service"), _("Department"), _("Patient record number"), _("Account number"), _("Payer")),
        *(_("No line, because"), _("Owners"), _("Due")),
    ]
    rulings = _told_without_line(form).order_by("-session__date_of_service", "-id").iterator(chunk_size=AT_ONCE)
    rows = (_without_line_rows(chunk, form.choices.today) for chunk in in_chunks(rulings))
    for row in chain.from_iterable(rows):
        session = row.ruling.session
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
    return (
        sessions_without_line(form.user, form.filters)
        .select_related("session__course__patient", "session__department", "policy_version__policy__payer")
        .prefetch_related(Prefetch("session__charge_lines", queryset=_voided_by_hand(), to_attr="void_lines"))
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


def _line_row(
    line: LineTold, claim_form: str, holds: list[OpenHold], corrections: list[tuple[int, str]], today: date
) -> ReviewRow:
    errors = line.error_names if line.state == LineState.DRAFT and line.corrects_id is None else []
    # What is exported was filed; its deadline is history.
    file_by = None if line.state == LineState.EXPORTED else line.file_by
    return ReviewRow(
        line=line,
        claim_form=claim_form,
        payer=line.payer or "",
        reasons=[_error(name) for name in errors]
        + [_hold(hold, today) for hold in holds if keeps_back(hold.claim_form, hold.role, line)],
        corrections=corrections,
        file_by=file_by,
        days_left=(file_by - today).days if file_by else None,
    )


def _without_line_rows(rulings: Sequence[SessionRuling], today: date) -> list[WithoutLineRow]:
    holds = open_holds([ruling.session_id for ruling in rulings])
    return [_without_line_row(ruling, holds[ruling.session_id], today) for ruling in rulings]


def _without_line_row(ruling: SessionRuling, holds: list[OpenHold], today: date) -> WithoutLineRow:
    version = ruling.policy_version
    reasons = [_error(name) for name in ruling.error_names]
    reasons += [_hold(hold, today) for hold in holds]
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


def _hold(hold: OpenHold, today: date) -> Reason:
    return Reason(
        hold.name,
        title_of_hold(hold.name, hold.placed_by, hold.sentence),
        Severity.HOLD,
        hold.pk,
        is_hard=hold.is_hard,
        owner=hold.owner,
        due_on=hold.due_on,
        is_overdue=hold.due_on is not None and hold.due_on < today,
    )


def hold_title(hold: SessionHold) -> str:
    """A hold in a few words; one that a person placed says who did, and why."""
    return title_of_hold(hold.name, hold.placed_by.shown_name if hold.placed_by else "", hold.sentence)


def title_of_hold(name: str, placed_by: str, sentence: str) -> str:
    """A hold in a few words, from what a list has looked up."""
    if not placed_by:
        return finding_title(name)
    return _("Held by %(person)s: %(reason)s") % {"person": placed_by, "reason": sentence}


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
    lines = charge_lines(user=form.user, filters=form.filters).order_by("-date_of_service", "-id")
    for row in rows_of_all(lines, form.choices.today):
        line = row.line
        yield [
            line.date_of_service.isoformat(),
            harmless(line.department),
            harmless(line.patient_number),
            harmless(line.account_number),
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
