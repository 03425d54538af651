"""The form that fills a pattern: described once, laid out on days, and recorded as delivered where it was."""

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from portal.forms.clock_fields import ClockField, RepeatedTime, SkippedTime, in_clock_words, instant_on
from portal.forms.day_fields import DayField, bounded_day, read_day
from portal.models import Guidance, Machine, Prescription, TreatmentSession
from portal.services.closed_days import closed_days_from
from portal.services.patterns import Delivery, Layout, Pattern, fractions_left_to_plan, lay_out_pattern

WEEKDAYS = [
    ("0", gettext_lazy("Mon")),
    ("1", gettext_lazy("Tue")),
    ("2", gettext_lazy("Wed")),
    ("3", gettext_lazy("Thu")),
    ("4", gettext_lazy("Fri")),
    ("5", gettext_lazy("Sat")),
    ("6", gettext_lazy("Sun")),
]
LONGEST_STRETCH = timedelta(days=366)


class ClocksField(forms.CharField):
    """Times of day in order, separated by commas."""

    def to_python(self, value: Any) -> list[time]:
        one = ClockField(label=self.label)
        return [one.clean(text) for text in re.split(r"[,;]", super().to_python(value)) if text.strip()]

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(in_clock_words(clock) for clock in value) if isinstance(value, list) else value


