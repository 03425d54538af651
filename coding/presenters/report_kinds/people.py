"""What people did: productivity and access, both from the audit trail."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, timedelta
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from coding.act_rollups import ActsAsked, act_sums
from coding.forms.reports import PeopleReportForm
from coding.models import LINES_CAPTURED
from coding.presenters.report_shapes import Cell, Rows, Table, TableReport, bars_of, count_cell
from portal.models import User
from portal.presenters.audit import action_words


def _asked(form: PeopleReportForm, actions: tuple[str, ...] = ()) -> tuple[ActsAsked, dict[str, str]]:
    """The days asked for, on the clock that the audit trail shows, and those days as its filters."""
    first, last = form.first_day, form.cleaned_data["end"]
    days = {"start": first.isoformat()} | ({"end": last.isoformat()} if last else {})
    return ActsAsked(form.user.zone, first, last, actions), days


WORK = (
    ("record_session", gettext_lazy("Sessions entered")),
    ("amend_session", gettext_lazy("Sessions amended")),
    ("release_hold", gettext_lazy("Holds released")),
)


def _productivity_table(form: PeopleReportForm) -> Table:
    """What each person entered, captured and released in a week, from the rows that say so."""
    asked, days = _asked(form, (*(action for action, _label in WORK), LINES_CAPTURED))
    acts: dict[tuple[int, date], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for (person, week, action), number in act_sums(user=form.user, asked=asked, by=("by", "week", "action")).items():
        if person is not None:
            acts[(person, week)][action] += number
    people = User.objects.in_bulk({person for person, _week in acts})
    names = {pk: person.shown_name for pk, person in people.items()}
    ordered = sorted(acts, key=lambda group: (names[group[0]].casefold(), group))
    trail = reverse("audit-list")

    def row_of(group: tuple[int, date]) -> tuple[Cell, ...]:
        person, week = group
        by_person = urlencode({"by": people[person].username, **_within_week(week, days)})
        numbers = (
            count_cell(acts[group][action], f"{trail}?{by_person}", f"action={action}") for action, _label in WORK
        )
        return Cell(names[person]), Cell(f"{week:%m/%d/%Y}"), *numbers, Cell(acts[group][LINES_CAPTURED])

    entered: dict[str, int] = defaultdict(int)
    for person, week in ordered:
        entered[names[person]] += acts[(person, week)]["record_session"]
    counts = (*(action for action, _label in WORK), LINES_CAPTURED)
    return Table(
        headings=(_("Person"), _("Week from"), *(str(label) for _action, label in WORK), _("Lines captured")),
        words=2,
        rows=Rows(ordered, row_of),
        total=(
            Cell(_("All")),
            Cell(""),
            *(Cell(sum(done[action] for done in acts.values())) for action in counts),
        ),
        chart=bars_of(
            _("Sessions entered by person"), [(name, number, f"{number:,}") for name, number in entered.items()]
        ),
    )


def _within_week(week: date, days: Mapping[str, str]) -> dict[str, str]:
    """The days of a week that the report's own days leave."""
    last = (week + timedelta(days=6)).isoformat()
    return {"start": max(week.isoformat(), days["start"]), "end": min(last, days.get("end", last))}


def _access_table(form: PeopleReportForm) -> Table:
    """What each person did, by kind of act."""
    asked, days = _asked(form)
    counts = act_sums(user=form.user, asked=asked, by=("by", "action"))
    people: dict[int | None, User] = dict(User.objects.in_bulk({person for person, _action in counts if person}))
    named = [
        (people[person].shown_name if person else _("The system"), action, number, people.get(person))
        for (person, action), number in counts.items()
    ]
    trail = reverse("audit-list")
    named.sort(key=lambda one: (one[3] is None, one[0].casefold(), one[1]))
    by_person: dict[str, int] = defaultdict(int)
    for name, _action, number, _person in named:
        by_person[name] += number
    return Table(
        headings=(_("Person"), _("Act"), _("Times")),
        words=2,
        rows=[
            (
                Cell(name),
                Cell(action_words(action)),
                count_cell(number, _of_person(person, trail, days), f"action={action}"),
            )
            for name, action, number, person in named
        ],
        total=(
            Cell(_("All")),
            Cell(""),
            Cell(sum(by_person.values()), f"{trail}?{urlencode(days)}" if counts else ""),
        ),
        chart=bars_of(_("Acts by person"), [(name, number, f"{number:,}") for name, number in by_person.items()]),
    )


def _of_person(person: User | None, trail: str, days: Mapping[str, str]) -> str:
    """Where the trail lists what a person did; what no person did is not asked for by name."""
    return "" if person is None else f"{trail}?{urlencode({'by': person.username, **days})}"


PRODUCTIVITY = TableReport(
    name="productivity",
    title=gettext_lazy("Coder productivity"),
    purpose=gettext_lazy("Sessions entered, lines captured and holds released, by person and week."),
    icon="people",
    asks=("start", "end"),
    groupings=(),
    table_of=_productivity_table,
    form_class=PeopleReportForm,
    note=gettext_lazy(
        "Days are those of the entry. Lines captured are all that the captures "
        "of the person wrote, with those replaced or void since; charge review lists live lines alone, so that this "
        "number opens no list."
    ),
)
ACCESS = TableReport(
    name="access",
    title=gettext_lazy("Audit access"),
    purpose=gettext_lazy("What each person did, by kind of act, as the audit trail has it."),
    icon="clock-history",
    asks=("start", "end"),
    groupings=(),
    table_of=_access_table,
    form_class=PeopleReportForm,
    note=gettext_lazy("Days are those of the act."),
)
