"""Over which days an unpublished version is previewed."""

from datetime import date
from typing import Any

from django import forms
from django.db.models import TextChoices
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from coding.forms.lines import day_field
from coding.impact_services import DAYS_BACK
from payers.models import PolicyVersion


class Window(TextChoices):
    LAST_90_DAYS = "last_90_days", gettext_lazy("The last 90 days")
    SINCE_START = "since_start", gettext_lazy("Everything from its start")
    DAYS = "days", gettext_lazy("Days of your choice")


class ImpactForm(forms.Form):
    """The window, and whether the version stands in on all its days; `first` and `last` are days of a valid form."""

    window = forms.ChoiceField(choices=Window, widget=forms.RadioSelect, label=gettext_lazy("Dates of service"))
    start = day_field(gettext_lazy("From"))
    end = day_field(gettext_lazy("Through"))
    is_throughout = forms.BooleanField(
        required=False,
        label=gettext_lazy("As if it were in force on every one of these days"),
        help_text=gettext_lazy("It stands in for what is in force, before its start too: what would it have done?"),
    )

    def __init__(self, *args: Any, version: PolicyVersion, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._version, self._today = version, today
        is_later = version.effective_from > today
        self.initial = {"window": Window.LAST_90_DAYS, "is_throughout": is_later} | self.initial
        if is_later:
            self.fields["window"].choices = [choice for choice in Window.choices if choice[0] != Window.SINCE_START]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        window, start, end = cleaned.get("window"), cleaned.get("start"), cleaned.get("end")
        if window == Window.DAYS:
            for name, day in (("start", start), ("end", end)):
                if day is None and name not in self.errors:
                    self.add_error(name, _("Give the day, or choose another window."))
            if start and end and end < start:
                self.add_error("end", _("It lies before the first day."))
        if window and not self.errors and not cleaned["is_throughout"] and self.last < self._version.effective_from:
            self.add_error(
                "is_throughout",
                _("The version begins after these days: nothing would change on them. Tick this to see what it does."),
            )
        return cleaned

    @property
    def first(self) -> date:
        if self.cleaned_data["window"] == Window.DAYS:
            return self.cleaned_data["start"]
        if self.cleaned_data["window"] == Window.SINCE_START:
            return self._version.effective_from
        return self._today - DAYS_BACK

    @property
    def last(self) -> date:
        return self.cleaned_data["end"] if self.cleaned_data["window"] == Window.DAYS else self._today
