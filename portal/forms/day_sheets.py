"""One row of a day sheet: each row is checked, saved and refused by itself."""

from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.forms.clock_fields import ClockField, RepeatedTime, SkippedTime, in_clock_words, instant_on
from portal.models import Guidance, Machine, MotionManagement
from portal.services.day_sheets import DayRow, Outcome, RowEntry

OUTCOME_LABELS = {
    Outcome.TREATED: gettext_lazy("Treated"),
    Outcome.TWICE: gettext_lazy("Twice"),
    Outcome.PARTIAL: gettext_lazy("Partial"),
    Outcome.INPATIENT: gettext_lazy("Inpatient"),
    Outcome.MISSED: gettext_lazy("Missed"),
}
NOT_ENTERED = ("", gettext_lazy("Not entered"))
# What the row holds, in the order of its columns; `mark` is what it rested on.
FIELDS = ("outcome", "missed_reason", "start", "second_start", "motion", "guidance", "review", "mark")
# Why patients are missed most often, each with the digit that chooses it.
MISSED_REASONS = (
    gettext_lazy("Patient did not come"),
    gettext_lazy("Patient unwell"),
    gettext_lazy("Machine down"),
    gettext_lazy("Physician's order"),
    gettext_lazy("Holiday or weather"),
)


def row_values(row: DayRow, *, guidance: str, zone: ZoneInfo, day: date) -> dict[str, Any]:
    """What the row holds before anybody types: as recorded, else as the log has it, else as planned."""
    known = [item.started_at.astimezone(zone).time() for item in row.sessions or row.records]
    planned = [f.planned_time for f in row.planned if f.planned_time]
    clocks = known + planned[len(known) :]
    has_second = len(known) > 1 or (row.is_planned_twice and not row.sessions)
    first = row.sessions[0] if row.sessions else None
    signed_at = first and first.image_review_signed_at
    signed = signed_at.astimezone(zone) if signed_at else None
    as_prescribed = MotionManagement.ACTIVE if row.is_motion_prescribed else MotionManagement.NONE
    return {
        "outcome": row.outcome or "",
        "missed_reason": row.planned[0].missed_reason if row.is_missed else "",
        "start": _to_the_minute(clocks[0]) if clocks else None,
        "second_start": _to_the_minute(clocks[1]) if has_second and len(clocks) > 1 else None,
        "motion": first.motion_management if first and first.motion_management != as_prescribed else "",
        "guidance": first.guidance if first else guidance,
        "review": _to_the_minute(signed.time()) if signed and signed.date() == day else None,
        "mark": row.mark,
    }


def _to_the_minute(clock: time) -> time:
    return clock.replace(second=0, microsecond=0)


class DayRowForm(forms.Form):
    """What happened to one course that day. `entry` is what the service takes.

    `mark` is what the row rested on when the sheet was opened; where that has changed the row is refused once, with
    what was typed kept, and shown again with the new mark.
    """

    outcome = forms.ChoiceField(label=gettext_lazy("Outcome"), required=False)
    start = ClockField(label=gettext_lazy("Start"), required=False)
    second_start = ClockField(label=gettext_lazy("Second start"), required=False)
    motion = forms.ChoiceField(
        label=gettext_lazy("Motion management"), choices=[("", ""), *MotionManagement.choices], required=False
    )
    guidance = forms.ChoiceField(label=gettext_lazy("Image guidance"), choices=Guidance.choices, required=False)
    review = ClockField(label=gettext_lazy("Review signed"), required=False)
    missed_reason = forms.CharField(label=gettext_lazy("Why missed"), max_length=200, required=False)
    mark = forms.CharField(required=False)

    def __init__(self, data: Any, *, row: DayRow, machine: Machine, day: date, now: datetime, guidance: str) -> None:
        self.row, self.day, self.now = row, day, now
        self.zone = machine.department.zone
        self.is_conflict = False
        initial = row_values(row, guidance=guidance, zone=self.zone, day=day)
        super().__init__(data, prefix=f"row-{row.course.pk}", initial=initial)
        choices = [(outcome.value, label) for outcome, label in OUTCOME_LABELS.items()]
        if row.sessions:
            choices = [choice for choice in choices if choice[0] != Outcome.MISSED]
        self.fields["outcome"].choices = choices if row.sessions else [NOT_ENTERED, *choices]

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
            motion=cleaned["motion"] if "motion" in self.changed_data else None,
        )

    @property
    def is_typed_in(self) -> bool:
        """Whether somebody changed something in the row, as far as can be told.

        Where the row was open and has been entered by somebody else meanwhile, everything differs: nothing was typed.
        """
        if not self["outcome"].value() and self["mark"].value() != self.row.mark:
            return False
        return bool(set(self.changed_data) - {"mark"})

    @property
    def shown(self) -> dict[str, str]:
        """What the row's fields show, as typed."""
        return {name: self[name].value() or "" for name in FIELDS}

    def _refuse_once(self) -> None:
        self.is_conflict = True
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
        if self.row.has_unclear_record and len(self.row.sessions) < 1 + is_twice:
            self.add_error(
                None, _("No prescription is known for the log's record. Confirm the record on its own page first.")
            )
        if cleaned.get("second_start") and not is_twice and "second_start" in self.changed_data:
            self.add_error("second_start", _("A second start means treated twice. Choose that, or empty this time."))
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
        """The instant that was typed; one that is recorded or logged already keeps its seconds."""
        clock = cleaned.get(name)
        label = self.fields[name].label
        if name in self.errors:
            return None
        if clock is None:
            self.add_error(name, _("%(label)s: enter a time, like 9:30 AM.") % {"label": label})
            return None
        known = self.row.sessions or self.row.records
        place = {"start": 0, "second_start": 1}.get(name)
        if place is not None and name not in self.changed_data and place < len(known):
            return known[place].started_at
        try:
            at = instant_on(self.day, clock, self.zone)
        except (SkippedTime, RepeatedTime):
            self.add_error(name, _("The clock was changed at that hour. Enter this session in its own form."))
            return None
        if at > self.now:
            self.add_error(name, _("%(label)s lies ahead. Enter a time up to now.") % {"label": label})
        return at
