"""Asking the guidance: for which day and place a page speaks, and what to find in it. Nothing here writes."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from coding.engine.vocabulary import Setting
from payers.case_forms import SETTINGS, day_field
from payers.models import ClauseTopic, Payer
from payers.presenters.asked import OF_A_DEPARTMENT, Place, place_in
from portal.models import Department


class AskedForm(forms.Form):
    """For which date of service, and which department or setting, a guidance page speaks."""

    on = day_field(gettext_lazy("Date of service"))
    setting = forms.ChoiceField(
        label=gettext_lazy("Department or setting"), widget=forms.Select(attrs={"class": "form-select"})
    )

    def __init__(self, *args: Any, departments: Sequence[Department], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.departments = {f"{OF_A_DEPARTMENT}{department.pk}": department for department in departments}
        own = [(key, department.name) for key, department in self.departments.items()]
        groups = [(_("Departments"), own)] if own else []
        self.fields["setting"].choices = [*groups, (_("Settings"), SETTINGS)]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        asked, on = cleaned.get("setting"), cleaned.get("on")
        if asked not in self.departments:
            cleaned["place"] = Place(asked, Setting(asked)) if asked else None
        elif on is not None:
            department = self.departments[asked]
            cleaned["place"] = place_in(department, on)
            if cleaned["place"] is None:
                words = {"name": department.name, "day": f"{on:%m/%d/%Y}"}
                self.add_error("setting", _("%(name)s has no setting on %(day)s: choose a later day.") % words)
        return cleaned


class GuidanceSearchForm(forms.Form):
    """Words to find in the guidance of all payers; the versions in force on a day unless all are wanted."""

    q = forms.CharField(
        label=gettext_lazy("Words"),
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off"}),
    )
    payer = forms.ModelChoiceField(
        queryset=Payer.objects.none(), to_field_name="slug", required=False, empty_label=gettext_lazy("All payers")
    )
    topic = forms.ChoiceField(
        choices=[("", gettext_lazy("All topics")), *ClauseTopic.choices],
        required=False,
    )
    on = day_field(gettext_lazy("Date of service"))
    every_version = forms.BooleanField(label=gettext_lazy("All published versions"), required=False)

    def __init__(self, *args: Any, organization: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["payer"].queryset = Payer.objects.filter(organization=organization, is_active=True)
        for name in ("payer", "topic"):
            self.fields[name].widget.attrs["class"] = "form-select"
        for name in ("q", "on"):
            self.fields[name].widget.attrs["class"] = "form-control"
        self.fields["every_version"].widget.attrs["class"] = "form-check-input"
