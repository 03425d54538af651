"""The forms of official files: which file for which dates, and which of its rows to look at."""

import io
from pathlib import Path
from typing import Any

from django import forms
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from coding.models import ReferenceKind, ReferenceLoad
from coding.reference_files import ReferenceFile
from coding.reference_reports import Change
from portal.models import FIRST_DAY, LAST_DAY

MOST_BYTES = 300 * 1024 * 1024
EVERY_CHANGE = (Change.ADDED, Change.DELETED, Change.CHANGED)


class ReferenceFilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class ReferenceFilesField(forms.FileField):
    """One file or the parts of one table; the cleaned value is a list of files that can be read more than once."""

    widget = ReferenceFilesInput(attrs={"accept": ".csv,.txt,.zip"})

    def clean(self, data: Any, initial: Any = None) -> list[ReferenceFile]:
        files = [super(ReferenceFilesField, self).clean(file, initial) for file in (data or [None])]
        if sum(file.size for file in files) > MOST_BYTES:
            raise forms.ValidationError(
                _("The files are larger than %(most)s MB: use the command load_reference.")
                % {"most": MOST_BYTES // 1024 // 1024}
            )
        return [_kept(file) for file in files]


def _kept(file: UploadedFile) -> ReferenceFile:
    if isinstance(file, TemporaryUploadedFile):
        path = Path(file.temporary_file_path())
        return ReferenceFile(file.name, lambda: path.open("rb"))
    content = file.read()
    return ReferenceFile(file.name, lambda: io.BytesIO(content))


class LoadReferenceForm(forms.Form):
    kind = forms.ChoiceField(label=gettext_lazy("Kind of file"), choices=[("", "—"), *ReferenceKind.choices])
    files = ReferenceFilesField(
        label=gettext_lazy("File"),
        help_text=gettext_lazy(
            "As it was published: .csv, .txt or the zip. Several files are the parts of one table. At most 300 MB."
        ),
        error_messages={
            "required": gettext_lazy("Choose the file that was published."),
            "empty": gettext_lazy("A file is empty."),
        },
    )
    effective_from = forms.DateField(
        label=gettext_lazy("First date of service"),
        help_text=gettext_lazy("The file holds from this day on, until the next one of its kind begins."),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    release = forms.CharField(
        max_length=60, help_text=gettext_lazy("As the publisher names it, such as 2026 Q4 or FY 2027.")
    )
    replace = forms.BooleanField(
        label=gettext_lazy("Replace the file that is loaded for that first day"),
        required=False,
        help_text=gettext_lazy("Only for a file that was loaded by mistake or that its publisher has corrected."),
    )

    def clean_effective_from(self) -> Any:
        day = self.cleaned_data["effective_from"]
        if not FIRST_DAY <= day <= LAST_DAY:
            raise forms.ValidationError(_("Choose a day from 2000 to 2099."))
        return day


class RowsForm(forms.Form):
    """Which rows of a load: how they changed, and of which code."""

    change = forms.ChoiceField(required=False)
    code = forms.CharField(label=gettext_lazy("Code"), max_length=8, required=False)

    def __init__(self, *args: Any, load: ReferenceLoad, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["change"].label = _("Rows")
        self.fields["change"].choices = [
            ("", _("added, deleted and changed")),
            ("added", _("added")),
            ("deleted", _("deleted")),
            ("changed", _("changed")),
            ("all", _("all")),
        ]
        if load.kind == ReferenceKind.ICD10CM:
            self.fields["code"].label = _("Code begins with")

    def clean_code(self) -> str:
        return self.cleaned_data["code"].strip().upper()

    @property
    def changes(self) -> tuple[Change, ...]:
        """The changes that were asked for, of a form that is valid."""
        chosen = self.cleaned_data["change"]
        if chosen == "all":
            return tuple(Change)
        return (Change(chosen),) if chosen else EVERY_CHANGE
