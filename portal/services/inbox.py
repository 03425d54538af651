"""Reports that are delivered to a person's inbox on a schedule, and what people do with the messages.

Who makes a report is handed in (`make`), as reports are made above the services.
"""

import logging
from calendar import monthrange
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from portal.models import InboxMessage, ReportPeriod, ReportSchedule, Rhythm, SavedView, User
from portal.roles import roles_with
from portal.services.audit import changed_fields, record_event

logger = logging.getLogger(__name__)

READS_REPORTS = "coding.view_reports"
# A report can be made again at any time: its message is kept so long, and a removed one can come back so long.
KEPT_FOR = timedelta(days=90)
REMOVED_FOR = timedelta(days=1)
DAYS_OF = {Rhythm.DAILY: 1, Rhythm.WEEKLY: 7}


class ReportProblem(Exception):
    """What keeps a report from being made, as one sentence for its reader, without a patient in it."""


@dataclass(frozen=True, slots=True)
class MadeReport:
    """A report as it is delivered: what it is in words, its filters, the address of the live one, and the file."""

    text: str
    filters: list[tuple[str, str]]
    link: str
    file_name: str
    file: bytes


Make = Callable[[ReportSchedule, date], MadeReport]


@transaction.atomic
def schedule_report(
    *, view: SavedView, rhythm: str, first_on: date, period: str, file_format: str, by: User
) -> ReportSchedule:
    """Deliver a saved report to the person's inbox from a day on; the schedule they have for it takes the new terms.

    The day that stands next on it may be given again: the rhythm then still counts from the first one.
    """
    terms = {"rhythm": rhythm, "first_on": first_on, "next_on": first_on, "period": period, "file_format": file_format}
    schedule = ReportSchedule.objects.select_for_update().filter(owner=by, view=view).first()
    if schedule is None:
        schedule = ReportSchedule.objects.create(organization_id=by.organization_id, owner=by, view=view, **terms)
        _record(schedule, "schedule_report", "is delivered on a schedule", by=by)
        return schedule
    if first_on == schedule.next_on and rhythm == schedule.rhythm:
        terms["first_on"] = schedule.first_on
    before = {name: getattr(schedule, name) for name in terms}
    for name, value in terms.items():
        setattr(schedule, name, value)
    schedule.save(update_fields=[*terms])
    _record(schedule, "change_schedule", "is delivered otherwise", by=by, changes=changed_fields(before, terms))
    return schedule


@transaction.atomic
def stop_schedule(*, schedule: ReportSchedule, by: User | None) -> None:
    """Deliver the report no more; what was delivered stays in the inbox."""
    _record(schedule, "stop_schedule", "is delivered no more", by=by)
    schedule.delete()


def deliver_due(*, at: datetime, make: Make, is_stopping: Callable[[], bool] = lambda: False) -> int:
    """Deliver what is due to people who may read reports; how many messages were sent.

    Each is sent once for its day, however many workers ask at once and wherever one of them dies; of days that were
    missed only the last is made up for. A report that cannot be made becomes a message that says so.
    """
    readers = User.objects.filter(groups__name__in=roles_with(READS_REPORTS))
    due = ReportSchedule.objects.due(at=at).filter(owner__in=readers).values_list("pk", flat=True)
    sent = 0
    for pk in list(due):
        if is_stopping():
            break
        sent += _deliver(pk, at, make)
    return sent


@transaction.atomic
def _deliver(pk: int, at: datetime, make: Make) -> bool:
    """One message and the day after it, together or not at all; False where another worker has it or had it."""
    due = ReportSchedule.objects.due(at=at).filter(pk=pk).select_related("owner", "view")
    schedule = due.select_for_update(skip_locked=True, of=("self",)).first()
    if schedule is None:
        return False
    view, owner = schedule.view, schedule.owner
    if not SavedView.objects.visible_to(owner).filter(pk=view.pk).exists():
        _tell(owner, at, _("%(report)s: stopped") % {"report": view.name}, _no_longer_shared(view))
        stop_schedule(schedule=schedule, by=None)
        return True
    delivery_on, schedule.next_on = delivery_days(schedule.rhythm, schedule.first_on, on=schedule.today)
    try:
        with transaction.atomic():
            _tell(owner, at, view.name, **asdict(make(schedule, delivery_on)))
            _record(schedule, "deliver_report", f"delivered to {owner.username}", by=None)
    except ReportProblem as problem:
        _tell_failure(schedule, at, str(problem))
    except Exception:
        logger.exception("report schedule %s failed", schedule.pk)
        _tell_failure(schedule, at, _("Something went wrong that was not foreseen; the log names it."))
    schedule.save(update_fields=["next_on"])
    return True


