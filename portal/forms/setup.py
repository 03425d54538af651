"""Forms of the set-up screens; each is given the organization that it works in."""

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.forms import inlineformset_factory
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.models import Department, DepartmentBiller, DepartmentStatus, Machine, Organization, Physician, User
from portal.roles import ROLE_LABELS


class RecordForm(forms.ModelForm):
    """A form on a record that carries its organization."""

    def __init__(self, *args: Any, organization: Organization, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.organization = organization
        self.instance.organization = organization

    def _get_validation_exclusions(self) -> set[str]:
        # The organization is not on the form, and yet "one name an organization" must be checked.
        return super()._get_validation_exclusions() - {"organization"}


class OrganizationForm(forms.ModelForm):
    class Meta:
        model = Organization
        fields = ["name", "publishing_needs_second_person"]


class DepartmentForm(RecordForm):
    class Meta:
        model = Department
        fields = [
            "name",
            "time_zone",
            "npi",
            "taxonomy",
            "ccn",
            "place_of_service",
            "minutes_of_one_visit",
            "confirms_matched_rows",
            "is_active",
        ]
        help_texts = {
            "taxonomy": gettext_lazy(
                "282N00000X hospital, 282NC0060X critical access, 261QX0203X radiation oncology center."
            ),
            "time_zone": gettext_lazy("The date of service is the day in this zone."),
        }


DepartmentStatusFormSet = inlineformset_factory(
    Department,
    DepartmentStatus,
    fields=["setting", "effective_from"],
    extra=1,
    widgets={"effective_from": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")},
)
DepartmentBillerFormSet = inlineformset_factory(
    Department, DepartmentBiller, fields=["claim_form", "biller", "name", "npi", "taxonomy"], extra=1, max_num=3
)


class MachineForm(forms.ModelForm):
    class Meta:
        model = Machine
        fields = ["department", "name", "source_name", "is_active"]
        labels = {"source_name": gettext_lazy("Name in the treatment log")}

    def __init__(self, *args: Any, organization: Organization, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["department"].queryset = organization.departments.all()


class PhysicianForm(RecordForm):
    class Meta:
        model = Physician
        fields = ["family_name", "given_name", "npi", "taxonomy", "is_active"]


class UserForm(RecordForm):
    """A person, the one role, the departments; a first password for a new person, a new one only where wanted."""

    role = forms.ChoiceField(choices=list(ROLE_LABELS.items()))
    password = forms.CharField(
        label=gettext_lazy("Password"),
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=gettext_lazy("At least 12 characters. Leave empty to keep the present one."),
    )

    class Meta:
        model = User
        fields = ["username", "first_name", "last_name", "email", "sees_all_departments", "departments", "is_active"]
        widgets = {"departments": forms.CheckboxSelectMultiple}
        help_texts = {"is_active": gettext_lazy("A person who is not active cannot sign in."), "username": ""}
        labels = {
            "sees_all_departments": gettext_lazy("Sees all departments"),
            "departments": gettext_lazy("Departments, where not all"),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["departments"].queryset = self.organization.departments.all()
        self.fields["departments"].required = False
        if self.instance.pk:
            group = self.instance.groups.first()
            self.initial.setdefault("role", group.name if group else "coder")
        else:
            self.fields["password"].required = True
            self.fields["password"].help_text = _("At least 12 characters; tell it to the person, who can change it.")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if not cleaned.get("sees_all_departments") and not cleaned.get("departments"):
            self.add_error("departments", _("Choose at least one department, or let the person see all of them."))
        return cleaned

    def clean_password(self) -> str:
        password = self.cleaned_data["password"]
        if password:
            validate_password(password, self.instance)
        return password
