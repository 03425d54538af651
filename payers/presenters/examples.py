"""How an example session reads: its facts as a biller would tell them, and how its answer changed."""

from collections.abc import Mapping
from datetime import date

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from coding.engine.periods import in_words
from coding.engine.vocabulary import Completion, Guidance, Isocenters, MotionManagement, Setting, Technique
from payers.models import PolicyExample, PolicyVersion
from payers.presenters.comparison import Difference
from payers.presenters.guidance import SETTING_LABELS

# What a column of the case file says in a sentence. A value that is usual, or that no words are kept for, is left out.
WORDS_OF_FACTS = {
    "claim": {
        "institutional": gettext_lazy("institutional claim"),
        "professional": gettext_lazy("professional claim"),
        "global": gettext_lazy("global claim"),
    },
    "technique": {
        Technique.IMRT_COMPLEX: gettext_lazy("IMRT, complex"),
        Technique.IMRT_SIMPLE: gettext_lazy("IMRT, simple"),
        Technique.COMPENSATOR: gettext_lazy("IMRT with a compensator"),
        Technique.THREE_D: gettext_lazy("3D conformal"),
    },
    "session_of_day": {
        "2": gettext_lazy("second session of the day"),
        "3": gettext_lazy("third session of the day"),
    },
    "isocenters": {Isocenters.MULTIPLE: gettext_lazy("several isocenters")},
    "motion_management": {MotionManagement.ACTIVE: gettext_lazy("active motion management")},
    "guidance": {
        Guidance.CBCT: gettext_lazy("cone-beam CT"),
        Guidance.STEREOSCOPIC: gettext_lazy("stereoscopic x-ray"),
        Guidance.ULTRASOUND: gettext_lazy("ultrasound"),
        Guidance.SURFACE: gettext_lazy("surface guidance"),
    },
    "same_physician": {"no": gettext_lazy("another physician")},
    "completion": {
        Completion.PARTIAL: gettext_lazy("partly delivered"),
        Completion.NOT_STARTED: gettext_lazy("beam never on"),
    },
    "authorization": {"missing": gettext_lazy("no authorization")},
    "abn": {
        "signed": gettext_lazy("signed beneficiary notice"),
        "none": gettext_lazy("no beneficiary notice"),
    },
    "locum": {"yes": gettext_lazy("locum physician")},
    "resident": {"yes": gettext_lazy("with a resident")},
    "duplicate": {"yes": gettext_lazy("entered twice")},
}
# The documents that a session may lack, by their words in the case files.
DOCUMENTS_IN_WORDS = {
    "prescription_signature": gettext_lazy("signature on the prescription"),
    "plan_approval": gettext_lazy("approval of the plan"),
    "treatment_record": gettext_lazy("treatment record"),
    "image_signature": gettext_lazy("signature on the image review"),
    "supervision": gettext_lazy("record of supervision"),
    "motion_documentation": gettext_lazy("documentation of motion management"),
    "bid_order": gettext_lazy("order of several sessions a day"),
}
# What a case file says of an authorization, word by word: `units=30 used=30 ends=2026-06-01`.
AUTHORIZATION_IN_WORDS = {
    "number": gettext_lazy("number %(text)s"),
    "units": gettext_lazy("%(text)s units"),
    "used": gettext_lazy("%(text)s used"),
    "starts": gettext_lazy("from %(text)s"),
    "ends": gettext_lazy("until %(text)s"),
    "code": gettext_lazy("for %(text)s"),
}
# Facts that are said with the text that they have.
SAID_AS_WRITTEN = {
    "minutes_since_previous": gettext_lazy("%(text)s minutes after the previous one"),
    "diagnoses": gettext_lazy("diagnoses %(text)s"),
    "authorization": gettext_lazy("authorization (%(text)s)"),
    "requested_code": gettext_lazy("%(text)s keyed by hand"),
    "requested_modifiers": gettext_lazy("modifiers %(text)s keyed by hand"),
    "other_codes_same_day": gettext_lazy("%(text)s on the same day"),
    "missing": gettext_lazy("missing: %(text)s"),
    "fraction_number": gettext_lazy("fraction %(text)s"),
    "prescribed_fractions": gettext_lazy("of %(text)s prescribed"),
    "last_charged_fraction": gettext_lazy("last charged fraction %(text)s"),
    "coded_on": gettext_lazy("coded on %(text)s"),
}
ORDER = (
    *("setting", "claim", "technique", "session_of_day", "minutes_since_previous", "same_physician", "isocenters"),
    *("motion_management", "guidance", "completion", "authorization", "missing", "diagnoses", "requested_code"),
    *("requested_modifiers", "other_codes_same_day", "fraction_number", "prescribed_fractions"),
    *("last_charged_fraction", "abn", "locum", "resident", "duplicate", "coded_on"),
)


def facts_in_words(facts: Mapping[str, str]) -> str:
    """An example's session in one line: "02/03/2026, Hospital, on campus, institutional claim, IMRT, complex"."""
    day = facts.get("date_of_service", "")
    return ", ".join(filter(None, (_day(day), *(_fact(column, facts.get(column, "")) for column in ORDER))))


def expected_in_words(lines: str, findings: str) -> str:
    """An answer in the words of the case files: its lines, then its errors and holds."""
    said = _("no line") if lines in ("", "none") else lines
    return f"{said} ({findings})" if findings else said


def example_differences(earlier: PolicyVersion | None, later: PolicyVersion) -> list[Difference]:
    """The examples that came, went, or ask for something else; a title that both have is one example."""
    before = {example.title: example for example in earlier.examples.all()} if earlier else {}
    after = {example.title: example for example in later.examples.all()}
    found = []
    for title in dict.fromkeys((*before, *after)):
        was, became = (_example(of.get(title)) for of in (before, after))
        if was != became:
            found.append(Difference(title, was, became, _("Examples")))
    return found


def _example(example: PolicyExample | None) -> str:
    if example is None:
        return ""
    expected = expected_in_words(example.expected_lines, example.expected_findings)
    return f"{facts_in_words(example.facts)}: {expected}"


def _day(text: str) -> str:
    try:
        return in_words(date.fromisoformat(text))
    except ValueError:
        return text


def _fact(column: str, text: str) -> str:
    if not text:
        return ""
    if column == "setting" and text in list(Setting):
        return str(SETTING_LABELS[Setting(text)])
    if column in WORDS_OF_FACTS and text in WORDS_OF_FACTS[column]:
        return str(WORDS_OF_FACTS[column][text])
    if column in SAID_AS_WRITTEN:
        return str(SAID_AS_WRITTEN[column]) % {"text": _text_in_words(column, text)}
    return ""


def _text_in_words(column: str, text: str) -> str:
    if column == "coded_on":
        return _day(text)
    if column == "missing":
        return _(" and ").join(str(DOCUMENTS_IN_WORDS.get(document, document)) for document in text.split())
    if column == "authorization":
        return ", ".join(_authorization_word(word) for word in text.split())
    return text


def _authorization_word(word: str) -> str:
    key, _sign, text = word.partition("=")
    return str(AUTHORIZATION_IN_WORDS[key]) % {"text": _day(text)} if key in AUTHORIZATION_IN_WORDS else word
