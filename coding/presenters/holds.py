"""Holds as a worklist: by reason with what clears each, or one by one with owner, due day and days left to file."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from itertools import chain
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.db.models import (
    CharField,
    Count,
    DateField,
    Exists,
    ExpressionWrapper,
    F,
    FilteredRelation,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextField,
    Value,
)
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan
from django.db.models.functions import Cast, Coalesce
from django.http import HttpRequest, QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _

from coding.engine.findings import HARD_HOLDS
from coding.forms.holds import BY_AGE, BY_DUE_DAY, NOT_SET, OVERDUE, THIS_WEEK, TODAY, HoldFilterForm
from coding.models import ChargeLine, LineState, SessionHold, SessionRuling, keeps_back, line_in_words
from coding.presenters.review import (
    AT_ONCE,
    DEADLINE_IS_NEAR,
    NarrowTo,
    days_in_words,
    hold_title,
    in_chunks,
    names_of,
    person_told,
    title_of_hold,
)
from coding.reports import NO_PAYER
from coding.rollups import setting_on
from portal import clock
from portal.models import User, name_of_patient
from portal.presenters.ageing import AGES, Age
from portal.presenters.bulk import ticked
from portal.presenters.keyset import LARGEST_KEY, ROWS_A_PAGE, count_text, counted
from portal.presenters.remedies import ASKED_OUTSIDE, next_step, step_words
from portal.presenters.rulings import finding_title
from portal.services.answers import GivenKeys, Query, answer

NEVER = date.max
DAYS_OF_A_WEEK = 7


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """How many of the holds have one reason, for how many days the oldest waits, and the next step for all of them."""

    name: str
    title: str
    number: int
    days: int
    is_hard: bool
    step: str
    url: str


class HoldTold(NamedTuple):
    """A hold with what its row tells, as values: whole records of all that it hangs on take ten times as long.

    Names of people are empty where there is nobody.
    """

    pk: int
    session_id: int
    name: str
    claim_form: str
    role: str
    is_hard: bool
    sentence: str
    grounds_text: str
    opened_at: datetime
    due_on: date | None
    released_at: datetime | None
    release_note: str
    closed_at: datetime | None
    file_by: date | None
    payer: str | None
    date_of_service: date
    department: str
    course_id: int
    account_number: str
    patient_number: str
    family_name: str
    given_name: str
    owner: str
    placed_by: str
    released_by: str

    @property
    def is_open(self) -> bool:
        return self.closed_at is None and self.released_at is None

    @property
    def grounds(self) -> list[list[str]]:
        return json.loads(self.grounds_text)

    @property
    def patient(self) -> str:
        return name_of_patient(self.family_name, self.given_name)


# Where a hold has what it tells, if not in a field of its own name.
PLACES = {
    "file_by": "current__file_by",
    "payer": "current__policy_version__policy__payer__name",
    "date_of_service": "session__date_of_service",
    "department": "session__department__name",
    "course_id": "session__course_id",
    "account_number": "session__course__account_number",
    "patient_number": "session__course__patient__number",
    "family_name": "session__course__patient__family_name",
    "given_name": "session__course__patient__given_name",
}
PEOPLE = ("owner", "placed_by", "released_by")
FIELDS_OF_HOLD = [PLACES.get(name, name) for name in HoldTold._fields if name not in PEOPLE]
NAMES_OF_PEOPLE = [name for person in PEOPLE for name in names_of(person)]


class HeldLine(NamedTuple):
    """A line that stands, as the row of a hold names it."""

    claim_form: str
    role: str
    code: str
    modifiers: list[str]
    units: int

    def __str__(self) -> str:
        return line_in_words(self.code, self.modifiers, self.units)


@dataclass(frozen=True, slots=True)
class HoldRow:
    """One hold as the list tells it, with what is to be done next, whoever does it.

    `stands_for` is the hold whose row it takes, where it was opened in its place.
    """

    hold: HoldTold
    title: str
    lines: list[HeldLine]
    days_left: int | None
    days: int
    is_due: bool
    is_overdue: bool
    step: str
    stands_for: int

    @property
    def deadline(self) -> str:
        """How long there is to file, in words."""
        return "" if self.days_left is None else days_in_words(self.days_left)

    @property
    def is_near(self) -> bool:
        return self.days_left is not None and self.days_left <= DEADLINE_IS_NEAR


@dataclass(frozen=True, slots=True)
class HoldPage:
    """One page of holds in the order that was asked for."""

    rows: list[HoldRow]
    count_text: str
    first_url: str
    next_url: str


def holds_asked(form: HoldFilterForm) -> QuerySet:
    """The holds that the person may see and a valid form leaves."""
    chosen, today = form.cleaned_data, form.choices.today
    holds = SessionHold.objects.visible_to(form.user)
    holds = holds.standing().filter(released_at__isnull=False) if chosen["show"] else holds.open()
    wanted = _wanted_of_session(chosen)
    if chosen["reason"]:
        wanted &= Q(name=chosen["reason"])
    if chosen["kind"]:
        wanted &= Q(is_hard=chosen["kind"] == "hard")
    if form.owner_id is not None:
        wanted &= Q(owner=form.owner_id)
    if form.is_without_owner:
        wanted &= Q(owner__isnull=True)
    if chosen["due"]:
        wanted &= _wanted_by_due_day(chosen["due"], today)
    if form.held_since is not None:
        wanted &= Q(opened_at__lte=form.held_since)
    if form.held_until is not None:
        wanted &= Q(opened_at__gt=form.held_until)
    if chosen["setting"]:
        holds = holds.alias(setting_that_day=setting_on("session__date_of_service"))
        wanted &= Q(setting_that_day=chosen["setting"])
    if chosen["code"] or chosen["modifier"]:
        wanted &= Q(Exists(_lines_kept_back(chosen["code"], chosen["modifier"])))
    ruling = _wanted_of_ruling(form)
    if ruling:
        wanted &= Q(Exists(SessionRuling.objects.current().filter(ruling, session=OuterRef("session"))))
    return holds.filter(wanted)


def _lines_kept_back(code: str, modifier: str) -> QuerySet:
    """The lines that a hold keeps back, of a code and with a modifier; a hold without a line has none of either."""
    lines = ChargeLine.objects.standing().filter(session=OuterRef("session"))
    for name in ("claim_form", "role"):
        of_hold = ExpressionWrapper(OuterRef(name), CharField())
        lines = lines.alias(**{f"hold_{name}": of_hold}).filter(**{f"hold_{name}__in": ["", F(name)]})
    if code:
        lines = lines.filter(code=code)
    return lines.filter(modifiers__contains=[modifier]) if modifier else lines


def _wanted_of_session(chosen: Mapping[str, Any]) -> Q:
    wanted = Q()
    for name in ("department", "machine", "physician"):
        if chosen[name]:
            wanted &= Q(**{f"session__{name}": chosen[name]})
    if chosen["start"]:
        wanted &= Q(session__date_of_service__gte=chosen["start"])
    if chosen["end"]:
        wanted &= Q(session__date_of_service__lte=chosen["end"])
    return wanted


def _wanted_by_due_day(due: str, today: date) -> Q:
    return {
        OVERDUE: Q(due_on__lt=today),
        TODAY: Q(due_on=today),
        THIS_WEEK: Q(due_on__range=(today, today + timedelta(days=DAYS_OF_A_WEEK))),
        NOT_SET: Q(due_on__isnull=True),
    }[due]


def _wanted_of_ruling(form: HoldFilterForm) -> Q:
    """Payer and filing deadline, as the session's current ruling has them."""
    payer = form.cleaned_data["payer"]
    file_from, file_through = form.file_between
    wanted = Q()
    if payer == NO_PAYER:
        wanted &= Q(policy_version__isnull=True)
    elif payer:
        wanted &= Q(policy_version__policy__payer__slug=payer)
    if file_from is not None:
        wanted &= Q(file_by__gte=file_from)
    if file_through is not None:
        wanted &= Q(file_by__lte=file_through)
    return wanted


