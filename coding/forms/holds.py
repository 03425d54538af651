"""Filters of the worklist of holds, and what a person says when working on one."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from coding.forms.line_actions import AssignLinesForm, NoteLinesForm, note_field
from coding.forms.lines import WaitingFilterForm
from coding.hold_actions import HoldAction
from portal import clock
from portal.models import User

KINDS = [("", _("All")), ("soft", _("Released with a note")), ("hard", _("Cleared by the facts"))]
OVERDUE, TODAY, THIS_WEEK, NOT_SET = "overdue", "today", "week", "none"
DUE = [
    ("", _("Any")),
    (OVERDUE, _("Overdue")),
    (TODAY, _("Today")),
    (THIS_WEEK, _("Within 7 days")),
    (NOT_SET, _("No due day")),
]
BY_DEADLINE, BY_AGE, BY_DUE_DAY = "", "age", "due"
ORDERS = [
    (BY_DEADLINE, _("Days left to file, then age")),
    (BY_AGE, _("Oldest first")),
    (BY_DUE_DAY, _("Due day, then age")),
]


class HoldFilterForm(WaitingFilterForm):
    """The filters of the worklist, and its order."""

    kind = forms.ChoiceField(label=_("Cleared how"), required=False, choices=KINDS)
    due = forms.ChoiceField(label=_("Due"), required=False, choices=DUE)
    age_most = forms.IntegerField(label=_("Days held, at most"), required=False, min_value=0, max_value=3650)
    show = forms.ChoiceField(
        label=_("Show"), required=False, choices=[("", _("Open holds")), ("released", _("Released holds"))]
    )
    order = forms.ChoiceField(label=_("Order"), required=False, choices=ORDERS)
    first_names = ("reason", "payer", "owner", "due", "filing")
    field_order = (
        "reason",
        "payer",
        "owner",
        "due",
        "filing",
        "kind",
        "department",
        "machine",
        "physician",
        "setting",
        "code",
        "modifier",
        "age",
        "age_most",
        "start",
        "end",
        "show",
        "order",
    )

    def clean(self) -> dict[str, Any]:
        found = super().clean()
        least, most = found.get("age"), found.get("age_most")
        if least is not None and most is not None and most < least:
            self.add_error("age_most", _("Must not be less than the least number of days."))
        return found

    @property
    def asks_for_age(self) -> bool:
        return any(self.cleaned_data.get(name) is not None for name in ("age", "age_most"))

    @property
    def held_until(self) -> datetime | None:
        """The instant after which a hold is not too old for the days asked; a hold of so many days is that old yet."""
        most = self.cleaned_data.get("age_most")
        return None if most is None else clock.now() - timedelta(days=most + 1)


class ReleaseHoldForm(forms.Form):
    note = note_field(
        _("Note"),
        _("What you checked, and why the line may go. Write no patient's name."),
        _("Write what you checked: a release without a note is refused."),
    )


def form_of(action: HoldAction, data: Any, *, user: User) -> forms.Form:
    """The form of an action; without data an empty one. To take holds nothing needs to be said."""
    if action is HoldAction.TAKE:
        return forms.Form(data)
    if action is HoldAction.ASSIGN:
        return AssignLinesForm(data, user=user, auto_id="assign_%s")
    kind = ReleaseHoldForm if action is HoldAction.RELEASE else NoteLinesForm
    return kind(data, auto_id=f"{action}_%s")
