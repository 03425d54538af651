"""Filters of the list of holds, and the note that lets one go."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from coding.forms.lines import HOLD_REASONS, DepartmentFilterForm
from payers.models import Payer
from portal.models import User

KINDS = [("", _("All")), ("soft", _("Released with a note")), ("hard", _("Cleared by the facts"))]


class HoldFilterForm(DepartmentFilterForm):
    """The filters of the list of holds."""

    payer = forms.ChoiceField(label=_("Payer"), required=False)
    reason = forms.ChoiceField(label=_("Held for"), required=False, choices=[("", _("Any reason")), *HOLD_REASONS])
    kind = forms.ChoiceField(label=_("Cleared how"), required=False, choices=KINDS)
    show = forms.ChoiceField(
        label=_("Show"), required=False, choices=[("", _("Open holds")), ("released", _("Released holds"))]
    )
    field_order = ("reason", "payer", "department", "kind", "start", "end", "show")

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, user=user, **kwargs)
        payers = Payer.objects.filter(organization=user.organization_id).values_list("slug", "name")
        self.fields["payer"].choices = [("", _("All")), *payers]


class ReleaseHoldForm(forms.Form):
    note = forms.CharField(
        max_length=500,
        label=_("Note"),
        help_text=_("What you checked, and why the line may go. Write no patient's name."),
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": _("Write what you checked: a release without a note is refused.")},
    )
