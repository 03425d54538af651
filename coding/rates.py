"""What contracts agree for a charge: the organization's own rates, which stand before the national ones."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date

from coding.engine.periods import in_words
from coding.engine.ruling import Charge, Ruling
from coding.engine.trace import Citation, Step
from coding.models import ContractRate

# The component of a code that a rate is for, as a line names it.
COMPONENTS = ("26", "TC")
# Lines with these are paid less than what is agreed for the code, or not at all; how much is in no schedule.
PAID_OTHERWISE = frozenset({"52", "GZ"})


class AgreedRates:
    """The rates that were agreed with some payers for some codes, read once."""

    def __init__(self, organization_id: int, charged: Collection[tuple[int | None, str]]) -> None:
        """`charged` are pairs of payer and code; None is a line that no payer's policy ruled, which has no rate."""
        self._rates: dict[tuple[int, str, str, str], list[ContractRate]] = defaultdict(list)
        agreed = ContractRate.objects.filter(
            organization=organization_id,
            payer__in={payer for payer, _code in charged if payer is not None},
            code__in={code for payer, code in charged if payer is not None},
        )
        for rate in agreed.select_related("payer").order_by("-effective_from"):
            self._rates[(rate.payer_id, rate.code, rate.modifier, rate.setting)].append(rate)

    def rate_of(self, charge: Charge, *, payer_id: int | None, setting: str, on: date) -> ContractRate | None:
        """The rate of one unit of the charge on a day: that of its setting, else the one for every setting, else None.

        A rate for the whole code says nothing of its professional or technical component, and the other way round.
        """
        if payer_id is None or PAID_OTHERWISE.intersection(charge.modifiers):
            return None
        component = next((modifier for modifier in COMPONENTS if modifier in charge.modifiers), "")
        for place in (setting, ""):
            for rate in self._rates.get((payer_id, charge.code, component, place), ()):
                if rate.effective_from <= on:
                    return rate
        return None


def with_agreed_rates(ruling: Ruling, rates: Sequence[ContractRate | None]) -> Ruling:
    """The ruling whose trace says, after each charge's national rate, what the contract agrees; `rates` by charge.

    So what was expected, and where that was written, reads the same when the rate is amended later.
    """
    agreed = {
        (charge.claim_form, charge.role): rate
        for charge, rate in zip(ruling.charges, rates, strict=True)
        if rate is not None
    }
    trace: list[Step] = []
    for step in ruling.trace:
        trace.append(step)
        if step.rule == "national_rate" and (rate := agreed.get((step.claim_form, step.role))) is not None:
            trace.append(_step(rate, step))
    return replace(ruling, trace=tuple(trace)) if agreed else ruling


def _step(rate: ContractRate, national: Step) -> Step:
    return Step(
        rule="contract_rate",
        title="Contract rate",
        facts=(("payer", rate.payer.name), ("setting", rate.setting.replace("_", " ") or "every setting")),
        sentence=f"Your contract agrees ${rate.amount:,} for one unit from {in_words(rate.effective_from)}; it stands "
        "before a national rate.",
        result=str(rate.amount),
        citations=(Citation(title=rate.source),),
        claim_form=national.claim_form,
        role=national.role,
    )
