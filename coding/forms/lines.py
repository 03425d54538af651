"""Filters of charge review and the reason for a void."""

from typing import Any

from django import forms

from coding.models import LineState
from payers.models import Payer
from portal.models import ClaimForm, Department, User


class ReviewFilterForm(forms.Form):
    """Filters that combine; an empty one leaves everything. None of them names a patient."""

    payer = forms.ModelChoiceField(Payer.objects.none(), required=False, empty_label="All payers", to_field_name="slug")
    department = forms.ModelChoiceField(Department.objects.none(), required=False, empty_label="All departments")
    state = forms.ChoiceField(
        choices=[("", "Any state"), *[c for c in LineState.choices if c[0] != "void"]], required=False
    )
    claim_form = forms.ChoiceField(choices=[("", "Any claim form"), *ClaimForm.choices], required=False)
    code = forms.RegexField(r"^[0-9A-Z]{5}$", required=False, max_length=5)
    modifier = forms.RegexField(r"^[0-9A-Z]{2}$", required=False, max_length=2)
    reason = forms.RegexField(r"^[A-Z0-9_]{2,40}$", required=False, label="Hold")
    start = forms.DateField(required=False, label="From", widget=forms.DateInput(attrs={"type": "date"}))
    end = forms.DateField(required=False, label="Through", widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["payer"].queryset = Payer.objects.filter(organization=user.organization_id)
        self.fields["department"].queryset = Department.objects.visible_to(user)
        for field in self.fields.values():
            field.widget.attrs["class"] = (
                "form-select form-select-sm" if hasattr(field, "choices") else "form-control form-control-sm"
            )

    @property
    def kept(self) -> dict[str, str]:
        """The filters as an address carries them on."""
        return {name: self.data[name] for name in self.fields if self.data.get(name)}


class VoidLineForm(forms.Form):
    reason = forms.CharField(
        max_length=300,
        label="Why is this line void?",
        help_text="Everyone who opens the line reads it. Write no patient's name.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class ReleaseHoldForm(forms.Form):
    note = forms.CharField(
        max_length=500,
        label="Note",
        help_text="What you checked, and what lets the line go on.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )
