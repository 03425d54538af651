"""Filters and groupings of the report of charges."""

from typing import Any

from django import forms

from coding.forms.lines import ReviewFilterForm
from coding.reports import GROUPINGS

DEFAULT_GROUPINGS = ["payer", "month", "code", "state"]


class ChargeReportForm(ReviewFilterForm):
    """The filters of charge review, and what to sum by; nothing chosen means payer, month, code and status."""

    by = forms.MultipleChoiceField(
        choices=[(key, label) for key, (label, _) in GROUPINGS.items()],
        required=False,
        label="Sum by",
        widget=forms.CheckboxSelectMultiple,
    )

    field_order = ["start", "end", "payer", "department", "state", "claim_form", "code", "modifier"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["reason"]
        self.fields["by"].widget.attrs["class"] = ""

    @property
    def groupings(self) -> list[str]:
        """The chosen groupings in the order of the report."""
        chosen = self.cleaned_data.get("by") if self.is_valid() else []
        return [key for key in GROUPINGS if key in chosen] or DEFAULT_GROUPINGS

    @property
    def in_words(self) -> list[tuple[str, str]]:
        """The filters as the exports print them."""
        return [
            (str(self.fields[name].label or name), str(value))
            for name, value in (self.cleaned_data if self.is_valid() else {}).items()
            if value and name != "by"
        ]
