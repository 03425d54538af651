"""Forms of a draft's examples: a case that is tried, and a session with the answer that the draft must give."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from coding.case_files import CaseFileError
from coding.engine.findings import CATALOGUE, NAME_OF_EDIT
from coding.engine.vocabulary import ClaimForm, Guidance, Setting
from coding.policy_checks import case_of
from payers.case_forms import SETTINGS, CaseForm, day_field
from payers.guidance import CLAIM_FORMS, HOSPITAL_FORMS, TONGUE
from payers.models import PolicyExample, PolicyVersion
from payers.policy_files import FACTS_OF_EXAMPLES, Example
from payers.presenters.examples import DOCUMENTS_IN_WORDS, WORDS_OF_FACTS, facts_in_words

LINE = re.compile(r"[0-9A-Z]{5}(-[0-9A-Z]{2})* x[0-9]+ (rev [0-9]{4}|pos [0-9]{2})")
FINDING = re.compile(r"(ERROR|HOLD): ([A-Z0-9_]+)")
NAMES_OF_FINDINGS = {wording.name for wording in CATALOGUE.values()} | set(NAME_OF_EDIT.values())
COLUMN = re.compile(r"column (?P<column>\w+): (?P<problem>.*)", re.DOTALL)
TITLE_AT_MOST = 120
YES_NO = [("yes", gettext_lazy("Yes")), ("no", gettext_lazy("No"))]
# What most examples say; the others stand behind "More facts".
USUAL_FACTS = (
    *("date_of_service", "setting", "claim", "technique", "guidance", "session_of_day", "minutes_since_previous"),
    *("same_physician", "diagnoses", "completion", "authorization"),
)
NEEDED = ("date_of_service", "setting", "claim", "technique")
LABELS = {
    "date_of_service": gettext_lazy("Date of service"),
    "coded_on": gettext_lazy("Coded on"),
    "setting": gettext_lazy("Setting"),
    "claim": gettext_lazy("Claim form"),
    "session_of_day": gettext_lazy("Session of the day"),
    "same_physician": gettext_lazy("Same physician as the previous session"),
    "minutes_since_previous": gettext_lazy("Minutes since the previous session"),
    "technique": gettext_lazy("Technique"),
    "isocenters": gettext_lazy("Isocenters"),
    "motion_management": gettext_lazy("Motion management"),
    "guidance": gettext_lazy("Image guidance"),
    "diagnoses": gettext_lazy("Diagnoses"),
    "fraction_number": gettext_lazy("Fraction number"),
    "prescribed_fractions": gettext_lazy("Prescribed fractions"),
    "last_charged_fraction": gettext_lazy("Last charged fraction"),
    "completion": gettext_lazy("How it ended"),
    "requested_code": gettext_lazy("Code keyed by hand"),
    "requested_modifiers": gettext_lazy("Modifiers keyed by hand"),
    "other_codes_same_day": gettext_lazy("Other codes on the same day"),
    "authorization": gettext_lazy("Authorization"),
    "missing": gettext_lazy("Missing documents"),
    "abn": gettext_lazy("Beneficiary notice"),
    "locum": gettext_lazy("Locum physician"),
    "resident": gettext_lazy("Resident took part"),
    "duplicate": gettext_lazy("Entered twice"),
}
HINTS = {
    "coded_on": gettext_lazy("Empty: three days after the session."),
    "diagnoses": gettext_lazy("First-listed first, apart by semicolons."),
    "authorization": gettext_lazy("Empty: on file and sufficient. Or missing, or units=30 used=30, ends=2026-06-01."),
    "requested_code": gettext_lazy("Such as 77386."),
    "other_codes_same_day": gettext_lazy("Apart by spaces."),
}
CHOICES: Mapping[str, list[tuple[str, Any]]] = {
    "setting": SETTINGS,
    "claim": list(WORDS_OF_FACTS["claim"].items()),
    "technique": [(word.value, label) for word, label in WORDS_OF_FACTS["technique"].items()],
    "session_of_day": [("1", gettext_lazy("First")), ("2", gettext_lazy("Second")), ("3", gettext_lazy("Third"))],
    "same_physician": YES_NO,
    "isocenters": [("single", gettext_lazy("One")), ("multiple", gettext_lazy("Several"))],
    "motion_management": [("none", gettext_lazy("None")), ("active", gettext_lazy("Active"))],
    "guidance": [
        ("none", gettext_lazy("None")),
        *((word.value, label) for word, label in WORDS_OF_FACTS["guidance"].items()),
    ],
    "completion": [
        ("complete", gettext_lazy("Complete")),
        ("partial", gettext_lazy("Partly delivered")),
        ("not_started", gettext_lazy("Beam never on")),
    ],
    "abn": [("signed", gettext_lazy("Signed")), ("none", gettext_lazy("Not signed"))],
    **dict.fromkeys(("locum", "resident", "duplicate"), YES_NO),
}


class DraftCaseForm(CaseForm):
    """A case put to one draft: the payer is given."""

    def __init__(self, *args: Any, version: PolicyVersion, **kwargs: Any) -> None:
        super().__init__(*args, organization=version.policy.payer.organization_id, **kwargs)
        del self.fields["payer"]

    @classmethod
    def of_draft(cls, version: PolicyVersion, *, today: date) -> dict[str, Any]:
        """The case that the editor opens with: the standing example, today or on the draft's first day."""
        on = max(today, version.effective_from)
        case = cls.starting_with(payer="", on=on, setting=Setting.ON_CAMPUS.value, diagnosis=TONGUE, today=today)
        return {name: value for name, value in case.items() if name != "payer"}

    def kept_as(self) -> list[tuple[str, str]]:
        """How the case is kept: each claim form of the setting with the query that an example begins with."""
        setting = Setting(self.cleaned_data["setting"])
        forms_of_claim = CLAIM_FORMS.get(setting, HOSPITAL_FORMS)
        return [
            (str(WORDS_OF_FACTS["claim"][claim.value]), urlencode(self.facts(claim=claim))) for claim in forms_of_claim
        ]

    def facts(self, *, claim: ClaimForm) -> dict[str, str]:
        """The case in the columns of the case file, for one claim form."""
        cleaned = self.cleaned_data
        is_later = cleaned["session_of_day"] > 1
        minutes = cleaned["minutes_since_previous"]
        facts = {
            "date_of_service": cleaned["date_of_service"].isoformat(),
            "coded_on": cleaned["coded_on"].isoformat(),
            "setting": cleaned["setting"],
            "claim": claim.value,
            "session_of_day": str(cleaned["session_of_day"]) if is_later else "",
            "same_physician": "no" if is_later and cleaned["physician"] == "another" else "",
            "minutes_since_previous": str(minutes) if is_later and minutes is not None else "",
            "technique": cleaned["technique"],
            "isocenters": cleaned["isocenters"] if cleaned["isocenters"] == "multiple" else "",
            "motion_management": "" if cleaned["motion"] == "none" else "active",
            "guidance": "" if cleaned["guidance"] == Guidance.NONE else cleaned["guidance"],
            "diagnoses": ";".join(cleaned["diagnoses"]),
            "completion": "" if cleaned["completion"] == "complete" else cleaned["completion"],
            "authorization": "missing" if cleaned["authorization"] == "missing" else "",
            "missing": "motion_documentation" if cleaned["motion"] == "active_undocumented" else "",
        }
        return {column: text for column, text in facts.items() if text}


