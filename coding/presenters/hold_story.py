"""One hold: what is wrong, what it was held against, what clears it, and everything that happened to it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from coding.forms.hold_acts import Act, act_of
from coding.forms.holds import ReleaseHoldForm, form_of
from coding.hold_actions import HoldAction
from coding.models import ChargeLine, HoldNote, SessionHold
from coding.presenters.holds import asked_outside
from coding.presenters.review import hold_title
from payers.models import Authorization, Coverage
from portal import clock
from portal.models import AuditEvent, Course, Prescription, TreatmentSession, User
from portal.presenters.audit import local_time
from portal.presenters.remedies import Remedy, remedy_for

# What a ground is called, where its name in the catalogue does not say it by itself.
GROUND_WORDS = {
    "gap": gettext_lazy("Apart"),
    "min_gap": gettext_lazy("Asked for"),
    "said_by": gettext_lazy("Said by"),
    "session_of_day": gettext_lazy("Session of the day"),
    "facts": gettext_lazy("Not recorded"),
    "deadline": gettext_lazy("Last day to file"),
    "limit": gettext_lazy("Limit"),
    "coded_on": gettext_lazy("Day of coding"),
    "last": gettext_lazy("Last fraction charged"),
    "prescribed": gettext_lazy("Fractions prescribed"),
    "units": gettext_lazy("Units"),
    "used": gettext_lazy("Units used"),
    "authorized": gettext_lazy("Authorized codes"),
    "code": gettext_lazy("Code"),
    "window": gettext_lazy("Authorized"),
    "asked_for": gettext_lazy("Code set asked for"),
    "icd10_from": gettext_lazy("ICD-10-CM from"),
    "codes": gettext_lazy("Diagnoses"),
    "grounds_of_level": gettext_lazy("Rests on"),
    "what_to_add": gettext_lazy("To add"),
    "site": gettext_lazy("Anatomical site"),
    "file": gettext_lazy("MUE table"),
    "adjudication": gettext_lazy("MUE indicator"),
    "others": gettext_lazy("Other codes"),
    "what": gettext_lazy("On the line"),
    "payer_ready": gettext_lazy("Payer takes the codes from"),
    "found": gettext_lazy("Found"),
}
# The term of the payer's policy that a hold is held against, as its guidance page names it.
TERM_OF = {
    "BID_GAP": "min_gap",
    "TIMELY_FILING": "timely_days",
    "AUTH_MISSING": "authorization_required",
    "AUTH_EXPIRED": "authorization_required",
    "AUTH_UNITS_EXCEEDED": "authorization_required",
    "AUTH_CODE_MISMATCH": "authorization_converts",
    "PAYER_NOT_READY": "payer_ready",
}
HOLD_ACTIONS = ("place_hold", "assign_hold", "note_hold", "release_hold", "reopen_hold")
# A hold closes in the transaction of the change that closed it.
CLOSED_WITHIN = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Happened:
    """One thing that happened to a hold, on the clock of its department."""

    at: datetime
    when: str
    who: str
    sentence: str


@dataclass(frozen=True, slots=True)
class HoldView:
    """Everything that the page of one hold places, and the panel beside the list."""

    hold: SessionHold
    title: str
    grounds: list[tuple[str, str]]
    citations: list[Mapping[str, Any]]
    policy: str
    policy_url: str
    opened: str
    released: str
    days: int
    is_overdue: bool
    remedy: Remedy | None
    asked_outside: str
    act: Act | None
    release_form: Any
    assign_form: Any
    note_form: Any
    lines: list[ChargeLine]
    notes: list[HoldNote]
    history: list[Happened]
    may_be_reopened: bool


def with_story(holds: QuerySet) -> QuerySet:
    """Holds with what their page and their acts need of session, course and policy."""
    return holds.select_related(
        "session__course__patient",
        "session__course__department",
        "session__course__organization",
        "session__department",
        "session__machine",
        "session__physician",
        "ruling__policy_version__policy__payer",
        "owner",
        "placed_by",
        "released_by",
    ).prefetch_related("session__delivered_fractions__prescription")


def hold_view(
    hold: SessionHold, user: User, *, act: Act | None = None, forms: Mapping[HoldAction, Any] | None = None
) -> HoldView:
    """One hold; `act` and `forms` are those that a person has filled in, where they could not be saved."""
    zone = hold.session.department.zone
    today = clock.today(zone)
    found = [f for f in hold.ruling.findings if f["name"] == hold.name and f["grounds"] == hold.grounds]
    remedy = remedy_for(hold.name, hold.session, user, hold.grounds) if hold.is_open else None
    if act is None and remedy is not None and remedy.act and user.has_perm("coding.change_sessionhold"):
        act = act_of(remedy.act, hold, user=user, now=clock.now())
    forms = forms or {}
    assigned = forms.get(HoldAction.ASSIGN) or form_of(HoldAction.ASSIGN, None, user=user)
    assigned.initial |= {"owner": hold.owner_id, "due_on": hold.due_on}
    assigned.fields["owner"].initial = None
    policy, policy_url = _policy(hold)
    return HoldView(
        hold=hold,
        title=hold_title(hold),
        grounds=[
            (str(GROUND_WORDS.get(name) or capfirst(name.replace("_", " "))), value) for name, value in hold.grounds
        ],
        citations=found[0]["citations"] if found else [],
        policy=policy,
        policy_url=policy_url,
        opened=local_time(hold.opened_at, zone),
        released=_released(hold),
        days=max((clock.now() - hold.opened_at).days, 0),
        is_overdue=hold.due_on is not None and hold.due_on < today,
        remedy=remedy,
        asked_outside=asked_outside(hold),
        act=act,
        release_form=forms.get(HoldAction.RELEASE) or ReleaseHoldForm(auto_id="release_%s"),
        assign_form=assigned,
        note_form=forms.get(HoldAction.NOTE) or form_of(HoldAction.NOTE, None, user=user),
        lines=[line for line in ChargeLine.objects.standing().filter(session=hold.session) if hold.applies_to(line)],
        notes=list(HoldNote.objects.filter(hold__in=_of_its_kind(hold)).select_related("by")),
        history=sorted(_history(hold), key=lambda happened: happened.at, reverse=True),
        may_be_reopened=hold.released_at is not None and hold.closed_at is None,
    )


def _policy(hold: SessionHold) -> tuple[str, str]:
    """The policy version that the hold was found under, and where its clause is read."""
    version = hold.ruling.policy_version
    if version is None:
        return "", ""
    guidance = reverse("guidance-detail", args=[version.policy.payer.slug])
    term = TERM_OF.get(hold.name)
    url = f"{guidance}?on={hold.session.date_of_service.isoformat()}" + (f"#term-{term}" if term else "")
    return version.label, url


def _released(hold: SessionHold) -> str:
    if hold.released_at is None:
        return ""
    when = local_time(hold.released_at, hold.session.department.zone)
    return _("%(person)s, %(when)s") % {"person": hold.released_by.shown_name, "when": when}


def _of_its_kind(hold: SessionHold):
    """This hold and those that stood in its place before: of one name on the session."""
    return SessionHold.objects.filter(session=hold.session_id, name=hold.name)


def _history(hold: SessionHold) -> Iterator[Happened]:
    """When it opened, what people did to it as the audit trail tells, and by which change it closed."""
    zone = hold.session.department.zone
    others = list(_of_its_kind(hold))
    events = AuditEvent.objects.about(hold.session).filter(
        Q(sentence__startswith=f"Hold {hold.name} ")
        | Q(sentence__startswith=f"Release of hold {hold.name} ")
        | Q(sentence__startswith=f"Note on hold {hold.name}:")
        | Q(action="place_hold"),
        action__in=HOLD_ACTIONS,
    )
    for event in events.select_related("by"):
        if event.action != "place_hold" or hold.placed_by_id is not None:
            yield Happened(event.at, local_time(event.at, zone), _who(event), event.sentence)
    for other in others:
        if other.placed_by_id is None and not _replaces_a_release(other, others):
            sentence = _("Opened: %(sentence)s") % {"sentence": other.sentence}
            yield Happened(other.opened_at, local_time(other.opened_at, zone), _("The portal"), sentence)
        if other.closed_at is not None and other.released_at is None:
            yield _closed(other, zone)


def _replaces_a_release(hold: SessionHold, others: list[SessionHold]) -> bool:
    """Whether it stands again only since a release was taken back, which the trail tells."""
    return any(
        other.released_at is not None and other.grounds_digest == hold.grounds_digest and other.pk < hold.pk
        for other in others
    )


def _closed(hold: SessionHold, zone) -> Happened:
    """By which change the facts went that it rested on: the last one before it closed."""
    session = hold.session
    course = session.course
    about = Q()
    for model, ids in (
        (TreatmentSession, TreatmentSession.objects.filter(course__patient=course.patient_id)),
        (Prescription, Prescription.objects.filter(course__patient=course.patient_id)),
        (Course, Course.objects.filter(patient=course.patient_id)),
        (Coverage, Coverage.objects.filter(patient=course.patient_id)),
        (Authorization, Authorization.objects.filter(course__patient=course.patient_id)),
    ):
        about |= Q(subject_kind=model._meta.label_lower, subject_id__in=ids.values("pk"))
    changes = AuditEvent.objects.filter(
        about, organization=hold.organization_id, at__range=(hold.closed_at - CLOSED_WITHIN, hold.closed_at)
    ).exclude(action__in=[*HOLD_ACTIONS, "capture_charges", "move_line"])
    change = changes.select_related("by").order_by("-at", "-id").first()
    sentence = (
        _("Closed by a change: %(change)s") % {"change": change.sentence} if change else _("Closed: the facts changed")
    )
    return Happened(
        hold.closed_at, local_time(hold.closed_at, zone), _who(change) if change else _("The portal"), sentence
    )


def _who(event: AuditEvent) -> str:
    return event.by.shown_name if event.by else _("The portal")
