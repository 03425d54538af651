"""One row of a day sheet: each row is checked, saved and refused by itself."""

from datetime import date, datetime
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.forms.clock_fields import ClockField, RepeatedTime, SkippedTime, in_clock_words, instant_on
from portal.models import Guidance, Machine
from portal.services.day_sheets import DayRow, Outcome, RowEntry

OUTCOME_LABELS = {
    Outcome.TREATED: gettext_lazy("Treated"),
    Outcome.TWICE: gettext_lazy("Twice"),
    Outcome.PARTIAL: gettext_lazy("Partial"),
    Outcome.INPATIENT: gettext_lazy("Inpatient"),
    Outcome.MISSED: gettext_lazy("Missed"),
}
NOT_ENTERED = ("", gettext_lazy("Not entered"))


class DayRowForm(forms.Form):
    """What happened to one course that day. `entry` is what the service takes.

    `mark` is what the row rested on when the sheet was opened; where that has changed the row is refused once, with
    what was typed kept, and shown again with the new mark.
    """

    outcome = forms.ChoiceField(label=gettext_lazy("Outcome"), required=False)
    start = ClockField(label=gettext_lazy("Start"), required=False)
    second_start = ClockField(
        label=gettext_lazy("Second start"),
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": gettext_lazy("Second")}),
    )
    guidance = forms.ChoiceField(label=gettext_lazy("Image guidance"), choices=Guidance.choices, required=False)
    review = ClockField(
        label=gettext_lazy("Review signed"),
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": gettext_lazy("Review signed")}),
    )
    missed_reason = forms.CharField(
        label=gettext_lazy("Why missed"),
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": gettext_lazy("Why missed")}),
    )
    mark = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(
        self, data: Any = None, *, row: DayRow, machine: Machine, day: date, now: datetime, guidance: str
    ) -> None:
        self.row, self.day, self.now = row, day, now
        self.zone = machine.department.zone
        super().__init__(data, prefix=f"row-{row.course.pk}", initial=self._recorded(guidance))
        choices = [(outcome.value, label) for outcome, label in OUTCOME_LABELS.items()]
        if row.sessions:
            choices = [choice for choice in choices if choice[0] != Outcome.MISSED]
        self.fields["outcome"].choices = choices if row.sessions else [NOT_ENTERED, *choices]
        patient = row.course.patient.full_name
        for name, field in self.fields.items():
            if name == "mark":
                continue
            is_choice = isinstance(field, forms.ChoiceField)
            field.widget.attrs |= {
                "class": "form-select" if is_choice else "form-control",
                "aria-label": f"{field.label}, {patient}",
            }

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("mark") != self.row.mark:
            self._refuse_once()
            return cleaned
        outcome = cleaned.get("outcome")
        if not outcome and "outcome" not in self.errors:
            self.add_error("outcome", _("Choose what happened, or clear what was typed in this row."))
        if outcome == Outcome.MISSED:
            self._clean_missed(cleaned)
        elif outcome:
            self._clean_treated(cleaned, is_twice=outcome == Outcome.TWICE)
        return cleaned

    @property
    def entry(self) -> RowEntry:
        cleaned = self.cleaned_data
        return RowEntry(
            outcome=Outcome(cleaned["outcome"]),
            starts=tuple(cleaned.get("starts", ())),
            guidance=cleaned["guidance"] or Guidance.NONE,
            missed_reason=cleaned["missed_reason"],
            review_signed_at=cleaned.get("review_signed_at"),
            is_review_changed="review" in self.changed_data,
        )

    @property
    def is_typed_in(self) -> bool:
        """Whether somebody changed something in the row."""
        return bool(set(self.changed_data) - {"mark"})

    def _recorded(self, guidance: str) -> dict[str, Any]:
        """What the row holds already: recorded, or planned for the day."""
        clocks = [self._clock(session.started_at) for session in self.row.sessions]
        planned = [f.planned_time.replace(second=0, microsecond=0) for f in self.row.planned if f.planned_time]
        signed_at = self.row.sessions[0].image_review_signed_at if self.row.sessions else None
        is_signed_that_day = signed_at is not None and signed_at.astimezone(self.zone).date() == self.day
        return {
            "outcome": self.row.outcome or "",
            "start": next(iter(clocks or planned), None),
            "second_start": next(iter(clocks[1:]), None) if clocks else next(iter(planned[1:]), None),
            "guidance": self.row.sessions[0].guidance if self.row.sessions else guidance,
            "review": self._clock(signed_at) if is_signed_that_day else None,
            "missed_reason": self.row.planned[0].missed_reason if self.row.is_missed else "",
            "mark": self.row.mark,
        }

    def _clock(self, at: datetime):
        return at.astimezone(self.zone).time().replace(second=0, microsecond=0)

    def _refuse_once(self) -> None:
        session = max(self.row.sessions, key=lambda s: s.revision, default=None)
        outcome = self.row.outcome
        stands = OUTCOME_LABELS[outcome] if outcome else _("not entered")
        if session is not None:
            stands = f"{stands}, {in_clock_words(session.started_at.astimezone(self.zone))}"
        self.add_error(
            None,
            _("Somebody changed this row meanwhile; it now says: %(stands)s. Yours is kept; save again to replace it.")
            % {"stands": stands},
        )
        self.data = self.data.copy()
        self.data[self.add_prefix("mark")] = self.row.mark

    def _clean_missed(self, cleaned: dict[str, Any]) -> None:
        if not self.row.planned:
            self.add_error("outcome", _("Nothing was planned here, so nothing was missed."))
        elif not cleaned.get("missed_reason"):
            self.add_error("missed_reason", _("Say why it was missed, in a few words."))

    def _clean_treated(self, cleaned: dict[str, Any], *, is_twice: bool) -> None:
        if len(self.row.sessions) > 1 and not is_twice:
            self.add_error("outcome", _("Two sessions are recorded. Open the one that is wrong and void it."))
        names = ["start", "second_start"] if is_twice else ["start"]
        instants = [self._instant(cleaned, name) for name in names]
        if is_twice and all(instants) and instants[1] <= instants[0]:
            self.add_error("second_start", _("The second start must come after the first."))
        cleaned["starts"] = [at for at in instants if at]
        if cleaned.get("review"):
            signed_at = cleaned["review_signed_at"] = self._instant(cleaned, "review")
            if signed_at and instants[0] and signed_at < instants[0]:
                self.add_error("review", _("The review was signed before the session began. Check both times."))

    def _instant(self, cleaned: dict[str, Any], name: str) -> datetime | None:
        """The instant that was typed; one that is recorded already keeps its seconds."""
        clock = cleaned.get(name)
        label = self.fields[name].label
        if name in self.errors:
            return None
        if clock is None:
            self.add_error(name, _("%(label)s: enter a time, like 9:30 AM.") % {"label": label})
            return None
        place = {"start": 0, "second_start": 1}.get(name)
        if place is not None and name not in self.changed_data and place < len(self.row.sessions):
            return self.row.sessions[place].started_at
        try:
            at = instant_on(self.day, clock, self.zone)
        except (SkippedTime, RepeatedTime):
            self.add_error(name, _("The clock was changed at that hour. Enter this session in its own form."))
            return None
        if at > self.now:
            self.add_error(name, _("%(label)s lies ahead. Enter a time up to now.") % {"label": label})
        return at
