"""Filters of charge review and of the report on charges, and the reason for a void."""

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from coding.engine.findings import CATALOGUE
from coding.engine.vocabulary import Severity
from coding.models import LineState
from coding.reports import ChargeFilters, Grouping, Missing
from payers.models import Payer
from portal.models import FIRST_DAY, LAST_DAY, Department, User

NO_PAYER = "none"
HOLD_REASONS = sorted(
    {(wording.name, wording.title) for wording in CATALOGUE.values() if wording.severity is Severity.HOLD},
    key=lambda reason: reason[1],
)


def day_field(label: Any) -> forms.DateField:
    """An optional day, picked or typed."""
    return forms.DateField(
        label=label,
        required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", "min": FIRST_DAY, "max": LAST_DAY}),
        error_messages={"invalid": _("Must be a real date, like 11/23/2026.")},
    )


class FilterForm(forms.Form):
    """Filters that combine and stand in the address; an empty one leaves everything. None of them names a patient."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            is_choice = isinstance(field, forms.ChoiceField)
            field.widget.attrs["class"] = "form-select" if is_choice else "form-control"

    @property
    def kept(self) -> dict[str, str]:
        """The filters as an address carries them on."""
        return {name: self.data[name] for name in self.fields if self.data.get(name)}

    @property
    def in_words(self) -> list[tuple[str, str]]:
        """Each filter that is set with its value as a person reads it."""
        said = []
        for bound in self:
            value = self.cleaned_data.get(bound.name)
            if isinstance(value, date):
                said.append((str(bound.label), f"{value:%m/%d/%Y}"))
            elif value:
                labels = dict(bound.field.choices) if isinstance(bound.field, forms.ChoiceField) else {}
                said.append((str(bound.label), str(labels.get(value, value))))
        return said


class DepartmentFilterForm(FilterForm):
    """What every list of sessions and lines can be narrowed to: department, and days of service."""

    department = forms.ChoiceField(label=_("Department"), required=False)
    first_day = day_field(_("Date of service from"))
    last_day = day_field(_("through"))

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.departments = {str(d.pk): d for d in Department.objects.visible_to(user)}
        choices = [("", _("All")), *((key, department.name) for key, department in self.departments.items())]
        self.fields["department"].choices = choices

    def clean(self) -> dict[str, Any]:
        found = super().clean()
        first, last = found.get("first_day"), found.get("last_day")
        if first and last and last < first:
            self.add_error("last_day", _("Must not be before the first day."))
        return found


class ChargeFilterForm(DepartmentFilterForm):
    """The filters of charge review."""

    payer = forms.ChoiceField(label=_("Payer"), required=False)
    state = forms.ChoiceField(
        label=_("State"),
        required=False,
        choices=[("", _("All")), *(choice for choice in LineState.choices if choice[0] != LineState.VOID)],
    )
    code = forms.RegexField(
        r"^\s*[0-9A-Za-z]{5}\s*$",
        label=_("Code"),
        required=False,
        max_length=9,
        error_messages={"invalid": _("A code has five characters, like 77407.")},
    )
    reason = forms.ChoiceField(label=_("Held for"), required=False, choices=[("", _("Any reason")), *HOLD_REASONS])
    missing = forms.ChoiceField(
        label=_("Missing"),
        required=False,
        choices=[("", _("Anything")), (Missing.CHARGE, _("Charge amount")), (Missing.EXPECTED, _("Expected amount"))],
    )
    field_order = ("payer", "department", "state", "code", "first_day", "last_day", "reason", "missing")

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, user=user, **kwargs)
        self.payers = {payer.slug: payer for payer in Payer.objects.filter(organization=user.organization_id)}
        self.fields["payer"].choices = [
            ("", _("All")),
            *((slug, payer.name) for slug, payer in self.payers.items()),
            (NO_PAYER, _("No payer")),
        ]

    def clean_code(self) -> str:
        return self.cleaned_data["code"].strip().upper()

    @property
    def filters(self) -> ChargeFilters:
        """The filters as queries take them; to be asked of a valid form."""
        chosen = self.cleaned_data
        return ChargeFilters(
            payer=self.payers.get(chosen["payer"]),
            is_without_payer=chosen["payer"] == NO_PAYER,
            department=self.departments.get(chosen["department"]),
            state=chosen["state"],
            code=chosen["code"],
            reason=chosen["reason"],
            missing=chosen["missing"],
            first_day=chosen["first_day"],
            last_day=chosen["last_day"],
        )


class ChargeReportForm(ChargeFilterForm):
    """The filters of charge review, what to group by, and what the bars measure."""

    by = forms.MultipleChoiceField(
        label=_("Group by"),
        required=False,
        choices=Grouping.choices,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": _("Choose among payer, month, code and state.")},
    )
    bars = forms.ChoiceField(
        label=_("Bars show"),
        required=False,
        choices=[("", _("Charge amounts")), ("lines", _("Lines"))],
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["by"].widget.attrs["class"] = "form-check-input"

    @property
    def groupings(self) -> tuple[Grouping, ...]:
        """What to group by, in the fixed order of the choices; all four where nothing was chosen."""
        chosen = self.cleaned_data["by"] or Grouping.values
        return tuple(Grouping(value) for value in Grouping.values if value in chosen)

    @property
    def kept(self) -> dict[str, str]:
        """The filters alone: what to group by is no filter."""
        return {name: value for name, value in super().kept.items() if name not in ("by", "bars")}

    @property
    def in_words(self) -> list[tuple[str, str]]:
        return [(str(b.label), said) for b in self if b.name not in ("by", "bars") for said in self._said(b)]

    def _said(self, bound: forms.BoundField) -> list[str]:
        return [said for label, said in super().in_words if label == str(bound.label)]


class VoidLineForm(forms.Form):
    reason = forms.CharField(
        max_length=300,
        label=_("Why is this line void?"),
        help_text=_("Everyone who opens the line reads it. Write no patient's name."),
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": _("Say why, so that the next reader knows.")},
    )
