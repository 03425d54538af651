"""What clears a hold, offered beside it: the forms of the records, narrowed to the fields that do."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from coding.models import SessionHold
from coding.presenters.review import hold_title
from coding.shaping import PatientRecord
from payers.coverage_forms import AuthorizationForm, CoverageForm
from payers.coverage_services import amend_authorization, record_authorization, record_coverage
from payers.models import Authorization
from portal.forms.clinic import CourseForm, PrescriptionForm
from portal.forms.clock_fields import in_clock_words
from portal.forms.sessions import SessionForm
from portal.models import Prescription, TreatmentSession, User
from portal.presenters.session import initial_of
from portal.services.clinic import amend_course, amend_prescription
from portal.services.sessions import amend_session

# What a field of the session form becomes on the session; any other field has the name of its own.
INSTANTS = {"start": "started_at", "end": "ended_at"}
TIMES = ("start", "start_which", "end", "end_which")


class Part:
    """The form of one record of which only some fields are shown; the others stay as they are saved.

    `change` is the service with the new facts, to be called with `by`. `refuse` says at its field what only the
    database could know.
    """

    def __init__(
        self,
        build: Callable[[Mapping[str, str] | None], forms.BaseForm],
        shown: Iterable[str],
        posted: Mapping[str, str] | None,
        change: Callable[["Part"], Callable[..., object]],
        *,
        title: str = "",
        refuse: Callable[[Any], None] | None = None,
        also: Mapping[str, str] | None = None,
    ) -> None:
        self.title, self.shown = title, tuple(shown)
        self._change, self._refuse = change, refuse
        self.form = build(None)
        self.is_changed = False
        if posted is not None:
            saved = _as_typed(self.form)
            names = [self.form.add_prefix(name) for name in self.shown]
            typed = {name: posted[name] for name in names if name in posted}
            told = [name for name in names if not name.endswith("revision")]
            self.is_changed = any(typed.get(name, "").strip() != saved.get(name, "") for name in told)
            kept = {name: value for name, value in saved.items() if name not in names}
            self.form = build({**kept, **typed, **(also or {})})

    @property
    def fields(self) -> list[forms.BoundField]:
        """The fields that a person sees; which of two equal times is meant is asked only where the clock showed two."""
        asked = {"start_which": "is_asking_start", "end_which": "is_asking_end"}
        return [
            self.form[name]
            for name in self.shown
            if not self.form[name].is_hidden and (name not in asked or getattr(self.form, asked[name]))
        ]

    @property
    def hidden(self) -> list[forms.BoundField]:
        return [self.form[name] for name in self.shown if self.form[name].is_hidden]

    @property
    def facts(self) -> dict[str, Any]:
        """The cleaned values of the fields that are shown."""
        return {name: self.form.cleaned_data[name] for name in self.shown}

    @property
    def change(self) -> Callable[..., object]:
        return self._change(self)

    def refuse(self) -> None:
        if self._refuse is not None:
            self._refuse(self.form)


@dataclass(slots=True)
class Act:
    """What a person does beside a hold to clear it: one part for each record that it takes."""

    name: str
    parts: list[Part]

    @property
    def form(self) -> forms.BaseForm:
        """The form whose errors are summed up: the first that has any."""
        return next((p.form for p in self.parts if p.is_changed and p.form.errors), self.parts[0].form)

    def is_valid(self) -> bool:
        """Whether something was changed and all of it can be saved; only what was changed is looked at."""
        changed = [part for part in self.parts if part.is_changed]
        if not changed:
            first = self.parts[0]
            first.form.is_valid()
            first.form.add_error(first.fields[0].name, _("Nothing was changed here. Enter what clears the hold."))
        refused = [part for part in changed if not part.form.is_valid()]
        return bool(changed) and not refused

    @property
    def changes(self) -> list[Callable[..., object]]:
        return [part.change for part in self.parts if part.is_changed]

    def take_over(self, saved: TreatmentSession) -> None:
        """Say that somebody else saved the session meanwhile; the next save goes over what was saved then."""
        for part in self.parts:
            if getattr(part.form, "session", None) == saved:
                part.form.data[part.form.add_prefix("revision")] = str(saved.revision)
                part.form.add_error(
                    None,
                    _("Somebody saved this session after you had opened it. What you typed is kept; save it again."),
                )

    def refuse(self) -> None:
        """Say at the field that somebody else was quicker."""
        for part in self.parts:
            part.refuse()


class ActForms:
    """The parts of one hold's acts; `posted` is None where they are only shown."""

    def __init__(self, hold: SessionHold, user: User, now: datetime, posted: Mapping[str, str] | None) -> None:
        self.hold, self.session, self.course = hold, hold.session, hold.session.course
        self.user, self.now, self.posted = user, now, posted
        self.zone = self.session.department.zone
        self.reason = _("To clear a hold: %(hold)s") % {"hold": hold_title(hold)}

    def of_session(self, *shown: str) -> list[Part]:
        return [self._session_part(self.session, shown)]

    def of_days_sessions(self, *shown: str) -> list[Part]:
        """The same fields of each session of the patient's day, each told by its start."""
        day = TreatmentSession.objects.of_day(
            patient_id=self.course.patient_id, date_of_service=self.session.date_of_service
        )
        sessions = day.visible_to(self.user).select_related("course__organization", "course__department", "department")
        return [
            self._session_part(
                session,
                shown,
                title=_("Session at %(start)s") % {"start": in_clock_words(session.local_start)},
                prefix=f"session-{session.pk}",
            )
            for session in sessions.prefetch_related("delivered_fractions")
        ]

    def of_fraction_numbers(self) -> list[Part]:
        delivered = self.session.delivered_fractions.all()
        return self.of_session(*(f"fraction_{fraction.prescription_id}" for fraction in delivered))

    def of_prescriptions(self, *shown: str, until: str = "") -> list[Part]:
        """The prescriptions that the session delivered; with `until` those that lack this instant on its day."""
        delivered = [fraction.prescription for fraction in self.session.delivered_fractions.all()]
        ordered = delivered or list(self.course.prescriptions.all())
        lacking = [p for p in ordered if until and not self._is_done(getattr(p, until))]
        return [self._prescription_part(prescription, shown) for prescription in lacking or ordered]

    def of_course(self, *shown: str) -> list[Part]:
        def build(data: Mapping[str, str] | None) -> CourseForm:
            return CourseForm(data, instance=self.course, user=self.user, today=self._today, auto_id="act_%s")

        return [Part(build, shown, self.posted, lambda part: partial(amend_course, course=self.course, **part.facts))]

    def of_coverage(self) -> list[Part]:
        patient = self.course.patient

        def build(data: Mapping[str, str] | None) -> CoverageForm:
            return CoverageForm(data, initial={"rank": 1}, patient=patient, auto_id="act_%s")

        return [
            Part(
                build,
                CoverageForm._meta.fields,
                self.posted,
                lambda part: partial(record_coverage, patient=patient, **part.facts),
                refuse=CoverageForm.refuse_overlap,
            )
        ]

    def of_authorization(self, *, is_new: bool) -> list[Part]:
        """The authorization that the session is held against, or a new one."""
        record = PatientRecord(self.course.patient)
        used = None if is_new else record.authorization_of(self.session)
        payer = record.payer_on(self.session.date_of_service)
        known = Authorization.objects.filter(course=self.course, payer=payer, number=used.number) if used else None
        authorization = known.first() if known is not None else None
        if authorization is None:
            change = partial(record_authorization, course=self.course)
        else:
            change = partial(amend_authorization, authorization=authorization)

        def build(data: Mapping[str, str] | None) -> AuthorizationForm:
            return AuthorizationForm(
                data, instance=authorization, initial={"payer": payer}, course=self.course, auto_id="act_%s"
            )

        return [
            Part(
                build,
                AuthorizationForm._meta.fields,
                self.posted,
                lambda part: partial(change, **part.facts),
                title=str(authorization or ""),
                refuse=AuthorizationForm.refuse_second,
            )
        ]

    @property
    def _today(self):
        return self.now.astimezone(self.zone).date()

    def _is_done(self, at: datetime | None) -> bool:
        return at is not None and at.astimezone(self.zone).date() <= self.session.date_of_service

    def _session_part(
        self, session: TreatmentSession, shown: tuple[str, ...], *, title: str = "", prefix: str | None = None
    ) -> Part:
        prescriptions = list(session.course.prescriptions.order_by("number"))

        def build(data: Mapping[str, str] | None) -> SessionForm:
            return SessionForm(
                data,
                initial=initial_of(session),
                user=self.user,
                course=session.course,
                prescriptions=prescriptions,
                session=session,
                today=self._today,
                now=self.now,
                prefix=prefix,
                auto_id="act_%s",
            )

        def change(part: Part) -> Callable[..., object]:
            cleaned = part.form.cleaned_data
            facts = {INSTANTS.get(n, n): cleaned[INSTANTS.get(n, n)] for n in shown if not n.endswith("_which")}
            numbers = [name for name in facts if name.startswith("fraction_")]
            fractions = part.form.fractions if numbers else None
            return partial(
                amend_session,
                session=session,
                revision=cleaned["revision"] or 0,
                today=self._today,
                reason=self.reason,
                fractions=fractions,
                **{name: value for name, value in facts.items() if name not in numbers},
            )

        why = f"{prefix}-reason" if prefix else "reason"
        return Part(build, (*shown, "revision"), self.posted, change, title=title, also={why: self.reason})

    def _prescription_part(self, prescription: Prescription, shown: tuple[str, ...]) -> Part:
        def build(data: Mapping[str, str] | None) -> PrescriptionForm:
            return PrescriptionForm(
                data,
                instance=prescription,
                course=self.course,
                now=self.now,
                prefix=f"prescription-{prescription.pk}",
                auto_id="act_%s",
            )

        return Part(
            build,
            shown,
            self.posted,
            lambda part: partial(amend_prescription, prescription=prescription, **part.facts),
            title=str(prescription),
        )


