"""Reports that are one table: holds, level mix, the turn of the codes, denials, productivity and access."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import TruncWeek
from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from coding.codebook_in_use import current_codebook
from coding.engine.codebook import Code
from coding.forms.holds import HoldFilterForm
from coding.forms.lines import NOBODY
from coding.forms.reports import TableReportForm
from coding.models import ChargeLine
from coding.presenters.charge_report import Link, filters_of, opened
from coding.presenters.charts import Chart, Measured, bar_chart
from coding.presenters.holds import finding_title, holds_asked
from coding.reports import Grouping, GroupKey, line_sums, names_of
from portal import clock
from portal.models import AuditEvent, Department, User
from portal.presenters.audit import action_words

BARS_AT_MOST = 24
# More rows would cost the page more time than a reader has use for; the files hold all of them.
ROWS_AT_MOST = 100
# The first day of service under the codes of 2026.
FIRST_DAY_OF_NEW_CODES = date(2026, 1, 1)
LEVELS = ("77402", "77407", "77412", "77385", "77386")
AGES = ((0, 7), (8, 14), (15, 30), (31, None))
WEEKS_SHOWN = 12

Value = str | int | Decimal | None


@dataclass(frozen=True, slots=True)
class Cell:
    """One value, and the address of exactly the rows that it counts. None is what is not known yet."""

    value: Value
    url: str = ""

    @property
    def text(self) -> str:
        if self.value is None:
            return _("not known yet")
        return self.value if isinstance(self.value, str) else f"{self.value:,}"


@dataclass(frozen=True, slots=True)
class Table:
    """What page, print and files show alike. The first `words` columns are text, the others numbers."""

    headings: tuple[str, ...]
    words: int
    rows: Sequence[tuple[Cell, ...]]
    total: tuple[Cell, ...] = ()
    chart: Chart | None = None

    @property
    def rows_shown(self) -> Sequence[tuple[Cell, ...]]:
        return self.rows[:ROWS_AT_MOST]

    @property
    def rows_left_out(self) -> int:
        return max(len(self.rows) - ROWS_AT_MOST, 0)

    def lines(self) -> Iterator[list[Value]]:
        """The table as a file has it: headings, rows and the total."""
        yield list(self.headings)
        for row in (*self.rows, *((self.total,) if self.total else ())):
            yield [cell.text if cell.value is None else cell.value for cell in row]


@dataclass(frozen=True, slots=True)
class TableReport:
    """A report by name: what it is for, what it asks for, what it is grouped by, and how its table is made."""

    name: str
    title: str
    purpose: str
    icon: str
    asks: tuple[str, ...]
    groupings: tuple[tuple[str, Any], ...]
    table_of: Callable[[TableReportForm], Table]
    note: str = ""

    @property
    def url(self) -> str:
        return reverse(f"report-{self.name}")

    @property
    def csv_name(self) -> str:
        return f"report-{self.name}-csv"

    @property
    def xlsx_name(self) -> str:
        return f"report-{self.name}-xlsx"

    def form(self, query: Mapping[str, str], user: User) -> TableReportForm:
        return TableReportForm(query, user=user, asks=self.asks, groupings=self.groupings)


def _chart(title: str, bars: Iterable[tuple[str, int | Decimal, str]]) -> Chart:
    """Bars of label, value and its text; the first ones where there are too many."""
    shown = list(bars)
    if len(shown) > BARS_AT_MOST:
        title += ", " + _("%(shown)d of %(all)d") % {"shown": BARS_AT_MOST, "all": len(shown)}
    return bar_chart(title, [Measured(label, Decimal(value), text) for label, value, text in shown[:BARS_AT_MOST]])


def _cell(link: Link, number: int) -> Cell:
    return Cell(number, link.url)


# Holds and their age


def _holds_table(form: TableReportForm) -> Table:
    """Open holds by reason, owner or department, and how old they are."""
    asked = HoldFilterForm(QueryDict(urlencode(form.kept)), user=form.user, choices=form.choices)
    asked.is_valid()
    now, group = clock.now(), {"reason": "name", "owner": "owner", "department": "session__department"}[form.grouping]
    counted = {f"age_{least}": Count("pk", filter=_held_for(least, most, now)) for least, most in AGES}
    groups = list(
        holds_asked(asked)
        .order_by()
        .values(group)
        .annotate(all=Count("pk"), hard=Count("pk", filter=Q(is_hard=True)), **counted)
    )
    names = _names_of_holds(form.grouping, {one[group] for one in groups})
    groups.sort(key=lambda one: (-one["all"], names[one[group]][0]))
    rows = [_hold_cells(names[one[group]][0], one, form.kept | {form.grouping: names[one[group]][1]}) for one in groups]
    total = {key: sum(one[key] for one in groups) for key in ("all", "hard", *counted)}
    label = str(dict(form.fields["by"].choices)[form.grouping])
    return Table(
        headings=(
            label,
            _("Open holds"),
            _("cleared by the facts"),
            *(
                _("%(least)d days and more") % {"least": least}
                if most is None
                else _("%(least)d to %(most)d days") % {"least": least, "most": most}
                for least, most in AGES
            ),
        ),
        words=1,
        rows=rows,
        total=_hold_cells(_("All"), total, form.kept),
        chart=_chart(
            _("Open holds by %(grouping)s") % {"grouping": label.lower()},
            [(row[0].text, row[1].value, row[1].text) for row in rows],
        ),
    )


def _held_for(least: int, most: int | None, now: datetime) -> Q:
    """Holds of an age in whole days, as the list of holds counts them."""
    wanted = Q(opened_at__lte=now - timedelta(days=least)) if least else Q()
    return wanted if most is None else wanted & Q(opened_at__gt=now - timedelta(days=most + 1))


def _hold_cells(label: str, numbers: Mapping[str, int], filters: Mapping[str, str]) -> tuple[Cell, ...]:
    def holds(number: int, **more: object) -> Cell:
        return Cell(number, f"{reverse('hold-list')}?{urlencode({**filters, **more})}" if number else "")

    ages = [
        holds(
            numbers[f"age_{least}"],
            **({"age": least} if least else {}),
            **({} if most is None else {"age_most": most}),
        )
        for least, most in AGES
    ]
    return (Cell(label), holds(numbers["all"]), holds(numbers["hard"], kind="hard"), *ages)


def _names_of_holds(grouping: str, values: set[Any]) -> dict[Any, tuple[str, str]]:
    """Each value as people read it and as the list of holds takes it."""
    if grouping == "reason":
        return {name: (finding_title(name), name) for name in values}
    if grouping == "department":
        return {pk: (one.name, str(pk)) for pk, one in Department.objects.in_bulk(values).items()}
    people = User.objects.in_bulk({pk for pk in values if pk})
    return {pk: (one.shown_name, str(pk)) for pk, one in people.items()} | {None: (_("Nobody"), NOBODY)}


# Level mix


def _levels_table(form: TableReportForm) -> Table:
    """Delivery lines by level, and the share of the highest one under either code set."""
    sums = line_sums(user=form.user, filters=form.filters, by=(form.grouping, "code"))
    groups: dict[Any, dict[str, int]] = defaultdict(lambda: dict.fromkeys(LEVELS, 0))
    for (value, code), summed in sums.items():
        if code in LEVELS:
            groups[value][code] += summed.lines
    names = _keys(form, set(groups))
    ordered = sorted(groups, key=lambda value: names[value].order)
    rows = [_level_cells(names[value].label, groups[value], _filters_of_key(names[value], form)) for value in ordered]
    total = {code: sum(numbers[code] for numbers in groups.values()) for code in LEVELS}
    label = str(dict(form.fields["by"].choices)[form.grouping])
    return Table(
        headings=(label, *LEVELS, _("All levels"), _("77412 of 77402 to 77412, %"), _("77386 of 77385 and 77386, %")),
        words=1,
        rows=rows,
        total=_level_cells(_("All"), total, form.kept),
        chart=_chart(
            _("Share of 77412 by %(grouping)s, in percent") % {"grouping": label.lower()},
            [(row[0].text, row[-2].value, f"{row[-2].text} %") for row in rows if isinstance(row[-2].value, Decimal)],
        ),
    )


def _level_cells(label: str, numbers: Mapping[str, int], filters: Mapping[str, str] | None) -> tuple[Cell, ...]:
    counts = [
        _cell(opened(numbers[code], None if filters is None else {**filters, "code": code}), numbers[code])
        for code in LEVELS
    ]
    return (
        Cell(label),
        *counts,
        Cell(sum(numbers.values())),
        _share(numbers["77412"], sum(numbers[code] for code in LEVELS[:3])),
        _share(numbers["77386"], sum(numbers[code] for code in LEVELS[3:])),
    )


def _share(part: int, whole: int) -> Cell:
    """A share in percent; of nothing there is none."""
    return Cell((Decimal(100) * part / whole).quantize(Decimal("0.1")) if whole else "—")


def _keys(form: TableReportForm, values: set[Any]) -> dict[Any, GroupKey]:
    """Each value of what a report is grouped by, as people read it and as a filter names it."""
    if form.grouping != "machine":
        return names_of(Grouping(form.grouping), values)
    machines = dict(form.choices.machines)
    return {
        value: GroupKey(None, machines.get(str(value), _("No machine")), str(value or ""), is_last=not value)
        for value in values
    }


def _filters_of_key(key: GroupKey, form: TableReportForm) -> dict[str, str] | None:
    if key.grouping is not None:
        return filters_of((key,), form.kept)
    return form.kept | {"machine": key.value} if key.value else None


# The turn from the codes of 2025 to those of 2026


def _seam_table(form: TableReportForm) -> Table:
    """Lines on either side of the turn, and those whose code does not hold on their day."""
    sums = line_sums(user=form.user, filters=form.filters, by=(form.grouping, "code", "month"))
    codes = current_codebook().codes
    groups: dict[tuple[Any, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for (value, code, month), summed in sums.items():
        numbers = groups[(value, code)]
        numbers[0 if month < FIRST_DAY_OF_NEW_CODES else 1] += summed.lines
        if not _holds_in(codes, code, month):
            numbers[2] += summed.lines
    names = _keys(form, {value for value, _code in groups})
    ordered = sorted(groups, key=lambda group: (names[group[0]].order, group[1]))
    rows = [_seam_cells(names[value], code, groups[(value, code)], form) for value, code in ordered]
    total = [sum(numbers[place] for numbers in groups.values()) for place in range(3)]
    return Table(
        headings=(
            str(dict(form.fields["by"].choices)[form.grouping]),
            _("Code"),
            _("Lines before 01/01/2026"),
            _("Lines from 01/01/2026 on"),
            _("On the wrong side"),
        ),
        words=2,
        rows=rows,
        total=(Cell(_("All")), Cell(""), *(Cell(number) for number in total)),
        chart=_chart(
            _("Lines of both sides by code"),
            [
                (
                    code,
                    before + after,
                    _("%(before)s before, %(after)s after") % {"before": f"{before:,}", "after": f"{after:,}"},
                )
                for code, (before, after) in sorted(_by_code(groups).items())
            ],
        ),
    )


def _by_code(groups: Mapping[tuple[Any, str], Sequence[int]]) -> dict[str, tuple[int, int]]:
    codes: dict[str, tuple[int, int]] = {}
    for (_value, code), (before, after, _wrong) in groups.items():
        earlier, later = codes.get(code, (0, 0))
        codes[code] = (earlier + before, later + after)
    return codes


def _holds_in(codes: Mapping[str, Code], code: str, month: date) -> bool:
    """Whether a code holds in a month; one that the codebook does not know is not said to be wrong."""
    known = codes.get(code)
    return known is None or month in known.valid


def _seam_cells(key: GroupKey, code: str, numbers: Sequence[int], form: TableReportForm) -> tuple[Cell, ...]:
    before, after, wrong = numbers
    filters = _filters_of_key(key, form)
    earlier = later = both = None
    if filters is not None:
        both = {**filters, "code": code}
        last, first = (FIRST_DAY_OF_NEW_CODES - timedelta(days=1)).isoformat(), FIRST_DAY_OF_NEW_CODES.isoformat()
        earlier = {**both, "end": min(both.get("end") or last, last)}
        later = {**both, "start": max(both.get("start") or first, first)}
    side = earlier if wrong == before else later if wrong == after else both
    return (
        Cell(key.label),
        Cell(code),
        _cell(opened(before, earlier), before),
        _cell(opened(after, later), after),
        _cell(opened(wrong, side), wrong),
    )


# Denials


def _denials_table(form: TableReportForm) -> Table:
    """No remittance has been read yet: the columns stand, and no row says zero."""
    return Table(
        headings=(
            _("Payer"),
            _("Reason"),
            _("Lines exported"),
            _("Lines denied"),
            _("Denial rate, %"),
            _("Amount denied"),
        ),
        words=2,
        rows=[(Cell(_("All payers")), Cell(None), Cell(None), Cell(None), Cell(None), Cell(None))],
    )


# Productivity and access, both from the audit trail


def _events(form: TableReportForm) -> tuple[QuerySet, dict[str, str]]:
    """The trail over the days asked for, on the clock that the audit trail shows, and those days as its filters."""
    zone = _zone(form)
    chosen = form.cleaned_data
    first = chosen["start"] or form.choices.today - timedelta(weeks=WEEKS_SHOWN)
    days = {"start": first.isoformat()}
    events = AuditEvent.objects.visible_to(form.user).filter(at__gte=datetime.combine(first, time(), zone))
    if chosen["end"]:
        days["end"] = chosen["end"].isoformat()
        events = events.filter(at__lt=datetime.combine(chosen["end"] + timedelta(days=1), time(), zone))
    return events, days


def _zone(form: TableReportForm) -> Any:
    return (form.choices.departments[0] if form.choices.departments else Department()).zone


WORK = (
    ("record_session", gettext_lazy("Sessions entered")),
    ("amend_session", gettext_lazy("Sessions amended")),
    ("release_hold", gettext_lazy("Holds released")),
)


def _productivity_table(form: TableReportForm) -> Table:
    """What each person entered, captured and released in a week, from the rows that say so."""
    events, days = _events(form)
    zone = _zone(form)
    acts: dict[tuple[int, date], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    done = (
        events.filter(by__isnull=False, action__in=[action for action, _label in WORK])
        .order_by()
        .annotate(week=TruncWeek("at", tzinfo=zone))
        .values_list("by", "week", "action")
        .annotate(number=Count("pk"))
    )
    for person, week, action, number in done:
        acts[(person, week.date())][action] += number
    for person, week, number in _lines_captured(form, days, zone):
        acts[(person, week.date())]["lines"] += number
    people = User.objects.in_bulk({person for person, _week in acts})
    ordered = sorted(acts, key=lambda group: (people[group[0]].shown_name.casefold(), group))
    rows = [
        (
            Cell(people[person].shown_name),
            Cell(f"{week:%m/%d/%Y}"),
            *(
                _trail(acts[(person, week)][action], people[person], _within_week(week, days), action=action)
                for action, _label in WORK
            ),
            Cell(acts[(person, week)]["lines"]),
        )
        for person, week in ordered
    ]
    entered: dict[str, int] = defaultdict(int)
    for person, week in ordered:
        entered[people[person].shown_name] += acts[(person, week)]["record_session"]
    return Table(
        headings=(_("Person"), _("Week from"), *(str(label) for _action, label in WORK), _("Lines captured")),
        words=2,
        rows=rows,
        total=(
            Cell(_("All")),
            Cell(""),
            *(Cell(sum(row[place].value for row in rows)) for place in range(2, len(WORK) + 3)),
        ),
        chart=_chart(
            _("Sessions entered by person"), [(name, number, f"{number:,}") for name, number in entered.items()]
        ),
    )


def _lines_captured(form: TableReportForm, days: Mapping[str, str], zone: Any) -> QuerySet:
    """Lines that captures of a person wrote in a week, those that were replaced since with them."""
    lines = ChargeLine.objects.visible_to(form.user).filter(
        ruling__captured_by__isnull=False,
        created_at__gte=datetime.combine(date.fromisoformat(days["start"]), time(), zone),
    )
    if "end" in days:
        last = date.fromisoformat(days["end"]) + timedelta(days=1)
        lines = lines.filter(created_at__lt=datetime.combine(last, time(), zone))
    return (
        lines.order_by()
        .annotate(week=TruncWeek("created_at", tzinfo=zone))
        .values_list("ruling__captured_by", "week")
        .annotate(number=Count("pk"))
    )


def _within_week(week: date, days: Mapping[str, str]) -> dict[str, str]:
    """The days of a week that the report's own days leave."""
    last = (week + timedelta(days=6)).isoformat()
    return {"start": max(week.isoformat(), days["start"]), "end": min(last, days.get("end", last))}