class PatternForm(forms.Form):
    """How the fractions that are left fall on days. Rare fields stand last, so that few keys reach the button.

    Once it is valid, `layout` is where the fractions fall and `deliveries` are the sessions that were delivered as
    planned. `unused` are days to skip that would not have been treatment days anyway.
    """

    first_day = DayField(label=gettext_lazy("First day"), help_text=gettext_lazy("12/01/2025, 120125, 12/1 or t"))
    count = forms.IntegerField(label=gettext_lazy("Fractions"), min_value=1, max_value=99)
    start = ClockField(
        label=gettext_lazy("Usual start"), required=False, help_text=gettext_lazy("740, 7:40 AM or 205p")
    )
    skipped = forms.CharField(
        label=gettext_lazy("Skip these days"),
        required=False,
        help_text=gettext_lazy("12/16, 12/29-12/31. Closed days are skipped by themselves."),
    )
    double_days = forms.CharField(
        label=gettext_lazy("Two fractions on"), required=False, help_text=gettext_lazy("12/19, 1/9")
    )
    later_starts = ClocksField(label=gettext_lazy("Second start"), required=False)
    machine = forms.ModelChoiceField(Machine.objects.none(), label=gettext_lazy("Machine"))
    weekdays = forms.MultipleChoiceField(
        label=gettext_lazy("Weekdays"), choices=WEEKDAYS, widget=forms.CheckboxSelectMultiple
    )
    a_day = forms.IntegerField(label=gettext_lazy("Fractions a day"), min_value=1, max_value=3)
    moves_planned = forms.BooleanField(
        label=gettext_lazy("Move fractions that are planned on or after the first day"), required=False
    )
    is_delivered = forms.BooleanField(
        label=gettext_lazy("The days up to today were delivered as planned: record their sessions"), required=False
    )
    guidance = forms.ChoiceField(
        label=gettext_lazy("Image guidance of these sessions"),
        choices=Guidance.choices,
        required=False,
        help_text=gettext_lazy("Guidance lines are held until each image review is signed."),
    )

    WHEN = ("first_day", "count", "start")
    AROUND = ("skipped", "double_days", "later_starts")
    RARE = ("machine", "a_day")
    DELIVERED = ("is_delivered", "guidance")

    def __init__(
        self,
        *args: Any,
        prescription: Prescription,
        today: date,
        now: datetime,
        may_record: bool,
        gap_hint: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.prescription, self.today, self.now = prescription, today, now
        self.zone = prescription.course.department.zone
        self.fields["first_day"].today = today
        machines = prescription.course.department.machines.filter(is_active=True)
        self.fields["machine"].queryset = machines.select_related("department")
        self.fields["later_starts"].help_text = gap_hint
        if not self.is_bound:
            self.fields["first_day"].widget.attrs["autofocus"] = True
        for name in ("skipped", "double_days", "later_starts"):
            self.fields[name].widget.attrs |= {"autocomplete": "off"}
        if not may_record:
            for name in self.DELIVERED:
                del self.fields[name]
        self.layout: Layout | None = None
        self.deliveries: list[Delivery] = []
        self.unused: list[date] = []

    @property
    def when(self) -> list[forms.BoundField]:
        return [self[name] for name in self.WHEN]

    @property
    def around(self) -> list[forms.BoundField]:
        return [self[name] for name in self.AROUND]

    @property
    def rare(self) -> list[forms.BoundField]:
        return [self[name] for name in self.RARE]

    @property
    def delivered(self) -> list[forms.BoundField]:
        return [self[name] for name in self.DELIVERED if name in self.fields]

    def clean_first_day(self) -> date:
        return bounded_day(self.cleaned_data["first_day"])

    def clean_weekdays(self) -> list[int]:
        return [int(day) for day in self.cleaned_data["weekdays"]]

    def clean(self) -> dict[str, Any]:
        """Lay the pattern out; `layout` and `deliveries` are there once nothing is wrong."""
        cleaned = super().clean()
        if "first_day" not in cleaned:
            return cleaned
        skipped = self._days("skipped", cleaned["first_day"])
        doubles = self._days("double_days", cleaned["first_day"])
        starts = [clock for clock in (cleaned.get("start"), *cleaned.get("later_starts", ())) if clock]
        if starts != sorted(set(starts)):
            self.add_error("later_starts", _("The second start must be later than the usual one."))
        if cleaned.get("later_starts") and not cleaned.get("start") and "start" not in self.errors:
            self.add_error("start", _("Enter the usual start too: the second one follows it."))
        if self.errors:
            return cleaned
        moves_from = cleaned["first_day"] if cleaned["moves_planned"] else None
        left = fractions_left_to_plan(prescription=self.prescription, moves_from=moves_from)
        if len(left) < cleaned["count"]:
            self.add_error("count", self._left_sentence(len(left)))
            return cleaned
        pattern = Pattern(
            numbers=tuple(left[: cleaned["count"]]),
            first_day=cleaned["first_day"],
            weekdays=frozenset(cleaned["weekdays"]),
            a_day=cleaned["a_day"],
            starts=tuple(starts),
            skipped=frozenset(skipped),
            double_days=frozenset(doubles),
            closed=closed_days_from(machine=cleaned["machine"], first_day=cleaned["first_day"]),
        )
        layout = lay_out_pattern(pattern)
        if len(layout.fractions) < len(pattern.numbers):
            self.add_error("first_day", _("Not every fraction has a day before the calendar of the portal ends."))
            return cleaned
        self._check_doubles(doubles, pattern, layout)
        gone_around = {gap.day for gap in layout.skipped}
        self.unused = [day for day in skipped if day not in gone_around]
        if cleaned.get("is_delivered"):
            self.deliveries = self._deliveries(layout)
        self.layout = None if self.errors else layout
        return cleaned

    def _days(self, name: str, first_day: date) -> list[date]:
        """The days typed in a field, each from the first day on; what is none is refused by what was typed."""
        days: list[date] = []
        for text in re.split(r"[\s,;]+", self.cleaned_data.get(name, "").strip()):
            try:
                days += self._stretch(text, first_day) if text else []
            except (ValueError, OverflowError):
                self.add_error(name, _("%(typed)s must be a real date, like 12/25.") % {"typed": text})
        early = [day for day in days if day < first_day]
        if early:
            self.add_error(name, _("%(days)s: before the first day.") % {"days": _listed(early)})
        return sorted(set(days))

    def _stretch(self, text: str, first_day: date) -> list[date]:
        """One day, or every day from one to another: 12/29-12/31."""
        try:
            return [read_day(text, today=self.today, not_before=first_day)]
        except ValueError:
            first, dash, last = text.partition("-")
            if not dash:
                raise
        begins = read_day(first, not_before=first_day)
        ends = read_day(last, not_before=begins)
        if not begins <= ends <= begins + LONGEST_STRETCH:
            raise ValueError(text)
        return [begins + timedelta(days=offset) for offset in range((ends - begins).days + 1)]

    def _check_doubles(self, doubles: Iterable[date], pattern: Pattern, layout: Layout) -> None:
        """A day that was to have two fractions and has none is said, with the reason."""
        planned = {fraction.planned_on for fraction in layout.fractions}
        for day in doubles:
            if day in planned:
                continue
            told = f"{day:%m/%d/%Y}"
            if day in pattern.closed:
                problem = _("%(day)s is closed: %(reason)s.") % {"day": told, "reason": pattern.closed[day]}
            elif day in pattern.skipped:
                problem = _("%(day)s is also a day to skip.") % {"day": told}
            elif day.weekday() not in pattern.weekdays:
                problem = _("%(day)s is a %(weekday)s, which is not ticked below.") % {
                    "day": told,
                    "weekday": f"{day:%A}",
                }
            else:
                problem = _("%(day)s is after the last fraction.") % {"day": told}
            self.add_error("double_days", problem)

    def _deliveries(self, layout: Layout) -> list[Delivery]:
        """The sessions that started by now, in order; errors where a start is missing or a day has sessions already."""
        past = [fraction for fraction in layout.fractions if fraction.planned_on <= self.today]
        if any(fraction.planned_time is None for fraction in past):
            is_second = self.cleaned_data["start"] is not None
            self.add_error(
                "later_starts" if is_second else "start", _("Sessions are recorded with their start: enter it.")
            )
            return []
        deliveries = []
        for fraction in past:
            try:
                started_at = instant_on(fraction.planned_on, fraction.planned_time, self.zone)
            except (SkippedTime, RepeatedTime):
                self.add_error(
                    "start",
                    _("The clock changed on %(day)s at this time. Skip that day and enter its session by itself.")
                    % {"day": f"{fraction.planned_on:%m/%d/%Y}"},
                )
                return []
            if started_at <= self.now:
                deliveries.append(Delivery(fraction.fraction_number, started_at))
        if not deliveries:
            self.add_error("is_delivered", _("No day of the pattern has passed yet."))
        self._refuse_recorded_days([started.started_at.astimezone(self.zone).date() for started in deliveries])
        return deliveries

    def _refuse_recorded_days(self, days: Sequence[date]) -> None:
        """A session beside one that is recorded already would be billed as the second of its day."""
        recorded = sorted(
            set(
                TreatmentSession.objects.standing()
                .filter(course__patient=self.prescription.course.patient_id, date_of_service__in=days)
                .values_list("date_of_service", flat=True)
            )
        )
        if recorded:
            self.add_error(
                "is_delivered",
                _("Sessions of this patient are recorded already on %(days)s. Skip these days.")
                % {"days": _listed(recorded)},
            )

    def _left_sentence(self, left: int) -> str:
        if left == 0:
            return _(
                "All %(fractions)d fractions are planned or delivered. Tick below to move those planned later."
            ) % {"fractions": self.prescription.fractions}
        return ngettext(
            "%(left)d of %(fractions)d fractions is left to plan. Enter a number up to %(left)d.",
            "%(left)d of %(fractions)d fractions are left to plan. Enter a number up to %(left)d.",
            left,
        ) % {"left": left, "fractions": self.prescription.fractions}


def _listed(days: Iterable[date]) -> str:
    return ", ".join(f"{day:%m/%d/%Y}" for day in days)
