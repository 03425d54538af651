"""The period and the department that the numbers of the home page are of."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext_lazy as _

from portal import clock
from portal.models import Department, User

THIS_MONTH, LAST_MONTH, LAST_90_DAYS, THIS_YEAR = "", "last-month", "90-days", "year"
PERIODS = [
    (THIS_MONTH, _("This month")),
    (LAST_MONTH, _("Last month")),
    (LAST_90_DAYS, _("Last 90 days")),
    (THIS_YEAR, _("This year")),
]


ASKED = ("period", "department")


class DashboardForm(forms.Form):
    """The days of service, by default those of this month, and one department or all that the person sees.

    What is asked of a day or an instant holds on the clock of the person's first department.
    """

    period = forms.ChoiceField(label=_("Days of service"), required=False, choices=PERIODS)
    department = forms.ChoiceField(label=_("Department"), required=False)

    def __init__(self, query: Mapping[str, str], *, user: User, asks: Sequence[str] = ASKED) -> None:
        """`asks` names the fields; what is asked besides is carried on and narrows nothing."""
        super().__init__({name: query[name] for name in ASKED if name in query})
        self.user = user
        self.now = clock.now()
        departments = [(str(one.pk), one.name) for one in self.departments]
        self.fields["department"].choices = [("", _("All")), *departments]
        for name in ASKED:
            self.fields[name].widget.attrs["class"] = "form-select form-select-sm"
            if name not in asks:
                del self.fields[name]

    @property
    def departments(self) -> list[Department]:
        return self.user.seen_departments

    @property
    def zone(self) -> ZoneInfo:
        return self.user.zone

    @property
    def today(self) -> date:
        return self.now.astimezone(self.zone).date()

    @property
    def department_id(self) -> int | None:
        chosen = self.cleaned_data.get("department")
        return int(chosen) if chosen else None

    @property
    def days(self) -> tuple[date, date]:
        """The first and the last day of the period, both inclusive."""
        today, chosen = self.today, self.cleaned_data.get("period", THIS_MONTH)
        if chosen == LAST_90_DAYS:
            return today - timedelta(days=89), today
        if chosen == THIS_YEAR:
            return today.replace(month=1, day=1), today.replace(month=12, day=31)
        first = today.replace(day=1)
        if chosen == LAST_MONTH:
            last = first - timedelta(days=1)
            return last.replace(day=1), last
        return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)

    @property
    def of_department(self) -> dict[str, str]:
        """The department as the lists behind the numbers take it."""
        return {"department": str(self.department_id)} if self.department_id else {}

    @property
    def of_period(self) -> dict[str, Any]:
        """Department and days as the lists behind the numbers take them."""
        first, last = self.days
        return {**self.of_department, "start": first.isoformat(), "end": last.isoformat()}

    @property
    def facts(self) -> str:
        """What the fields narrow to, in words."""
        told = []
        if "period" in self.fields:
            first, last = (f"{day:%m/%d/%Y}" for day in self.days)
            told.append(_("Date of service %(first)s through %(last)s") % {"first": first, "last": last})
        if self.department_id:
            told.append(next(one.name for one in self.departments if one.pk == self.department_id))
        return ", ".join(told)

    @property
    def query(self) -> str:
        return urlencode(self.kept)

    @property
    def kept(self) -> dict[str, str]:
        """What was chosen, as an address carries it on."""
        return {name: value for name, value in self.data.items() if value}
