"""Forms of patients, courses, prescriptions and planned fractions; nothing is saved here."""

import re
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from coding.codebook_in_use import current_codebook
from portal.forms.day_fields import DayField
from portal.models import (
    Course,
    Department,
    MotionManagement,
    Organization,
    Patient,
    Physician,
    Prescription,
    ScheduledFraction,
    User,
)

DAY_FORMATS = ["%m/%d/%Y", "%Y-%m-%d", "%m/%d/%y", "%m%d%Y"]
TIME_FORMATS = ["%I:%M %p", "%I:%M%p", "%I %p", "%H:%M", "%H%M"]
INSTANT_FORMATS = [f"{day} {clock}" for day in DAY_FORMATS for clock in TIME_FORMATS]
ICD_10 = re.compile(r"[A-Z][0-9][0-9A-Z](\.[0-9A-Z]{1,4})?")
ICD_9 = re.compile(r"(V[0-9]{2}|E[0-9]{3}|[0-9]{3})(\.[0-9]{1,2})?")


class LocalInstantField(forms.DateTimeField):
    """A day and time on a department's clock, kept as an instant. `zone` is set by the form."""

    zone: ZoneInfo

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.DateTimeInput(format="%m/%d/%Y %I:%M %p", attrs={"autocomplete": "off"})
        super().__init__(input_formats=INSTANT_FORMATS, widget=widget, **kwargs)
        self.error_messages["invalid"] = _("%(label)s must be a day and a time, like 11/23/2026 2:05 PM.") % {
            "label": self.label
        }

    def to_python(self, value: Any) -> datetime | None:
        with timezone.override(self.zone):
            return super().to_python(" ".join(value.split()).upper() if isinstance(value, str) else value)

    def prepare_value(self, value: Any) -> Any:
        return timezone.make_naive(value, self.zone) if isinstance(value, datetime) and value.tzinfo else value


class CodeListField(forms.CharField):
    """Codes in order, separated by commas or blanks, each once; capital letters whatever is typed."""

    def __init__(self, *, most: int, **kwargs: Any) -> None:
        self.most = most
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> list[str]:
        return [code for code in re.split(r"[\s,;]+", super().to_python(value).upper()) if code]

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value

    def validate(self, value: list[str]) -> None:
        super().validate(value)
        if len(value) > self.most:
            raise forms.ValidationError(
                _("%(given)s codes are given; at most %(most)s fit.") % {"given": len(value), "most": self.most}
            )
        twice = sorted({code for code in value if value.count(code) > 1})
        if twice:
            raise forms.ValidationError(
                _("%(codes)s is given twice. Keep the first one.") % {"codes": ", ".join(twice)}
            )

    def run_validators(self, value: list[str]) -> None:
        """Each code was checked by itself in `validate`."""


