"""Forms of the policy editor: a version's dates, one term with its citation, one statement."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from coding.engine.codebook import HouseDefault
from coding.engine.terms import A_DAY, TERMS, YES_OR_NO, TermError, parse_term
from payers.case_forms import day_field
from payers.models import ClauseTopic, Confidence, PolicyClause, PolicyVersion
from payers.policy_files import Clause, term_text
from payers.presenters.terms import WORDS_OF, default_in_words

SAYS, SILENT = "says", "silent"
# House defaults that no payer can be set to: they stand for a table, not for a value.
ONLY_HOUSE = ("modality", gettext_lazy("calendar year"))


def not_to_come(day: date | None, today: date) -> date | None:
    """The day on which something was done, or none. Raises ValidationError for a day that has not come."""
    if day and day > today:
        raise forms.ValidationError(_("This day has not come yet."))
    return day


class DraftForm(forms.Form):
    """From which date of service on a new version holds."""

    effective_from = day_field(
        gettext_lazy("Effective from"),
        help_text=gettext_lazy("First date of service. A start that is there is corrected."),
    )


class CompareForm(forms.Form):
    """Which other version of the policy stands beside a version. Its field is called `with`, as in the address."""

    def __init__(self, *args: Any, versions: Sequence[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["with"] = forms.TypedChoiceField(
            label=_("Compare with"),
            choices=[("", _("Nothing: all of it")), *versions],
            coerce=int,
            empty_value=None,
            required=False,
        )


class VersionForm(forms.Form):
    """A draft's start, the day it was compared with its sources, and what it changes."""

    effective_from = day_field(gettext_lazy("Effective from"), help_text=gettext_lazy("First date of service."))
    reviewed_on = day_field(
        gettext_lazy("Reviewed on"),
        required=False,
        help_text=gettext_lazy("The day on which you compared it with its sources. Needed to publish."),
    )
    summary = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3}),
        required=False,
        max_length=2000,
        help_text=gettext_lazy("What this version changes, in your own words. Needed to publish."),
    )

    def __init__(self, *args: Any, version: PolicyVersion, today: date, **kwargs: Any) -> None:
        initial = {name: getattr(version, name) for name in ("effective_from", "reviewed_on", "summary")}
        super().__init__(*args, initial=initial, **kwargs)
        self.today = today

    def clean_reviewed_on(self) -> date | None:
        return not_to_come(self.cleaned_data["reviewed_on"], self.today)


class GuidanceForm(forms.Form):
    """A version's free text for the guidance page."""

    guidance = forms.CharField(
        label=gettext_lazy("Free text for the guidance page"),
        widget=forms.Textarea(attrs={"rows": 12}),
        required=False,
        max_length=20_000,
        strip=False,
        help_text=gettext_lazy(
            "Markdown: # heading, **bold**, - list, | table |, [words](https://…). Terms decide the lines, not this."
        ),
    )

    def clean_guidance(self) -> str:
        return self.cleaned_data["guidance"].replace("\r\n", "\n").rstrip()


class CitedForm(forms.Form):
    """What every statement carries: our own words, and the source that they rest on."""

    summary = forms.CharField(
        label=gettext_lazy("In your own words"),
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=2000,
        help_text=gettext_lazy("Never the payer's sentences."),
    )
    title = forms.CharField(
        label=gettext_lazy("Source"), max_length=200, help_text=gettext_lazy("Title of the document or page.")
    )
    url = forms.URLField(label=gettext_lazy("Link"), max_length=400, required=False, assume_scheme="https")
    published = forms.CharField(
        label=gettext_lazy("Published"),
        max_length=20,
        required=False,
        help_text=gettext_lazy("As the source shows it, such as 2026-03."),
    )
    section = forms.CharField(max_length=120, required=False, help_text=gettext_lazy("Where in the document."))
    confidence = forms.ChoiceField(
        choices=Confidence.choices,
        initial=Confidence.MEDIUM.value,
        help_text=gettext_lazy("High: the payer itself. Medium: a good second hand. Low: check it first."),
    )
    reviewed_on = day_field(
        gettext_lazy("Last compared on"),
        required=False,
        help_text=gettext_lazy("Empty: on the day on which the version was reviewed."),
    )
    # What a statement has beside its heading and its term.
    names = ("summary", "title", "url", "published", "section", "confidence", "reviewed_on")

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today

    def clean_reviewed_on(self) -> date | None:
        return not_to_come(self.cleaned_data["reviewed_on"], self.today)

    def clause(self, *, topic: str) -> Clause:
        """The statement as the services take it."""
        return Clause(topic=topic, **{name: self.cleaned_data[name] for name in self.names})


