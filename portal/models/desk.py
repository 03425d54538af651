"""What a person works with day by day: saved views of lists, courses opened lately, steps on a day sheet."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.models.clinic import Course
from portal.models.organization import Machine, Organization, User


class ViewPlace(models.TextChoices):
    CHARGES = "charges", _("Charge review")
    HOLDS = "holds", _("Holds")
    REPORTS = "reports", _("Reports")


class SavedViewQuerySet(models.QuerySet):
    def visible_to(self, user):
        """The person's own views and those that others of the organization share."""
        return self.filter(Q(owner=user) | Q(is_shared=True), organization=user.organization_id)


class SavedView(models.Model):
    """Filters of a list under a name. `query` is the list's query string; no filter names a patient."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="saved_views")
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="saved_views")
    place = models.CharField(max_length=16, choices=ViewPlace)
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=600, blank=True)
    is_shared = models.BooleanField(_("shared with everyone"), default=False)

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        ordering = ["name", "id"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["owner", "place", "name"], name="saved_view_name_once"),
            models.CheckConstraint(condition=Q(place__in=ViewPlace.values), name="saved_view_place_known"),
        ]

    def __str__(self) -> str:
        return self.name


class RecentCourse(models.Model):
    """That a person opened a course, and when last."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="recent_courses")
    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="+")
    opened_at = models.DateTimeField()

    class Meta:
        ordering = ["-opened_at"]
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["user", "course"], name="recent_course_once")]

    def __str__(self) -> str:
        return f"{self.course}"


class SheetStep(models.Model):
    """One row that a person saved on a day sheet: what it was before, so that the step can be undone.

    Rows that were confirmed together share a `batch`. `mark_after` is the row's mark once it was saved: a row with
    another mark has been changed since, and the step is not undone.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    machine = models.ForeignKey(Machine, on_delete=models.PROTECT, related_name="+")
    day = models.DateField()
    course = models.ForeignKey(Course, on_delete=models.PROTECT, related_name="+")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    batch = models.UUIDField()
    before = models.JSONField()
    mark_after = models.TextField()
    at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        default_permissions = ()
        indexes = [
            models.Index(fields=["machine", "day", "by", "-id"]),
            models.Index(fields=["machine", "day", "course", "-id"]),
        ]

    def __str__(self) -> str:
        return f"Step {self.pk} of {self.day}"