def _trail(number: int, person: User | None, filters: Mapping[str, str], **more: str) -> Cell:
    """A number of acts of a person that leads to them; what no person did is not asked for by name."""
    if not number or person is None:
        return Cell(number)
    return Cell(number, f"{reverse('audit-list')}?{urlencode({'by': person.username, **more, **filters})}")


def _access_table(form: TableReportForm) -> Table:
    """What each person did, by kind of act."""
    events, days = _events(form)
    counts = list(events.order_by().values_list("by", "action").annotate(number=Count("pk")))
    people: dict[int | None, User] = dict(User.objects.in_bulk({person for person, _action, _n in counts if person}))
    named = [
        (people[person].shown_name if person else _("The system"), action, number, people.get(person))
        for person, action, number in counts
    ]
    named.sort(key=lambda one: (one[3] is None, one[0].casefold(), one[1]))
    by_person: dict[str, int] = defaultdict(int)
    for name, _action, number, _person in named:
        by_person[name] += number
    return Table(
        headings=(_("Person"), _("Act"), _("Times")),
        words=2,
        rows=[
            (Cell(name), Cell(action_words(action)), _trail(number, person, days, action=action))
            for name, action, number, person in named
        ],
        total=(
            Cell(_("All")),
            Cell(""),
            Cell(sum(by_person.values()), f"{reverse('audit-list')}?{urlencode(days)}" if counts else ""),
        ),
        chart=_chart(_("Acts by person"), [(name, number, f"{number:,}") for name, number in by_person.items()]),
    )


