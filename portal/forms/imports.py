"""Forms of imports: the files of a treatment log, and what a person knows of its candidates. Nothing is saved here."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from payers.models import Coverage, Payer
from portal.forms.clinic import DiagnosesField, LocalInstantField, physicians_of
from portal.forms.day_fields import DayField
from portal.models import (
    CandidateDelivery,
    Completion,
    Course,
    Department,
    Guidance,
    Machine,
    Patient,
    Prescription,
    SessionCandidate,
    Technique,
    TreatmentSession,
    User,
)
from portal.models.clinic import RECORD_NUMBER
from portal.services.clinic import suggest_account_number
from portal.services.imports import record_number_of
from portal.treatment_log_files import MOST_BYTES, UnreadableLog, read_tables, tables_of_uploads

NEW = "new"


class LogFilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class LogFilesField(forms.FileField):
    """The four files together or one zip; the cleaned value is the content of each table."""

    def clean(self, data: Any, initial: Any = None) -> dict[str, bytes]:
        files = [super(LogFilesField, self).clean(file, initial) for file in (data or [None])]
        if sum(file.size for file in files) > MOST_BYTES:
            raise forms.ValidationError(
                _("The files are larger than %(most)s MB.") % {"most": MOST_BYTES // 1024 // 1024}
            )
        try:
            tables = tables_of_uploads((file.name, file.read()) for file in files)
            read_tables(tables)
        except UnreadableLog as error:
            raise forms.ValidationError(str(error)) from error
        return tables


class LogUploadForm(forms.Form):
    files = LogFilesField(
        label=gettext_lazy("Files of the treatment log"),
        widget=LogFilesInput(attrs={"accept": ".csv,.zip"}),
        help_text=gettext_lazy(
            "TrackTreatment.csv, Site.csv, TxField.csv and Ident.csv, or one zip of the four. At most 50 MB."
        ),
        error_messages={
            "required": gettext_lazy("Choose the four files, or one zip of them."),
            "empty": gettext_lazy("A file is empty."),
        },
    )
    department = forms.ModelChoiceField(
        Department.objects.none(),
        required=False,
        empty_label=gettext_lazy("as its machines say"),
        help_text=gettext_lazy("For machines that no department names in set-up."),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["department"].queryset = Department.objects.visible_to(user).filter(is_active=True)
        # Candidates without a department are seen by people of all departments only.
        self.fields["department"].required = not user.sees_all_departments


class DismissForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Why is it no session to bill here?"),
        max_length=300,
        help_text=gettext_lazy("In a few words: phantom, entered by hand, billed elsewhere. No patient names."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


@dataclass(frozen=True, slots=True)
class SiteFields:
    """A site of the log, and the fields that say which prescription it is."""

    delivery: CandidateDelivery
    choice: forms.BoundField
    fields: tuple[forms.BoundField, ...]


@dataclass(frozen=True, slots=True)
class CandidateFields:
    """A candidate, the fields that say what the log does not know of it, and the patient's sessions of that day."""

    candidate: SessionCandidate
    include: forms.BoundField
    fields: tuple[forms.BoundField, ...]
    recorded: tuple[str, ...]