class DiagnosesField(CodeListField):
    """ICD-10-CM codes, or ICD-9-CM ones for old dates of service, the first one first."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(most=12, **kwargs)

    def to_python(self, value: Any) -> list[str]:
        return [_with_dot(code) for code in super().to_python(value)]

    def validate(self, value: list[str]) -> None:
        super().validate(value)
        wrong = [code for code in value if not (ICD_10.fullmatch(code) or ICD_9.fullmatch(code))]
        if wrong:
            raise forms.ValidationError(
                _(
                    "%(codes)s does not look like a diagnosis code. Write it like C02.1, or like 141.9 for "
                    "dates of service before 10/01/2015."
                )
                % {"codes": ", ".join(wrong)}
            )


class CheckedForm(forms.ModelForm):
    """A form whose valid values go to a service: `facts` are exactly the fields on it."""

    @property
    def facts(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in self._meta.fields}


class PatientForm(CheckedForm):
    born_on = DayField(label=gettext_lazy("Date of birth"), required=False, help_text=gettext_lazy("mm/dd/yyyy"))

    class Meta:
        model = Patient
        fields = ["number", "family_name", "given_name", "born_on"]
        widgets = {name: forms.TextInput(attrs={"autocomplete": "off"}) for name in fields[:3]}
        help_texts = {"number": gettext_lazy("As on the chart: capital letters, digits and dashes, such as FX-004417.")}

    def __init__(self, *args: Any, organization: Organization, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.organization = organization
        self.today = today

    def clean_number(self) -> str:
        number = self.cleaned_data["number"]
        taken = Patient.objects.filter(organization=self.instance.organization, number=number)
        if taken.exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(
                _("%(number)s is the record number of another patient. Check it on the chart.") % {"number": number}
            )
        return number

    def clean_born_on(self) -> date | None:
        born_on = self.cleaned_data["born_on"]
        if born_on is not None and not date(1900, 1, 1) <= born_on <= self.today:
            raise forms.ValidationError(
                _("Date of birth must be from 01/01/1900 to %(today)s.") % {"today": f"{self.today:%m/%d/%Y}"}
            )
        return born_on


class CourseForm(CheckedForm):
    """A course. `hints` say what is odd about its diagnoses without refusing them: the engine holds the line later."""

    diagnoses = DiagnosesField(
        required=False,
        help_text=gettext_lazy(
            "ICD-10-CM codes in order, first one first, separated by commas: C02.1, C77.0. At most 12."
        ),
    )

    class Meta:
        model = Course
        fields = ["account_number", "department", "physician", "diagnoses", "status"]
        widgets = {"account_number": forms.TextInput(attrs={"autocomplete": "off"})}
        help_texts = {"account_number": gettext_lazy("One account number a course. The one suggested here is free.")}

    def __init__(self, *args: Any, user: User, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.organization = user.organization
        self.instance.organization = user.organization
        self.today = today
        self.fields["department"].queryset = (
            Department.objects.visible_to(user)
            .filter(Q(is_active=True) | Q(pk=self.instance.department_id))
            .order_by("name")
        )
        self.fields["physician"].queryset = physicians_of(user.organization, self.instance.physician_id)
        self.fields["physician"].help_text = _("Suggested for each new session, where it can be changed.")

    def clean_account_number(self) -> str:
        number = self.cleaned_data["account_number"]
        taken = Course.objects.filter(organization=self.organization, account_number=number)
        if taken.exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(
                _("%(number)s is the account number of another course. Choose another one.") % {"number": number}
            )
        return number

    @property
    def hints(self) -> list[str]:
        """What to look at once more in the diagnoses that were typed."""
        return diagnosis_hints(self.cleaned_data["diagnoses"], on=self.today)


class PrescriptionForm(CheckedForm):
    signed_at = LocalInstantField(
        label=gettext_lazy("Signed at"), required=False, help_text=gettext_lazy("Day and time: 11/23/2026 2:05 PM")
    )
    plan_approved_at = LocalInstantField(
        label=gettext_lazy("Plan approved at"),
        required=False,
        help_text=gettext_lazy("Day and time: 11/23/2026 2:05 PM"),
    )

    class Meta:
        model = Prescription
        fields = [
            "anatomical_site",
            "technique",
            "dose_per_fraction_cgy",
            "fractions",
            "sessions_a_day",
            "isocenters",
            "motion_management",
            "motion_documentation",
            "signed_at",
            "signed_by",
            "plan_approved_at",
            "plan_approved_by",
        ]
        labels = {
            "dose_per_fraction_cgy": gettext_lazy("Dose a fraction (cGy)"),
            "sessions_a_day": gettext_lazy("Sessions a day, as ordered"),
        }
        help_texts = {
            "sessions_a_day": gettext_lazy("1 to 3. A second session of a day is charged only where it was ordered."),
            "technique": gettext_lazy("Left open, sessions are held until it is known."),
        }
        widgets = {"motion_documentation": forms.Textarea(attrs={"rows": 3})}

    def __init__(self, *args: Any, course: Course, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.now = now
        zone = course.department.zone
        for name in ("signed_at", "plan_approved_at"):
            self.fields[name].zone = zone
            self.fields[name].help_text += _(", on the clock of %(zone)s") % {"zone": zone.key}
        for name in ("signed_by", "plan_approved_by"):
            self.fields[name].queryset = physicians_of(course.organization, getattr(self.instance, f"{name}_id"))
        for name, most in (("fractions", 99), ("sessions_a_day", 3), ("dose_per_fraction_cgy", 10_000)):
            self.fields[name].widget.attrs |= {"min": 1, "max": most}

    def clean_fractions(self) -> int:
        return _within(self.cleaned_data["fractions"], 1, 99, "Fractions")

    def clean_sessions_a_day(self) -> int:
        return _within(self.cleaned_data["sessions_a_day"], 1, 3, _("Sessions a day"))

    def clean_dose_per_fraction_cgy(self) -> int:
        return _within(self.cleaned_data["dose_per_fraction_cgy"], 1, 10_000, _("Dose a fraction in cGy"))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        self._check_pair("signed_at", "signed_by", _("signed the prescription"))
        self._check_pair("plan_approved_at", "plan_approved_by", _("approved the plan"))
        return cleaned

    @property
    def hints(self) -> list[str]:
        """What will keep lines back although the prescription can be saved like this."""
        active = self.cleaned_data["motion_management"] == MotionManagement.ACTIVE
        if active and not self.cleaned_data["motion_documentation"].strip():
            return [
                _(
                    "Motion management is active without documentation; lines that rest on it are held "
                    "until it is there."
                )
            ]
        return []

    def _check_pair(self, when: str, who: str, act: str) -> None:
        """An instant never travels without its person, nor lies ahead."""
        if when in self.errors or who in self.errors:
            return
        at, by = self.cleaned_data[when], self.cleaned_data[who]
        if at and not by:
            self.add_error(who, _("Say who %(act)s, or leave the time empty.") % {"act": act})
        if by and not at:
            self.add_error(when, _("Say when the physician %(act)s, or leave the name empty.") % {"act": act})
        if at and at > self.now:
            self.add_error(
                when, _("Nobody has %(act)s yet at a time that lies ahead. Enter a time up to now.") % {"act": act}
            )


class MissedFractionForm(forms.ModelForm):
    missed_reason = forms.CharField(
        label=gettext_lazy("Why was it missed?"),
        max_length=200,
        help_text=gettext_lazy("In a few words: machine down, patient ill, holiday."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    class Meta:
        model = ScheduledFraction
        fields = ["missed_reason"]


def physicians_of(organization: Organization, chosen: int | None):
    """The organization's active physicians, and the one already chosen."""
    return Physician.objects.filter(organization=organization).filter(Q(is_active=True) | Q(pk=chosen))


def diagnosis_hints(codes: list[str], *, on: date) -> list[str]:
    """What the codebook has to say on a day about codes that look right: none at all, or not billable."""
    if not codes:
        return [_("No diagnosis is given; lines are held until there is one.")]
    known = current_codebook().diagnoses
    wrong = [c for c in codes if ICD_10.fullmatch(c) and known.is_loaded(c) and not known.is_billable(c, on)]
    return [
        _("%(code)s is not a billable ICD-10-CM code on %(on)s; lines with it are held.")
        % {"code": c, "on": f"{on:%m/%d/%Y}"}
        for c in wrong
    ]


def _within(value: int, least: int, most: int, name: str) -> int:
    if not least <= value <= most:
        raise forms.ValidationError(
            _("%(name)s must be from %(least)s to %(most)s.") % {"name": name, "least": least, "most": f"{most:,}"}
        )
    return value


def _with_dot(code: str) -> str:
    """C021 as C02.1; a code with its dot, and an ICD-9 code (whose dot cannot be guessed for E codes), stay."""
    undotted = "." not in code and len(code) > 3 and ICD_10.fullmatch(f"{code[:3]}.{code[3:]}")
    return f"{code[:3]}.{code[3:]}" if undotted else code