class ExampleForm(forms.Form):
    """A session in the columns of the case file, with the lines and the findings that the draft must answer."""

    title = forms.CharField(
        max_length=TITLE_AT_MOST,
        help_text=gettext_lazy("What it shows, such as: second session six hours on takes 76."),
    )
    expected_lines = forms.CharField(
        label=gettext_lazy("Expected lines"),
        max_length=300,
        required=False,
        help_text=gettext_lazy("As 77386-76 x1 rev 0333; several are joined with +. Empty: no line."),
    )
    expected_findings = forms.CharField(
        label=gettext_lazy("Expected errors and holds"),
        max_length=300,
        required=False,
        help_text=gettext_lazy("As HOLD: AUTH_MISSING; several are joined with a semicolon. Empty: none."),
    )

    def __init__(self, *args: Any, version: PolicyVersion, **kwargs: Any) -> None:
        super().__init__(*args, auto_id="example_%s", **kwargs)
        self.version = version
        for column in (*USUAL_FACTS, *(name for name in FACTS_OF_EXAMPLES if name not in USUAL_FACTS)):
            self.fields[column] = _fact_field(column)

    @staticmethod
    def beginning_with(example: PolicyExample) -> dict[str, Any]:
        """What the form shows of a saved example."""
        answer = {"expected_lines": example.expected_lines, "expected_findings": example.expected_findings}
        return {"title": example.title, **answer, **example.facts}

    @staticmethod
    def titled(facts: Mapping[str, str]) -> str:
        """A title to begin with: the session without its day and its diagnoses."""
        told = {name: text for name, text in facts.items() if name not in ("date_of_service", "coded_on", "diagnoses")}
        words = facts_in_words(told)
        at_most = words if len(words) <= TITLE_AT_MOST else words[:TITLE_AT_MOST].rpartition(", ")[0]
        return at_most[:1].upper() + at_most[1:]

    def answer_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in ("title", "expected_lines", "expected_findings")]

    def usual_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in USUAL_FACTS]

    def further_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in FACTS_OF_EXAMPLES if name not in USUAL_FACTS]

    def has_further_facts(self) -> bool:
        """Whether a fact is told, or refused, that stands behind "More facts"."""
        return any(field.value() or field.errors for field in self.further_fields())

    def clean_expected_lines(self) -> str:
        parts = _parts(self.cleaned_data["expected_lines"], "+")
        for part in parts:
            if not LINE.fullmatch(part):
                raise forms.ValidationError(
                    _("“%(part)s” is no line; one looks like 77386-76 x1 rev 0333 or 77387-26 x1 pos 22.")
                    % {"part": part}
                )
        return " + ".join(parts)

    def clean_expected_findings(self) -> str:
        parts = _parts(self.cleaned_data["expected_findings"], ";")
        for part in parts:
            found = FINDING.fullmatch(part)
            if found is None or found[2] not in NAMES_OF_FINDINGS:
                raise forms.ValidationError(
                    _("“%(part)s” is no finding; one looks like HOLD: AUTH_MISSING.") % {"part": part}
                )
        return "; ".join(parts)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.errors:
            return cleaned
        try:
            case_of(self.facts(), self.version.policy.payer)
        except CaseFileError as refused:
            found = COLUMN.search(str(refused))
            in_form = found is not None and found["column"] in self.fields
            self.add_error(found["column"] if in_form else None, found["problem"] if in_form else str(refused))
        return cleaned

    def facts(self) -> dict[str, str]:
        """The columns that say something, in the order of the files."""
        values = {column: self.cleaned_data.get(column) for column in FACTS_OF_EXAMPLES}
        texts = {name: value.isoformat() if isinstance(value, date) else value for name, value in values.items()}
        return {column: text for column, text in texts.items() if text}

    def example(self) -> Example:
        """The example as the services take it."""
        cleaned = self.cleaned_data
        return Example(
            title=cleaned["title"],
            facts=self.facts(),
            expected_lines=cleaned["expected_lines"],
            expected_findings=cleaned["expected_findings"],
        )


class DocumentsField(forms.MultipleChoiceField):
    """Documents chosen by their names, kept as the case files write them: their words, apart by spaces."""

    widget = forms.CheckboxSelectMultiple

    def prepare_value(self, value: Any) -> Any:
        return value.split() if isinstance(value, str) else value

    def clean(self, value: Any) -> str:
        return " ".join(super().clean(value))


def _fact_field(column: str) -> forms.Field:
    words = {"label": LABELS[column], "required": column in NEEDED, "help_text": HINTS.get(column, "")}
    if column in ("date_of_service", "coded_on"):
        label = words.pop("label")
        return day_field(label, **words)
    if column in CHOICES:
        blank = _("Choose") if column in NEEDED else _("As usual")
        return forms.ChoiceField(choices=[("", blank), *CHOICES[column]], **words)
    if column == "missing":
        return DocumentsField(choices=list(DOCUMENTS_IN_WORDS.items()), **words)
    return forms.CharField(max_length=100, **words)


def _parts(text: str, separator: str) -> list[str]:
    parts = (" ".join(part.split()) for part in text.split(separator))
    return [part for part in parts if part and part != "none"]
