"""Forms of rule packs: which file, which versions of it, and which two to hold against each other."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from payers.pack_comparison import PackPair, VersionPair
from payers.pack_files import MOST_BYTES, read_upload
from payers.policy_files import Pack, PolicyFileError, Version
from portal.templatetags.frame import day

SHIPPED, PRESENT, UPLOADED = "shipped", "present", "uploaded"
SIDES = (
    (SHIPPED, gettext_lazy("the shipped packs")),
    (PRESENT, gettext_lazy("your organization's published policies")),
    (UPLOADED, gettext_lazy("the file below")),
)


class PackFileField(forms.FileField):
    """A zip of sealed packs or the TOML file of one payer; the cleaned value is what it holds."""

    widget = forms.ClearableFileInput(attrs={"accept": ".zip,.toml"})

    def clean(self, data: Any, initial: Any = None) -> Any:
        file = super().clean(data, initial)
        if not file:
            return None
        try:
            return read_upload(file.name, file.read(MOST_BYTES + 1))
        except PolicyFileError as error:
            raise forms.ValidationError(str(error)) from error


class PackUploadForm(forms.Form):
    file = PackFileField(
        label=gettext_lazy("Rule pack"),
        help_text=gettext_lazy(
            "A zip that was exported here or elsewhere, or the TOML file of one payer. At most 8 MB."
        ),
        error_messages={
            "required": gettext_lazy("Choose a zip or a TOML file."),
            "empty": gettext_lazy("The file is empty."),
        },
    )


class BringInForm(forms.Form):
    """Of each payer one version at most: a policy has one draft at a time."""

    def __init__(self, *args: Any, pairs: Iterable[PackPair], waiting: Iterable[str], **kwargs: Any) -> None:
        super().__init__(*args, prefix="bring", **kwargs)
        self.offered: dict[str, tuple[Pack, dict[str, Version]]] = {}
        for pair in pairs:
            choices = [found for found in pair.versions if found.after and not found.is_same]
            if pair.after and choices and pair.slug not in waiting:
                self._offer(pair, choices)

    def _offer(self, pair: PackPair, choices: list[VersionPair]) -> None:
        versions = {found.effective_from.isoformat(): found.after for found in choices}
        first_new = next((found.effective_from.isoformat() for found in choices if found.before is None), "")
        self.offered[pair.slug] = (pair.after, versions)
        self.fields[pair.slug] = forms.ChoiceField(
            label=_("Bring in for %(payer)s") % {"payer": pair.shown.name},
            choices=[
                ("", _("nothing")),
                *((start, _in_words(found)) for start, found in zip(versions, choices, strict=True)),
            ],
            initial=first_new,
            required=False,
            widget=forms.RadioSelect(attrs={"class": "form-check-input"}),
        )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if not self.errors and not any(cleaned.values()):
            raise forms.ValidationError(_("Choose at least one version to bring in."))
        return cleaned

    @property
    def chosen(self) -> list[tuple[Pack, Version]]:
        """The versions that were chosen, each with its pack; of a form that is valid."""
        return [
            (pack, versions[self.cleaned_data[slug]])
            for slug, (pack, versions) in self.offered.items()
            if self.cleaned_data[slug]
        ]


class ComparePacksForm(forms.Form):
    before = forms.ChoiceField(label=gettext_lazy("Compare"), choices=SIDES, initial=SHIPPED)
    after = forms.ChoiceField(label=gettext_lazy("with"), choices=SIDES, initial=PRESENT)
    file = PackFileField(
        label=gettext_lazy("Rule pack of yours"),
        required=False,
        help_text=gettext_lazy("A zip or the TOML file of one payer. It is read and forgotten."),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        sides = (cleaned.get("before"), cleaned.get("after"))
        if sides[0] and sides[0] == sides[1]:
            self.add_error("after", _("Choose two that differ."))
        if UPLOADED in sides and not cleaned.get("file") and "file" not in self.errors:
            self.add_error("file", _("Choose the file to compare."))
        return cleaned


def _in_words(found: VersionPair) -> str:
    words = _("from %(day)s, a new version") if found.before is None else _("from %(day)s, as a correction")
    return words % {"day": day(found.effective_from)}
