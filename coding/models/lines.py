"""Charge lines and prices. The content of a line never changes after insert; a trigger holds its state to its way."""

from collections.abc import Iterable

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from coding.engine import vocabulary
from coding.models.rates import CONTRACT_FROM
from coding.models.rulings import SessionRuling
from portal.models import FIRST_DAY, LAST_DAY, ClaimForm, Organization, Physician, TreatmentSession, User


class LineState(models.TextChoices):
    """These five; acknowledged, denied and paid are facts about a line, not states."""

    DRAFT = "draft", _("Draft")
    HELD = "held", _("Held")
    READY = "ready", _("Ready")
    EXPORTED = "exported", _("Exported")
    VOID = "void", _("Void")


# A line in one of these waits to be filed.
UNFILED = (LineState.HELD, LineState.READY, LineState.DRAFT)


class LineRole(models.TextChoices):
    DELIVERY = vocabulary.LineRole.DELIVERY, _("Delivery")
    GUIDANCE = vocabulary.LineRole.GUIDANCE, _("Image guidance")


def line_in_words(code: str, modifiers: Iterable[str], units: int) -> str:
    """A line as sentences name one, from what a list has looked up."""
    return f"{'-'.join([code, *modifiers])} x{units}"


class ChargeLineQuerySet(models.QuerySet):
    def visible_to(self, user):
        """The lines of sessions that the user may see."""
        lines = self.filter(organization=user.organization_id)
        return lines if user.sees_all_departments else lines.filter(session__department__users=user)

    def standing(self):
        """Neither void nor replaced: live lines and the corrections drafted beside exported ones."""
        return self.exclude(state=LineState.VOID).filter(replaced_in__isnull=True)

    def live(self):
        """The lines that count: standing, and a drafted correction only once the line it names no longer stands."""
        named = ChargeLine.objects.standing().filter(pk=OuterRef("corrects"))
        # Asked only of corrections, which are few: as a join over all lines it would cost a page its order.
        return self.standing().filter(Q(corrects__isnull=True) | ~Exists(named))


