"""The set-up form of a payer."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from payers.models import Payer
from portal.models import Organization


class PayerForm(forms.ModelForm):
    """Who is billed; the kind decides the house defaults where its policy is silent."""

    class Meta:
        model = Payer
        fields = ["name", "slug", "kind", "electronic_payer_id", "is_active"]
        help_texts = {"slug": _("Short name in files and commands, such as aetna. It does not change later.")}
        labels = {"slug": _("Short name")}

    def __init__(self, *args: Any, organization: Organization, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.organization = organization
        if self.instance.pk:
            self.fields["slug"].disabled = True

    def _get_validation_exclusions(self) -> set[str]:
        # The organization is not on the form, and yet "one short name an organization" must be checked.
        return super()._get_validation_exclusions() - {"organization"}
