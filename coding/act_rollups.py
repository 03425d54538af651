"""Acts of people by day: kept for every time zone of an organization, summed anew where somebody acted since.

A day of UTC with a mark is old, and with it every day of any clock that it touches: what was done on those is counted
from the audit trail and the lines themselves until `refresh_acts` has summed them.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.db.models import CharField, Count, DateField, F, Q, QuerySet, Sum, Value
from django.db.models.functions import Cast, TruncDate, TruncWeek

from coding.engine.periods import ONE_DAY
from coding.models import LINES_CAPTURED, ActMark, ActRollup, ChargeLine
from portal.models import AuditEvent, Department, Organization, User

Days = tuple[date, date]


@dataclass(frozen=True, slots=True)
class ActsAsked:
    """Acts of some days, both inclusive, by one clock; `last` is None where the days go on. `actions` may be empty:
    then all of the audit trail is asked for.
    """

    zone: ZoneInfo
    first: date
    last: date | None = None
    actions: tuple[str, ...] = ()


def act_sums(*, user: User, asked: ActsAsked, by: Sequence[str]) -> dict[tuple, int]:
    """How often each thing was done in what the person sees, keyed by the values of `by`, in that order.

    These are `by` (a person or None), `action` and `week` (its Monday, on the asked clock).
    """
    marked = ActMark.objects.filter(organization=user.organization_id).order_by().values_list("day", flat=True)
    old = list(_within(_spans(_touched(marked.distinct())), asked))
    kept = ActRollup.objects.filter(
        ~_in_days(old, "day"), organization=user.organization_id, zone=asked.zone.key, day__gte=asked.first
    )
    if asked.last is not None:
        kept = kept.filter(day__lte=asked.last)
    kept = kept.filter(action__in=asked.actions) if asked.actions else kept.exclude(action=LINES_CAPTURED)
    lines = ChargeLine.objects.visible_to(user)
    parts = []
    if user.sees_all_departments:
        lines = lines.filter(_at(old, "created_at", asked.zone))
    else:
        # What is kept of lines is of all departments together.
        kept = kept.exclude(action=LINES_CAPTURED)
        lines = lines.filter(_at([(asked.first, asked.last or date.max)], "created_at", asked.zone))
    parts.append(_grouped(kept.annotate(week=_week("day")), by, Sum("times")))
    if old:
        events = AuditEvent.objects.visible_to(user).filter(_at(old, "at", asked.zone))
        if asked.actions:
            events = events.filter(action__in=asked.actions)
        parts.append(_grouped(events.annotate(week=_week(TruncDate("at", tzinfo=asked.zone))), by, Count("pk")))
    if LINES_CAPTURED in asked.actions and (old or not user.sees_all_departments):
        captured = _captured(lines).annotate(week=_week(TruncDate("created_at", tzinfo=asked.zone)))
        parts.append(_grouped(captured, by, Count("pk")))
    sums: dict[tuple, int] = {}
    for row in chain.from_iterable(parts):
        key, times = row[:-1], row[-1]
        sums[key] = sums.get(key, 0) + times
    return sums


def _week(day: Any) -> Cast:
    """The Monday of a day, which the database gives as a day and no instant that would have to be made one."""
    return Cast(TruncWeek(day), DateField())


def refresh_acts(*, organization: Organization | None = None) -> int:
    """Sum the marked days anew, an organization at a time; how many were. Safe beside whatever people do."""
    marks = ActMark.objects.all() if organization is None else ActMark.objects.filter(organization=organization)
    return sum(_refresh(pk) for pk in list(marks.order_by().values_list("organization", flat=True).distinct()))


@transaction.atomic
def _refresh(organization_id: int) -> int:
    """Sum the marked days of an organization; what is done meanwhile leaves a mark that this one did not see."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"acts {organization_id}"])
        cursor.execute(
            f"DELETE FROM {ActMark._meta.db_table} WHERE organization_id = %s RETURNING day", [organization_id]
        )
        marked = {day for (day,) in cursor.fetchall()}
        spans = list(_spans(_touched(marked)))
        ActRollup.objects.filter(_in_days(spans, "day"), organization=organization_id).delete()
        for name in _zones(organization_id):
            zone = ZoneInfo(name)
            events = AuditEvent.objects.filter(_at(spans, "at", zone), organization=organization_id)
            lines = ChargeLine.objects.filter(_at(spans, "created_at", zone), organization=organization_id)
            for rows, at in ((events, "at"), (_captured(lines), "created_at")):
                sums = _grouped(rows.annotate(day=TruncDate(at, tzinfo=zone)), ("day", "by", "action"), Count("pk"))
                sql, values = sums.query.sql_with_params()
                cursor.execute(
                    f"INSERT INTO {ActRollup._meta.db_table} (day, by_id, action, times, organization_id, zone) "
                    f"SELECT sums.*, %s, %s FROM ({sql}) sums",
                    [organization_id, name, *values],
                )
    return len(marked)


def _zones(organization_id: int) -> set[str]:
    """The clocks by which people of an organization read: those of its departments, and the one of a person without."""
    zones = Department.objects.filter(organization=organization_id).order_by().values_list("time_zone", flat=True)
    return {Department().time_zone, *zones}


def _captured(lines: QuerySet) -> QuerySet:
    """Lines that captures of a person wrote, as acts; those that were replaced since are among them."""
    return lines.filter(ruling__captured_by__isnull=False).annotate(
        by=F("ruling__captured_by"), action=Value(LINES_CAPTURED, output_field=CharField())
    )


def _touched(marked: Iterable[date]) -> set[date]:
    """The days of any clock that days of UTC touch."""
    return {day + shift for day in marked for shift in (-ONE_DAY, 0 * ONE_DAY, ONE_DAY)}


def _spans(days: Collection[date]) -> Iterator[Days]:
    """The days as few spans, both ends inclusive."""
    ordered = sorted(days)
    first = 0
    for place, day in enumerate(ordered):
        if place + 1 == len(ordered) or ordered[place + 1] - day > ONE_DAY:
            yield ordered[first], day
            first = place + 1


def _within(spans: Iterable[Days], asked: ActsAsked) -> Iterator[Days]:
    """The parts of spans that lie in the days asked for."""
    for first, last in spans:
        first, last = max(first, asked.first), min(last, asked.last or last)
        if first <= last:
            yield first, last


def _in_days(spans: Iterable[Days], field: str) -> Q:
    wanted = Q(pk__in=())
    for first, last in spans:
        wanted |= Q(**{f"{field}__gte": first, f"{field}__lte": last})
    return wanted


def _at(spans: Iterable[Days], field: str, zone: ZoneInfo) -> Q:
    """Instants that lie in days of a clock."""
    wanted = Q(pk__in=())
    for first, last in spans:
        on_these = Q(**{f"{field}__gte": datetime.combine(first, time(), zone)})
        if last < date.max:
            on_these &= Q(**{f"{field}__lt": datetime.combine(last + ONE_DAY, time(), zone)})
        wanted |= on_these
    return wanted


def _grouped(rows: QuerySet, by: Sequence[str], times: Any) -> QuerySet:
    return rows.order_by().values(*by).annotate(number=times).values_list(*by, "number")
