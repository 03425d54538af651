"""Filters of the audit trail."""

from typing import Any

from django import forms

from portal.models import User


class AuditFilterForm(forms.Form):
    by = forms.ModelChoiceField(User.objects.none(), required=False, empty_label="Anyone", to_field_name="username")
    action = forms.RegexField(r"^[a-z_]{2,40}$", required=False, help_text="such as void_chargeline")
    start = forms.DateField(required=False, label="From", widget=forms.DateInput(attrs={"type": "date"}))
    end = forms.DateField(required=False, label="Through", widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, *args: Any, user: User, actions: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["by"].queryset = User.objects.filter(organization=user.organization_id).order_by("username")
        choices = [("", "Any act"), *((name, name.replace("_", " ")) for name in actions)]
        self.fields["action"] = forms.ChoiceField(choices=choices, required=False)
        for field in self.fields.values():
            is_choice = hasattr(field, "choices")
            field.widget.attrs["class"] = "form-select form-select-sm" if is_choice else "form-control form-control-sm"

    @property
    def kept(self) -> dict[str, str]:
        return {name: self.data[name] for name in self.fields if self.data.get(name)}
