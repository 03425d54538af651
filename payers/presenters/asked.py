"""Which day and setting a page speaks of, where the address names them and where it does not."""

from datetime import date
from zoneinfo import ZoneInfo

from portal import clock
from portal.models import Department, User


def zone_of(user: User) -> ZoneInfo:
    """The time zone of the first department that the person sees."""
    department = Department.objects.visible_to(user).first() or Department()
    return department.zone


def today_of(user: User) -> date:
    """The day at the first department that the person sees."""
    return clock.today(zone_of(user))
