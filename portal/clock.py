"""The only clock. Views and commands read it and hand the time down; rules and services never look."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone


def now() -> datetime:
    """The instant, aware. `settings.NOW` (an aware datetime, set by tests and demos) stands in for it."""
    return getattr(settings, "NOW", None) or timezone.now()


def today(zone: ZoneInfo) -> date:
    """The day in a department's time zone."""
    return now().astimezone(zone).date()


def start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The instant at which a day begins in a department's time zone."""
    return datetime.combine(day, time(), zone)
