"""Official reference files as they were loaded: national facts with their dates, the same for every organization."""

from datetime import date

from django.db import models
from django.db.models import Min, Q
from django.utils.translation import gettext_lazy as _

from portal.models import FIRST_DAY, LAST_DAY, User


class ReferenceKind(models.TextChoices):
    PTP_PRACTITIONER = "ptp_practitioner", _("NCCI pairs, practitioners")
    PTP_HOSPITAL = "ptp_hospital", _("NCCI pairs, outpatient hospital")
    MUE_PRACTITIONER = "mue_practitioner", _("NCCI unit limits (MUE), practitioners")
    MUE_HOSPITAL = "mue_hospital", _("NCCI unit limits (MUE), outpatient hospital")
    ADDENDUM_B = "addendum_b", _("OPPS Addendum B")
    PFS_RVU = "pfs_rvu", _("Physician fee schedule, relative values")
    ICD10CM = "icd10cm", _("ICD-10-CM codes, order file")
    CPT_DESCRIPTORS = "cpt_descriptors", _("CPT descriptors, your own licensed file")


class ReferenceLoad(models.Model):
    """One official file, loaded for dates of service from a day on; the next load of its kind ends it.

    `added`, `removed` and `changed` count its rows against the load of the same kind that began before it.
    """

    kind = models.CharField(max_length=20, choices=ReferenceKind)
    effective_from = models.DateField()
    release = models.CharField(max_length=60, help_text=_("As the publisher names it, such as 2026 Q1."))
    file_name = models.CharField(max_length=200)
    file_digest = models.CharField(max_length=64)
    rows_loaded = models.PositiveIntegerField(default=0)
    added = models.PositiveIntegerField(default=0)
    removed = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    loaded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True)
    loaded_at = models.DateTimeField()

    class Meta:
        ordering = ["kind", "-effective_from", "-id"]
        default_permissions = ()
        permissions = [("load_reference", "Can load official reference files")]
        constraints = [
            models.UniqueConstraint(fields=["kind", "effective_from"], name="reference_load_once_a_start"),
            models.CheckConstraint(condition=Q(kind__in=ReferenceKind.values), name="reference_kind_known"),
            models.CheckConstraint(
                condition=Q(effective_from__gte=FIRST_DAY, effective_from__lte=LAST_DAY),
                name="reference_load_date_bounded",
            ),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        return f"{self.get_kind_display()} {self.release}"

    @property
    def next_from(self) -> date | None:
        """The first day of the next load of its kind, which ends this one; None for the last."""
        following = ReferenceLoad.objects.filter(kind=self.kind, effective_from__gt=self.effective_from)
        return following.aggregate(first=Min("effective_from"))["first"]


class ReferenceRow(models.Model):
    """One row of an official file. `key` names it within its kind (a code, or two with a bar); `values` is the rest."""

    load = models.ForeignKey(ReferenceLoad, on_delete=models.CASCADE, related_name="rows")
    key = models.CharField(max_length=40)
    values = models.JSONField(default=dict)

    class Meta:
        ordering = ["load", "key"]
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["load", "key"], name="reference_row_once")]

    def __str__(self) -> str:
        return self.key
