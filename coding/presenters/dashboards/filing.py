"""What is to be filed soon: lines, and the services of the last year on codes that are deleted since."""

from collections.abc import Mapping
from typing import Any

from coding.filing import (
    FILE_BY_OF_LINE,
    FILE_BY_OF_SESSION,
    Left,
    ServiceFilters,
    count_by_left,
    sunset,
    sunset_services,
    unfiled_lines,
)
from coding.reports import ChargeFilters
from portal.forms.dashboards import DashboardForm
from portal.presenters.numbers import Number, list_of

SHOWN = (Left.OVERDUE, Left.WEEK, Left.MONTH)


def filing_panel(form: DashboardForm) -> dict[str, Any]:
    """The lines that wait to be filed within a month."""
    filters = ChargeFilters(department_id=form.department_id)
    lines = unfiled_lines(user=form.user, filters=filters, left=None, today=form.today)
    counts = count_by_left(lines, field=FILE_BY_OF_LINE, today=form.today, groups=SHOWN)
    return {"numbers": _numbers(form, counts, "filing-clock")}


def sunset_panel(form: DashboardForm) -> dict[str, Any]:
    """The services on deleted codes that can still be filed; no period where no codes were deleted."""
    period = sunset(form.today)
    if period is None:
        return {"period": None, "numbers": []}
    filters = ServiceFilters(department_id=form.department_id)
    services = sunset_services(user=form.user, period=period, filters=filters, left=None, today=form.today)
    counts = count_by_left(services, field=FILE_BY_OF_SESSION, today=form.today, groups=SHOWN)
    return {"period": period, "numbers": _numbers(form, counts, "filing-sunset")}


def _numbers(form: DashboardForm, counts: Mapping[Left, int], list_name: str) -> list[Number]:
    return [
        Number(
            str(left.label),
            counts[left],
            list_of(list_name, form.of_department, left=left.value),
            "error" if left is Left.OVERDUE else "held",
        )
        for left in SHOWN
    ]
