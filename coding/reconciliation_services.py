"""What a manager says of a day: why a gap is none, and that the day is complete."""

from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext as _

from coding.reconciliation import NOT_KNOWN_YET, Gap, GapKind, reconcile
from portal.models import Course, DaySignOff, Department, GapReason, TreatmentSession, User
from portal.services.audit import record_event

GapPlace = tuple[int, date, str, int, int | None]


class DayNotOver(ValueError):
    """The day is still going on in the department, or has not come."""


class DayIsSigned(ValueError):
    """The day was signed off; its reasons stand until that is withdrawn."""


class GapsOpen(ValueError):
    """Gaps of the day are neither fixed nor have a reason: `gaps`."""

    def __init__(self, gaps: list[Gap]) -> None:
        super().__init__(f"{len(gaps)} gaps are open")
        self.gaps = gaps


def place_of(gap: Gap) -> GapPlace:
    """What a reason is given to: department, day, kind, course, and session where there is one."""
    return (gap.department_id, gap.day, gap.kind.value, gap.course_id, gap.session_id)


def reasons_between(*, departments: list[int], first: date, last: date) -> dict[GapPlace, GapReason]:
    """The reasons given for the days from `first` through `last`."""
    given = GapReason.objects.filter(department__in=departments, day__range=(first, last)).select_related("by")
    return {(r.department_id, r.day, r.kind, r.course_id, r.session_id): r for r in given}


def open_gaps(*, department: Department, day: date, now: datetime) -> list[Gap]:
    """The gaps of a department's day that are neither fixed nor have a reason."""
    found = reconcile(organization=department.organization, first=day, last=day, now=now, department_id=department.pk)
    reasons = reasons_between(departments=[department.pk], first=day, last=day)
    return [gap for visit in found.visits for gap in visit.gaps if place_of(gap) not in reasons]


@transaction.atomic
def give_reason(
    *,
    department: Department,
    day: date,
    kind: GapKind,
    course: Course,
    session: TreatmentSession | None,
    reason: str,
    at: datetime,
    by: User,
) -> GapReason:
    """Say why a gap is none, or say it anew. Raises ValueError for an empty reason and for a kind that nobody knows
    yet, and DayIsSigned where the day was signed off.
    """
    if not reason.strip() or kind in NOT_KNOWN_YET:
        raise ValueError("a reason is a sentence, and is given to a gap that is known")
    _lock(department)
    if DaySignOff.objects.filter(department=department, day=day).exists():
        raise DayIsSigned
    given, _is_new = GapReason.objects.update_or_create(
        department=department,
        day=day,
        kind=kind.value,
        course=course,
        session=session,
        defaults={"organization_id": department.organization_id, "reason": reason.strip(), "by": by, "at": at},
    )
    _record(given, "give_gap_reason", _("Reason given for a gap of %(day)s: %(kind)s"), by, day=day, kind=kind)
    return given


@transaction.atomic
def take_reason_back(*, reason: GapReason, by: User) -> None:
    """Let the gap be open again. Raises DayIsSigned where the day was signed off."""
    _lock(reason.department)
    if DaySignOff.objects.filter(department=reason.department_id, day=reason.day).exists():
        raise DayIsSigned
    kind = GapKind(reason.kind)
    _record(reason, "take_gap_reason_back", _("Reason for a gap of %(day)s taken back: %(kind)s"), by, reason.day, kind)
    reason.delete()


@transaction.atomic
def sign_off_day(*, department: Department, day: date, now: datetime, by: User) -> DaySignOff:
    """Sign a department's day off; again is safe. Raises DayNotOver, and GapsOpen where a gap has no reason."""
    _lock(department)
    signed = DaySignOff.objects.filter(department=department, day=day).first()
    if signed is not None:
        return signed
    if day >= now.astimezone(department.zone).date():
        raise DayNotOver
    gaps = open_gaps(department=department, day=day, now=now)
    if gaps:
        raise GapsOpen(gaps)
    signed = DaySignOff.objects.create(
        organization_id=department.organization_id, department=department, day=day, signed_by=by, signed_at=now
    )
    _record(signed, "sign_off_day", _("Day %(day)s signed off"), by, day)
    return signed


@transaction.atomic
def withdraw_sign_off(*, sign_off: DaySignOff, by: User) -> None:
    """Open a day again that was signed off."""
    _lock(sign_off.department)
    _record(sign_off, "withdraw_sign_off", _("Sign-off of %(day)s withdrawn"), by, sign_off.day)
    sign_off.delete()


def _lock(department: Department) -> None:
    """Let one person at a time speak of a department's days."""
    Department.objects.select_for_update().get(pk=department.pk)


def _record(
    subject: DaySignOff | GapReason, action: str, sentence: str, by: User, day: date, kind: GapKind | None = None
) -> None:
    words = {"day": f"{day:%m/%d/%Y}", "kind": kind.value.replace("_", " ") if kind else ""}
    record_event(subject=subject, action=action, sentence=sentence % words, by=by, organization=subject.organization_id)
