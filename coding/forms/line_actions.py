"""What a person says when something is done to many lines: a note, a reason, an owner and a due day."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from coding.forms.lines import day_field, possible_owners
from coding.line_actions import LineAction
from portal.models import User

MOST_OF_A_NOTE = 500


def note_field(label: Any, help_text: Any, required: Any) -> forms.CharField:
    """A sentence or two that everyone reads who opens the hold."""
    return forms.CharField(
        max_length=MOST_OF_A_NOTE,
        label=label,
        help_text=help_text,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": required},
    )


class ReleaseLinesForm(forms.Form):
    note = note_field(
        _("Note"),
        _("What you checked, and why the lines may go. Write no patient's name."),
        _("Write what you checked: a release without a note is refused."),
    )


class HoldLinesForm(forms.Form):
    note = note_field(
        _("Reason"),
        _("What must be settled before the lines may go. Write no patient's name."),
        _("Say why the lines are held, so that the next reader knows."),
    )


class NoteLinesForm(forms.Form):
    note = note_field(
        _("Note"),
        _("It is read with the hold from now on. Write no patient's name."),
        _("Write the note, or go back to the list."),
    )


class AssignLinesForm(forms.Form):
    """Who works on the holds, and by when; both may be taken away."""

    owner = forms.ModelChoiceField(
        queryset=User.objects.none(), required=False, label=_("Owner"), empty_label=_("Nobody")
    )
    due_on = day_field(_("Due"))

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner"].queryset = possible_owners(user)
        self.fields["owner"].label_from_instance = lambda person: person.shown_name
        self.fields["owner"].initial = user.pk


def form_of(action: LineAction, data: Any, *, user: User) -> forms.Form:
    """The form of an action; without data an empty one."""
    if action is LineAction.ASSIGN:
        return AssignLinesForm(data, user=user)
    forms_with_note = {
        LineAction.RELEASE: ReleaseLinesForm,
        LineAction.HOLD: HoldLinesForm,
        LineAction.NOTE: NoteLinesForm,
    }
    return forms_with_note[action](data)
