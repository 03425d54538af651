"""Times of day as coders type them, and the instants they name on a department's clock."""

import re
import unicodedata
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

HOUR_FIRST = re.compile(r"(?P<hour>[0-9]{1,2})(?::?(?P<minute>[0-9]{2}))?(?P<half>[AP]M?)?")
FIRST_TIME, SECOND_TIME = "0", "1"
# An hour that a clock shows twice: which of the two is meant is asked, never guessed.
TWICE_CHOICES = [
    ("", gettext_lazy("Choose one")),
    (FIRST_TIME, gettext_lazy("The first time: before the clock went back")),
    (SECOND_TIME, gettext_lazy("The second time: after the clock went back")),
]


class RepeatedTime(Exception):
    """The clock showed this time twice that day."""


class SkippedTime(Exception):
    """The clock never showed this time that day."""


class ClockField(forms.Field):
    """A time of day: 9:30, 0930, 9:30 PM, 930p, 14:05. Fullwidth digits are read as their plain forms."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.TextInput(attrs={"autocomplete": "off"}))
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> time | None:
        if isinstance(value, time):
            return value
        typed = re.sub(r"[\s.]", "", unicodedata.normalize("NFKC", value or "").upper())
        if not typed:
            return None
        found = HOUR_FIRST.fullmatch(typed)
        clock = _clock(found) if found else None
        if clock is None:
            raise forms.ValidationError(
                _("%(label)s must be a time, like 9:30 AM or 1430.") % {"label": self.label or _("This")}, "invalid"
            )
        return clock

    def prepare_value(self, value: Any) -> Any:
        return in_clock_words(value) if isinstance(value, time) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return self.to_python(data) != initial
        except forms.ValidationError:
            return True


def in_clock_words(clock: time | datetime) -> str:
    """A time of day as people read it: 9:30 AM."""
    return f"{clock:%I:%M %p}".lstrip("0")


def instant_on(day: date, clock: time, zone: ZoneInfo, which: str = "") -> datetime:
    """The instant at which the department's clock shows this time that day.

    Raises SkippedTime where the clock jumped over it, and RepeatedTime where it showed it twice and `which` does not
    say whether the first or the second time is meant.
    """
    first, second = (datetime.combine(day, clock, zone).replace(fold=fold) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return first
    if first.utcoffset() < second.utcoffset():
        raise SkippedTime
    if which not in (FIRST_TIME, SECOND_TIME):
        raise RepeatedTime
    return second if which == SECOND_TIME else first


def _clock(found: re.Match[str]) -> time | None:
    hour, minute, half = int(found["hour"]), int(found["minute"] or 0), found["half"]
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half.startswith("P") else 0)
    elif found["minute"] is None:
        return None
    return time(hour, minute) if hour <= 23 and minute <= 59 else None
