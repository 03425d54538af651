"""One session: what its form begins with, what its page shows, and what two people saved at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext as _

from coding.models import ChargeLine, RecaptureItem
from payers.models import Attestation
from payers.reading_services import to_read
from portal.forms.clock_fields import FIRST_TIME, SECOND_TIME, in_clock_words
from portal.forms.sessions import PLAIN_FACTS, SessionForm
from portal.models import (
    AuditEvent,
    Course,
    EntrySource,
    Guidance,
    Prescription,
    ScheduledFraction,
    TreatmentSession,
    User,
)
from portal.presenters.course import course_crumbs
from portal.presenters.rulings import RulingView, saved_ruling
from portal.services.day_sheets import highest_fractions

SATURDAY = 5
EVENTS_SHOWN = 30


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing recorded of the session; `is_missing` marks what lines may be held for."""

    label: str
    value: str
    is_missing: bool = False


@dataclass(frozen=True, slots=True)
class EventRow:
    """One act on the session; `at` is on the department's clock."""

    at: datetime
    who: str
    sentence: str

    @property
    def when(self) -> str:
        return f"{self.at:%m/%d/%Y} {in_clock_words(self.at)}"


@dataclass(frozen=True, slots=True)
class OtherSession:
    """Another session of the patient's day, which this one is counted with."""

    url: str
    clock: str
    detail: str


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that two people filled differently at once."""

    label: str
    saved: str
    typed: str


@dataclass(slots=True)
class SessionPage:
    session: TreatmentSession
    ruling: RulingView
    facts: list[Fact]
    policy: str
    others_that_day: list[OtherSession]
    events: list[EventRow]
    zone: str
    may_open_course: bool
    to_read: Attestation | None
    to_capture_again: RecaptureItem | None

    @property
    def crumbs(self) -> list[tuple[str, str]]:
        return course_crumbs(self.session.course)


def session_page(session: TreatmentSession, *, user: User) -> SessionPage:
    """The session with its lines, its findings and its history, in a fixed number of queries."""
    ruling = session.rulings.current().select_related("policy_version__policy__payer").first()
    version = ruling.policy_version if ruling else None
    others = (
        TreatmentSession.objects.visible_to(user)
        .of_day(patient_id=session.course.patient_id, date_of_service=session.date_of_service)
        .exclude(pk=session.pk)
        .select_related("department", "machine")
    )
    return SessionPage(
        session=session,
        ruling=saved_ruling(session, ruling, user),
        facts=_facts(session),
        policy=version.label if version else "",
        others_that_day=[
            OtherSession(
                url=reverse("session-detail", args=[other.pk]),
                clock=in_clock_words(other.local_start),
                detail=f"{other.get_completion_display()}, {other.machine or other.department}",
            )
            for other in others
        ],
        events=_events(session),
        zone=session.department.zone.key,
        may_open_course=Course.objects.visible_to(user).filter(pk=session.course_id).exists(),
        to_read=to_read(user).filter(version=version).first() if version else None,
        to_capture_again=session.recapture_items.open().select_related("version__policy__payer", "load").first(),
    )


def session_crumbs(session: TreatmentSession) -> list[tuple[str, str]]:
    """The way to a session, through its course."""
    here = _("Session of %(day)s") % {"day": f"{session.date_of_service:%m/%d/%Y}"}
    return [*course_crumbs(session.course), (here, reverse("session-detail", args=[session.pk]))]


def initial_of_new(
    course: Course,
    prescriptions: Sequence[Prescription],
    *,
    today: date,
    after: TreatmentSession | None,
    on: date | None = None,
) -> dict[str, Any]:
    """What a new session of the course most likely is: the next planned one, with the habits of the last session.

    `after` is the session that was entered just before, `on` the day for which one is asked. A day that nobody planned
    is left open, unless it follows one.
    """
    last = after or (course.sessions.standing().select_related("department").order_by("-started_at", "-pk").first())
    planned = _planned_on(course, on) if on else _next_planned(course, last, today)
    initial: dict[str, Any] = {
        "department": course.department_id,
        "physician": course.physician_id,
        "completion": "complete",
        "guidance": Guidance.NONE,
        "is_supervision_documented": True,
        "has_treatment_record": True,
    }
    if last is not None:
        initial |= {
            "department": last.department_id,
            "machine": last.machine_id,
            "guidance": last.guidance,
            "start": _minute(last.local_start),
        }
    if after is not None:
        initial |= {"physician": after.physician_id, "date_of_service": _next_weekday(after, today)}
    if planned is not None:
        initial |= {
            "date_of_service": planned.planned_on,
            "start": planned.planned_time or initial.get("start"),
            "machine": planned.machine_id,
            "department": planned.machine.department_id,
        }
    highest = highest_fractions([p.pk for p in prescriptions])
    for prescription in prescriptions:
        number = highest.get(prescription.pk, 0) + 1
        is_left = number <= prescription.fractions
        initial[f"fraction_{prescription.pk}"] = number if is_left else None
        initial[f"delivered_{prescription.pk}"] = is_left
    if on is not None:
        initial["date_of_service"] = on
        if planned is not None:
            initial[f"fraction_{planned.prescription_id}"] = planned.fraction_number
            initial[f"delivered_{planned.prescription_id}"] = True
    return initial


def initial_of(session: TreatmentSession) -> dict[str, Any]:
    """What is saved of a session, as its form shows it."""
    zone = session.department.zone
    initial = {name: getattr(session, name) for name in PLAIN_FACTS}
    initial |= {name: getattr(session, f"{name}_id") for name in ("department", "machine", "physician")}
    initial |= {
        "date_of_service": session.date_of_service,
        "start": _minute(session.local_start),
        "start_which": _which(session.started_at, zone),
        "end": _minute(session.ended_at.astimezone(zone)) if session.ended_at else None,
        "end_which": _which(session.ended_at, zone),
        "revision": session.revision,
    }
    for delivered in session.delivered_fractions.all():
        initial[f"delivered_{delivered.prescription_id}"] = True
        initial[f"fraction_{delivered.prescription_id}"] = delivered.fraction_number
    return initial


def differences(form: SessionForm, saved: TreatmentSession) -> list[Difference]:
    """Where what a person typed differs from what somebody else saved meanwhile. The form is valid."""
    initial = initial_of(saved)
    rows = []
    for name, field in form.fields.items():
        if name == "revision":
            continue
        was = _words(field, initial.get(name), form.zone)
        typed = _words(field, form.cleaned_data.get(name), form.zone)
        if was != typed:
            rows.append(Difference(str(field.label), was, typed))
    return rows


def last_amendment(session: TreatmentSession) -> EventRow | None:
    """Who amended the session last, and when."""
    event = (
        AuditEvent.objects.about(session)
        .filter(action__in=["amend_session", "void_session", "record_session"])
        .select_related("by")
        .first()
    )
    return _event(event, session.department.zone) if event else None


def _planned_on(course: Course, day: date) -> ScheduledFraction | None:
    """The first fraction that is planned for the day."""
    planned = ScheduledFraction.objects.filter(prescription__course=course, missed_reason="", planned_on=day)
    return planned.select_related("machine").order_by("planned_time", "fraction_number").first()


def _next_planned(course: Course, last: TreatmentSession | None, today: date) -> ScheduledFraction | None:
    """The first fraction that is planned after the last session and not after today."""
    planned = ScheduledFraction.objects.filter(
        prescription__course=course, missed_reason="", planned_on__lte=today
    ).select_related("machine")
    if last is not None:
        planned = planned.filter(planned_on__gt=last.date_of_service)
    return planned.order_by("planned_on", "planned_time", "pk").first()


def _next_weekday(after: TreatmentSession, today: date) -> date | None:
    """The treatment day after a session's, or None where it lies ahead."""
    day = after.date_of_service + timedelta(days=1)
    while day.weekday() >= SATURDAY:
        day += timedelta(days=1)
    return day if day <= today else None


