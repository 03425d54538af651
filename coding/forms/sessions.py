"""What the list of sessions is narrowed to."""

from datetime import date, datetime, timedelta
from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from coding.forms.lines import ME, DepartmentFilterForm, day_field
from portal import clock
from portal.models import User


class SessionFilterForm(DepartmentFilterForm):
    """Department, machine and day of service; who entered the session, and when, on the person's own clock."""

    machine = forms.ChoiceField(label=_("Machine"), required=False)
    entered_by = forms.ChoiceField(label=_("Entered by"), required=False)
    entered_from = day_field(_("Entered from"))
    entered_through = day_field(_("Entered through"))
    first_names = ("department", "start", "end", "entered_by")
    field_order = ("department", "start", "end", "entered_by", "machine", "entered_from", "entered_through")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["machine"].choices = [("", _("All")), *self.choices.machines]
        people = User.objects.filter(organization=self.user.organization_id).order_by("last_name", "username")
        self.fields["entered_by"].choices = [
            ("", _("Anyone")),
            (ME, _("Me")),
            *((str(one.pk), one.shown_name) for one in people),
        ]

    def clean(self) -> dict[str, Any]:
        found = super().clean()
        first, last = found.get("entered_from"), found.get("entered_through")
        if first and last and last < first:
            self.add_error("entered_through", _("Must not be before the first day."))
        return found

    @property
    def wanted(self) -> Q:
        """The filters as a query takes them; to be asked of a valid form."""
        chosen, wanted = self.cleaned_data, Q()
        for name in ("department", "machine"):
            if chosen[name]:
                wanted &= Q(**{name: chosen[name]})
        if chosen["start"]:
            wanted &= Q(date_of_service__gte=chosen["start"])
        if chosen["end"]:
            wanted &= Q(date_of_service__lte=chosen["end"])
        if chosen["entered_by"]:
            wanted &= Q(recorded_by=self.user.pk if chosen["entered_by"] == ME else chosen["entered_by"])
        if chosen["entered_from"]:
            wanted &= Q(recorded_at__gte=self._begin_of(chosen["entered_from"]))
        if chosen["entered_through"]:
            wanted &= Q(recorded_at__lt=self._begin_of(chosen["entered_through"] + timedelta(days=1)))
        return wanted

    def _begin_of(self, day: date) -> datetime:
        return clock.start_of_day(day, self.user.zone)