class ClauseForm(CitedForm):
    """One statement under a heading, without a term; an alert may say from which day to which it is shown."""

    topic = forms.ChoiceField(label=gettext_lazy("Heading"), choices=ClauseTopic.choices)
    alert_from = day_field(gettext_lazy("Show the alert from"), required=False)
    alert_until = day_field(
        gettext_lazy("Show the alert through"),
        required=False,
        help_text=gettext_lazy("For alerts only. Without days it is shown while the version is in force."),
    )
    field_order = ["topic"]
    names = (*CitedForm.names, "alert_from", "alert_until")

    def __init__(
        self,
        *args: Any,
        existing: PolicyClause | None = None,
        beginning: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, initial=_initial(existing) or beginning, **kwargs)

    @staticmethod
    def beginning_with(clause: PolicyClause) -> dict[str, str]:
        """What a new statement begins with where it puts back one that was removed."""
        return {name: str(value) for name, value in _initial(clause).items() if value}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        first, last = cleaned.get("alert_from"), cleaned.get("alert_until")
        if (first or last) and cleaned.get("topic") != ClauseTopic.ALERTS:
            name = "alert_from" if first else "alert_until"
            self.add_error(name, _("Only an alert has days: choose the heading Alerts, or leave them empty."))
        elif first and last and last < first:
            self.add_error("alert_until", _("This day is before the first one."))
        return cleaned


class TermForm(CitedForm):
    """One term: what the payer says, with its citation; or that it is silent, which needs none."""

    stance = forms.ChoiceField(label=gettext_lazy("Does the payer say?"), widget=forms.RadioSelect)
    field_order = ["stance", "value"]

    def __init__(
        self,
        *args: Any,
        key: str,
        version: PolicyVersion,
        existing: PolicyClause | None,
        defaults: Mapping[str, HouseDefault],
        **kwargs: Any,
    ) -> None:
        stored = version.terms.get(key)
        initial = _initial(existing) | {
            "stance": SILENT if stored is None else SAYS,
            "value": "" if stored is None else term_text(stored),
        }
        super().__init__(*args, initial=initial, **kwargs)
        self.key = key
        default = default_in_words(key, defaults)
        self.fields["stance"].choices = [
            (SAYS, _("The payer says:")),
            (SILENT, _("It is silent: house default (%(default)s)") % {"default": default}),
        ]
        self.fields["value"] = _value_field(key)
        self.order_fields(self.field_order)
        # A silent payer is not cited; the fields are asked for in `clean` where it is not.
        self.asked_for = [name for name, field in self.fields.items() if field.required and name != "stance"]
        for name in self.asked_for:
            self.fields[name].required = False

    @property
    def is_silent(self) -> bool:
        return self.cleaned_data.get("stance") == SILENT

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("stance") != SAYS:
            return cleaned
        for name in self.asked_for:
            if name not in self.errors and not cleaned.get(name):
                self.add_error(name, _("This is needed where the payer says something."))
        if cleaned.get("value") and "value" not in self.errors:
            try:
                cleaned["term"] = parse_term(self.key, term_text(cleaned["value"]))
            except TermError as error:
                self.add_error("value", _("Allowed: %(allowed)s.") % {"allowed": error.allowed})
        return cleaned


def _initial(clause: PolicyClause | None) -> dict[str, Any]:
    if clause is None:
        return {}
    return {
        "topic": clause.topic,
        "summary": clause.summary,
        "title": clause.citation_title,
        "url": clause.citation_url,
        "published": clause.citation_published,
        "section": clause.citation_section,
        "confidence": clause.confidence,
        "reviewed_on": clause.reviewed_on,
        "alert_from": clause.alert_from,
        "alert_until": clause.alert_until,
    }


def _value_field(key: str) -> forms.Field:
    """The field that asks for a term: a choice where its values are words, else a day, or text that is read."""
    words, kind = WORDS_OF[key], TERMS[key]
    choices = [(value, label) for value, label in words.values.items() if value not in ONLY_HOUSE]
    if kind is YES_OR_NO:
        choices = [("yes", _("Yes")), ("no", _("No"))]
    if kind is A_DAY:
        return day_field(words.label, help_text=words.hint)
    if choices:
        return forms.ChoiceField(label=words.label, choices=[("", _("Choose")), *choices], help_text=words.hint)
    unit = _(" In %(unit)s.") % {"unit": words.unit} if words.unit else ""
    return forms.CharField(label=words.label, max_length=10, help_text=f"{words.hint}{unit}")
