"""Queries behind the numbers of the home page that concern charges."""

from collections.abc import Mapping
from datetime import date

from django.db.models import Count, QuerySet

from coding.lag import DAYS_TO_FIRST_LINE
from coding.reports import ChargeFilters, charge_lines
from portal.models import TreatmentSession, User


def sessions_between(*, user: User, first: date, last: date, department_id: int | None) -> QuerySet:
    """The sessions of these days that were not voided."""
    sessions = TreatmentSession.objects.visible_to(user).standing().filter(date_of_service__range=(first, last))
    return sessions if department_id is None else sessions.filter(department=department_id)


def lines_by_lag(*, user: User, filters: ChargeFilters) -> dict[int, int]:
    """How many live lines there are by the days from their date of service to their session's first line."""
    lines = charge_lines(user=user, filters=filters).order_by().annotate(days=DAYS_TO_FIRST_LINE).values("days")
    return dict(lines.annotate(number=Count("pk")).order_by("days").values_list("days", "number"))


def median_of(counts: Mapping[int, int]) -> int | None:
    """The value that half of what is counted does not exceed; of nothing there is none."""
    half, seen = (sum(counts.values()) + 1) // 2, 0
    for value in sorted(counts):
        seen += counts[value]
        if seen >= half:
            return value
    return None
