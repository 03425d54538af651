"""Who has read which version of a payer's policy, and who was asked to attest to it."""

from django.db import models
from django.db.models import Q

from payers.models.payers import Payer
from payers.models.policies import PolicyVersion
from portal.models import User


class GuidanceReading(models.Model):
    """The version that a person saw when they last opened a payer's guidance page: what came since is new to them."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="guidance_readings")
    payer = models.ForeignKey(Payer, on_delete=models.CASCADE, related_name="+")
    version = models.ForeignKey(PolicyVersion, on_delete=models.CASCADE, related_name="+")
    read_at = models.DateTimeField()

    class Meta:
        ordering = ["user", "payer"]
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["user", "payer"], name="guidance_reading_once")]

    def __str__(self) -> str:
        return f"{self.user} read {self.version}"


class AttestationQuerySet(models.QuerySet):
    def visible_to(self, user):
        """What the user's organization has asked of its people."""
        return self.filter(version__policy__payer__organization=user.organization_id)

    def open(self):
        """Asked and not yet attested."""
        return self.filter(attested_at__isnull=True)


class Attestation(models.Model):
    """That a person was asked to read what a published version changed, and when they attested that they did."""

    version = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="attestations")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="attestations")
    asked_at = models.DateTimeField()
    reminded_at = models.DateTimeField(null=True, blank=True)
    reminded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    attested_at = models.DateTimeField(null=True, blank=True)

    objects = AttestationQuerySet.as_manager()

    class Meta:
        ordering = ["-asked_at", "id"]
        default_permissions = ()
        indexes = [
            models.Index(fields=["user"], condition=Q(attested_at__isnull=True), name="attestation_open_of_user")
        ]
        constraints = [
            models.UniqueConstraint(fields=["version", "user"], name="attestation_once"),
            models.CheckConstraint(
                condition=Q(attested_at__isnull=True) | Q(attested_at__gte=models.F("asked_at")),
                name="attestation_after_it_was_asked",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.version}"
