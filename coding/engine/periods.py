"""Half-open periods: from a day, until (not including) a day."""

import re
from dataclasses import dataclass
from datetime import date, timedelta

ONE_DAY = timedelta(days=1)
ISO_DAY_OR_MONTH = re.compile(r"(?P<year>\d{4})-(?P<month>\d{2})(-(?P<day>\d{2}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Period:
    """The days from `starts_on` until, not including, `ends_before`; None is open on that side."""

    starts_on: date | None = None
    ends_before: date | None = None

    @classmethod
    def inclusive(cls, first: date | None, last: date | None) -> "Period":
        """The period that files and pages write with both ends inclusive."""
        return cls(first, None if last is None or last == date.max else last + ONE_DAY)

    def __contains__(self, day: date) -> bool:
        return not self.is_before(day) and not self.is_after(day)

    @property
    def last_day(self) -> date | None:
        """The last day inside, or None while it goes on."""
        return None if self.ends_before is None else self.ends_before - ONE_DAY

    def is_before(self, day: date) -> bool:
        """Whether it has ended by the day."""
        return self.ends_before is not None and self.ends_before <= day

    def is_after(self, day: date) -> bool:
        """Whether it has not begun by the day."""
        return self.starts_on is not None and day < self.starts_on

    @property
    def words(self) -> str:
        """As people read it, both ends inclusive."""
        if self.starts_on is None:
            return "on any date" if self.last_day is None else f"through {in_words(self.last_day)}"
        if self.last_day is None:
            return f"from {in_words(self.starts_on)}"
        return f"from {in_words(self.starts_on)} through {in_words(self.last_day)}"


def in_words(day: date) -> str:
    """A day as a biller in the United States writes it: 12/31/2025."""
    return f"{day.month:02}/{day.day:02}/{day.year}"


def published_in_words(text: str) -> str:
    """When a source was published, as people write it: of `2025-12-31` and `2025-12` the day and the month.

    Whatever else a source says of itself, such as `winter 2026`, stays as it is.
    """
    found = ISO_DAY_OR_MONTH.fullmatch(text)
    if found is None:
        return text
    return "/".join(part for part in (found["month"], found["day"], found["year"]) if part)


def same_date_next_year(day: date) -> date:
    """The same date of the next calendar year; 29 February becomes 28 February. The last year stays where it is."""
    if day.year == date.max.year:
        return day
    try:
        return day.replace(year=day.year + 1)
    except ValueError:
        return day.replace(year=day.year + 1, day=28)


def days_later(day: date, days: int) -> date:
    """The day so many days later, or the last day there is."""
    return day + timedelta(days=min(days, (date.max - day).days))
