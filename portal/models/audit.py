"""What was done, by whom: rows that are added and never changed (a trigger refuses)."""

from django.db import models

from portal.models.organization import Organization, User


class AuditEventQuerySet(models.QuerySet):
    def visible_to(self, user):
        """The events of the user's organization."""
        return self.filter(organization=user.organization_id)

    def about(self, subject: models.Model):
        """The events of one record, newest first."""
        return self.filter(subject_kind=subject._meta.label_lower, subject_id=subject.pk).order_by("-at", "-id")


class AuditEvent(models.Model):
    """One act on one record. `changes` maps a field to what it was and what it became."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="audit_events")
    at = models.DateTimeField(auto_now_add=True)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="audit_events", null=True)
    action = models.CharField(max_length=40)
    subject_kind = models.CharField(max_length=60)
    subject_id = models.BigIntegerField()
    sentence = models.CharField(max_length=400)
    changes = models.JSONField(default=dict)

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(fields=["subject_kind", "subject_id", "-at"]),
            models.Index(fields=["organization", "-at", "-id"]),
        ]

    def __str__(self) -> str:
        return self.sentence
