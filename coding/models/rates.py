"""What an organization has agreed with a payer: its own rates, which stand before the national ones."""

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from payers.models import Payer
from portal.models import FIRST_DAY, LAST_DAY, DepartmentSetting, Organization


class ContractRate(models.Model):
    """A payer's agreed amount for one unit of a code from a date of service on; the next one ends it.

    `setting` is empty where the rate holds for every setting, and `modifier` is 26, TC or empty. `source` says where it
    is written, such as the contract and its page.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="contract_rates")
    payer = models.ForeignKey(Payer, on_delete=models.PROTECT, related_name="contract_rates")
    code = models.CharField(max_length=5)
    modifier = models.CharField(max_length=2, blank=True)
    setting = models.CharField(max_length=32, choices=DepartmentSetting, blank=True)
    effective_from = models.DateField()
    amount = models.DecimalField(max_digits=10, decimal_places=2, validators=[MinValueValidator(0)])
    source = models.CharField(max_length=200, help_text=_("Where it is written, such as the contract and its page."))

    class Meta:
        ordering = ["payer", "code", "modifier", "setting", "-effective_from"]
        constraints = [
            models.UniqueConstraint(
                fields=["payer", "code", "modifier", "setting", "effective_from"], name="contract_rate_once_a_start"
            ),
            models.CheckConstraint(condition=Q(amount__gte=0), name="contract_rate_not_negative"),
            models.CheckConstraint(condition=~Q(source=""), name="contract_rate_has_a_source"),
            models.CheckConstraint(
                condition=Q(effective_from__gte=FIRST_DAY, effective_from__lte=LAST_DAY),
                name="contract_rate_date_bounded",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.payer}, {self.code} {self.modifier} from {self.effective_from}: {self.amount}"