OF_LINES = ("payer", "department", "setting", "physician", "start", "end")
PAYER, DEPARTMENT = ("payer", gettext_lazy("Payer")), ("department", gettext_lazy("Department"))
TABLE_REPORTS = {
    report.name: report
    for report in (
        TableReport(
            name="holds",
            title=gettext_lazy("Holds and their age"),
            purpose=gettext_lazy("What is kept back, why, by whom it waits to be cleared, and for how long."),
            icon="pause-circle",
            asks=("payer", "department", "physician", "reason", "start", "end"),
            groupings=(("reason", gettext_lazy("Reason")), ("owner", gettext_lazy("Owner")), DEPARTMENT),
            table_of=_holds_table,
        ),
        TableReport(
            name="denials",
            title=gettext_lazy("Denials"),
            purpose=gettext_lazy("What payers refused, by payer and reason."),
            icon="x-circle",
            asks=("payer", "department", "start", "end"),
            groupings=(),
            table_of=_denials_table,
            note=gettext_lazy(
                "Nothing is known of denials yet: answers of payers (835) are not read here so far. That is not zero."
            ),
        ),
        TableReport(
            name="levels",
            title=gettext_lazy("Level mix"),
            purpose=gettext_lazy("Delivery lines by level, and the share of the highest one."),
            icon="bar-chart",
            asks=OF_LINES,
            groupings=(
                ("physician", gettext_lazy("Physician")),
                ("machine", gettext_lazy("Machine")),
                ("month", gettext_lazy("Month")),
                DEPARTMENT,
                PAYER,
            ),
            table_of=_levels_table,
        ),
        TableReport(
            name="seam",
            title=gettext_lazy("2025 to 2026 codes"),
            purpose=gettext_lazy(
                "Lines on either side of January 1, 2026, and any whose code does not hold on its day."
            ),
            icon="signpost-split",
            asks=(*OF_LINES, "code", "modifier"),
            groupings=(PAYER, ("setting", gettext_lazy("Setting")), DEPARTMENT),
            table_of=_seam_table,
        ),
        TableReport(
            name="productivity",
            title=gettext_lazy("Coder productivity"),
            purpose=gettext_lazy("Sessions entered, lines captured and holds released, by person and week."),
            icon="people",
            asks=("start", "end"),
            groupings=(),
            table_of=_productivity_table,
            note=gettext_lazy("Days are those of the entry. Without a first day: the last 12 weeks."),
        ),
        TableReport(
            name="access",
            title=gettext_lazy("Audit access"),
            purpose=gettext_lazy("What each person did, by kind of act, as the audit trail has it."),
            icon="clock-history",
            asks=("start", "end"),
            groupings=(),
            table_of=_access_table,
            note=gettext_lazy("Days are those of the act. Without a first day: the last 12 weeks."),
        ),
    )
}