class ConfirmForm(forms.Form):
    """What the log does not know of one patient's candidates: who and which course, where, what was ordered, who pays.

    The fields follow the record number: a known one offers the patient's courses and prescriptions, an unknown one asks
    for the new patient. `typed` are values to show again without checking them.
    """

    record_number = forms.CharField(
        max_length=24,
        validators=[RECORD_NUMBER],
        help_text=gettext_lazy("As on the chart. Look it up after changing it."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    family_name = forms.CharField(max_length=80, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    given_name = forms.CharField(max_length=80, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    born_on = DayField(label=gettext_lazy("Date of birth"), required=False, help_text=gettext_lazy("mm/dd/yyyy"))
    course = forms.ChoiceField()
    account_number = forms.CharField(
        label=gettext_lazy("Account number of the new course"),
        max_length=24,
        required=False,
        validators=[RECORD_NUMBER],
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    diagnoses = DiagnosesField(
        label=gettext_lazy("Diagnoses of the new course"),
        required=False,
        help_text=gettext_lazy(
            "In order, separated by commas: C02.1, C77.0. ICD-9 codes (141.9) for dates before 10/01/2015."
        ),
    )
    department = forms.ModelChoiceField(
        Department.objects.none(), help_text=gettext_lazy("The log's times are read on this department's clock.")
    )
    physician = forms.ModelChoiceField(None, required=False, help_text=gettext_lazy("Responsible for these sessions."))
    payer = forms.ModelChoiceField(
        Payer.objects.none(),
        required=False,
        empty_label=gettext_lazy("as on file"),
        help_text=gettext_lazy(
            "Only where no coverage is on file: covers the patient from the first of these days on, as rank 1."
        ),
    )

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        candidates: list[SessionCandidate],
        chosen: SessionCandidate,
        user: User,
        now: datetime,
        typed: Mapping[str, Any] | None = None,
    ) -> None:
        self.candidates, self.chosen, self.user, self.now = candidates, chosen, user, now
        self.machine_names = sorted({candidate.machine_name for candidate in candidates})
        self.deliveries = _one_of_each_site(candidates)
        shown = data if data is not None else typed
        earlier = _earlier_session(chosen)
        number = shown.get("record_number", "") if shown else _suggested_number(chosen, earlier)
        self.patient = _patient_numbered(number.strip(), user)
        self.courses = list(_courses_of(self.patient, user))
        initial = self._suggestions(number, earlier)
        if shown is not None:
            # A box that was not ticked is not among what a browser sends.
            initial |= {_of(candidate, "include"): False for candidate in candidates} | dict(shown.items())
        super().__init__(data, initial=initial)
        self._set_up_who()
        self._set_up_where()
        self._set_up_sites()
        self._set_up_candidates(_zone_of(self, shown, initial))

    @property
    def who(self) -> list[forms.BoundField]:
        names = ["record_number", "family_name", "given_name", "born_on"]
        return [self[name] for name in names if name in self.fields]

    @property
    def course_fields(self) -> list[forms.BoundField]:
        names = ["course", "account_number", "diagnoses", "department", "physician", "payer"]
        return [self[name] for name in [*names, *(_machine(name) for name in self.machine_names)]]

    @property
    def sites(self) -> list[SiteFields]:
        return [
            SiteFields(d, self[_site(d, "is")], tuple(self[_site(d, name)] for name in NEW_PRESCRIPTION))
            for d in self.deliveries
        ]

    @property
    def candidate_fields(self) -> list[CandidateFields]:
        recorded = self._recorded_by_day()
        return [
            CandidateFields(
                candidate,
                self[_of(candidate, "include")],
                (
                    self[_of(candidate, "completion")],
                    self[_of(candidate, "guidance")],
                    self[_of(candidate, "reviewed_at")],
                    *(self[_fraction(candidate, delivery)] for delivery in candidate.deliveries.all()),
                ),
                tuple(recorded[candidate.started_at.date()]),
            )
            for candidate in self.candidates
        ]

    @property
    def included(self) -> list[SessionCandidate]:
        """The candidates that the person ticked, in order of start."""
        return [candidate for candidate in self.candidates if self.cleaned_data.get(_of(candidate, "include"))]

    @property
    def chosen_course(self) -> Course | None:
        """The course that the person chose, or None for a new one."""
        return next((course for course in self.courses if str(course.pk) == self.cleaned_data["course"]), None)

    def machine_of(self, candidate: SessionCandidate) -> Machine | None:
        return self.cleaned_data[_machine(candidate.machine_name)]

    def prescription_of(self, delivery: CandidateDelivery) -> Prescription | None:
        """The prescription that the person chose for the delivery's site, or None for a new one."""
        choice = self.cleaned_data[_site(delivery, "is")]
        return next((p for p in self._prescriptions() if str(p.pk) == choice), None)

    def new_prescription_of(self, delivery: CandidateDelivery) -> dict[str, Any]:
        """The facts of the new prescription for the delivery's site."""
        return {name: self.cleaned_data[_site(delivery, name)] for name in NEW_PRESCRIPTION}

    def fraction_of(self, candidate: SessionCandidate, delivery: CandidateDelivery) -> int | None:
        return self.cleaned_data[_fraction(candidate, delivery)]

    def facts_of(self, candidate: SessionCandidate) -> dict[str, Any]:
        """The facts of the session that only the person knows."""
        return {
            "completion": self.cleaned_data[_of(candidate, "completion")],
            "guidance": self.cleaned_data[_of(candidate, "guidance")],
            "image_review_signed_at": self.cleaned_data[_of(candidate, "reviewed_at")],
        }

    def clean_account_number(self) -> str:
        number = self.cleaned_data["account_number"]
        is_new = self.cleaned_data.get("course") == NEW
        if is_new and not number:
            raise forms.ValidationError(_("A new course needs an account number."))
        if is_new and Course.objects.filter(organization=self.user.organization, account_number=number).exists():
            raise forms.ValidationError(
                _("%(number)s is the account number of another course. Choose another one.") % {"number": number}
            )
        return number

    def clean_record_number(self) -> str:
        number = self.cleaned_data["record_number"]
        known = Patient.objects.filter(organization=self.user.organization, number=number)
        if self.patient is None and known.exists():
            raise forms.ValidationError(
                _("%(number)s is a patient of a department that you do not see.") % {"number": number}
            )
        return number

    def clean_born_on(self) -> date | None:
        born_on = self.cleaned_data["born_on"]
        if born_on is not None and not date(1900, 1, 1) <= born_on <= self.now.date():
            raise forms.ValidationError(_("Date of birth must be from 01/01/1900 to today."))
        return born_on

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if not self.included:
            self.add_error(None, _("Tick at least one candidate to confirm."))
        else:
            self._check_machines()
            self._check_sites()
            self._check_reviews()
            self._check_coverage()
        return cleaned

    def _suggestions(self, number: str, earlier: Any) -> dict[str, Any]:
        """What is known of the candidates, shown to be looked at."""
        department = self.chosen.department or (earlier and earlier.department)
        active = [course for course in self.courses if course.status == "active"]
        likely = earlier.course_id if earlier else active[0].pk if len(active) == 1 else None
        course = next((course for course in self.courses if course.pk == likely), None)
        initial = {
            "record_number": number,
            "course": str(course.pk) if course else "" if self.courses else NEW,
            "account_number": suggest_account_number(organization=self.user.organization),
            "department": department.pk if department else course.department_id if course else None,
            "physician": course.physician_id if course else None,
        }
        machines = Machine.objects.filter(department__organization=self.user.organization)
        for machine in machines.filter(source_name__in=[name for name in self.machine_names if name]):
            initial[_machine(machine.source_name)] = machine.pk
        matched = _matched_prescriptions(self.deliveries, self._prescriptions(), self.chosen.organization_id)
        for delivery in self.deliveries:
            initial |= {
                _site(delivery, "is"): matched.get(delivery.source_site_id, NEW),
                _site(delivery, "anatomical_site"): delivery.site_name,
                _site(delivery, "dose_per_fraction_cgy"): delivery.dose_per_fraction_cgy,
                _site(delivery, "fractions"): delivery.fractions,
            }
        for candidate in self.candidates:
            initial |= {
                _of(candidate, "include"): candidate == self.chosen,
                _of(candidate, "completion"): Completion.PARTIAL if candidate.is_partial else Completion.COMPLETE,
                _of(candidate, "guidance"): Guidance.NONE,
            }
        return initial

    def _set_up_who(self) -> None:
        if self.patient is not None:
            for name in ("family_name", "given_name", "born_on"):
                del self.fields[name]
        courses = [(str(course.pk), f"{course.account_number}: {course.department}") for course in self.courses]
        self.fields["course"].choices = [*([("", "Choose")] if courses else []), *courses, (NEW, _("A new course"))]

    def _set_up_where(self) -> None:
        organization = self.user.organization
        departments = Department.objects.visible_to(self.user).filter(is_active=True)
        self.fields["department"].queryset = departments
        self.fields["physician"].queryset = physicians_of(organization, None)
        self.fields["payer"].queryset = Payer.objects.filter(organization=organization, is_active=True)
        machines = Machine.objects.filter(department__in=departments, is_active=True).select_related("department")
        for name in self.machine_names:
            self.fields[_machine(name)] = forms.ModelChoiceField(
                machines,
                label=_("Machine %(name)s of the log") % {"name": name} if name else _("Machine (the log names none)"),
                required=False,
                help_text=_("Remembered for the next import.") if name else "",
            )

    def _set_up_sites(self) -> None:
        known = [
            (
                str(p.pk),
                _("%(account_number)s, prescription %(number)s: %(p)s")
                % {"account_number": p.course.account_number, "number": p.number, "p": p},
            )
            for p in self._prescriptions()
        ]
        for delivery in self.deliveries:
            site = delivery.site_name or str(delivery.source_site_id)
            self.fields[_site(delivery, "is")] = forms.ChoiceField(
                label=_("Prescription of %(site)s") % {"site": site}, choices=[*known, (NEW, _("A new prescription"))]
            )
            self.fields[_site(delivery, "anatomical_site")] = forms.CharField(
                label=_("Anatomical site"), max_length=120, required=False
            )
            self.fields[_site(delivery, "technique")] = forms.ChoiceField(
                label=_("Technique"),
                choices=[("", _("not known yet")), *Technique.choices],
                required=False,
                help_text=_("The log says: %(technique)s") % {"technique": delivery.technique}
                if delivery.technique
                else _("The log says nothing."),
            )
            self.fields[_site(delivery, "dose_per_fraction_cgy")] = forms.IntegerField(
                label=_("Dose a fraction (cGy)"), min_value=1, max_value=10_000, required=False
            )
            self.fields[_site(delivery, "fractions")] = forms.IntegerField(
                label=_("Fractions"), min_value=1, max_value=99, required=False
            )

    def _set_up_candidates(self, zone: Any) -> None:
        for candidate in self.candidates:
            self.fields[_of(candidate, "include")] = forms.BooleanField(
                widget=forms.CheckboxInput(attrs={"class": "form-check-input"}),
                label=f"{candidate.started_at:%m/%d/%Y %I:%M %p}",
                required=False,
            )
            self.fields[_of(candidate, "completion")] = forms.ChoiceField(
                label=_("Completion"), choices=[c for c in Completion.choices if c[0] != Completion.NOT_STARTED]
            )
            self.fields[_of(candidate, "guidance")] = forms.ChoiceField(label=_("Guidance"), choices=Guidance.choices)
            reviewed = LocalInstantField(
                label=_("Image review signed at"), required=False, help_text=_("Day and time: 11/23/2026 2:05 PM")
            )
            reviewed.zone = zone
            self.fields[_of(candidate, "reviewed_at")] = reviewed
            for delivery in candidate.deliveries.all():
                self.fields[_fraction(candidate, delivery)] = forms.IntegerField(
                    label=_("Fraction of %(source_site_id)s")
                    % {"source_site_id": delivery.site_name or delivery.source_site_id},
                    min_value=1,
                    max_value=99,
                    required=False,
                    help_text=_("Empty: not known yet."),
                )

    def _recorded_by_day(self) -> dict[date, list[str]]:
        """When the patient's sessions started that stand on the candidates' days, typed or imported."""
        days = {candidate.started_at.date() for candidate in self.candidates}
        sessions = TreatmentSession.objects.visible_to(self.user).standing().filter(date_of_service__in=days)
        recorded = defaultdict(list)
        for session in (
            sessions.filter(course__patient=self.patient).select_related("department").order_by("started_at")
        ):
            recorded[session.date_of_service].append(f"{session.local_start:%I:%M %p}")
        return recorded

    def _prescriptions(self) -> list[Prescription]:
        return [prescription for course in self.courses for prescription in course.prescriptions.all()]

    def _check_machines(self) -> None:
        department = self.cleaned_data.get("department")
        for name in {candidate.machine_name for candidate in self.included}:
            machine = self.cleaned_data.get(_machine(name))
            if machine and department and machine.department_id != department.pk:
                self.add_error(
                    _machine(name),
                    _("%(machine)s stands in %(department)s, not in %(chosen)s.")
                    % {"machine": machine, "department": machine.department, "chosen": department},
                )

    def _check_sites(self) -> None:
        wanted = {delivery.source_site_id for candidate in self.included for delivery in candidate.deliveries.all()}
        course = self.chosen_course if "course" in self.cleaned_data else None
        for delivery in self.deliveries:
            if delivery.source_site_id not in wanted or _site(delivery, "is") not in self.cleaned_data:
                continue
            prescription = self.prescription_of(delivery)
            if prescription is None:
                for name in ("anatomical_site", "dose_per_fraction_cgy", "fractions"):
                    field = _site(delivery, name)
                    if not self.cleaned_data.get(field) and field not in self.errors:
                        self.add_error(field, _("A new prescription needs it."))
            elif course is None or prescription.course_id != course.pk:
                self.add_error(
                    _site(delivery, "is"), _("This prescription belongs to another course than the one chosen above.")
                )

    def _check_reviews(self) -> None:
        for candidate in self.included:
            field = _of(candidate, "reviewed_at")
            reviewed_at = self.cleaned_data.get(field)
            if reviewed_at and reviewed_at > self.now:
                self.add_error(field, _("Nobody has signed yet at a time that lies ahead. Enter a time up to now."))

    def _check_coverage(self) -> None:
        if not self.cleaned_data.get("payer") or self.patient is None:
            return
        first = self.included[0].started_at.date()
        standing = Coverage.objects.filter(patient=self.patient, rank=1)
        other = standing.filter(Q(ends_on__isnull=True) | Q(ends_on__gte=first)).select_related("payer").first()
        if other is not None:
            self.add_error(
                "payer",
                _(
                    "%(payer)s is on file as rank 1 from %(starts_on)s. "
                    "Leave this as on file, or amend the coverages on the patient's page first."
                )
                % {"payer": other.payer, "starts_on": f"{other.starts_on:%m/%d/%Y}"},
            )


NEW_PRESCRIPTION = ("anatomical_site", "technique", "dose_per_fraction_cgy", "fractions")


def _of(candidate: SessionCandidate, name: str) -> str:
    return f"candidate-{candidate.pk}-{name}"


def _site(delivery: CandidateDelivery, name: str) -> str:
    return f"site-{delivery.source_site_id}-{name}"


def _fraction(candidate: SessionCandidate, delivery: CandidateDelivery) -> str:
    return f"candidate-{candidate.pk}-fraction-{delivery.source_site_id}"


def _machine(source_name: str) -> str:
    # A name may hold what no field name may.
    return f"machine-{source_name.encode().hex()}"


def _one_of_each_site(candidates: Iterable[SessionCandidate]) -> list[CandidateDelivery]:
    sites: dict[int, CandidateDelivery] = {}
    for candidate in candidates:
        for delivery in candidate.deliveries.all():
            sites.setdefault(delivery.source_site_id, delivery)
    return list(sites.values())


def _earlier_session(candidate: SessionCandidate):
    """The session of the same patient of the log that was confirmed last, or None."""
    confirmed = SessionCandidate.objects.of_same_patient(candidate).filter(session__isnull=False)
    last = confirmed.select_related("session__course__patient", "session__department").last()
    return last.session if last else None


def _suggested_number(candidate: SessionCandidate, earlier: Any) -> str:
    """The record number of the patient's confirmed sessions, or the log's own, as record numbers are written here."""
    if earlier is not None:
        return earlier.course.patient.number
    return record_number_of(candidate)


def _patient_numbered(number: str, user: User) -> Patient | None:
    return Patient.objects.visible_to(user).filter(number=number).first()


def _courses_of(patient: Patient | None, user: User):
    if patient is None:
        return Course.objects.none()
    courses = Course.objects.visible_to(user).filter(patient=patient).order_by("-number")
    return courses.select_related("department").prefetch_related("prescriptions__course")


def _matched_prescriptions(
    deliveries: Iterable[CandidateDelivery], prescriptions: list[Prescription], organization_id: int
) -> dict[int, str]:
    """For each site of the log, the patient's prescription that it was before, or else one of the same name."""
    mine = {prescription.pk for prescription in prescriptions}
    by_name = {prescription.anatomical_site.lower(): prescription.pk for prescription in reversed(prescriptions)}
    matched = {
        delivery.source_site_id: str(by_name[delivery.site_name.lower()])
        for delivery in deliveries
        if delivery.site_name.lower() in by_name
    }
    confirmed = CandidateDelivery.objects.filter(
        candidate__organization=organization_id,
        source_site_id__in=[delivery.source_site_id for delivery in deliveries],
        prescription__in=mine,
    ).order_by("pk")
    return matched | {delivery.source_site_id: str(delivery.prescription_id) for delivery in confirmed}


def _zone_of(form: ConfirmForm, shown: Mapping[str, Any] | None, initial: Mapping[str, Any]):
    """The zone of the department that is chosen; times typed beside none are read on the portal's clock."""
    wanted = str((shown or initial).get("department") or "")
    department = form.fields["department"].queryset.filter(pk=wanted).first() if wanted.isdigit() else None
    return (department or Department()).zone