def hold_page(form: HoldFilterForm, *, asked: Mapping[str, str], numbers: Mapping[Age, int]) -> HoldPage:
    """One page of the holds that a valid form leaves, after the one that `asked` names, in a fixed number of queries.

    A page begins after a key of day, instant and id; what cannot be read as one gives the first page. `numbers` are
    those of `holds_by_age`.
    """
    wanted = holds_asked(form)
    order = form.cleaned_data["order"]
    ruling = SessionRuling.objects.current().filter(session=OuterRef("session")).order_by()
    first = {BY_AGE: Value(NEVER, DateField()), BY_DUE_DAY: F("due_on")}.get(order, Subquery(ruling.values("file_by")))
    # The keys of the page are found first, and only its rows are told in full.
    keys = wanted.annotate(first_day=Coalesce(first, Value(NEVER, DateField())))
    after = _key(asked.get("after", ""))
    if after is not None:
        keys = keys.filter(TupleGreaterThan(Tuple(F("first_day"), F("opened_at"), F("id")), after))
    found = list(
        keys.order_by("first_day", "opened_at", "id").values_list("first_day", "opened_at", "pk")[: ROWS_A_PAGE + 1]
    )
    shown = found[:ROWS_A_PAGE]
    rows = {row.hold.pk: row for row in hold_rows([pk for _day, _at, pk in shown], form.user, form.choices.today)}
    last = shown[-1] if len(found) > ROWS_A_PAGE else None
    return HoldPage(
        rows=[rows[pk] for _day, _at, pk in shown],
        count_text=count_text(wanted) if form.asks_for_age else counted(sum(numbers.values())),
        first_url="?" + urlencode(form.kept) if after is not None else "",
        next_url="?" + urlencode({**form.kept, "after": _address(last)}) if last else "",
    )


