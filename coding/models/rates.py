"""What an organization has agreed with a payer: its own rates, which stand before the national ones."""

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from coding.engine.periods import in_words
from payers.models import Payer
from portal.models import FIRST_DAY, LAST_DAY, DepartmentSetting, Organization

# How an expected amount says that it comes from a contract; the rate's first day follows.
CONTRACT_FROM = "Contract from "


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
        code = f"{self.code}-{self.modifier}" if self.modifier else self.code
        where = f" ({self.get_setting_display()})" if self.setting else ""
        return f"{self.payer}, {code}{where} from {self.effective_from}: {self.amount}"

    @property
    def label(self) -> str:
        """How a line whose expected amount it gave names it."""
        return f"{CONTRACT_FROM}{in_words(self.effective_from)}"
