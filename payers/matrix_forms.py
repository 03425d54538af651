"""What is asked of the payer matrix; nothing here writes."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from payers.case_forms import day_field
from payers.models import Payer
from payers.presenters.matrix import KINDS


class MatrixForm(forms.Form):
    """For which date of service, kind of session and payer the matrix speaks, and the day that it is compared with."""

    on = day_field(gettext_lazy("Date of service"))
    since = day_field(gettext_lazy("Compare with"), required=False)
    kind = forms.ChoiceField(
        label=gettext_lazy("Kind of session"), choices=[(key, kind.label) for key, kind in KINDS.items()]
    )
    payer = forms.ModelChoiceField(
        queryset=Payer.objects.none(), to_field_name="slug", required=False, empty_label=gettext_lazy("All payers")
    )

    def __init__(self, *args: Any, organization: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["payer"].queryset = Payer.objects.filter(organization=organization, is_active=True)
        for field in self.fields.values():
            is_choice = isinstance(field, forms.ChoiceField)
            field.widget.attrs["class"] = "form-select" if is_choice else "form-control"
