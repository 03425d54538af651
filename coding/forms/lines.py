"""Filters of charge review, and the reason for a void."""

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from coding.engine.findings import CATALOGUE, NAME_OF_EDIT
from coding.engine.vocabulary import Severity
from coding.models import LineState
from coding.reports import NO_PAYER, ChargeFilters, Missing
from payers.models import Payer
from portal.models import FIRST_DAY, LAST_DAY, Department, User


def reasons_of(severity: Severity) -> list[tuple[str, str]]:
    """The findings of one severity by name, each with its title, in order of title."""
    named = {
        NAME_OF_EDIT.get(edit, wording.name): wording.title
        for edit, wording in CATALOGUE.items()
        if wording.severity is severity
    }
    return sorted(named.items(), key=lambda reason: reason[1])


HOLD_REASONS, ERRORS = reasons_of(Severity.HOLD), reasons_of(Severity.ERROR)


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
            field.widget.attrs["class"] = "form-select form-select-sm" if is_choice else "form-control form-control-sm"

    @property
    def kept(self) -> dict[str, str]:
        """The filters as an address carries them on."""
        return {bound.name: self.data[bound.name] for bound in self.filter_fields if self.data.get(bound.name)}

    @property
    def filter_fields(self) -> list[forms.BoundField]:
        """The fields that narrow the list."""
        return list(self)

    @property
    def in_words(self) -> list[tuple[str, str]]:
        """Each filter that is set with its value as a person reads it."""
        said = []
        for bound in self.filter_fields:
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
    start = day_field(_("Date of service from"))
    end = day_field(_("Date of service through"))

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        departments = Department.objects.visible_to(user).values_list("pk", "name")
        self.fields["department"].choices = [("", _("All")), *((str(pk), name) for pk, name in departments)]

    def clean(self) -> dict[str, Any]:
        found = super().clean()
        first, last = found.get("start"), found.get("end")
        if first and last and last < first:
            self.add_error("end", _("Must not be before the first day."))
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
        choices=[("", _("Nothing asked")), *Missing.choices],
    )
    field_order = ("payer", "department", "state", "code", "start", "end", "reason", "missing")

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
            department_id=int(chosen["department"]) if chosen["department"] else None,
            state=chosen.get("state", ""),
            code=chosen.get("code", ""),
            reason=chosen["reason"],
            missing=chosen.get("missing", ""),
            start=chosen["start"],
            end=chosen["end"],
        )


class WithoutLineFilterForm(ChargeFilterForm):
    """What sessions without a line can be narrowed to: an error, too, says why there is none."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("state", "code", "missing"):
            del self.fields[name]
        self.fields["reason"].label = _("Because of")
        self.fields["reason"].choices = [("", _("Any reason")), *ERRORS, *HOLD_REASONS]


class VoidLineForm(forms.Form):
    reason = forms.CharField(
        max_length=300,
        label=_("Why is this line void?"),
        help_text=_("Everyone who opens the line reads it. Write no patient's name."),
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": _("Say why, so that the next reader knows.")},
    )
