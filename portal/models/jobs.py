"""Long work that goes on beside the pages: what was asked for, how far it is, and how it ended."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.models.organization import Organization, User


class JobState(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    CANCELLED = "cancelled", _("Cancelled")
    FAILED = "failed", _("Failed")


class JobQuerySet(models.QuerySet):
    def visible_to(self, user):
        """The jobs of the user's organization."""
        return self.filter(organization=user.organization_id)

    def going_on(self):
        """Waiting or running."""
        return self.filter(state__in=(JobState.WAITING, JobState.RUNNING))


class Job(models.Model):
    """One piece of long work. A worker claims the oldest that waits, and says how far it is as it goes.

    `kind` names what is done and `arguments` with what: ids and dates, never a patient's name. `heard_at` is when its
    worker was heard last: a job whose worker fell silent is taken up again. `problem` is a sentence for a person.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="jobs")
    kind = models.CharField(max_length=40)
    arguments = models.JSONField(default=dict)
    state = models.CharField(max_length=12, choices=JobState, default=JobState.WAITING)
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True)
    asked_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    heard_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    is_cancel_asked = models.BooleanField(default=False)
    problem = models.CharField(max_length=300, blank=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        ordering = ["-asked_at", "-id"]
        default_permissions = ()
        indexes = [
            models.Index(
                fields=["asked_at", "id"],
                condition=Q(state__in=(JobState.WAITING, JobState.RUNNING)),
                name="job_going_on",
            )
        ]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=JobState.values), name="job_state_known"),
            models.CheckConstraint(
                condition=Q(state__in=(JobState.WAITING, JobState.RUNNING), ended_at__isnull=True)
                | (~Q(state__in=(JobState.WAITING, JobState.RUNNING)) & Q(ended_at__isnull=False)),
                name="job_ended_when_over",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

    @property
    def is_over(self) -> bool:
        return self.state not in (JobState.WAITING, JobState.RUNNING)
