"""Open holds by reason, owner or department, and how old they are."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, Q
from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from coding.forms.holds import HoldFilterForm
from coding.forms.lines import NOBODY
from coding.forms.reports import TableReportForm
from coding.presenters.holds import finding_title, holds_asked
from coding.presenters.report_shapes import DEPARTMENT, Cell, Table, TableReport, bars_of
from portal import clock
from portal.models import Department, User

AGES = ((0, 7), (8, 14), (15, 30), (31, None))


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
            _("Cleared by the facts"),
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
        chart=bars_of(
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


HOLDS = TableReport(
    name="holds",
    title=gettext_lazy("Holds and their age"),
    purpose=gettext_lazy("What is kept back, why, by whom it waits to be cleared, and for how long."),
    icon="pause-circle",
    asks=("payer", "department", "setting", "physician", "reason", "code", "modifier", "start", "end"),
    groupings=(("reason", gettext_lazy("Reason")), ("owner", gettext_lazy("Owner")), DEPARTMENT),
    table_of=_holds_table,
)