def with_ruling(holds: QuerySet) -> QuerySet:
    """Holds with their session's current ruling, as `current`."""
    is_current = Q(session__rulings__is_current=True)
    return holds.annotate(current=FilteredRelation("session__rulings", condition=is_current))


# Every page asks this and the next.
@cache
def _holds() -> Query:
    return holds_told(SessionHold.objects.filter(pk__in=GivenKeys("holds"))).query.sql_with_params()


@cache
def _lines() -> Query:
    lines = ChargeLine.objects.standing().filter(session__in=GivenKeys("sessions"))
    return lines.values_list("session", *HeldLine._fields).query.sql_with_params()


def holds_told(holds: QuerySet) -> QuerySet:
    """Holds as `_told` takes them."""
    found = with_ruling(holds).annotate(grounds_text=Cast("grounds", TextField()))
    return found.values_list(*FIELDS_OF_HOLD, *NAMES_OF_PEOPLE)


def _told(row: Sequence[Any]) -> HoldTold:
    values, names = row[: len(FIELDS_OF_HOLD)], row[len(FIELDS_OF_HOLD) :]
    owner, placed_by, released_by = (person_told(*names[start : start + 3]) for start in (0, 3, 6))
    return HoldTold(*values, owner, placed_by, released_by)


def hold_rows(holds: list[int], user: User, today: date, in_place_of: Mapping[int, int] | None = None) -> list[HoldRow]:
    """The rows of holds that are named by their keys; `in_place_of` names the hold whose row a newer one takes."""
    return _rows(answer(_holds(), holds=holds) if holds else (), user, today, in_place_of or {})


def _rows(rows: Iterable[Sequence[Any]], user: User, today: date, in_place_of: Mapping[int, int]) -> list[HoldRow]:
    holds, now = [_told(row) for row in rows], clock.now()
    lines = _standing_lines([hold.session_id for hold in holds])
    return [
        _hold_row(hold, lines[hold.session_id], user, today, now, in_place_of.get(hold.pk, hold.pk)) for hold in holds
    ]


