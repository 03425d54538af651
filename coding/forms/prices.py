"""The form of a price."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from coding.models import FeeSchedule
from portal.models import Organization


class PriceForm(forms.ModelForm):
    """What the organization charges for one unit of a code from a date of service on."""

    class Meta:
        model = FeeSchedule
        fields = ["code", "modifier", "effective_from", "amount"]
        labels = {"modifier": gettext_lazy("Modifier (26 or empty)"), "amount": gettext_lazy("Price of one unit (USD)")}
        widgets = {"effective_from": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")}

    def __init__(self, *args: Any, organization: Organization, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.organization = organization

    def clean_code(self) -> str:
        code = self.cleaned_data["code"].strip().upper()
        if len(code) != 5 or not code.isalnum():
            raise forms.ValidationError(_("A code has five letters or digits, such as 77386 or G6015."))
        return code

    def clean_modifier(self) -> str:
        modifier = self.cleaned_data["modifier"].strip()
        if modifier not in ("", "26"):
            raise forms.ValidationError(_("A price is for the whole code, or for its professional component: 26."))
        return modifier

    def refuse_second(self) -> None:
        """What the database refused because somebody else was quicker, said where it is cleared."""
        self.add_error(
            "effective_from", _("Somebody has just saved a price of this code and modifier with this first day.")
        )

    def _get_validation_exclusions(self) -> set[str]:
        return super()._get_validation_exclusions() - {"organization"}
