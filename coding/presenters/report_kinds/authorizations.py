"""Authorizations by payer, department or what waits: units approved, used and left, and what to ask the payer for."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import TextChoices
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from coding.authorization_ledger import authorizations_visible_to
from coding.forms.authorization_ledger import Left, Show
from coding.forms.reports import AuthorizationReportForm
from coding.presenters.authorization_ledger import courses_without_asked
from coding.presenters.report_shapes import DEPARTMENT, PAYER, Cell, Table, TableReport, bars_of, count_cell
from coding.units_used import with_units_used
from portal.presenters.authorizations import WARN_AT_DAYS_LEFT, WARN_AT_UNITS_LEFT


class Waiting(TextChoices):
    """What an authorization waits for, the most pressing that holds of it."""

    OVER = "over", gettext_lazy("Over")
    USED_UP = "used_up", gettext_lazy("Used up")
    FEW = "few", gettext_lazy("1 to 3 units left")
    ENDING = "ending", gettext_lazy("Ends within 10 days")
    NOTHING = "nothing", gettext_lazy("Nothing waits")
    NONE = "none", gettext_lazy("None on file")


# How the ledger is asked for each, and for all that have one.
ASKED: Mapping[Waiting, str] = {
    Waiting.OVER: urlencode({"show": Show.OVER}),
    Waiting.USED_UP: urlencode({"show": Show.HOLDING, "left": Left.NONE}),
    Waiting.FEW: urlencode({"show": Show.HOLDING, "left": Left.FEW}),
    Waiting.ENDING: urlencode({"show": Show.ENDING, "left": Left.MORE}),
    Waiting.NOTHING: urlencode({"show": Show.LATER, "left": Left.MORE}),
    Waiting.NONE: urlencode({"show": Show.NONE}),
}
ASKED_FOR_ALL = urlencode({"show": Show.ALL})
OF_AUTHORIZATIONS = tuple(waiting for waiting in Waiting if waiting is not Waiting.NONE)
WAITING = ("waiting", gettext_lazy("What waits"))


@dataclass(slots=True)
class _Sums:
    """What is added up of one row."""

    waiting: dict[Waiting, int] = field(default_factory=lambda: dict.fromkeys(Waiting, 0))
    courses: set[int] = field(default_factory=set)
    approved: int = 0
    used: int = 0
    left: int = 0
    not_counted: int = 0

    @property
    def authorizations(self) -> int:
        return sum(self.waiting[waiting] for waiting in OF_AUTHORIZATIONS)

    def add(self, waiting: Waiting, course: int, units: int | None, used: int) -> None:
        self.waiting[waiting] += 1
        self.courses.add(course)
        self.used += used
        if units is None:
            self.not_counted += 1
        else:
            self.approved += units
            self.left += 0 if waiting is Waiting.OVER else max(units - used, 0)

    def add_course_without(self, course: int) -> None:
        self.waiting[Waiting.NONE] += 1
        self.courses.add(course)


def _total(rows: Collection[_Sums]) -> _Sums:
    """All the rows together."""
    return _Sums(
        waiting={waiting: sum(row.waiting[waiting] for row in rows) for waiting in Waiting},
        courses=set().union(*(row.courses for row in rows)),
        approved=sum(row.approved for row in rows),
        used=sum(row.used for row in rows),
        left=sum(row.left for row in rows),
        not_counted=sum(row.not_counted for row in rows),
    )


def _authorizations_table(form: AuthorizationReportForm) -> Table:
    groups: dict[Any, _Sums] = defaultdict(_Sums)
    of_payer, of_waiting = form.grouping == "payer", form.grouping == "waiting"
    wanted = authorizations_visible_to(form.user).filter(form.wanted_anyhow)
    told = ("course", "payer", "course__department", "units", "ends_on", "used")
    first_part, *other_parts = (part.order_by().values_list(*told) for part in with_units_used(wanted))
    today = form.today
    for course, payer, department, units, ends_on, used in first_part.union(*other_parts, all=True):
        waiting = waiting_of(units, used, ends_on, today)
        group = waiting if of_waiting else payer if of_payer else department
        groups[group].add(waiting, course, units, used)
    without = courses_without_asked(form).order_by()
    for course, payer, department in without.values_list("pk", "payer_today", "department"):
        group = Waiting.NONE if of_waiting else payer if of_payer else department
        groups[group].add_course_without(course)
    total = _total(groups.values())
    label = str(dict(form.fields["by"].choices)[form.grouping])
    if of_waiting:
        return _by_waiting(form, groups, total, label)
    names = _names(form)
    ordered = sorted(groups, key=lambda group: names[group][0].casefold())
    rows = [
        _cells(names[group][0], groups[group], _ledger(form.kept | {form.grouping: names[group][1]}))
        for group in ordered
    ]
    return Table(
        headings=(label, *_headings(), *(str(waiting.label) for waiting in Waiting)),
        words=1,
        rows=rows,
        total=_cells(_("All"), total, _ledger(form.kept)),
        chart=bars_of(
            _("Authorizations that wait for something, and courses without one, by %(grouping)s")
            % {"grouping": label.lower()},
            [
                (names[group][0], waits, _("%(waits)s of %(all)s") % {"waits": f"{waits:,}", "all": f"{of_all:,}"})
                for group in ordered
                for waits, of_all in [_waits_of_all(groups[group])]
            ],
        ),
    )


def _by_waiting(form: AuthorizationReportForm, groups: Mapping[Any, _Sums], total: _Sums, label: str) -> Table:
    ledger = _ledger(form.kept)
    rows = [
        _numbers(str(waiting.label), groups[waiting], ledger, ASKED[waiting], lists_courses=waiting is Waiting.NONE)
        for waiting in Waiting
        if waiting in groups
    ]
    return Table(
        headings=(label, *_headings()),
        words=1,
        rows=rows,
        total=_numbers(_("All"), total, ledger, ASKED_FOR_ALL),
        chart=bars_of(
            _("Authorizations, and courses without one, by what waits"),
            [(str(waiting.label), number, f"{number:,}") for waiting in Waiting if (number := total.waiting[waiting])],
        ),
    )


def waiting_of(units: int | None, used: int, ends_on: date | None, today: date) -> Waiting:
    """What an authorization waits for on a day."""
    if ends_on is not None and ends_on < today:
        return Waiting.OVER
    if units is not None and units <= used:
        return Waiting.USED_UP
    if units is not None and units <= used + WARN_AT_UNITS_LEFT:
        return Waiting.FEW
    if ends_on is not None and ends_on <= today + timedelta(days=WARN_AT_DAYS_LEFT):
        return Waiting.ENDING
    return Waiting.NOTHING


def _waits_of_all(sums: _Sums) -> tuple[int, int]:
    of_all = sum(sums.waiting.values())
    return of_all - sums.waiting[Waiting.NOTHING], of_all


def _headings() -> tuple[str, ...]:
    return (
        _("Authorizations"),
        _("Courses"),
        _("Units approved"),
        _("Units used"),
        _("Units left"),
        _("Units not counted"),
    )


def _cells(label: str, sums: _Sums, ledger: str) -> tuple[Cell, ...]:
    return (
        *_numbers(label, sums, ledger, ASKED_FOR_ALL),
        *(count_cell(sums.waiting[waiting], ledger, asked) for waiting, asked in ASKED.items()),
    )


def _numbers(label: str, sums: _Sums, ledger: str, asked: str, *, lists_courses: bool = False) -> tuple[Cell, ...]:
    """The ledger lists authorizations, and courses only where they have none."""
    courses = len(sums.courses)
    return (
        Cell(label),
        count_cell(sums.authorizations, ledger, asked),
        count_cell(courses, ledger, asked) if lists_courses else Cell(courses),
        Cell(sums.approved),
        Cell(sums.used),
        Cell(sums.left),
        Cell(sums.not_counted),
    )


def _ledger(filters: Mapping[str, str]) -> str:
    """The address of the ledger with these filters."""
    return f"{reverse('authorization-ledger')}?{urlencode(filters)}"


def _names(form: AuthorizationReportForm) -> dict[Any, tuple[str, str]]:
    """Each payer or department as people read it and as the ledger takes it."""
    if form.grouping == "payer":
        return {payer.pk: (payer.name, slug) for slug, payer in form.choices.payers.items()}
    return {one.pk: (one.name, str(one.pk)) for one in form.choices.departments}


AUTHORIZATIONS = TableReport(
    name="authorizations",
    title=gettext_lazy("Authorizations"),
    purpose=gettext_lazy("Units approved, used and left, what ends soon, and courses without one on file."),
    icon="clipboard2-check",
    asks=("courses", "payer", "department"),
    groupings=(PAYER, DEPARTMENT, WAITING),
    table_of=_authorizations_table,
    form_class=AuthorizationReportForm,
    note=gettext_lazy(
        "Each authorization stands in one column of what waits, the most pressing. A course counts in every row that "
        "it belongs to, and once in the total. Units approved and left leave out authorizations whose units are not "
        "counted, and nothing is left of one that is over."
    ),
)
