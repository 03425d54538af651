"""What reports count: live lines and acts summed up, and the marks of what is to be summed anew."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from coding.models.lines import LineState
from payers.models import Payer
from portal.models import ClaimForm, Department, Machine, Organization, Physician, User


class Grain(models.TextChoices):
    """How finely lines are kept apart, beside department, month, setting, code and state: coarse sums read fast."""

    CODES = "codes", "Modifiers and rate"
    MACHINES = "machines", "Machine"
    PHYSICIANS = "physicians", "Physician"
    PAYERS = "payers", "Payer, modifiers and rate"
    EVERYTHING = "everything", "Everything"


class ChargeRollup(models.Model):
    """Live lines of one department and month that are alike in everything that the grain keeps apart, summed up.

    Each grain counts every line once; what it does not keep apart is empty. `month` is its first day. `payer` is the
    one whose policy ruled, or None. Amounts are in dollars; `unpriced` and `unexpected` count the lines whose charge or
    expected amount is missing, which no sum includes. `expected_from` says by which rate an amount is expected, as the
    lines say it: a contract's, or a national schedule and year.
    """

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    department = models.ForeignKey(Department, on_delete=models.CASCADE, related_name="+")
    grain = models.CharField(max_length=10, choices=Grain)
    month = models.DateField()
    payer = models.ForeignKey(Payer, on_delete=models.CASCADE, related_name="+", null=True)
    physician = models.ForeignKey(Physician, on_delete=models.CASCADE, related_name="+", null=True)
    machine = models.ForeignKey(Machine, on_delete=models.CASCADE, related_name="+", null=True)
    setting = models.CharField(max_length=32, blank=True)
    claim_form = models.CharField(max_length=16, choices=ClaimForm, blank=True)
    role = models.CharField(max_length=16, blank=True)
    code = models.CharField(max_length=5)
    modifiers = ArrayField(models.CharField(max_length=2), size=4, default=list)
    state = models.CharField(max_length=10, choices=LineState)
    expected_from = models.CharField(max_length=60, blank=True)
    lines = models.PositiveIntegerField()
    units = models.PositiveIntegerField()
    charge_amount = models.DecimalField(max_digits=14, decimal_places=2)
    expected_amount = models.DecimalField(max_digits=14, decimal_places=2)
    unpriced = models.PositiveIntegerField()
    unexpected = models.PositiveIntegerField()

    class Meta:
        default_permissions = ()
        ordering = ["department", "month", "id"]
        indexes = [models.Index(fields=["organization", "grain", "month", "department"], name="rollup_by_grain")]
        constraints = [models.CheckConstraint(condition=Q(lines__gte=1), name="rollup_counts_something")]

    def __str__(self) -> str:
        return f"{self.code}, {self.month}: {self.lines}"


class RollupMark(models.Model):
    """A department's month in which lines changed since it was summed up: until it is, reports count its lines."""

    department = models.ForeignKey(Department, on_delete=models.CASCADE, related_name="+", db_constraint=False)
    month = models.DateField()

    class Meta:
        default_permissions = ()
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.department_id}, {self.month}"


# What acts call the lines that captures of a person wrote; the audit trail has one act a capture, and no lines.
LINES_CAPTURED = "lines_captured"


class ActRollup(models.Model):
    """How often a person did one kind of thing on a day, by the clock of one time zone of the organization.

    `by` is None for what no person did. `action` is that of the audit trail, or `LINES_CAPTURED`.
    """

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    zone = models.CharField(max_length=40)
    day = models.DateField()
    by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", null=True)
    action = models.CharField(max_length=40)
    times = models.PositiveIntegerField()

    class Meta:
        default_permissions = ()
        ordering = ["organization", "zone", "day", "id"]
        indexes = [models.Index(fields=["organization", "zone", "day"], name="acts_by_day")]
        constraints = [models.CheckConstraint(condition=Q(times__gte=1), name="act_rollup_counts_something")]

    def __str__(self) -> str:
        return f"{self.action}, {self.day}: {self.times}"


class ActMark(models.Model):
    """A day of UTC in which somebody did something since its acts were summed up: until they are, they are counted."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+", db_constraint=False)
    day = models.DateField()

    class Meta:
        default_permissions = ()
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.organization_id}, {self.day}"
