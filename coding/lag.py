"""Charge lag: the days from the date of service to the day on which the session first had a line."""

from django.db.models import DateField, DateTimeField, F, Func, IntegerField, OuterRef, Q, Subquery, TextChoices
from django.db.models.functions import Cast
from django.utils.translation import gettext_lazy as _

from coding.models import ChargeLine

WITHIN_DAYS = (1, 3, 7)


class Lag(TextChoices):
    """How late a line was captured first, as a filter asks for it. Each of the first three holds the one before."""

    ONE_DAY = "1", _("Within 1 day")
    THREE_DAYS = "3", _("Within 3 days")
    SEVEN_DAYS = "7", _("Within 7 days")
    LATE = "late", _("Later than 7 days")


# A line that replaced another is as old as the first one of its session: capturing again makes nothing late.
FIRST_LINE_AT = Subquery(
    ChargeLine.objects.filter(session=OuterRef("session")).order_by("created_at").values("created_at")[:1]
)
# On the calendar of the department, as the date of service is.
FIRST_LINE_ON = Cast(
    Func(F("session__department__time_zone"), FIRST_LINE_AT, function="timezone", output_field=DateTimeField()),
    DateField(),
)
DAYS_TO_FIRST_LINE = Func(
    FIRST_LINE_ON,
    F("date_of_service"),
    template="(%(expressions)s)",
    arg_joiner=" - ",
    output_field=IntegerField(),
)


def lag_wanted(lag: str, *, days: str) -> Q:
    """The lines of one lag; `days` names their annotation of `DAYS_TO_FIRST_LINE`."""
    if lag == Lag.LATE:
        return Q(**{f"{days}__gt": WITHIN_DAYS[-1]})
    return Q(**{f"{days}__lte": int(lag)})
