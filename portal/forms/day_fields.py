"""Days as coders type them: 11/23/2026, 112326, 11/23, t, t-1, m."""

import re
import unicodedata
from datetime import date, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from portal.models import FIRST_DAY, LAST_DAY

# The first two digits of a year that is written with two, as Python's own clocks read them.
FIRST_YEAR_OF_OLD_CENTURY = 69
WRITTEN_DAY = re.compile(
    r"(?P<month>[0-9]{1,2})/(?P<day>[0-9]{1,2})(?:/(?P<year>[0-9]{4}|[0-9]{2}))?"
    r"|(?P<month2>[0-9]{2})(?P<day2>[0-9]{2})(?P<year2>[0-9]{4}|[0-9]{2})"
    r"|(?P<year3>[0-9]{4})-(?P<month3>[0-9]{1,2})-(?P<day3>[0-9]{1,2})"
)
DAY_IN_WORDS = re.compile(r"t(?P<days>[+-][0-9]{1,3})?|m")


def read_day(text: str, *, today: date | None = None, not_before: date | None = None) -> date:
    """The day that was typed; raises ValueError where it is none.

    With `today`, t, t-1 and m (the first of its month) are read too. A day without a year is the next one from
    `not_before` on, or else the one nearest to `today`; without both it is refused.
    """
    typed = re.sub(r"\s", "", unicodedata.normalize("NFKC", text)).lower()
    words = DAY_IN_WORDS.fullmatch(typed)
    if words and today:
        return today.replace(day=1) if typed == "m" else today + timedelta(days=int(words["days"] or 0))
    found = WRITTEN_DAY.fullmatch(typed)
    if not found:
        raise ValueError(text)
    month, day, year = (
        next((found[f"{part}{place}"] for place in ("", "2", "3") if found[f"{part}{place}"]), "")
        for part in ("month", "day", "year")
    )
    if year:
        return date(_full_year(year), int(month), int(day))
    return _with_likely_year(int(month), int(day), today, not_before)


def bounded_day(day: date) -> date:
    """The day, where it is one that the portal keeps."""
    if not FIRST_DAY <= day <= LAST_DAY:
        raise forms.ValidationError(
            _("Enter a day from %(first)s to %(last)s.")
            % {"first": f"{FIRST_DAY:%m/%d/%Y}", "last": f"{LAST_DAY:%m/%d/%Y}"}
        )
    return day


class DayField(forms.Field):
    """A day as billers type it. Where the form sets `today`, also without a year, and as t, t-1 or m."""

    today: date | None = None

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.DateInput(format="%m/%d/%Y", attrs={"autocomplete": "off", "placeholder": "mm/dd/yyyy"})
        kwargs.setdefault("widget", widget)
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> date | None:
        if isinstance(value, date):
            return value
        if not value or not value.strip():
            return None
        try:
            return read_day(value, today=self.today)
        except (ValueError, OverflowError) as error:
            raise forms.ValidationError(
                _("%(label)s must be a real date, like 11/23/2026.") % {"label": self.label or _("This")}, "invalid"
            ) from error

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return self.to_python(data) != initial
        except forms.ValidationError:
            return True


def _full_year(year: str) -> int:
    if len(year) == 4:
        return int(year)
    return int(year) + (1900 if int(year) >= FIRST_YEAR_OF_OLD_CENTURY else 2000)


def _with_likely_year(month: int, day: int, today: date | None, not_before: date | None) -> date:
    near = not_before or today
    if near is None:
        raise ValueError("a day without a year")
    days = [found for year in range(near.year - 4, near.year + 9) if (found := _day_or_none(year, month, day))]
    if not_before:
        days = [found for found in days if found >= not_before]
    if not days:
        raise ValueError("no such day in any year")
    return min(days, key=lambda found: abs(found - near))


def _day_or_none(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
