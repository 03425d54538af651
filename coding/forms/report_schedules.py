"""How often and in which form a saved report is delivered."""

from datetime import date, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.forms.day_fields import DayField
from portal.models import ReportFormat, ReportPeriod, ReportSchedule, Rhythm

FURTHEST = timedelta(days=366)


class ReportScheduleForm(forms.Form):
    """The terms of a delivery; the period only where the report is about days that can be set."""

    rhythm = forms.ChoiceField(
        label=gettext_lazy("How often"), choices=Rhythm.choices, initial=Rhythm.MONTHLY, widget=forms.RadioSelect
    )
    first_on = DayField(
        label=gettext_lazy("From this day on"),
        help_text=gettext_lazy("It comes early on that day; today's comes within a minute."),
    )
    period = forms.ChoiceField(
        label=gettext_lazy("Days that the report is about"),
        choices=ReportPeriod.choices,
        help_text=gettext_lazy("Counted back from the day of delivery, which is not over and so not in it."),
    )
    file_format = forms.ChoiceField(
        label=gettext_lazy("File"), choices=ReportFormat.choices, initial=ReportFormat.XLSX, widget=forms.RadioSelect
    )

    def __init__(
        self, *args: Any, schedule: ReportSchedule | None, takes_period: bool, today: date, **kwargs: Any
    ) -> None:
        terms = {"first_on": today}
        if schedule is not None:
            terms = {
                "rhythm": schedule.rhythm,
                "first_on": max(schedule.next_on, today),
                "period": schedule.period,
                "file_format": schedule.file_format,
            }
        super().__init__(*args, initial=terms, **kwargs)
        self.fields["first_on"].today = self.today = today
        if schedule is not None:
            self.fields["first_on"].label = _("Next on")
        if not takes_period:
            del self.fields["period"]

    def clean_first_on(self) -> date:
        first_on = self.cleaned_data["first_on"]
        if first_on < self.today:
            raise forms.ValidationError(
                _("Must not lie before today, %(today)s.") % {"today": f"{self.today:%m/%d/%Y}"}
            )
        if first_on > self.today + FURTHEST:
            raise forms.ValidationError(_("Must lie within a year from today."))
        return first_on

    @property
    def terms(self) -> dict[str, Any]:
        """What the schedule takes."""
        return {"period": ReportPeriod.AS_SAVED, **self.cleaned_data}
