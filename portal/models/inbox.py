"""What the portal brings to a person: reports on a schedule, and the messages that carry them."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.models.desk import SavedView
from portal.models.organization import FIRST_DAY, LAST_DAY, Organization, User


class Rhythm(models.TextChoices):
    DAILY = "daily", _("Every day")
    WEEKLY = "weekly", _("Every week")
    MONTHLY = "monthly", _("Every month")


class ReportSchedule(models.Model):
    """A saved view of a report that is delivered to a person's inbox, next on a day."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="report_schedules")
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="report_schedules")
    view = models.ForeignKey(SavedView, on_delete=models.CASCADE, related_name="schedules")
    rhythm = models.CharField(max_length=10, choices=Rhythm)
    next_on = models.DateField()

    class Meta:
        ordering = ["next_on", "id"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["owner", "view"], name="report_scheduled_once"),
            models.CheckConstraint(condition=Q(rhythm__in=Rhythm.values), name="report_rhythm_known"),
            models.CheckConstraint(
                condition=Q(next_on__gte=FIRST_DAY, next_on__lte=LAST_DAY), name="report_schedule_date_bounded"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.view}, {self.rhythm}"


class InboxMessage(models.Model):
    """One message to one person, with a file where it carries a report. No subject names a patient."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="inbox")
    subject = models.CharField(max_length=160)
    text = models.CharField(max_length=600, blank=True)
    link = models.CharField(max_length=700, blank=True)
    file_name = models.CharField(max_length=120, blank=True)
    file = models.BinaryField(default=bytes, blank=True)
    sent_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-sent_at", "-id"]
        default_permissions = ()
        indexes = [models.Index(fields=["user"], condition=Q(read_at__isnull=True), name="inbox_unread")]
        constraints = [
            models.CheckConstraint(
                condition=Q(link="") | (Q(link__startswith="/") & ~Q(link__startswith="//")), name="inbox_link_is_ours"
            )
        ]

    def __str__(self) -> str:
        return self.subject
