"""What Medicare pays nationally for a line, where that is known."""

from datetime import date

from coding.engine.claim import Line
from coding.engine.codebook import Codebook
from coding.engine.ruling import NationalRate
from coding.engine.trace import Step
from coding.engine.vocabulary import ClaimForm

# Lines with these are not paid at the published rate of the code.
PAID_OTHERWISE = frozenset({"52", "PN", "TC", "GZ"})


def national_rate(line: Line, on: date, codebook: Codebook) -> tuple[NationalRate | None, Step]:
    """The published rate of one unit, unadjusted; None where it is not known, never zero. And why."""
    schedule = "OPPS" if line.claim_form is ClaimForm.INSTITUTIONAL else "MPFS"
    modifier = "26" if "26" in line.modifiers else ""
    rate = (
        None
        if PAID_OTHERWISE.intersection(line.modifiers)
        else codebook.rate(schedule=schedule, code=line.code, modifier=modifier, on=on)
    )
    step = Step(
        rule="national_rate",
        title="National rate",
        facts=(("schedule", schedule),),
        sentence=f"Published {schedule} rate of one unit, unadjusted: ${rate.amount:,}."
        if rate
        else f"No {schedule} rate is loaded for this line; it is shown as missing.",
        result=str(rate.amount) if rate else "",
        citations=rate.citations if rate else codebook.house_rule("National rates"),
        claim_form=line.claim_form,
        role=line.role,
    )
    if rate is None:
        return None, step
    return NationalRate(rate.amount, schedule, (rate.period.starts_on or on).year, rate.citations[0]), step
