"""Until when an official file holds, and from when on it is out of date."""

from datetime import date

from coding.engine.periods import ONE_DAY
from coding.models import ReferenceKind

QUARTERLY = frozenset(
    {
        ReferenceKind.PTP_PRACTITIONER,
        ReferenceKind.PTP_HOSPITAL,
        ReferenceKind.MUE_PRACTITIONER,
        ReferenceKind.MUE_HOSPITAL,
    }
)
# The month with whose first day the publisher's year begins.
NEW_YEAR = {ReferenceKind.ICD10CM: 10}


def covers_until(kind: str, effective_from: date) -> date:
    """The last date of service for which a file is meant: of its quarter, or of its publisher's year."""
    if kind in QUARTERLY:
        return _quarter_after(effective_from) - ONE_DAY
    first_month = NEW_YEAR.get(ReferenceKind(kind), 1)
    year = effective_from.year + (effective_from.month >= first_month)
    return date(year, first_month, 1) - ONE_DAY


def is_out_of_date(kind: str, last_day: date, today: date) -> bool:
    """Whether a newer file must be there: one quarter of grace for a quarterly table, none for a yearly one."""
    if kind in QUARTERLY:
        return today >= _quarter_after(last_day + ONE_DAY)
    return today > last_day


def _quarter_after(day: date) -> date:
    month = (day.month - 1) // 3 * 3 + 4
    return date(day.year + 1, 1, 1) if month > 12 else date(day.year, month, 1)
