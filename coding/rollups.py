"""Sums of live lines: kept by department and month, summed anew where lines changed, and read so that both agree.

A month with a mark is old: its lines are counted one by one until `refresh_rollups` has summed it. Whether a correction
counts depends on the line that it names, which may stand in another month: a change of that line marks both.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from operator import add
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import Case, Count, DateField, F, IntegerField, OuterRef, Q, QuerySet, Subquery, Sum, Value, When
from django.db.models.functions import Cast, Coalesce, ExtractYear, TruncMonth

from coding.engine.vocabulary import Setting
from coding.models import ChargeLine, ChargeRollup, Grain, RollupMark
from portal.models import Department, DepartmentStatus, Organization
from portal.services.answers import answer

PAYER = "ruling__policy_version__policy__payer"


def setting_on(day: str) -> Case:
    """The setting of a row's `session` as billing saw it on its day; empty before the department's first one."""
    status = DepartmentStatus.objects.filter(
        department=OuterRef("session__department"), effective_from__lte=OuterRef(day)
    ).order_by("-effective_from")
    return Case(
        When(session__is_inpatient=True, then=Value(Setting.INPATIENT.value)),
        default=Coalesce(Subquery(status.values("setting")[:1]), Value("")),
    )


# The setting of a line.
SETTING = setting_on("date_of_service")
# What sums can be grouped by, and where a line has it.
OF_LINE: dict[str, Any] = {
    "organization": F("organization"),
    "department": F("session__department"),
    "month": Cast(TruncMonth("date_of_service"), DateField()),
    "payer": F(PAYER),
    "physician": F("session__physician"),
    "machine": F("session__machine"),
    "setting": SETTING,
    "claim_form": F("claim_form"),
    "role": F("role"),
    "code": F("code"),
    "modifiers": F("modifiers"),
    "state": F("state"),
    "expected_from": F("expected_from"),
}
# The year of the month, by which sums can be grouped too; nothing keeps it.
YEAR = "year"
ALWAYS_APART = ("organization", "department", "month", "setting", "code", "state")
# What each grain keeps apart; the first that keeps apart what is asked for has the fewest rows to read.
APART: dict[Grain, tuple[str, ...]] = {
    Grain.CODES: (*ALWAYS_APART, "modifiers", "expected_from"),
    Grain.MACHINES: (*ALWAYS_APART, "machine"),
    Grain.PAYERS: (*ALWAYS_APART, "modifiers", "expected_from", "payer"),
    Grain.PHYSICIANS: (*ALWAYS_APART, "physician"),
    Grain.EVERYTHING: tuple(OF_LINE),
}
# What stands in a rollup for what its grain does not keep apart.
NOT_APART: dict[str, Any] = {
    "payer": None,
    "physician": None,
    "machine": None,
    "claim_form": "",
    "role": "",
    "modifiers": [],
    "expected_from": "",
}
SUMS_OF_LINES = {
    "sum_lines": Count("pk"),
    "sum_units": Sum("units"),
    "sum_charged": Coalesce(Sum("charge_amount"), Value(Decimal(0))),
    "sum_expected": Coalesce(Sum("expected_amount"), Value(Decimal(0))),
    "sum_unpriced": Count("pk") - Count("charge_amount"),
    "sum_unexpected": Count("pk") - Count("expected_amount"),
}
SUMS_OF_ROLLUPS = {
    "sum_lines": Sum("lines"),
    "sum_units": Sum("units"),
    "sum_charged": Sum("charge_amount"),
    "sum_expected": Sum("expected_amount"),
    "sum_unpriced": Sum("unpriced"),
    "sum_unexpected": Sum("unexpected"),
}
LINES_ALONE = ("sum_lines",)
COLUMNS = ("lines", "units", "charge_amount", "expected_amount", "unpriced", "unexpected")


class LineSums(NamedTuple):
    """Lines that agree in everything they were grouped by. `charged` and `expected` leave the counted ones out."""

    lines: int
    units: int
    charged: Decimal
    expected: Decimal
    without_charge: int
    without_expected: int

    def __add__(self, other: "LineSums") -> "LineSums":
        return LineSums(*map(add, self, other))


NO_LINES = LineSums(0, 0, Decimal(0), Decimal(0), 0, 0)


def refresh_rollups(*, organization: Organization | None = None) -> int:
    """Sum the marked months of departments anew, a month at a time; how many were. Safe beside captures."""
    marks = RollupMark.objects.all() if organization is None else _marks_of(organization.pk)
    marked = marks.order_by().values_list("department__organization", "month").distinct()
    return sum(_refresh(organization_id, month) for organization_id, month in sorted(marked))


def _marks_of(organization_id: int) -> QuerySet:
    return RollupMark.objects.filter(department__organization=organization_id)


@transaction.atomic
def _refresh(organization_id: int, month: date) -> int:
    """Sum a month anew for the departments that are marked; how many were, none where another process has done it.

    A write that commits between the two looks at the lines leaves a mark that this one did not see, and the month stays
    marked: what it wrote is counted from its lines until the next time.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"rollup {organization_id} {month}"])
        cursor.execute(
            f"DELETE FROM {RollupMark._meta.db_table} WHERE month = %s AND department_id IN "
            f"(SELECT id FROM {Department._meta.db_table} WHERE organization_id = %s) RETURNING department_id",
            [month, organization_id],
        )
        departments = {department_id for (department_id,) in cursor.fetchall()}
        if not departments:
            return 0
        kept = ChargeRollup.objects.filter(organization=organization_id, month=month, department__in=departments)
        kept.delete()
        lines = ChargeLine.objects.live().filter(
            organization=organization_id,
            session__department__in=departments,
            date_of_service__gte=month,
            date_of_service__lt=month_after(month),
        )
        _keep(cursor, Grain.EVERYTHING, _grouped_lines(lines, APART[Grain.EVERYTHING]))
        for grain, apart in APART.items():
            if grain is not Grain.EVERYTHING:
                _keep(cursor, grain, _grouped_rollups(kept.filter(grain=Grain.EVERYTHING), apart))
    return len(departments)


