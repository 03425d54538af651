"""What the ledger of authorizations is narrowed to."""

from datetime import date, timedelta
from typing import Any

from django import forms
from django.db.models import F, Q, TextChoices
from django.utils.translation import gettext_lazy as _

from coding.forms.lines import FilterChoices, FilterForm
from portal.models import CourseStatus, User
from portal.presenters.authorizations import WARN_AT_DAYS_LEFT, WARN_AT_UNITS_LEFT


class Show(TextChoices):
    """Which authorizations are shown by their last day, which is theirs too; or the courses that lack one."""

    HOLDING = "holding", _("Holding now")
    ENDING = "ending", _("Ending within 10 days")
    LATER = "later", _("Ending later, or never")
    OVER = "over", _("Over")
    ALL = "all", _("All")
    NONE = "none", _("None on file")


class Left(TextChoices):
    """How many units are left."""

    NONE = "none", _("None: used up")
    FEW = "few", _("1 to 3")
    MORE = "more", _("More than 3, or not counted")


class Courses(TextChoices):
    """How far the courses are; a course that is over waits for nothing."""

    GOING_ON = "", _("Planned or begun")
    OVER = "over", _("Completed or cancelled")
    ALL = "all", _("All")


STATUSES = {
    Courses.GOING_ON: (CourseStatus.PLANNED, CourseStatus.ACTIVE),
    Courses.OVER: (CourseStatus.COMPLETED, CourseStatus.CANCELLED),
    Courses.ALL: tuple(CourseStatus),
}


def left_wanted(left: Left) -> Q:
    """The authorizations of `with_units_used` with so many units left."""
    used_up, few = Q(units__lte=_used(0)), Q(units__lte=_used(WARN_AT_UNITS_LEFT))
    return {
        Left.NONE: used_up,
        Left.FEW: few & Q(units__gt=_used(0)),
        Left.MORE: Q(units__isnull=True) | Q(units__gt=_used(WARN_AT_UNITS_LEFT)),
    }[left]


def _used(more: int) -> F:
    return F("used") + more


class AuthorizationLedgerForm(FilterForm):
    """Last day, units left, courses, payer and department; without a choice those that hold, of courses that go on."""

    show = forms.ChoiceField(label=_("Show"), required=False, choices=Show.choices)
    left = forms.ChoiceField(label=_("Units left"), required=False, choices=[("", _("Any number")), *Left.choices])
    courses = forms.ChoiceField(label=_("Courses"), required=False, choices=Courses.choices)
    payer = forms.ChoiceField(label=_("Payer"), required=False)
    department = forms.ChoiceField(label=_("Department"), required=False)
    first_names = ("show", "left", "courses", "payer", "department")

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user, self.choices = user, FilterChoices(user)
        payers = ((slug, payer.name) for slug, payer in self.choices.payers.items())
        departments = ((str(department.pk), department.name) for department in self.choices.departments)
        self.fields["payer"].choices = [("", _("All")), *payers]
        self.fields["department"].choices = [("", _("All")), *departments]

    @property
    def in_words(self) -> list[tuple[str, str]]:
        """With what holds where nobody chose, since that leaves others out."""
        unsaid = []
        for name, value in (("show", self.shown.value), ("courses", "")):
            if name in self.fields and not self.cleaned_data[name]:
                unsaid.append((str(self.fields[name].label), str(dict(self.fields[name].choices)[value])))
        return [*unsaid, *super().in_words]

    @property
    def today(self) -> date:
        return self.choices.today

    @property
    def shown(self) -> Show:
        return Show(self.cleaned_data.get("show") or Show.HOLDING)

    @property
    def units_left(self) -> Left | None:
        chosen = self.cleaned_data.get("left")
        return Left(chosen) if chosen else None

    @property
    def wanted(self) -> Q:
        """The authorizations that a valid form leaves, but for the units left."""
        today = self.today
        last_warned = today + timedelta(days=WARN_AT_DAYS_LEFT)
        by_last_day = {
            Show.HOLDING: Q(ends_on__isnull=True) | Q(ends_on__gte=today),
            Show.ENDING: Q(ends_on__range=(today, last_warned)),
            Show.LATER: Q(ends_on__isnull=True) | Q(ends_on__gt=last_warned),
            Show.OVER: Q(ends_on__lt=today),
            Show.ALL: Q(),
        }[self.shown]
        return by_last_day & self.wanted_anyhow

    @property
    def wanted_anyhow(self) -> Q:
        """Payer, department and how far the course is, whatever the last day."""
        chosen = self.cleaned_data
        wanted = Q(course__status__in=STATUSES[Courses(chosen["courses"])])
        if chosen["payer"]:
            wanted &= Q(payer__slug=chosen["payer"])
        if chosen["department"]:
            wanted &= Q(course__department=chosen["department"])
        return wanted

    @property
    def wanted_courses(self) -> Q:
        """The courses without an authorization (`courses_without_authorization`) that a valid form leaves."""
        chosen = self.cleaned_data
        wanted = Q(status__in=STATUSES[Courses(chosen["courses"])])
        if chosen["payer"]:
            payer = self.choices.payers[chosen["payer"]]
            wanted &= Q(payer_today=payer.pk)
        if chosen["department"]:
            wanted &= Q(department=chosen["department"])
        return wanted
