"""Filters of the sessions that are to be captured again, and why one is kept as it was."""

from typing import Any

from django import forms
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext_lazy as _

from coding.forms.lines import DepartmentFilterForm
from coding.models import RecaptureItem, RecaptureState, ReferenceLoad
from coding.recapture_services import RecaptureAction
from payers.models import PolicyVersion

SENT = "sent"


class RecaptureFilterForm(DepartmentFilterForm):
    """By cause, by whether a line of the session was exported, and what became of it; empty: what waits."""

    cause = forms.ChoiceField(label=_("Because of"), required=False)
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
    first_names = ("cause", "sent", "state")
    field_order = ("cause", "sent", "state", "department", "start", "end")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        versions = PolicyVersion.objects.visible_to(self.user).filter(recapture_items__isnull=False)
        listed = versions.select_related("policy__payer").order_by("-published_at").distinct()
        items = RecaptureItem.objects.visible_to(self.user).filter(load=OuterRef("pk"))
        loads = ReferenceLoad.objects.filter(Exists(items)).order_by("-loaded_at")
        self.fields["cause"].choices = [
            ("", _("All")),
            *((f"version-{version.pk}", version.label) for version in listed),
            *((f"load-{load.pk}", load.label) for load in loads),
        ]

    @property
    def of_cause(self) -> dict[str, str]:
        """The cause that was chosen, as items have it."""
        kind, _dash, pk = self.cleaned_data["cause"].partition("-")
        return {kind: pk} if pk else {}


class KeepForm(forms.Form):
    reason = forms.CharField(
        max_length=300,
        label=_("Reason"),
        help_text=_("Why the charges stay as they are. It is read with the session. Write no patient's name."),
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": _("Say why: charges that are answered otherwise now are kept for a reason.")},
    )


def form_of(action: RecaptureAction, data: Any) -> forms.Form:
    """The form of an action; without data an empty one."""
    return KeepForm(data) if action is RecaptureAction.KEEP else forms.Form(data)
