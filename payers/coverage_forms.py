"""Forms of coverages and authorizations; nothing is saved here."""

from datetime import date
from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from payers.models import Authorization, Coverage, Payer
from portal.forms.clinic import CheckedForm, CodeListField
from portal.forms.day_fields import DayField, bounded_day
from portal.models import LAST_DAY, Course, Patient

PROCEDURE_CODE_LENGTH = 5


class CoverageForm(CheckedForm):
    """A payer, its rank, and the days; days on which another payer holds the rank are refused at the field."""

    starts_on = DayField(label=gettext_lazy("First day"), help_text=gettext_lazy("mm/dd/yyyy"))
    ends_on = DayField(
        label=gettext_lazy("Last day"), required=False, help_text=gettext_lazy("mm/dd/yyyy; empty while it goes on")
    )
    rank = forms.TypedChoiceField(
        choices=[(1, gettext_lazy("1: billed first")), (2, "2"), (3, "3"), (4, "4")],
        coerce=int,
        help_text=gettext_lazy("The payer of rank 1 on the date of service is billed."),
    )

    class Meta:
        model = Coverage
        fields = ["payer", "rank", "member_number", "starts_on", "ends_on"]
        widgets = {"member_number": forms.TextInput(attrs={"autocomplete": "off"})}

    def __init__(self, *args: Any, patient: Patient, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.patient = patient
        self.fields["payer"].queryset = _payers_of(patient.organization_id, self.instance.payer_id)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        starts_on, ends_on = cleaned.get("starts_on"), cleaned.get("ends_on")
        if starts_on and not date(1990, 1, 1) <= starts_on <= LAST_DAY:
            self.add_error(
                "starts_on", _("Enter a day from 01/01/1990 to %(last)s.") % {"last": f"{LAST_DAY:%m/%d/%Y}"}
            )
        _check_order(self, starts_on, ends_on)
        if not self.errors:
            self._check_overlap(cleaned)
        return cleaned

    def refuse_overlap(self) -> None:
        """What the database refused because somebody else was quicker, said where it is cleared."""
        self.add_error("starts_on", _("Somebody has just given this rank to another payer on one of these days."))

    def _check_overlap(self, cleaned: dict[str, Any]) -> None:
        others = Coverage.objects.filter(patient=self.patient, rank=cleaned["rank"]).exclude(pk=self.instance.pk)
        others = others.filter(Q(ends_on__isnull=True) | Q(ends_on__gte=cleaned["starts_on"]))
        if cleaned["ends_on"]:
            others = others.filter(starts_on__lte=cleaned["ends_on"])
        other = others.select_related("payer").first()
        if other is not None:
            until = (
                _("to %(ends_on)s") % {"ends_on": f"{other.ends_on:%m/%d/%Y}"} if other.ends_on else _("and goes on")
            )
            self.add_error(
                "starts_on",
                _(
                    "%(payer)s holds rank %(rank)s from %(starts_on)s %(until)s. "
                    "End that coverage first, or choose another rank."
                )
                % {
                    "payer": other.payer,
                    "rank": other.rank,
                    "starts_on": f"{other.starts_on:%m/%d/%Y}",
                    "until": until,
                },
            )

    def _get_validation_exclusions(self) -> set[str]:
        # The overlap is said at its field, in words that name the other payer; the constraint still stands behind it.
        return super()._get_validation_exclusions() | {"patient_id"}


class AuthorizationForm(CheckedForm):
    """A payer's authorization for the course, as on its letter."""

    codes = CodeListField(
        most=20,
        required=False,
        help_text=gettext_lazy("Codes as authorized, separated by commas: 77385, 77386. Empty: not tied to codes."),
    )
    units = forms.IntegerField(
        label=gettext_lazy("Sessions authorized"),
        required=False,
        min_value=1,
        max_value=999,
        help_text=gettext_lazy("Empty: not counted."),
    )
    starts_on = DayField(label=gettext_lazy("First day"), help_text=gettext_lazy("mm/dd/yyyy"))
    ends_on = DayField(
        label=gettext_lazy("Last day"), required=False, help_text=gettext_lazy("mm/dd/yyyy; empty while it goes on")
    )

    class Meta:
        model = Authorization
        fields = ["payer", "number", "codes", "units", "starts_on", "ends_on"]
        widgets = {"number": forms.TextInput(attrs={"autocomplete": "off"})}

    def __init__(self, *args: Any, course: Course, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.course = course
        self.fields["payer"].queryset = _payers_of(course.organization_id, self.instance.payer_id)

    def clean_codes(self) -> list[str]:
        codes = self.cleaned_data["codes"]
        wrong = [c for c in codes if len(c) != PROCEDURE_CODE_LENGTH or not (c.isascii() and c.isalnum())]
        if wrong:
            raise forms.ValidationError(
                _("%(codes)s is not a code of five characters, like 77386 or G6015.") % {"codes": ", ".join(wrong)}
            )
        return codes

    def clean_starts_on(self) -> date:
        return bounded_day(self.cleaned_data["starts_on"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        _check_order(self, cleaned.get("starts_on"), cleaned.get("ends_on"))
        same = Authorization.objects.filter(
            course=self.course, payer=cleaned.get("payer"), number=cleaned.get("number")
        )
        if same.exclude(pk=self.instance.pk).exists():
            self.refuse_second()
        return cleaned

    def refuse_second(self) -> None:
        """The payer's number is already on the course, perhaps since a moment ago."""
        self.add_error("number", _("The course already has this number of this payer. Amend that authorization."))


def _check_order(form: forms.Form, starts_on: date | None, ends_on: date | None) -> None:
    if ends_on and ends_on > LAST_DAY:
        form.add_error(
            "ends_on", _("Enter a day up to %(last)s, or leave it empty.") % {"last": f"{LAST_DAY:%m/%d/%Y}"}
        )
    if starts_on and ends_on and ends_on < starts_on:
        form.add_error(
            "ends_on", _("The last day is before the first, %(starts_on)s.") % {"starts_on": f"{starts_on:%m/%d/%Y}"}
        )


def _payers_of(organization_id: int, chosen: int | None):
    """The organization's active payers, and the one already chosen."""
    return Payer.objects.filter(organization=organization_id).filter(Q(is_active=True) | Q(pk=chosen))
