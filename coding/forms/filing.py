"""What the filing clock, the list of services on deleted codes and the limits are narrowed to."""

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from coding.filing import UNFILED, Left, ServiceFilters, Standing
from coding.forms.lines import ChargeFilterForm, DepartmentFilterForm, day_field
from coding.models import LineState
from coding.reports import NO_PAYER


class FilingForm(ChargeFilterForm):
    """The filters of charge review, with the days left in place of the deadline."""

    left = forms.ChoiceField(label=_("Days left"), required=False, choices=[("", _("Any")), *Left.choices])
    first_names = ("left", "payer", "state", "department")
    field_order = ("left", "payer", "state", "department", *ChargeFilterForm.field_order)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["filing"]
        self.fields["state"].choices = [("", _("All")), *((state.value, LineState(state).label) for state in UNFILED)]

    @property
    def days_left(self) -> Left | None:
        chosen = self.cleaned_data["left"]
        return Left(chosen) if chosen else None


class SunsetForm(DepartmentFilterForm):
    """Services on deleted codes: days left, how they stand, payer, department and days of service."""

    left = forms.ChoiceField(label=_("Days left"), required=False, choices=[("", _("Any")), *Left.choices])
    standing = forms.ChoiceField(label=_("Stands"), required=False, choices=[("", _("All")), *Standing.choices])
    payer = forms.ChoiceField(label=_("Payer"), required=False)
    first_names = ("left", "standing", "payer", "department")
    field_order = ("left", "standing", "payer", "department", "start", "end")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        payers = ((slug, payer.name) for slug, payer in self.choices.payers.items())
        self.fields["payer"].choices = [("", _("All")), *payers, (NO_PAYER, _("No payer"))]

    @property
    def days_left(self) -> Left | None:
        chosen = self.cleaned_data["left"]
        return Left(chosen) if chosen else None

    @property
    def filters(self) -> ServiceFilters:
        chosen = self.cleaned_data
        return ServiceFilters(
            department_id=int(chosen["department"]) if chosen["department"] else None,
            payer=self.choices.payers.get(chosen["payer"]),
            is_without_payer=chosen["payer"] == NO_PAYER,
            standing=chosen["standing"],
            start=chosen["start"],
            end=chosen["end"],
        )


class LimitsForm(forms.Form):
    """The date of service for which the limits are asked; without one, today's."""

    on = day_field(_("Date of service"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["on"].widget.attrs["class"] = "form-control form-control-sm"

    def day(self, today: date) -> date:
        return self.cleaned_data["on"] or today
