"""What a patient is covered by, and what the payer has authorized."""

from datetime import date

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateRangeField, RangeBoundary, RangeOperators
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Func, Q
from django.db.models.functions import Cast
from django.utils.translation import gettext_lazy

from payers.models.payers import Payer
from portal.models import FIRST_DAY, LAST_DAY, Course, Organization, Patient


class InclusiveDays(Func):
    """The days from a start to an inclusive end, open where the end is missing."""

    function = "DATERANGE"
    output_field = DateRangeField()


class CoverageQuerySet(models.QuerySet):
    def on(self, day: date):
        """The coverages of a day, the first rank first: that one is billed."""
        return self.filter(Q(starts_on__lte=day) & (Q(ends_on__isnull=True) | Q(ends_on__gte=day))).order_by("rank")


class Coverage(models.Model):
    """That a patient is covered by a payer over a period, with a rank; rank 1 on the date of service is billed."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="coverages")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="coverages")
    payer = models.ForeignKey(Payer, on_delete=models.PROTECT, related_name="coverages")
    rank = models.PositiveSmallIntegerField(default=1, validators=[MinValueValidator(1)])
    member_number = models.CharField(max_length=40, blank=True)
    starts_on = models.DateField()
    ends_on = models.DateField(null=True, blank=True, help_text=gettext_lazy("Last day, or empty while it goes on."))

    objects = CoverageQuerySet.as_manager()

    class Meta:
        ordering = ["patient", "rank", "-starts_on"]
        constraints = [
            models.CheckConstraint(
                condition=Q(starts_on__gte=date(1990, 1, 1), starts_on__lte=LAST_DAY)
                & (Q(ends_on__isnull=True) | Q(ends_on__gte=models.F("starts_on"), ends_on__lte=LAST_DAY)),
                name="coverage_dates_in_order",
            ),
            models.CheckConstraint(condition=Q(rank__gte=1, rank__lte=4), name="coverage_rank_plausible"),
            ExclusionConstraint(
                name="coverage_one_payer_a_rank_and_day",
                expressions=[
                    (
                        Func(
                            Cast("patient_id", models.BigIntegerField()),
                            Cast("patient_id", models.BigIntegerField()),
                            models.Value("[]"),
                            function="INT8RANGE",
                        ),
                        "&&",
                    ),
                    (
                        Func(
                            Cast("rank", models.BigIntegerField()),
                            Cast("rank", models.BigIntegerField()),
                            models.Value("[]"),
                            function="INT8RANGE",
                        ),
                        "&&",
                    ),
                    (
                        InclusiveDays(
                            "starts_on", "ends_on", RangeBoundary(inclusive_lower=True, inclusive_upper=True)
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.payer}, rank {self.rank}, from {self.starts_on}"


class Authorization(models.Model):
    """A payer's prior authorization for a course: number, codes, units and dates, both ends inclusive."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="authorizations")
    course = models.ForeignKey(Course, on_delete=models.PROTECT, related_name="authorizations")
    payer = models.ForeignKey(Payer, on_delete=models.PROTECT, related_name="authorizations")
    number = models.CharField(max_length=40)
    codes = ArrayField(
        models.CharField(max_length=5), default=list, blank=True, help_text=gettext_lazy("Empty: not tied to codes.")
    )
    units = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text=gettext_lazy("Sessions, or empty: not counted.")
    )
    starts_on = models.DateField()
    ends_on = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["course", "-starts_on"]
        constraints = [
            models.UniqueConstraint(fields=["course", "payer", "number"], name="authorization_number_once"),
            models.CheckConstraint(
                condition=Q(starts_on__gte=FIRST_DAY, starts_on__lte=LAST_DAY)
                & (Q(ends_on__isnull=True) | Q(ends_on__gte=models.F("starts_on"), ends_on__lte=LAST_DAY)),
                name="authorization_dates_in_order",
            ),
        ]

    def __str__(self) -> str:
        return self.number
