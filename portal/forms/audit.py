"""Filters of the audit trail."""

from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.models import FIRST_DAY, LAST_DAY, AuditEvent, User
from portal.presenters.audit import action_words

KINDS = [
    ("portal.patient", _("Patient")),
    ("portal.course", _("Course")),
    ("portal.prescription", _("Prescription")),
    ("portal.treatmentsession", _("Session")),
    ("coding.chargeline", _("Charge line")),
    ("payers.coverage", _("Coverage")),
    ("payers.authorization", _("Authorization")),
    ("payers.policyversion", _("Policy version")),
    ("portal.user", _("User")),
]


def day_field(label: Any) -> forms.DateField:
    """An optional day, picked or typed."""
    return forms.DateField(
        label=label,
        required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", "min": FIRST_DAY, "max": LAST_DAY}),
        error_messages={"invalid": _("Must be a real date, like 11/23/2026.")},
    )


class AuditFilterForm(forms.Form):
    """Filters that combine and stand in the address; days are those of the zone in which times are shown."""

    by = forms.ChoiceField(label=_("Who"), required=False)
    action = forms.ChoiceField(label=_("Action"), required=False)
    kind = forms.ChoiceField(label=_("Record"), required=False, choices=[("", _("Any kind")), *KINDS])
    start = day_field(_("From"))
    end = day_field(_("through"))

    def __init__(self, *args: Any, user: User, zone: ZoneInfo, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zone = zone
        people = User.objects.filter(organization=user.organization_id).order_by("username")
        self.fields["by"].choices = [("", _("Anyone")), *((p.username, p.shown_name) for p in people)]
        actions = AuditEvent.objects.visible_to(user).order_by("action").values_list("action", flat=True).distinct()
        self.fields["action"].choices = [("", _("Any action")), *((name, action_words(name)) for name in actions)]
        for field in self.fields.values():
            is_choice = isinstance(field, forms.ChoiceField)
            field.widget.attrs["class"] = "form-select form-select-sm" if is_choice else "form-control form-control-sm"

    def clean(self) -> dict[str, Any]:
        found = super().clean()
        if found.get("start") and found.get("end") and found["end"] < found["start"]:
            self.add_error("end", _("Must not be before the first day."))
        return found

    @property
    def wanted(self) -> Q:
        """The filters as a query takes them; to be asked of a valid form."""
        chosen = self.cleaned_data
        wanted = Q()
        if chosen["by"]:
            wanted &= Q(by__username=chosen["by"])
        if chosen["action"]:
            wanted &= Q(action=chosen["action"])
        if chosen["kind"]:
            wanted &= Q(subject_kind=chosen["kind"])
        if chosen["start"]:
            wanted &= Q(at__gte=datetime.combine(chosen["start"], time(), self.zone))
        if chosen["end"]:
            wanted &= Q(at__lt=datetime.combine(chosen["end"] + timedelta(days=1), time(), self.zone))
        return wanted

    @property
    def kept(self) -> dict[str, str]:
        """The filters as an address carries them on."""
        return {name: self.data[name] for name in self.fields if self.data.get(name)}

    @property
    def in_words(self) -> list[tuple[str, str]]:
        """Each filter that is set, as the file prints it."""
        return [(str(self.fields[name].label), value) for name, value in self.kept.items()]
