"""Which day and setting a page speaks of, where the address names them and where it does not."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext_lazy

from coding.engine.vocabulary import ClaimForm, Setting
from portal import clock
from portal.models import Department, User

OF_A_DEPARTMENT = "department-"
SETTING_LABELS = {
    Setting.ON_CAMPUS: gettext_lazy("Hospital, on campus"),
    Setting.OFF_CAMPUS_EXCEPTED: gettext_lazy("Hospital, off campus, excepted"),
    Setting.OFF_CAMPUS_NONEXCEPTED: gettext_lazy("Hospital, off campus, nonexcepted"),
    Setting.FREESTANDING: gettext_lazy("Freestanding center"),
    Setting.INPATIENT: gettext_lazy("Hospital inpatient"),
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where the sessions of a page are treated: a setting, or a department with its setting of the day.

    `claim_forms` is empty where the setting alone decides them. `asked` is what the address says.
    """

    asked: str
    setting: Setting
    department: Department | None = None
    claim_forms: tuple[ClaimForm, ...] = ()


def place_in(department: Department, on: date) -> Place | None:
    """A department as it stands on a day, or None where it has no setting yet; reads `statuses` and `billers`."""
    setting = department.setting_on(on)
    if setting is None:
        return None
    billed = tuple(ClaimForm(biller.claim_form) for biller in department.billers.all())
    return Place(f"{OF_A_DEPARTMENT}{department.pk}", Setting(setting), department, billed)


def usual_place(departments: Sequence[Department], on: date) -> Place:
    """The person's own department, the first that has a setting on the day; without one a hospital's campus."""
    own = (place for department in departments if (place := place_in(department, on)))
    return next(own, Place(Setting.ON_CAMPUS.value, Setting.ON_CAMPUS))


def today_of(user: User) -> date:
    """The day at the first department that the person sees."""
    return clock.today(user.zone)