class ChargeLine(models.Model):
    """One line of one claim, as the ruling gave it.

    `replaced_in` names the ruling whose answer replaced this line before it was exported. `corrects` names the exported
    line that this one would correct (frequency code 7). `cancellation_drafted_in` marks an exported line that the named
    ruling no longer charges at all (frequency code 8). `file_by` is that of the ruling: it stands here too,
    in the order of the pages.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="charge_lines")
    session = models.ForeignKey(TreatmentSession, on_delete=models.PROTECT, related_name="charge_lines")
    ruling = models.ForeignKey(SessionRuling, on_delete=models.PROTECT, related_name="charge_lines")
    date_of_service = models.DateField()
    file_by = models.DateField(null=True, blank=True)
    claim_form = models.CharField(max_length=16, choices=ClaimForm)
    role = models.CharField(max_length=16, choices=LineRole)
    code = models.CharField(max_length=5)
    modifiers = ArrayField(models.CharField(max_length=2), size=4, default=list, blank=True)
    units = models.PositiveSmallIntegerField()
    place_of_service = models.CharField(max_length=2, blank=True)
    revenue_code = models.CharField(max_length=4, blank=True)
    diagnoses = ArrayField(models.CharField(max_length=8), size=12, default=list, blank=True)
    diagnosis_pointers = ArrayField(models.PositiveSmallIntegerField(), size=4, default=list, blank=True)
    rendering_provider = models.ForeignKey(Physician, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    rendering_npi = models.CharField(max_length=10, blank=True)
    billing_name = models.CharField(max_length=120)
    billing_npi = models.CharField(max_length=10)
    charge_amount = models.DecimalField(max_digits=10, decimal_places=2, null=True, blank=True)
    expected_amount = models.DecimalField(max_digits=10, decimal_places=2, null=True, blank=True)
    expected_from = models.CharField(max_length=60, blank=True)
    state = models.CharField(max_length=10, choices=LineState)
    replaced_in = models.ForeignKey(
        SessionRuling, on_delete=models.PROTECT, related_name="lines_replaced", null=True, blank=True
    )
    corrects = models.ForeignKey("self", on_delete=models.PROTECT, related_name="corrections", null=True, blank=True)
    cancellation_drafted_in = models.ForeignKey(
        SessionRuling, on_delete=models.PROTECT, related_name="cancellations_drafted", null=True, blank=True
    )
    created_at = models.DateTimeField(auto_now_add=True)
    voided_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    void_reason = models.CharField(max_length=300, blank=True)

    objects = ChargeLineQuerySet.as_manager()

    class Meta:
        ordering = ["session", "claim_form", "role", "id"]
        permissions = [
            ("void_chargeline", "Can void charge lines"),
            ("view_reports", "Can read reports"),
        ]
        indexes = [
            models.Index(fields=["session"]),
            models.Index(fields=["organization", "created_at"], name="line_by_capture"),
            models.Index(
                fields=["organization", "-date_of_service", "-id"],
                condition=~Q(state=LineState.VOID) & Q(replaced_in__isnull=True),
                name="line_by_day",
            ),
            models.Index(
                fields=["organization", "state", "-date_of_service", "-id"],
                condition=Q(replaced_in__isnull=True),
                name="line_by_state_and_day",
            ),
            models.Index(
                fields=["organization", "file_by", "id"],
                condition=Q(state__in=UNFILED, replaced_in__isnull=True),
                name="line_unfiled_by_deadline",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["session", "claim_form", "role"],
                condition=~Q(state=LineState.VOID) & Q(replaced_in__isnull=True, corrects__isnull=True),
                name="line_stands_once",
            ),
            models.UniqueConstraint(
                fields=["corrects"],
                condition=~Q(state=LineState.VOID) & Q(replaced_in__isnull=True, corrects__isnull=False),
                name="line_has_one_correction",
            ),
            models.CheckConstraint(condition=Q(state__in=LineState.values), name="line_state_known"),
            models.CheckConstraint(condition=Q(units__gte=1, units__lte=9), name="line_units_plausible"),
            models.CheckConstraint(condition=Q(code__regex=r"^[0-9A-Z]{5}$"), name="line_code_has_five_characters"),
            models.CheckConstraint(
                condition=Q(claim_form=ClaimForm.INSTITUTIONAL, revenue_code__regex=r"^[0-9]{4}$", place_of_service="")
                | (~Q(claim_form=ClaimForm.INSTITUTIONAL) & Q(revenue_code="", place_of_service__regex=r"^[0-9]{2}$")),
                name="line_place_fits_claim_form",
            ),
            models.CheckConstraint(
                condition=(Q(state=LineState.VOID) & ~Q(void_reason=""))
                | (~Q(state=LineState.VOID) & Q(void_reason="")),
                name="line_void_for_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(charge_amount__isnull=True) | Q(charge_amount__gte=0), name="line_charge_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return line_in_words(self.code, self.modifiers, self.units)

    @property
    def is_expected_by_contract(self) -> bool:
        """Whether the expected amount is by the organization's own rate and not by a national one."""
        return self.expected_from.startswith(CONTRACT_FROM)

    @property
    def content(self) -> tuple:
        """What a payer would read on the line: two lines of equal content are the same charge."""
        return (
            self.date_of_service,
            self.claim_form,
            self.role,
            self.code,
            tuple(self.modifiers),
            self.units,
            self.place_of_service,
            self.revenue_code,
            tuple(self.diagnoses),
            tuple(self.diagnosis_pointers),
            self.rendering_npi,
            self.billing_npi,
        )


class FeeSchedule(models.Model):
    """The organization's price of one unit of a code from a date of service on; `modifier` is 26 or empty."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="prices")
    code = models.CharField(max_length=5)
    modifier = models.CharField(max_length=2, blank=True)
    effective_from = models.DateField()
    amount = models.DecimalField(max_digits=10, decimal_places=2, validators=[MinValueValidator(0)])

    class Meta:
        ordering = ["code", "modifier", "-effective_from"]
        verbose_name = "price"
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "code", "modifier", "effective_from"], name="price_once_a_start"
            ),
            models.CheckConstraint(condition=Q(amount__gte=0), name="price_not_negative"),
            models.CheckConstraint(
                condition=Q(effective_from__gte=FIRST_DAY, effective_from__lte=LAST_DAY), name="price_date_bounded"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.modifier} from {self.effective_from}: {self.amount}"