def _minute(at: datetime) -> time:
    return at.time().replace(second=0, microsecond=0)


def _which(at: datetime | None, zone: ZoneInfo) -> str:
    """Which of two equal clock times an instant is, or nothing where the clock showed the time once."""
    if at is None:
        return ""
    local = at.astimezone(zone)
    offsets = [local.replace(fold=fold).utcoffset() for fold in (0, 1)]
    if offsets[0] == offsets[1]:
        return ""
    return SECOND_TIME if local.fold else FIRST_TIME


def _facts(session: TreatmentSession) -> list[Fact]:
    zone = session.department.zone
    delivered = [
        _("%(number)s of %(fractions)d, %(site)s")
        % {
            "number": fraction.fraction_number or _("not numbered"),
            "fractions": fraction.prescription.fractions,
            "site": fraction.prescription.anatomical_site,
        }
        for fraction in session.delivered_fractions.all()
    ]
    end = f" – {in_clock_words(session.ended_at.astimezone(zone))}" if session.ended_at else ""
    signed_at = session.image_review_signed_at
    has_guidance = session.guidance != Guidance.NONE
    facts = [
        Fact(_("Started"), f"{in_clock_words(session.local_start)}{end} ({zone.key})"),
        Fact(_("Fraction"), "; ".join(delivered) or _("not said"), is_missing=not delivered),
        Fact(_("How it ended"), session.get_completion_display()),
        Fact(_("Machine"), session.machine.name if session.machine else _("not known"), is_missing=not session.machine),
        Fact(_("Department"), session.department.name),
        Fact(_("Physician"), str(session.physician or _("not known")), is_missing=session.physician is None),
        Fact(_("Isocenters"), session.get_isocenters_display() or _("As prescribed")),
        Fact(_("Motion management"), session.get_motion_management_display() or _("As prescribed")),
        Fact(_("Image guidance"), session.get_guidance_display()),
    ]
    if has_guidance or signed_at:
        signed = (
            f"{signed_at.astimezone(zone):%m/%d/%Y} {in_clock_words(signed_at.astimezone(zone))}" if signed_at else ""
        )
        facts.append(Fact(_("Image review signed"), signed or _("not yet"), is_missing=not signed))
    facts += [
        Fact(_("Inpatient that day"), _yes_no(session.is_inpatient)),
        Fact(_("Treatment record"), _yes_no(session.has_treatment_record), is_missing=not session.has_treatment_record),
        Fact(
            _("Supervision documented"),
            _yes_no(session.is_supervision_documented),
            is_missing=not session.is_supervision_documented,
        ),
    ]
    told_when_there = [
        (session.is_locum, _("Substitute physician"), _("Yes")),
        (session.has_resident, _("A resident took part"), _("Yes")),
        (session.beneficiary_notice, _("Advance beneficiary notice"), session.get_beneficiary_notice_display()),
        (session.requested_code, _("Requested code"), session.requested_code),
        (session.requested_modifiers, _("Requested modifiers"), ", ".join(session.requested_modifiers)),
        (session.other_codes_same_day, _("Other codes that day"), ", ".join(session.other_codes_same_day)),
        (session.source != EntrySource.FORM, _("Entered by"), session.get_source_display()),
    ]
    return facts + [Fact(label, value) for is_there, label, value in told_when_there if is_there]


