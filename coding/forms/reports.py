"""Filters and groupings of the report on charges."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from coding.forms.lines import ChargeFilterForm
from coding.reports import USUAL_GROUPINGS, Grouping

NOT_FILTERS = ("by", "bars")


class ChargeReportForm(ChargeFilterForm):
    """The filters of charge review, what to group by, and what the bars show."""

    by = forms.MultipleChoiceField(
        label=_("Group by"), required=False, choices=Grouping.choices, widget=forms.CheckboxSelectMultiple
    )
    bars = forms.ChoiceField(
        label=_("Bars show"), required=False, choices=[("", _("Charge amounts")), ("lines", _("Lines"))]
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["by"].widget.attrs["class"] = "form-check-input"

    @property
    def groupings(self) -> tuple[Grouping, ...]:
        """What to group by, in the order of the columns; the usual ones where nothing was chosen."""
        chosen = self.cleaned_data["by"]
        return tuple(grouping for grouping in Grouping if grouping in chosen) or USUAL_GROUPINGS

    @property
    def filter_fields(self) -> list[forms.BoundField]:
        """The fields that narrow the report."""
        return [bound for bound in self if bound.name not in NOT_FILTERS]
