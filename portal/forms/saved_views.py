"""The name under which filters of a list are kept."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.models import SavedView, ViewPlace

NAME_MISSING = _("Give the view a name, like “Mine, due this week”.")


class SaveViewForm(forms.Form):
    place = forms.ChoiceField(choices=ViewPlace.choices, widget=forms.HiddenInput)
    query = forms.CharField(
        required=False,
        max_length=600,
        widget=forms.HiddenInput,
        error_messages={"max_length": _("These are more filters than a view can keep. Take one away.")},
    )
    name = forms.CharField(
        label=_("Name of the view"),
        max_length=60,
        help_text=_("Write no patient's name. A view of yours by this name takes the new filters."),
        error_messages={"required": NAME_MISSING},
    )
    is_shared = forms.BooleanField(label=_("Share with everyone here"), required=False)


class RenameViewForm(forms.Form):
    name = forms.CharField(label=_("Name of the view"), max_length=60, error_messages={"required": NAME_MISSING})

    def __init__(self, *args: Any, view: SavedView, **kwargs: Any) -> None:
        super().__init__(*args, initial={"name": view.name}, **kwargs)
        self.view = view

    def clean_name(self) -> str:
        name = self.cleaned_data["name"]
        others = SavedView.objects.filter(owner=self.view.owner_id, place=self.view.place).exclude(pk=self.view.pk)
        if others.filter(name=name).exists():
            raise forms.ValidationError(_("You have a view of this name already. Choose another."))
        return name