PARTS: dict[str, Callable[[ActForms], list[Part]]] = {
    "image-review": lambda act: act.of_session("image_review_signed_at"),
    "treatment-record": lambda act: act.of_session("has_treatment_record"),
    "supervision": lambda act: act.of_session("physician", "is_supervision_documented"),
    "physician": lambda act: act.of_session("physician"),
    "physicians": lambda act: act.of_days_sessions("physician"),
    "completion": lambda act: act.of_session("completion"),
    "guidance": lambda act: act.of_session("guidance"),
    "isocenters": lambda act: act.of_session("isocenters"),
    "level": lambda act: act.of_session("isocenters", "motion_management"),
    "notice": lambda act: act.of_session("beneficiary_notice"),
    "other-codes": lambda act: act.of_session("other_codes_same_day"),
    "keyed-modifiers": lambda act: act.of_session("requested_modifiers"),
    "fraction-number": lambda act: act.of_fraction_numbers(),
    "times": lambda act: act.of_days_sessions(*TIMES),
    "prescription-signature": lambda act: act.of_prescriptions("signed_at", "signed_by", until="signed_at"),
    "plan-approval": lambda act: act.of_prescriptions("plan_approved_at", "plan_approved_by", until="plan_approved_at"),
    "motion-documentation": lambda act: act.of_prescriptions("motion_documentation"),
    "sessions-a-day": lambda act: act.of_prescriptions("sessions_a_day"),
    "fractions-prescribed": lambda act: [*act.of_prescriptions("fractions"), *act.of_fraction_numbers()],
    "technique": lambda act: act.of_prescriptions("technique"),
    "diagnoses": lambda act: act.of_course("diagnoses"),
    "coverage": lambda act: act.of_coverage(),
    "authorization-new": lambda act: act.of_authorization(is_new=True),
    "authorization": lambda act: act.of_authorization(is_new=False),
}


def act_of(
    name: str, hold: SessionHold, *, user: User, now: datetime, posted: Mapping[str, str] | None = None
) -> Act | None:
    """The act of that name for the hold; None where there is no record yet that it could be done to."""
    parts = PARTS[name](ActForms(hold, user, now, posted))
    return Act(name, parts) if parts and all(part.fields for part in parts) else None


def _as_typed(form: forms.BaseForm) -> dict[str, str]:
    """What a browser would send back of a form that nobody touched."""
    typed = {}
    for bound in form:
        value = bound.value()
        if isinstance(bound.field, forms.BooleanField):
            if value:
                typed[bound.html_name] = "on"
            continue
        shown = bound.field.widget.format_value(value)
        if isinstance(shown, list):
            shown = shown[0] if shown else ""
        typed[bound.html_name] = "" if shown is None else str(shown)
    return typed
