"""What the guard of the highest delivery level is narrowed to."""

from datetime import date, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from coding.forms.lines import DepartmentFilterForm
from coding.level_guard import Grouping, LevelFilters, Levels

DAYS_SHOWN = 182
MOST_DAYS = 366
POINTS = 10
NOBODY = "none"
MISSING = "missing"


class LevelForm(DepartmentFilterForm):
    """Department and days of service; without days the last half year, and never before codes were told by level."""

    def __init__(self, *args: Any, levels: Levels, **kwargs: Any) -> None:
        self.levels = levels
        super().__init__(*args, **kwargs)

    @property
    def last(self) -> date:
        return self.cleaned_data["end"] or self.choices.today

    @property
    def first(self) -> date:
        return self.cleaned_data["start"] or max(self.last - timedelta(days=DAYS_SHOWN), self.levels.first)

    @property
    def department_id(self) -> int | None:
        chosen = self.cleaned_data["department"]
        return int(chosen) if chosen else None

    def clean(self) -> dict[str, Any]:
        found = super().clean()
        if not self.errors and self.last < self.first:
            self.add_error("end", _("Must not be before the first day."))
        if not self.errors and (self.last - self.first).days >= MOST_DAYS:
            self.add_error("start", _("Ask for at most 366 days at once."))
        return found


class MixForm(LevelForm):
    """By whom, and how wide the band is."""

    by = forms.ChoiceField(label=_("By"), required=False, choices=Grouping.choices)
    points = forms.IntegerField(
        label=_("Band, points to either side"),
        required=False,
        min_value=1,
        max_value=50,
        widget=forms.NumberInput(attrs={"placeholder": POINTS}),
    )
    first_names = ("by", "department", "start", "end", "points")
    field_order = first_names

    @property
    def grouping(self) -> Grouping:
        return Grouping(self.cleaned_data["by"] or Grouping.PHYSICIAN)

    @property
    def band_points(self) -> int:
        return self.cleaned_data["points"] or POINTS

    @property
    def filters(self) -> LevelFilters:
        return LevelFilters(start=self.first, end=self.last, department_id=self.department_id)


class GuardForm(LevelForm):
    """The sessions behind a number: code, physician, machine, and only those that lack evidence."""

    code = forms.ChoiceField(label=_("Code"), required=False)
    show = forms.ChoiceField(
        label=_("Evidence"), required=False, choices=[("", _("All")), (MISSING, _("Something missing"))]
    )
    physician = forms.ChoiceField(label=_("Physician"), required=False)
    machine = forms.ChoiceField(label=_("Machine"), required=False)
    first_names = ("code", "show", "physician", "machine", "start", "end")
    field_order = ("code", "show", "physician", "machine", "start", "end", "department")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].choices = [(code, code) for code in reversed(self.levels.codes)]
        everything, nobody = ("", _("All")), (NOBODY, _("Not named"))
        self.fields["physician"].choices = [everything, *self.choices.physicians, nobody]
        self.fields["machine"].choices = [everything, *self.choices.machines, nobody]

    @property
    def level_code(self) -> str:
        return self.cleaned_data["code"] or self.levels.highest

    @property
    def is_of_missing(self) -> bool:
        return self.cleaned_data["show"] == MISSING

    @property
    def filters(self) -> LevelFilters:
        physician, machine = self.cleaned_data["physician"], self.cleaned_data["machine"]
        return LevelFilters(
            start=self.first,
            end=self.last,
            department_id=self.department_id,
            physician_id=int(physician) if physician.isdigit() else None,
            machine_id=int(machine) if machine.isdigit() else None,
            is_without_physician=physician == NOBODY,
            is_without_machine=machine == NOBODY,
        )