def _standing_lines(sessions: list[int]) -> Mapping[int, list[HeldLine]]:
    found: dict[int, list[HeldLine]] = defaultdict(list)
    for session, *values in answer(_lines(), sessions=sessions) if sessions else ():
        found[session].append(HeldLine._make(values))
    return found


def _hold_row(
    hold: HoldTold, lines: list[HeldLine], user: User, today: date, now: datetime, stands_for: int
) -> HoldRow:
    return HoldRow(
        hold=hold,
        title=title_of_hold(hold.name, hold.placed_by, hold.sentence),
        lines=[line for line in lines if keeps_back(hold.claim_form, hold.role, line)],
        days_left=(hold.file_by - today).days if hold.file_by else None,
        days=max((now - hold.opened_at).days, 0),
        is_due=hold.due_on == today,
        is_overdue=hold.due_on is not None and hold.due_on < today,
        step=next_step(hold.name, user, hold.grounds) if hold.is_open else step_words(hold.name),
        stands_for=stands_for,
    )


def rows_answer(
    request: HttpRequest, patients: Iterable[int], in_place_of: Mapping[int, int] | None = None
) -> dict[str, Any]:
    """What puts a list right once something was done: its rows of these patients, and its counts by age.

    The list posts the keys of its rows as `shown`; `in_place_of` names the hold whose row a newer one takes.
    """
    replaced = in_place_of or {}
    shown = set(ticked(request.POST, "shown"))
    newer = {pk for pk, old in replaced.items() if old in shown}
    holds = SessionHold.objects.visible_to(request.user).filter(
        pk__in=newer | (shown - set(replaced.values())), session__course__patient__in=patients
    )
    form = HoldFilterForm(QueryDict(request.POST.get("query", "")), user=request.user)
    answer = {
        "rows": hold_rows(list(holds.values_list("pk", flat=True)), request.user, form.choices.today, replaced),
        "may_act": request.user.has_perm("coding.change_sessionhold"),
        "query": form.query,
        "list_url": reverse("hold-list"),
    }
    return answer | ({"ages": age_counts(form, holds_by_age(form))} if form.is_valid() else {})


def holds_table(form: HoldFilterForm) -> Iterator[list[Any]]:
    """Every hold that a valid form leaves, the oldest first, as a table for a file."""
    yield [
        *(
            _("Held since (UTC)"),
            _("Days"),
            _("Reason"),
            _("Kind"),
            _("Finding"),
            _("Date of service"),
            _("Department"),
        ),
        *(_("Patient record number"), _("Account number"), _("Payer"), _("Lines"), _("Owner"), _("Due")),
        *(_("File by"), _("Released by"), _("Release note")),
    ]
    holds = holds_told(holds_asked(form)).order_by("opened_at", "id")
    found = in_chunks(holds.iterator(chunk_size=AT_ONCE))
    chunks = (_rows(chunk, form.user, form.choices.today, {}) for chunk in found)
    for row in chain.from_iterable(chunks):
        hold = row.hold
        yield [
            hold.opened_at.isoformat(timespec="minutes"),
            row.days,
            row.title,
            _("cleared by the facts") if hold.is_hard else _("released with a note"),
            hold.sentence,
            hold.date_of_service.isoformat(),
            hold.department,
            hold.patient_number,
            hold.account_number,
            hold.payer or "",
            "; ".join(map(str, row.lines)),
            hold.owner,
            hold.due_on.isoformat() if hold.due_on else "",
            hold.file_by.isoformat() if hold.file_by else "",
            hold.released_by,
            hold.release_note,
        ]