def delivery_days(rhythm: str, first_on: date, *, on: date) -> tuple[date, date]:
    """The last day of a rhythm up to a day, and the next one after it; the day is not before the first one.

    Months that are too short for the first one's day take their last.
    """
    if rhythm in DAYS_OF:
        step = timedelta(days=DAYS_OF[Rhythm(rhythm)])
        last = first_on + (on - first_on) // step * step
        return last, last + step
    months = 12 * (on.year - first_on.year) + on.month - first_on.month
    if _months_on(first_on, months) > on:
        months -= 1
    return _months_on(first_on, months), _months_on(first_on, months + 1)


def _months_on(day: date, months: int) -> date:
    year, month = divmod(12 * day.year + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def period_days(period: str, *, delivery_on: date) -> tuple[date, date] | None:
    """First and last day of a period as of a day, which is not over and so not in it; None for the days as saved."""
    yesterday = delivery_on - timedelta(days=1)
    last_of_month = delivery_on.replace(day=1) - timedelta(days=1)
    return {
        ReportPeriod.DAY_BEFORE: (yesterday, yesterday),
        ReportPeriod.LAST_7_DAYS: (delivery_on - timedelta(days=7), yesterday),
        ReportPeriod.MONTH_TO_DATE: (yesterday.replace(day=1), yesterday),
        ReportPeriod.LAST_MONTH: (last_of_month.replace(day=1), last_of_month),
    }.get(ReportPeriod(period))


def tell_of_removal(*, view: SavedView, at: datetime) -> None:
    """Tell those who had a saved report of another person delivered that it is removed; within its transaction."""
    for schedule in view.schedules.exclude(owner=view.owner_id).select_related("owner"):
        text = _(
            "Its owner removed this saved report, so it is delivered no more. Save one of your own, and deliver it."
        )
        _tell(schedule.owner, at, _("%(report)s: stopped") % {"report": view.name}, text)


def _no_longer_shared(view: SavedView) -> str:
    return _("%(owner)s no longer shares this saved report. Save one of your own, and have it delivered.") % {
        "owner": view.owner.shown_name
    }


def _tell_failure(schedule: ReportSchedule, at: datetime, problem: str) -> None:
    after = _("It is tried again on %(day)s.") % {"day": f"{schedule.next_on:%m/%d/%Y}"}
    subject = _("%(report)s: not delivered") % {"report": schedule.view.name}
    _tell(schedule.owner, at, subject, f"{problem} {after}")
    _record(schedule, "deliver_report", "could not be made", by=None)


def _tell(user: User, at: datetime, subject: str, text: str, **carried: object) -> None:
    InboxMessage.objects.create(user=user, subject=subject, text=text[:600], sent_at=at, **carried)


def _record(
    schedule: ReportSchedule, action: str, became: str, *, by: User | None, changes: dict[str, tuple] | None = None
) -> None:
    record_event(
        subject=schedule,
        action=action,
        sentence=f"Saved report {schedule.view.name} {became}",
        by=by,
        organization=schedule.organization_id,
        changes=changes,
    )


def mark_read(*, messages: list[InboxMessage] | None = None, is_read: bool = True, at: datetime, by: User) -> int:
    """Mark messages of the person as read, or as unread again; all that are not where none are named.

    Where somebody is with their own mail is a convenience and no record: not audited.
    """
    found = InboxMessage.objects.of(by).filter(read_at__isnull=is_read)
    if messages is not None:
        found = found.filter(pk__in=[message.pk for message in messages])
    return found.update(read_at=at if is_read else None)


@transaction.atomic
def remove_message(*, message: InboxMessage, at: datetime, by: User) -> None:
    """Take a message out of the person's inbox; for a day it can be brought back."""
    _move(message, at, "remove_message", "removed from", by)


@transaction.atomic
def restore_message(*, message: InboxMessage, by: User) -> None:
    """Bring a removed message back."""
    _move(message, None, "restore_message", "brought back to", by)


def _move(message: InboxMessage, removed_at: datetime | None, action: str, became: str, by: User) -> None:
    message.removed_at = removed_at
    message.save(update_fields=["removed_at"])
    record_event(
        subject=message,
        action=action,
        sentence=f"Message {message.subject} {became} the inbox of {by.username}",
        by=by,
        organization=by.organization_id,
    )


def forget_old_messages(*, at: datetime) -> int:
    """Let go of messages past their time, and of removed ones that can no longer come back; how many."""
    old = Q(sent_at__lt=at - KEPT_FOR) | Q(removed_at__lt=at - REMOVED_FOR)
    return InboxMessage.objects.filter(old).delete()[0]
