"""The form of one session, and of voiding it; nothing is decided here."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django import forms
from django.db.models import Prefetch, Q
from django.forms.models import ModelChoiceIterator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.forms.clinic import CodeListField, LocalInstantField, physicians_of
from portal.forms.clock_fields import TWICE_CHOICES, ClockField, RepeatedTime, SkippedTime, instant_on
from portal.forms.day_fields import DayField, bounded_day
from portal.models import (
    Completion,
    Course,
    Department,
    Isocenters,
    Machine,
    MotionManagement,
    Prescription,
    TreatmentSession,
    User,
)

CODE = re.compile(r"[0-9]{5}|[A-Z][0-9]{4}|[0-9]{4}[A-Z]")
MODIFIER = re.compile(r"[0-9A-Z]{2}")
# An end that lies before the start is after midnight where the session is then no longer than this.
LONGEST_PAST_MIDNIGHT = timedelta(hours=4)
PLAIN_FACTS = (
    "department",
    "machine",
    "physician",
    "completion",
    "isocenters",
    "motion_management",
    "guidance",
    "image_review_signed_at",
    "is_inpatient",
    "is_supervision_documented",
    "has_treatment_record",
    "beneficiary_notice",
    "is_locum",
    "has_resident",
    "requested_code",
    "requested_modifiers",
    "other_codes_same_day",
)


class CodesField(CodeListField):
    """Code numbers or modifiers of one strict pattern, whatever width of letters was typed."""

    def __init__(self, *, pattern: re.Pattern[str], told: str, **kwargs: Any) -> None:
        self.pattern, self.told = pattern, told
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> list[str]:
        return super().to_python(unicodedata.normalize("NFKC", value or ""))

    def validate(self, value: list[str]) -> None:
        super().validate(value)
        wrong = [code for code in value if not self.pattern.fullmatch(code)]
        if wrong:
            raise forms.ValidationError(self.told % {"wrong": ", ".join(wrong)})


class MachinesByDepartment(ModelChoiceIterator):
    """The machines under the names of their departments."""

    def __iter__(self):
        yield ("", self.field.empty_label)
        groups: dict[str, list[tuple[Any, str]]] = {}
        for machine in self.queryset:
            groups.setdefault(machine.department.name, []).append(self.choice(machine))
        yield from groups.items()


class MachineField(forms.ModelChoiceField):
    iterator = MachinesByDepartment


@dataclass(frozen=True, slots=True)
class FractionRow:
    """One prescription of the course on the form: was it delivered, and which fraction of it."""

    prescription: Prescription
    delivered: forms.BoundField
    number: forms.BoundField


class SessionForm(forms.Form):
    """A session of one course, recorded or amended.

    `facts` and `fractions` are what the services take. Times are on the clock of the department that is chosen.
    `is_asking_start` and `is_asking_end` say that the clock showed a time twice, so that the form asks which is meant.
    """

    date_of_service = DayField(label=gettext_lazy("Date of service"))
    start = ClockField(label=gettext_lazy("Start"), help_text=gettext_lazy("9:30 AM, 0930 or 9:30 PM"))
    start_which = forms.ChoiceField(
        label=gettext_lazy("Which start"),
        choices=TWICE_CHOICES,
        required=False,
        help_text=gettext_lazy("The clock showed this time twice that day."),
    )
    end = ClockField(
        label=gettext_lazy("End"), required=False, help_text=gettext_lazy("Past midnight counts as the next day.")
    )
    end_which = forms.ChoiceField(
        label=gettext_lazy("Which end"),
        choices=TWICE_CHOICES,
        required=False,
        help_text=gettext_lazy("The clock showed this time twice that day."),
    )
    department = forms.ModelChoiceField(Department.objects.none(), label=gettext_lazy("Department"), empty_label=None)
    machine = MachineField(
        Machine.objects.none(), label=gettext_lazy("Machine"), required=False, empty_label=gettext_lazy("Not known")
    )
    physician = forms.ModelChoiceField(
        None,
        label=gettext_lazy("Responsible physician"),
        required=False,
        empty_label=gettext_lazy("Not known"),
    )
    completion = forms.ChoiceField(label=gettext_lazy("How it ended"), choices=Completion.choices)
    isocenters = forms.ChoiceField(label=gettext_lazy("Isocenters"), required=False)
    motion_management = forms.ChoiceField(label=gettext_lazy("Motion management"), required=False)
    guidance = forms.ChoiceField(
        label=gettext_lazy("Image guidance"), choices=TreatmentSession._meta.get_field("guidance").choices
    )
    image_review_signed_at = LocalInstantField(
        label=gettext_lazy("Image review signed"),
        required=False,
        help_text=gettext_lazy("Day and time: 11/23/2026 2:05 PM"),
    )
    is_inpatient = forms.BooleanField(label=gettext_lazy("Inpatient that day"), required=False)
    is_supervision_documented = forms.BooleanField(label=gettext_lazy("Supervision documented"), required=False)
    has_treatment_record = forms.BooleanField(label=gettext_lazy("Treatment record present"), required=False)
    is_locum = forms.BooleanField(label=gettext_lazy("Substitute physician (fee for time)"), required=False)
    has_resident = forms.BooleanField(label=gettext_lazy("A resident took part"), required=False)
    beneficiary_notice = forms.ChoiceField(
        label=gettext_lazy("Advance beneficiary notice"),
        choices=[
            ("", gettext_lazy("No denial expected")),
            *TreatmentSession._meta.get_field("beneficiary_notice").choices,
        ],
        required=False,
    )
    requested_code = forms.CharField(
        label=gettext_lazy("Requested code"), required=False, help_text=gettext_lazy("Five characters, such as 77386.")
    )
    requested_modifiers = CodesField(
        label=gettext_lazy("Requested modifiers"),
        required=False,
        most=4,
        pattern=MODIFIER,
        told=gettext_lazy("%(wrong)s: a modifier has two characters, such as 76. Separate them by commas."),
        help_text=gettext_lazy("Two characters each, in order, separated by commas: 76, PO."),
    )
    other_codes_same_day = CodesField(
        label=gettext_lazy("Other codes that day"),
        required=False,
        most=20,
        pattern=CODE,
        told=gettext_lazy("%(wrong)s: a code has five characters, such as 77336. Separate them by commas."),
        help_text=gettext_lazy("Whatever else is billed for the patient that day, separated by commas."),
    )
    revision = forms.IntegerField(widget=forms.HiddenInput, required=False)

    WHEN = ("date_of_service", "start", "start_which", "end", "end_which")
    WHERE = ("department", "machine", "physician")
    HOW = ("completion", "isocenters", "motion_management", "guidance", "image_review_signed_at")
    CIRCUMSTANCES = (
        "is_inpatient",
        "has_treatment_record",
        "is_supervision_documented",
        "is_locum",
        "has_resident",
        "beneficiary_notice",
    )
    KEYED = ("requested_code", "requested_modifiers", "other_codes_same_day")

    def __init__(
        self,
        *args: Any,
        user: User,
        course: Course,
        prescriptions: Sequence[Prescription],
        today: date,
        now: datetime,
        session: TreatmentSession | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.course, self.session, self.today, self.now = course, session, today, now
        self.prescriptions = prescriptions
        chosen = session.department_id if session else course.department_id
        departments = (
            Department.objects.filter(
                Q(pk__in=Department.objects.visible_to(user).filter(is_active=True).values("pk")) | Q(pk=chosen)
            )
            .order_by("name")
            .prefetch_related(Prefetch("machines", to_attr="all_machines"))
        )
        self.fields["department"].queryset = departments
        self.fields["machine"].queryset = (
            Machine.objects.filter(department__in=departments)
            .filter(Q(is_active=True) | Q(pk=session.machine_id if session else None))
            .select_related("department")
            .order_by("department__name", "name")
        )
        self.fields["physician"].queryset = physicians_of(
            course.organization, session.physician_id if session else course.physician_id
        )
        self.zone = self._department(departments).zone
        clock = _("on the clock of %(zone)s") % {"zone": self.zone.key}
        self.fields["date_of_service"].today = today
        self.fields["date_of_service"].help_text = _("mm/dd/yyyy, %(clock)s") % {"clock": clock}
        self.fields["image_review_signed_at"].zone = self.zone
        self._name_what_is_prescribed()
        for prescription in prescriptions:
            self.fields[f"delivered_{prescription.pk}"] = forms.BooleanField(
                label=_("Delivered: %(prescription)s") % {"prescription": prescription}, required=False
            )
            self.fields[f"fraction_{prescription.pk}"] = forms.IntegerField(
                label=_("Fraction of %(site)s") % {"site": prescription.anatomical_site},
                help_text=_("of %(fractions)d prescribed") % {"fractions": prescription.fractions},
                min_value=1,
                max_value=99,
                required=False,
                error_messages={"invalid": _("A fraction number is a whole number, such as 12.")},
            )
        if session is not None:
            self.fields["reason"] = forms.CharField(
                label=_("Why is it amended?"),
                max_length=200,
                help_text=_("It stands in the session's history. Write no patient's name."),
                error_messages={"required": _("Say why the session is amended.")},
            )
        for name in ("requested_code", "requested_modifiers", "other_codes_same_day"):
            self.fields[name].widget.attrs |= {"autocomplete": "off"}
        self.is_asking_start = bool(self["start_which"].value())
        self.is_asking_end = bool(self["end_which"].value())

    def clean_date_of_service(self) -> date:
        day = bounded_day(self.cleaned_data["date_of_service"])
        if day > self.today:
            raise forms.ValidationError(
                _("%(day)s is after today. Enter a date up to %(today)s.")
                % {"day": f"{day:%m/%d/%Y}", "today": f"{self.today:%m/%d/%Y}"}
            )
        return day

    def clean_image_review_signed_at(self) -> datetime | None:
        signed_at = self.cleaned_data["image_review_signed_at"]
        if signed_at and signed_at > self.now:
            raise forms.ValidationError(_("The review cannot have been signed at a time that lies ahead."))
        return signed_at

    def clean_requested_code(self) -> str:
        code = unicodedata.normalize("NFKC", self.cleaned_data["requested_code"]).strip().upper()
        if code and not CODE.fullmatch(code):
            raise forms.ValidationError(
                _("A code has five characters, such as 77386. Leave it empty if none is asked.")
            )
        return code

    def clean(self) -> dict[str, Any]:
        """`started_at` and `ended_at` in the cleaned data are instants; `fractions` pairs prescription and number."""
        cleaned = super().clean()
        department, machine = cleaned.get("department"), cleaned.get("machine")
        if department and machine and machine.department_id != department.pk:
            self.add_error(
                "machine",
                _("%(machine)s is not a machine of %(department)s. Choose one of its machines, or the department.")
                % {"machine": machine, "department": department},
            )
        self._clean_times(cleaned)
        self._clean_fractions(cleaned)
        return cleaned

    @property
    def facts(self) -> dict[str, Any]:
        """The fields of TreatmentSession that the form gives."""
        cleaned = self.cleaned_data
        return {
            "started_at": cleaned["started_at"],
            "ended_at": cleaned["ended_at"],
            **{name: cleaned[name] for name in PLAIN_FACTS},
        }

    @property
    def fractions(self) -> list[tuple[Prescription, int | None]]:
        return self.cleaned_data["fractions"]

    @property
    def fraction_rows(self) -> list[FractionRow]:
        return [FractionRow(p, self[f"delivered_{p.pk}"], self[f"fraction_{p.pk}"]) for p in self.prescriptions]

    @property
    def when(self) -> list[forms.BoundField]:
        asked = {"start_which": self.is_asking_start, "end_which": self.is_asking_end}
        return [self[name] for name in self.WHEN if asked.get(name, True)]

    @property
    def where(self) -> list[forms.BoundField]:
        return [self[name] for name in self.WHERE]

    @property
    def how(self) -> list[forms.BoundField]:
        return [self[name] for name in self.HOW]

    @property
    def circumstances(self) -> list[forms.BoundField]:
        return [self[name] for name in self.CIRCUMSTANCES]

    @property
    def keyed(self) -> list[forms.BoundField]:
        return [self[name] for name in self.KEYED]

    @property
    def is_keyed_open(self) -> bool:
        """Whether something stands in the fields that are keyed by hand, so that they are shown unfolded."""
        return any(field.value() or field.errors for field in self.keyed)

    def _department(self, departments: Sequence[Department]) -> Department:
        """The department that was chosen, as far as that can be known before validation."""
        chosen = str(self["department"].value() or "")
        fallback = self.session.department if self.session else self.course.department
        return next((department for department in departments if str(department.pk) == chosen), fallback)

    def _name_what_is_prescribed(self) -> None:
        """Say in the first choice what the prescriptions order, since leaving it is right nearly always."""
        for name, choices in (("isocenters", Isocenters), ("motion_management", MotionManagement)):
            ordered = list(dict.fromkeys(getattr(p, f"get_{name}_display")() for p in self.prescriptions))
            told = _("As prescribed (%(ordered)s)") % {"ordered": "; ".join(ordered)} if ordered else _("As prescribed")
            self.fields[name].choices = [("", told), *choices.choices]

    def _clean_times(self, cleaned: dict[str, Any]) -> None:
        cleaned["started_at"] = cleaned["ended_at"] = None
        day, start, end = cleaned.get("date_of_service"), cleaned.get("start"), cleaned.get("end")
        if not day or start is None:
            return
        started_at = cleaned["started_at"] = self._instant("start", day, start)
        if end is None or started_at is None:
            return
        ended_at = self._instant("end", day, end)
        if ended_at is not None and ended_at < started_at:
            next_day = self._instant("end", day + timedelta(days=1), end)
            if next_day is None or next_day - started_at > LONGEST_PAST_MIDNIGHT:
                self.add_error("end", _("The end lies before the start. Check both times."))
                return
            ended_at = next_day
        cleaned["ended_at"] = ended_at

    def _instant(self, name: str, day: date, clock) -> datetime | None:
        """The instant of a time that was typed; an error at its field where the clock never showed it, or twice.

        A time that an amendment leaves as it was keeps its seconds.
        """
        before = getattr(self.session, {"start": "started_at", "end": "ended_at"}[name], None)
        try:
            at = instant_on(day, clock, self.zone, self.cleaned_data.get(f"{name}_which", ""))
        except SkippedTime:
            self.add_error(
                name,
                _("The clock went forward on %(day)s and never showed this time. Check it on the treatment record.")
                % {"day": f"{day:%m/%d/%Y}"},
            )
            return None
        except RepeatedTime:
            setattr(self, f"is_asking_{name}", True)
            self.add_error(
                f"{name}_which",
                _("The clock went back on %(day)s and showed this time twice. Choose which one is meant.")
                % {"day": f"{day:%m/%d/%Y}"},
            )
            return None
        return before if before and before.replace(second=0, microsecond=0) == at else at

    def _clean_fractions(self, cleaned: dict[str, Any]) -> None:
        cleaned["fractions"] = [
            (p, cleaned.get(f"fraction_{p.pk}")) for p in self.prescriptions if cleaned.get(f"delivered_{p.pk}")
        ]
        is_beam_on = cleaned.get("completion") in (Completion.COMPLETE, Completion.PARTIAL)
        if self.prescriptions and is_beam_on and not cleaned["fractions"]:
            self.add_error(
                f"delivered_{self.prescriptions[0].pk}",
                _("Tick what was delivered, or choose above that the beam never went on."),
            )


class VoidSessionForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Why is this session void?"),
        max_length=300,
        help_text=gettext_lazy("Everyone who opens the session reads it. Write no patient's name."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
