"""What is to be filed soon."""

from typing import Any

from django.utils.translation import gettext as _

from coding.filing import Left, ServiceFilters, sunset, sunset_services, unfiled_lines
from coding.reports import ChargeFilters
from portal.forms.dashboards import DashboardForm
from portal.presenters.numbers import Number, list_of

SHOWN = (Left.OVERDUE, Left.WEEK, Left.MONTH)


def filing_panel(form: DashboardForm) -> dict[str, Any]:
    """What waits to be filed within a month, and the services on deleted codes that still can be."""
    user, today = form.user, form.today
    filters = ChargeFilters(department_id=form.department_id)
    numbers = [
        Number(
            str(left.label),
            unfiled_lines(user=user, filters=filters, left=left, today=today).order_by().count(),
            list_of("filing-clock", form.of_department, left=left.value),
            _tone(left),
        )
        for left in SHOWN
    ]
    period = sunset(today)
    if period is not None:
        of_department = ServiceFilters(department_id=form.department_id)
        numbers += [
            Number(
                _("On deleted codes: %(left)s") % {"left": str(left.label).lower()},
                sunset_services(user=user, period=period, filters=of_department, left=left, today=today)
                .order_by()
                .count(),
                list_of("filing-sunset", form.of_department, left=left.value),
                _tone(left),
            )
            for left in SHOWN
        ]
    return {"numbers": numbers}


def _tone(left: Left) -> str:
    return "error" if left is Left.OVERDUE else "held"
