"""Who pays."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy

from coding.engine import vocabulary
from portal.models import Organization


class PayerKind(models.TextChoices):
    MEDICARE = vocabulary.PayerKind.MEDICARE, gettext_lazy("Medicare")
    MEDICARE_ADVANTAGE = vocabulary.PayerKind.MEDICARE_ADVANTAGE, gettext_lazy("Medicare Advantage")
    COMMERCIAL = vocabulary.PayerKind.COMMERCIAL, gettext_lazy("Commercial")
    MEDICAID = vocabulary.PayerKind.MEDICAID, gettext_lazy("Medicaid")
    WORKERS_COMPENSATION = vocabulary.PayerKind.WORKERS_COMPENSATION, gettext_lazy("Workers' compensation")


class Payer(models.Model):
    """Who is billed. A payer's kind decides the house defaults where its policy is silent."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="payers")
    slug = models.SlugField(max_length=60)
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=24, choices=PayerKind)
    electronic_payer_id = models.CharField(gettext_lazy("electronic payer ID"), max_length=20, blank=True)
    is_active = models.BooleanField("active", default=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "slug"], name="payer_slug_once"),
            models.UniqueConstraint(fields=["id", "organization"], name="payer_of_organization"),
            models.CheckConstraint(condition=Q(kind__in=PayerKind.values), name="payer_kind_known"),
        ]

    def __str__(self) -> str:
        return self.name
