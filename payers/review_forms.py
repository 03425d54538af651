"""Forms of the life of a version: sent back, compared again, retired."""

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from payers.case_forms import day_field
from payers.models import PolicyVersion


class RetireForm(forms.Form):
    """Why a published version is taken out of force."""

    reason = forms.CharField(
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("It stays in the history. The version before it then holds for its dates."),
    )


class SendBackForm(forms.Form):
    """What its author is to change in a version in review."""

    reason = forms.CharField(
        label=gettext_lazy("What is to change"),
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Its author reads it over the draft."),
    )


class ReviewForm(forms.Form):
    """That a published version was compared with its sources again, and nothing is to change."""

    reviewed_on = day_field(gettext_lazy("Compared on"))
    note = forms.CharField(
        label=gettext_lazy("What you looked at"),
        max_length=300,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, version: PolicyVersion, today: date, **kwargs: Any) -> None:
        super().__init__(*args, initial={"reviewed_on": today}, **kwargs)
        self.version, self.today = version, today

    def clean_reviewed_on(self) -> date:
        day = self.cleaned_data["reviewed_on"]
        if day > self.today:
            raise forms.ValidationError(_("This day has not come yet."))
        if self.version.reviewed_on and day < self.version.reviewed_on:
            raise forms.ValidationError(_("It was compared with its sources later than this day."))
        return day