def _events(session: TreatmentSession) -> list[EventRow]:
    """What was done to the session and its lines, newest first."""
    lines = ChargeLine.objects.filter(session=session).values("pk")
    events = AuditEvent.objects.filter(
        models.Q(subject_kind=TreatmentSession._meta.label_lower, subject_id=session.pk)
        | models.Q(subject_kind=ChargeLine._meta.label_lower, subject_id__in=lines),
        organization=session.organization_id,
    ).select_related("by")
    return [_event(event, session.department.zone) for event in events.order_by("-at", "-pk")[:EVENTS_SHOWN]]


def _event(event: AuditEvent, zone: ZoneInfo) -> EventRow:
    return EventRow(
        at=event.at.astimezone(zone), who=event.by.shown_name if event.by else _("Beamledger"), sentence=event.sentence
    )


def _yes_no(value: object) -> str:
    return _("Yes") if value else _("No")


def _words(field: forms.Field, value: Any, zone: ZoneInfo) -> str:
    """A field's value as a person reads it."""
    if isinstance(field, forms.BooleanField):
        return _yes_no(value)
    if isinstance(field, forms.ModelChoiceField) and value is not None:
        record = value if isinstance(value, models.Model) else field.queryset.filter(pk=value).first()
        return str(record) if record else _("another one")
    if isinstance(field, forms.ChoiceField):
        return str(dict(field.choices).get(value or "", value))
    if isinstance(value, datetime):
        return f"{value.astimezone(zone):%m/%d/%Y} {in_clock_words(value.astimezone(zone))}"
    if isinstance(value, date):
        return f"{value:%m/%d/%Y}"
    if isinstance(value, time):
        return in_clock_words(value)
    if isinstance(value, list):
        return ", ".join(value) or "—"
    return "—" if value in (None, "") else str(value)
