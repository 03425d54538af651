"""What the lists of imports, of their refused rows and of their candidates are narrowed to."""

from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from portal import clock
from portal.forms.audit import day_field
from portal.models import Department, User


class ImportListForm(forms.Form):
    """The imports from a day on, on the clock of the person's first department."""

    start = day_field(_("Imported from"))

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.fields["start"].widget.attrs["class"] = "form-control form-control-sm"

    @property
    def since(self) -> datetime | None:
        start = self.cleaned_data["start"]
        return clock.start_of_day(start, self.user.zone) if start else None

    @property
    def kept(self) -> dict[str, str]:
        """The filters as an address carries them on."""
        return {name: self.data[name] for name in self.fields if self.data.get(name)}

    @property
    def in_words(self) -> list[tuple[str, str]]:
        """Each filter that is set, as the file prints it."""
        start = self.cleaned_data["start"]
        return [(str(self.fields["start"].label), f"{start:%m/%d/%Y}")] if start else []


class CandidateListForm(forms.Form):
    """The candidates to confirm by department, and by the days since the import that found them."""

    department = forms.ChoiceField(label=_("Department"), required=False)
    age = forms.IntegerField(label=_("Days since the import, at least"), required=False, min_value=0, max_value=3650)
    age_most = forms.IntegerField(label=_("Days, at most"), required=False, min_value=0, max_value=3650)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        departments = Department.objects.visible_to(user)
        self.fields["department"].choices = [("", _("All")), *((str(one.pk), one.name) for one in departments)]
        for field in self.fields.values():
            is_choice = isinstance(field, forms.ChoiceField)
            field.widget.attrs["class"] = "form-select form-select-sm" if is_choice else "form-control form-control-sm"

    def clean(self) -> dict[str, Any]:
        found = super().clean()
        least, most = found.get("age"), found.get("age_most")
        if least is not None and most is not None and most < least:
            self.add_error("age_most", _("Must not be less than the least number of days."))
        return found

    @property
    def kept(self) -> dict[str, str]:
        """The filters as an address carries them on."""
        return {name: self.data[name] for name in self.fields if self.data.get(name)}
