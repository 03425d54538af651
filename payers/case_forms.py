"""Asking about a date of service, and trying a case: forms that hold no patient data and write nothing."""

import re
from datetime import date
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from coding.engine.facts import AuthorizationFacts, EarlierSession
from coding.engine.vocabulary import (
    Completion,
    Guidance,
    Isocenters,
    MotionManagement,
    Setting,
    Technique,
)
from payers.models import Payer
from payers.presenters.asked import SETTING_LABELS
from portal.models import FIRST_DAY, LAST_DAY

DIAGNOSIS = re.compile(r"[A-Z0-9][A-Z0-9.]{2,7}")
IN_BOUNDS = [MinValueValidator(FIRST_DAY), MaxValueValidator(LAST_DAY)]
SETTINGS = [(setting.value, label) for setting, label in SETTING_LABELS.items()]


def day_field(label: str, **options: Any) -> forms.DateField:
    """A day within the years that the portal knows."""
    return forms.DateField(
        label=label, validators=IN_BOUNDS, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"), **options
    )


class CodeAskedForm(forms.Form):
    """For which date of service a code page asks the payers."""

    on = day_field(gettext_lazy("Date of service"))


class TransitionForm(forms.Form):
    """Whose policy, and which setting, the table of the change of codes is for."""

    payer = forms.ModelChoiceField(queryset=Payer.objects.none(), to_field_name="slug", empty_label=None)
    setting = forms.ChoiceField(choices=SETTINGS, initial=Setting.ON_CAMPUS.value)

    def __init__(self, *args: Any, organization: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["payer"].queryset = Payer.objects.filter(organization=organization, is_active=True)


class CaseForm(forms.Form):
    """One session as a question: what was delivered, where, when, and what is on file.

    It stands beside other forms on a page, so its fields have ids of their own.
    """

    payer = forms.ModelChoiceField(queryset=Payer.objects.none(), to_field_name="slug", empty_label=None)
    date_of_service = day_field(gettext_lazy("Date of service"))
    coded_on = day_field(
        gettext_lazy("Coded on"), help_text=gettext_lazy("Decides filing limits, and what is in the future.")
    )
    setting = forms.ChoiceField(choices=SETTINGS)
    technique = forms.ChoiceField(
        choices=[
            (Technique.IMRT_COMPLEX.value, gettext_lazy("IMRT, complex")),
            (Technique.IMRT_SIMPLE.value, gettext_lazy("IMRT, simple")),
            (Technique.COMPENSATOR.value, gettext_lazy("IMRT with a compensator")),
            (Technique.THREE_D.value, gettext_lazy("3D conformal")),
        ]
    )
    isocenters = forms.ChoiceField(choices=[(Isocenters.SINGLE.value, "One"), (Isocenters.MULTIPLE.value, "Several")])
    motion = forms.ChoiceField(
        label=gettext_lazy("Motion management"),
        choices=[
            ("none", "None"),
            ("active", gettext_lazy("Active, on record")),
            ("active_undocumented", gettext_lazy("Active, not on record")),
        ],
    )
    guidance = forms.ChoiceField(
        label=gettext_lazy("Image guidance"),
        choices=[
            (Guidance.CBCT.value, gettext_lazy("Cone-beam CT")),
            (Guidance.STEREOSCOPIC.value, gettext_lazy("Stereoscopic x-ray")),
            (Guidance.ULTRASOUND.value, "Ultrasound"),
            (Guidance.SURFACE.value, "Surface"),
            (Guidance.NONE.value, "None"),
        ],
    )
    completion = forms.ChoiceField(
        label=gettext_lazy("How it ended"),
        choices=[
            (Completion.COMPLETE.value, "Complete"),
            (Completion.PARTIAL.value, gettext_lazy("Partly delivered")),
            (Completion.NOT_STARTED.value, gettext_lazy("Beam never on")),
        ],
    )
    session_of_day = forms.TypedChoiceField(
        label=gettext_lazy("Session of the day"), choices=[(1, "First"), (2, "Second"), (3, "Third")], coerce=int
    )
    minutes_since_previous = forms.IntegerField(
        label=gettext_lazy("Minutes since the previous session"),
        required=False,
        min_value=0,
        max_value=1440,
        help_text=gettext_lazy("From start to start, for a second or third session."),
    )
    physician = forms.ChoiceField(
        label=gettext_lazy("Physician of the previous session"),
        choices=[("same", gettext_lazy("The same")), ("another", gettext_lazy("Another"))],
    )
    authorization = forms.ChoiceField(
        choices=[("on_file", gettext_lazy("On file, sufficient")), ("missing", gettext_lazy("Missing"))]
    )
    diagnoses = forms.CharField(
        max_length=100, help_text=gettext_lazy("Codes only, first-listed first, apart by spaces.")
    )

    def __init__(self, *args: Any, organization: int, **kwargs: Any) -> None:
        super().__init__(*args, auto_id="case_%s", **kwargs)
        self.fields["payer"].queryset = Payer.objects.filter(organization=organization, is_active=True)

    @classmethod
    def starting_with(cls, *, payer: str, on: date, setting: str, diagnosis: str, today: date) -> dict[str, Any]:
        """The case that the form opens with: the standing example, coded today at the earliest."""
        return {
            "payer": payer,
            "date_of_service": on,
            "coded_on": max(on, today),
            "setting": setting,
            "technique": Technique.IMRT_COMPLEX.value,
            "isocenters": Isocenters.SINGLE.value,
            "motion": "none",
            "guidance": Guidance.CBCT.value,
            "completion": Completion.COMPLETE.value,
            "session_of_day": 1,
            "physician": "same",
            "authorization": "on_file",
            "diagnoses": diagnosis,
        }

    def clean_diagnoses(self) -> tuple[str, ...]:
        codes = tuple(self.cleaned_data["diagnoses"].upper().replace(",", " ").replace(";", " ").split())
        for code in codes:
            if not DIAGNOSIS.fullmatch(code):
                raise forms.ValidationError(
                    _("%(code)s does not look like a diagnosis code, such as C02.1.") % {"code": code}
                )
        return codes

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        is_later = cleaned.get("session_of_day", 1) > 1
        if is_later and cleaned.get("minutes_since_previous") is None and "minutes_since_previous" not in self.errors:
            self.add_error("minutes_since_previous", _("Say how long after the previous session it started."))
        return cleaned

    def changes(self) -> dict[str, object]:
        """The fields of `SessionFacts` that this case changes in the standing example."""
        cleaned = self.cleaned_data
        return {
            "coded_on": cleaned["coded_on"],
            "technique": Technique(cleaned["technique"]),
            "isocenters": Isocenters(cleaned["isocenters"]),
            "motion_management": MotionManagement.NONE if cleaned["motion"] == "none" else MotionManagement.ACTIVE,
            "is_motion_documented": cleaned["motion"] != "active_undocumented",
            "guidance": Guidance(cleaned["guidance"]),
            "completion": Completion(cleaned["completion"]),
            "earlier_sessions": self._earlier_sessions(),
            "authorization": AuthorizationFacts() if cleaned["authorization"] == "on_file" else None,
            "diagnoses": cleaned["diagnoses"],
        }

    def _earlier_sessions(self) -> tuple[EarlierSession, ...]:
        cleaned = self.cleaned_data
        if cleaned["session_of_day"] == 1:
            return ()
        before = tuple(EarlierSession(minutes_before=None) for _ in range(cleaned["session_of_day"] - 2))
        last = EarlierSession(cleaned["minutes_since_previous"], cleaned["physician"] == "same")
        return (*before, last)