def _keep(cursor: CursorWrapper, grain: Grain, sums: QuerySet) -> None:
    """Keep sums, grouped by what the grain keeps apart; what it does not is empty."""
    empty = {name: value for name, value in NOT_APART.items() if name not in APART[grain]}
    names = (*APART[grain], *COLUMNS, *empty, "grain")
    columns = [ChargeRollup._meta.get_field(name).column for name in names]
    sql, values = sums.query.sql_with_params()
    constants = ", ".join(["%s"] * (len(empty) + 1))
    into = f"{ChargeRollup._meta.db_table} ({', '.join(columns)})"
    cursor.execute(
        f"INSERT INTO {into} SELECT sums.*, {constants} FROM ({sql}) sums", [*empty.values(), grain.value, *values]
    )


def month_after(month: date) -> date:
    """The first day of the next month."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def sums_of_lines(lines: QuerySet, by: Sequence[str]) -> dict[tuple, LineSums]:
    """Lines summed one by one, keyed by the values of what they are grouped by, in that order."""
    return _summed(_grouped_lines(lines, by), by)


def counts_of_lines(lines: QuerySet, by: Sequence[str]) -> dict[tuple, int]:
    """How many lines there are, counted one by one, keyed by the values of what they are grouped by, in that order."""
    return _counted(_grouped_lines(lines, by, LINES_ALONE), by)


def sums_of_months(
    lines: Callable[[], QuerySet], rollups: QuerySet, by: Sequence[str], *, asked: Collection[str], organization_id: int
) -> dict[tuple, LineSums]:
    """The same sums as those of the lines, from what is kept where it is young enough, in two queries.

    `lines` gives them, and is asked only where something kept is old. `rollups` holds to the same filters as they do,
    and those are ones that a rollup has, over whole months; `asked` names what they ask of a line.
    """
    return _summed(_kept(lines, rollups, by, tuple(SUMS_OF_LINES), asked, organization_id), by)


def counts_of_months(
    lines: Callable[[], QuerySet], rollups: QuerySet, by: Sequence[str], *, asked: Collection[str], organization_id: int
) -> dict[tuple, int]:
    """How many lines those sums are of, which is sooner told."""
    return _counted(_kept(lines, rollups, by, LINES_ALONE, asked, organization_id), by)


def _kept(
    lines: Callable[[], QuerySet],
    rollups: QuerySet,
    by: Sequence[str],
    wanted: Sequence[str],
    asked: Collection[str],
    organization_id: int,
) -> list[tuple]:
    """The wanted sums from what is kept, and from the lines where that is old; a key may come twice."""
    grain = next(grain for grain, apart in APART.items() if {*by, *asked} <= {*apart, YEAR})
    marks: dict[date, set[int]] = defaultdict(set)
    marked = _marks_of(organization_id).order_by().distinct().values_list("department_id", "month")
    for department_id, month in marked:
        marks[month].add(department_id)
    old_lines, old_rollups = Q(pk__in=()), Q(pk__in=())
    for month, departments in marks.items():
        days = Q(date_of_service__gte=month, date_of_service__lt=month_after(month))
        old_lines |= days & Q(session__department__in=departments)
        old_rollups |= Q(month=month, department__in=departments)
    kept = _grouped_rollups(rollups.filter(grain=grain).exclude(old_rollups), by, wanted)
    if marks:
        kept = kept.union(_grouped_lines(lines().filter(old_lines), by, wanted), all=True)
    # As the database gives them: a queryset would convert each of ten thousand numbers once more.
    return answer(kept.query.sql_with_params())


def _grouped_lines(lines: QuerySet, by: Sequence[str], wanted: Iterable[str] = SUMS_OF_LINES) -> QuerySet:
    places = OF_LINE | {YEAR: _year_of("date_of_service")}
    return _grouped(lines, {name: places[name] for name in by}, {name: SUMS_OF_LINES[name] for name in wanted})


def _grouped_rollups(rollups: QuerySet, by: Sequence[str], wanted: Iterable[str] = SUMS_OF_ROLLUPS) -> QuerySet:
    places = {name: _year_of("month") if name == YEAR else F(name) for name in by}
    return _grouped(rollups, places, {name: SUMS_OF_ROLLUPS[name] for name in wanted})


def _year_of(day: str) -> Cast:
    return Cast(ExtractYear(day), IntegerField())


def _grouped(rows: QuerySet, by: Mapping[str, Any], sums: Mapping[str, Any]) -> QuerySet:
    keys = [f"by_{name}" for name in by]
    return (
        rows.order_by()
        .annotate(**{f"by_{name}": place for name, place in by.items()})
        .values(*keys)
        .annotate(**sums)
        .values_list(*keys, *sums)
    )


def _summed(rows: Iterable[tuple], by: Sequence[str]) -> dict[tuple, LineSums]:
    keys = len(by)
    sums: dict[tuple, LineSums] = {}
    for row in rows:
        key = row[:keys]
        if "modifiers" in by:
            # A list, as modifiers are, cannot be a key.
            key = tuple([tuple(value) if type(value) is list else value for value in key])
        summed = LineSums._make(row[keys:])
        sums[key] = sums[key] + summed if key in sums else summed
    return sums


def _counted(rows: Iterable[tuple], by: Sequence[str]) -> dict[tuple, int]:
    keys = len(by)
    counts: dict[tuple, int] = {}
    for row in rows:
        key = row[:keys]
        counts[key] = counts.get(key, 0) + row[keys]
    return counts
