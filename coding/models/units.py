"""What visits used of each authorization, and the marks of what is to be counted anew."""

from django.db import models

from payers.models import Authorization
from portal.models import Patient


class UnitsUsed(models.Model):
    """How many units of an authorization the visits of its days used."""

    authorization = models.OneToOneField(
        Authorization, on_delete=models.CASCADE, primary_key=True, related_name="units_used"
    )
    number = models.PositiveIntegerField()

    class Meta:
        default_permissions = ()
        ordering = ["authorization"]

    def __str__(self) -> str:
        return f"{self.authorization_id}: {self.number}"


class UnitsMark(models.Model):
    """A patient whose visits or authorizations changed since units were counted: until they are, visits are read."""

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="+", db_constraint=False)

    class Meta:
        default_permissions = ()
        ordering = ["id"]

    def __str__(self) -> str:
        return str(self.patient_id)
