"""Filters of the sessions that are to be captured again, and why one is kept as it was."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from coding.forms.lines import DepartmentFilterForm
from coding.models import RecaptureState
from coding.recapture_services import RecaptureAction
from payers.models import PolicyVersion

SENT = "sent"


class RecaptureFilterForm(DepartmentFilterForm):
    """By version, by whether a line of the session was exported, and what became of it; empty: what waits."""

    version = forms.ChoiceField(label=_("Policy version"), required=False)
    sent = forms.ChoiceField(
        label=_("Exported lines"), required=False, choices=[("", _("All")), (SENT, _("Only with exported lines"))]
    )
    state = forms.ChoiceField(
        label=_("Show"),
        required=False,
        choices=[
            ("", _("To be captured again")),
            (RecaptureState.KEPT, RecaptureState.KEPT.label),
            (RecaptureState.CAPTURED, RecaptureState.CAPTURED.label),
        ],
    )
    first_names = ("version", "sent", "state")
    field_order = ("version", "sent", "state", "department", "start", "end")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        versions = PolicyVersion.objects.visible_to(self.user).filter(recapture_items__isnull=False)
        listed = versions.select_related("policy__payer").order_by("-published_at").distinct()
        self.fields["version"].choices = [("", _("All")), *((str(v.pk), v.label) for v in listed)]


class KeepForm(forms.Form):
    reason = forms.CharField(
        max_length=300,
        label=_("Reason"),
        help_text=_("Why the charges stay as they are. It is read with the session. Write no patient's name."),
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={
            "required": _("Say why: charges that a policy in force answers otherwise are kept for a reason.")
        },
    )


def form_of(action: RecaptureAction, data: Any) -> forms.Form:
    """The form of an action; without data an empty one."""
    return KeepForm(data) if action is RecaptureAction.KEEP else forms.Form(data)
