"""The forms of closed days: a stretch of days by hand, and the federal holidays of a year."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

from django import forms
from django.db.models import Prefetch, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.forms.day_fields import DayField, bounded_day
from portal.models import Department, Machine
from portal.services.closed_days import Holiday, days_between

MOST_DAYS = 100


class CloseDaysForm(forms.Form):
    """What is closed, from when until when, and why: `department`, `machine` and `reasons` once it is valid."""

    place = forms.ChoiceField(label=gettext_lazy("What is closed"))
    first_day = DayField(label=gettext_lazy("First day"), help_text=gettext_lazy("12/24/2026, 122426 or 12/24"))
    last_day = DayField(
        label=gettext_lazy("Last day"), required=False, help_text=gettext_lazy("Empty where it is one day.")
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=120,
        help_text=gettext_lazy("In a few words: machine service, staff day. It stands in plans."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, departments: QuerySet[Department], today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.places: dict[str, tuple[Department, Machine | None]] = {}
        machines = Prefetch("machines", Machine.objects.filter(is_active=True), to_attr="active_machines")
        choices: list[tuple[str, Any]] = []
        for department in departments.prefetch_related(machines):
            group = [(f"d{department.pk}", _("Whole department: %(name)s") % {"name": department.name})]
            self.places[f"d{department.pk}"] = department, None
            for machine in department.active_machines:
                group.append((f"m{machine.pk}", machine.name))
                self.places[f"m{machine.pk}"] = department, machine
            choices.append((department.name, group))
        self.fields["place"].choices = choices
        self.fields["first_day"].today = self.fields["last_day"].today = today

    def clean_first_day(self) -> date:
        return bounded_day(self.cleaned_data["first_day"])

    def clean_last_day(self) -> date | None:
        return self.cleaned_data["last_day"] and bounded_day(self.cleaned_data["last_day"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if self.errors:
            return cleaned
        first, last = cleaned["first_day"], cleaned["last_day"] or cleaned["first_day"]
        if last < first:
            self.add_error("last_day", _("The last day lies before the first one."))
        elif (last - first).days >= MOST_DAYS:
            self.add_error("last_day", _("At most %(most)d days at once.") % {"most": MOST_DAYS})
        return cleaned

    @property
    def department(self) -> Department:
        return self.places[self.cleaned_data["place"]][0]

    @property
    def machine(self) -> Machine | None:
        return self.places[self.cleaned_data["place"]][1]

    @property
    def reasons(self) -> dict[date, str]:
        first = self.cleaned_data["first_day"]
        return dict.fromkeys(days_between(first, self.cleaned_data["last_day"] or first), self.cleaned_data["reason"])


class HolidaysForm(forms.Form):
    """Which of a year's federal holidays a department keeps; those that are closed already are not offered again."""

    days = forms.MultipleChoiceField(
        label=gettext_lazy("Holidays"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": gettext_lazy("Tick the holidays that the department keeps.")},
    )

    def __init__(self, *args: Any, holidays: Sequence[Holiday], closed: Collection[date], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offered = [holiday for holiday in holidays if holiday.day not in closed]
        self.fields["days"].choices = [(holiday.day.isoformat(), _in_words(holiday)) for holiday in self.offered]
        self.fields["days"].initial = [holiday.day.isoformat() for holiday in self.offered]

    @property
    def reasons(self) -> dict[date, str]:
        chosen = set(self.cleaned_data["days"])
        return {holiday.day: holiday.name for holiday in self.offered if holiday.day.isoformat() in chosen}


def _in_words(holiday: Holiday) -> str:
    told = f"{holiday.day:%a} {holiday.day:%m/%d/%Y}: {holiday.name}"
    if holiday.day == holiday.falls_on:
        return told
    return _("%(told)s, observed for %(day)s") % {
        "told": told,
        "day": f"{holiday.falls_on:%a} {holiday.falls_on:%m/%d/%Y}",
    }