def reason_counts(form: HoldFilterForm) -> list[ReasonCount]:
    """The holds that a valid form leaves by reason, the most frequent first."""
    groups = holds_asked(form).order_by().values("name").annotate(number=Count("pk"), oldest=Min("opened_at"))
    counts = [
        ReasonCount(
            name=group["name"],
            title=finding_title(group["name"]),
            number=group["number"],
            days=max((clock.now() - group["oldest"]).days, 0),
            is_hard=group["name"] in HARD_HOLDS,
            step=step_words(group["name"]),
            url="?" + urlencode({**form.kept, "reason": group["name"]}),
        )
        for group in groups
    ]
    return sorted(counts, key=lambda reason: (-reason.number, reason.title))


def holds_by_age(form: HoldFilterForm) -> dict[Age, int]:
    """How many holds of each age the other filters leave, counted in one query."""
    without = form.again(urlencode(_without_age(form))) if form.asks_for_age else form
    without.is_valid()
    now = clock.now()
    numbers = holds_asked(without).aggregate(
        **{f"age_{age.least}": Count("pk", filter=age.wanted(now), distinct=True) for age in AGES}
    )
    return {age: numbers[f"age_{age.least}"] for age in AGES}


def _without_age(form: HoldFilterForm) -> dict[str, str]:
    return {key: value for key, value in form.kept.items() if key not in ("age", "age_most")}


def age_counts(form: HoldFilterForm, numbers: Mapping[Age, int]) -> list[NarrowTo]:
    """How many holds of each age the other filters leave; each number leads to its holds or back to all."""
    others = _without_age(form)
    counts = []
    for age in AGES:
        is_chosen = all(form.kept.get(key, "") == age.filters.get(key, "") for key in ("age", "age_most"))
        url = "?" + urlencode(others if is_chosen else others | age.filters)
        counts.append(NarrowTo(f"age-{age.least}", str(age.label), counted(numbers[age]), url, is_chosen))
    return counts


def what_became(hold: SessionHold) -> str:
    """What became of a hold once something was put right: whether it is gone, and how its lines stand."""
    others = list(SessionHold.objects.open().filter(session=hold.session_id))
    again = next((other for other in others if _is_same_kind(other, hold)), None)
    if hold.is_open:
        return _("It is saved, and the hold still stands: %(sentence)s") % {"sentence": hold.sentence}
    if again is not None:
        return _("It is saved; the hold stands on other grounds now: %(sentence)s") % {"sentence": again.sentence}
    lines = [line for line in ChargeLine.objects.standing().filter(session=hold.session_id) if hold.applies_to(line)]
    if not lines:
        return _("The hold is gone; the session has no line yet: its page says why.")
    return " ".join([_("The hold is gone."), *(_line_words(line, others) for line in lines)])


def _is_same_kind(other: SessionHold, hold: SessionHold) -> bool:
    return (other.name, other.claim_form, other.role) == (hold.name, hold.claim_form, hold.role)


def _line_words(line: ChargeLine, holds: list[SessionHold]) -> str:
    keeping = ", ".join(sorted({hold_title(hold) for hold in holds if hold.applies_to(line)}))
    if line.state == LineState.HELD:
        return _("%(line)s is still held: %(reasons)s.") % {"line": line, "reasons": keeping}
    return _("%(line)s is %(state)s.") % {"line": line, "state": str(LineState(line.state).label).lower()}


def asked_outside(hold: SessionHold) -> str:
    """Whom to ask where nothing in the portal clears the hold."""
    return str(ASKED_OUTSIDE.get(hold.name, ""))


def list_url(query: str) -> str:
    return reverse("hold-list") + (f"?{query}" if query else "")


def _address(key: tuple[date, datetime, int]) -> str:
    day, at, pk = key
    return f"{day.isoformat()},{at.isoformat()},{pk}"


def _key(text: str) -> tuple[date, datetime, int] | None:
    day, at, key = (*text.split(","), "", "", "")[:3]
    if not (key.isascii() and key.isdigit() and len(key) < 20 and int(key) <= LARGEST_KEY):
        return None
    try:
        found = date.fromisoformat(day), datetime.fromisoformat(at), int(key)
    except ValueError:
        return None
    return found if found[1].tzinfo else None
