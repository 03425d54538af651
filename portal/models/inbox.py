"""What the portal brings to a person: reports on a schedule, and the messages that carry them."""

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Case, F, Func, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Cast, Coalesce
from django.utils.translation import gettext_lazy as _

from portal.models.desk import SavedView
from portal.models.organization import FIRST_DAY, LAST_DAY, Department, Organization, User


class Rhythm(models.TextChoices):
    DAILY = "daily", _("Every day")
    WEEKLY = "weekly", _("Every week")
    MONTHLY = "monthly", _("Every month")


class ReportPeriod(models.TextChoices):
    """The days that a delivered report is about: those that were saved, or some that end with the day before."""

    AS_SAVED = "as_saved", _("As saved")
    DAY_BEFORE = "day_before", _("The day before")
    LAST_7_DAYS = "last_7_days", _("Last 7 days")
    MONTH_TO_DATE = "month_to_date", _("Month to date, through the day before")
    LAST_MONTH = "last_month", _("Last full month")


class ReportFormat(models.TextChoices):
    XLSX = "xlsx", "XLSX"
    CSV = "csv", "CSV"


class ReportScheduleQuerySet(models.QuerySet):
    def due(self, *, at: datetime):
        """Schedules of active people whose next day has begun where they work; each has that day as `today`.

        A person's day is that of the first department that they see, as everywhere in the portal.
        """
        departments = Department.objects.filter(organization=OuterRef("owner__organization")).values("time_zone")
        zone = Case(
            When(owner__sees_all_departments=True, then=Subquery(departments[:1])),
            default=Subquery(departments.filter(users=OuterRef("owner"))[:1]),
        )
        zone = Coalesce(zone, Value(Department().time_zone))
        there = Func(zone, Value(at), function="timezone", output_field=models.DateTimeField())
        # No zone is more than a day ahead of UTC: the rest is not looked at.
        begun = self.filter(owner__is_active=True, next_on__lte=at.date() + timedelta(days=1))
        return begun.annotate(today=Cast(there, models.DateField())).filter(next_on__lte=F("today"))


class ReportSchedule(models.Model):
    """A saved view of a report that is delivered to a person's inbox, first on a day and then in a rhythm."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="report_schedules")
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="report_schedules")
    view = models.ForeignKey(SavedView, on_delete=models.CASCADE, related_name="schedules")
    rhythm = models.CharField(max_length=10, choices=Rhythm)
    first_on = models.DateField()
    next_on = models.DateField()
    period = models.CharField(max_length=16, choices=ReportPeriod, default=ReportPeriod.AS_SAVED)
    file_format = models.CharField(max_length=4, choices=ReportFormat, default=ReportFormat.XLSX)

    objects = ReportScheduleQuerySet.as_manager()

    class Meta:
        ordering = ["next_on", "id"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["owner", "view"], name="report_scheduled_once"),
            models.CheckConstraint(condition=Q(rhythm__in=Rhythm.values), name="report_rhythm_known"),
            models.CheckConstraint(condition=Q(period__in=ReportPeriod.values), name="report_period_known"),
            models.CheckConstraint(condition=Q(file_format__in=ReportFormat.values), name="report_format_known"),
            models.CheckConstraint(
                condition=Q(first_on__gte=FIRST_DAY, next_on__gte=F("first_on"), next_on__lte=LAST_DAY),
                name="report_schedule_date_bounded",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.view}, {self.rhythm}"


class InboxMessageQuerySet(models.QuerySet):
    def of(self, user):
        """What lies in a person's inbox, without the files themselves."""
        return self.filter(user=user, removed_at__isnull=True).defer("file")

    def unread(self):
        return self.filter(read_at__isnull=True)


class InboxMessage(models.Model):
    """One message to one person, with a file where it carries a report. No word of it names a patient.

    `filters` are pairs of a filter and its value as a person reads them. A removed one can be taken back for a while.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="inbox")
    subject = models.CharField(max_length=160)
    text = models.CharField(max_length=600, blank=True)
    filters = models.JSONField(default=list, blank=True)
    link = models.CharField(max_length=1000, blank=True)
    file_name = models.CharField(max_length=120, blank=True)
    file = models.BinaryField(default=bytes, blank=True)
    sent_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)
    removed_at = models.DateTimeField(null=True, blank=True)

    objects = InboxMessageQuerySet.as_manager()

    class Meta:
        ordering = ["-sent_at", "-id"]
        default_permissions = ()
        indexes = [
            models.Index(
                fields=["user"], condition=Q(read_at__isnull=True, removed_at__isnull=True), name="inbox_unread"
            ),
            models.Index(fields=["user", "-sent_at", "-id"], name="inbox_newest_first"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(link="") | (Q(link__startswith="/") & ~Q(link__startswith="//")), name="inbox_link_is_ours"
            ),
            models.CheckConstraint(condition=~Q(subject=""), name="inbox_message_has_a_subject"),
        ]

    def __str__(self) -> str:
        return self.subject
