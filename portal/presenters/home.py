"""The first page: the machines of the day, the courses that were open lately, and the panels of the person's work."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from portal.forms.dashboards import DashboardForm
from portal.models import Department, Machine, User
from portal.presenters.dashboards import panels_of
from portal.presenters.day_sheet import machine_counts, sheet_url
from portal.presenters.search import recent_courses


@dataclass(frozen=True, slots=True)
class MachineToday:
    name: str
    department: str
    entered: int
    rows: int
    url: str

    @property
    def is_over(self) -> bool:
        return self.rows > 0 and self.entered == self.rows


def home_page(form: DashboardForm) -> dict[str, Any]:
    """What is known at once, in a number of queries that does not grow with the rows; each panel is asked for later."""
    user = form.user
    page: dict[str, Any] = {"today": form.today, "panels": panels_of(user)}
    if user.has_perm("portal.add_treatmentsession"):
        page |= {"machines": _machines(user, form.now), "recent": recent_courses(user)}
    return page


def _machines(user: User, now: datetime) -> list[MachineToday]:
    """The machines of the departments that the person sees; today is each department's own."""
    machines = list(
        Machine.objects.filter(
            is_active=True, department__is_active=True, department__in=Department.objects.visible_to(user)
        )
        .select_related("department")
        .order_by("department__name", "name")
    )
    days = {machine.pk: now.astimezone(machine.department.zone).date() for machine in machines}
    counts: dict[int, tuple[int, int]] = {}
    for day in sorted(set(days.values())):
        counts |= machine_counts([pk for pk, its_day in days.items() if its_day == day], day)
    return [MachineToday(m.name, m.department.name, *counts[m.pk], url=sheet_url(m, days[m.pk])) for m in machines]
