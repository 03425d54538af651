"""What people did: productivity and access, both from the audit trail."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, QuerySet
from django.db.models.functions import TruncWeek
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from coding.forms.reports import TableReportForm
from coding.models import ChargeLine
from coding.presenters.report_shapes import Cell, Table, TableReport, bars_of
from portal.models import AuditEvent, Department, User
from portal.presenters.audit import action_words

WEEKS_SHOWN = 12


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
        chart=bars_of(
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
        chart=bars_of(_("Acts by person"), [(name, number, f"{number:,}") for name, number in by_person.items()]),
    )


PRODUCTIVITY = TableReport(
    name="productivity",
    title=gettext_lazy("Coder productivity"),
    purpose=gettext_lazy("Sessions entered, lines captured and holds released, by person and week."),
    icon="people",
    asks=("start", "end"),
    groupings=(),
    table_of=_productivity_table,
    note=gettext_lazy("Days are those of the entry. Without a first day: the last 12 weeks."),
)
ACCESS = TableReport(
    name="access",
    title=gettext_lazy("Audit access"),
    purpose=gettext_lazy("What each person did, by kind of act, as the audit trail has it."),
    icon="clock-history",
    asks=("start", "end"),
    groupings=(),
    table_of=_access_table,
    note=gettext_lazy("Days are those of the act. Without a first day: the last 12 weeks."),
)
