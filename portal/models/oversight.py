"""What a manager says of a department's day: that it is complete, and why a gap is none."""

from django.db import models
from django.db.models import Q

from portal.models.clinic import Course, TreatmentSession
from portal.models.organization import FIRST_DAY, LAST_DAY, Department, Organization, User


class DaySignOff(models.Model):
    """That someone signed off a department's day: each gap was fixed or had a reason. Withdrawn by deleting the row."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="days_signed_off")
    department = models.ForeignKey(Department, on_delete=models.PROTECT, related_name="days_signed_off")
    day = models.DateField()
    signed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    signed_at = models.DateTimeField()

    class Meta:
        ordering = ["-day", "department"]
        default_permissions = ()
        permissions = [("sign_off_day", "Can sign off a department's day")]
        constraints = [
            models.UniqueConstraint(fields=["department", "day"], name="day_signed_off_once"),
            models.CheckConstraint(condition=Q(day__gte=FIRST_DAY, day__lte=LAST_DAY), name="day_signed_off_bounded"),
        ]

    def __str__(self) -> str:
        return f"{self.day} of {self.department}"


class GapReason(models.Model):
    """Why a gap of the reconciliation is none: the kind of gap, the course's day, and a sentence."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="gap_reasons")
    department = models.ForeignKey(Department, on_delete=models.PROTECT, related_name="gap_reasons")
    day = models.DateField()
    kind = models.CharField(max_length=40)
    course = models.ForeignKey(Course, on_delete=models.PROTECT, related_name="gap_reasons")
    session = models.ForeignKey(
        TreatmentSession, on_delete=models.PROTECT, related_name="gap_reasons", null=True, blank=True
    )
    reason = models.CharField(max_length=300)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["-at", "-id"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["department", "day", "kind", "course", "session"],
                nulls_distinct=False,
                name="gap_has_one_reason",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="gap_reason_is_said"),
            models.CheckConstraint(condition=Q(day__gte=FIRST_DAY, day__lte=LAST_DAY), name="gap_reason_day_bounded"),
        ]

    def __str__(self) -> str:
        return self.reason
