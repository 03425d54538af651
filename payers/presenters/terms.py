"""How a payer's terms read: labels, values in words, and the heading that a biller looks under."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from coding.engine.codebook import HouseDefault
from coding.engine.periods import in_words
from coding.engine.terms import TermsInForce
from coding.engine.trace import Citation
from payers.models import ClauseTopic


@dataclass(frozen=True, slots=True)
class TermWords:
    """One term as people read it; `values` maps those that are words to what they mean."""

    key: str
    label: str
    topic: ClauseTopic
    hint: str
    values: Mapping[object, str]
    unit: str = ""

    def say(self, value: object) -> str:
        """The value in words; what no words are kept for is shown as it is."""
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, date):
            return in_words(value)
        if value in self.values:
            return self.values[value]
        return f"{value} {self.unit}".strip()


TERM_WORDS = (
    TermWords(
        "freestanding_code",
        gettext_lazy("Code family of a freestanding center, through 2025"),
        ClauseTopic.CODES,
        gettext_lazy("Which codes a freestanding owner bills delivery with, for dates of service through 12/31/2025."),
        {"cpt": gettext_lazy("CPT codes (77385, 77386)"), "hcpcs": gettext_lazy("fee schedule G codes (G6015, G6016)")},
    ),
    TermWords(
        "payer_ready",
        gettext_lazy("Takes the new codes from"),
        ClauseTopic.CODES,
        gettext_lazy("First date of service whose 2026 codes the payer takes. Lines before it are held."),
        {},
    ),
    TermWords(
        "keep_until",
        gettext_lazy("Keeps the deleted code until"),
        ClauseTopic.CODES,
        gettext_lazy(
            "Last date of service on which the payer still wants the code that was deleted. "
            "Needs approval on each line."
        ),
        {},
    ),
    TermWords(
        "multi_isocenter_review",
        gettext_lazy("Reviews several isocenters in one site"),
        ClauseTopic.CODES,
        gettext_lazy("Level 3 by several isocenters in one anatomical site is held until it is documented."),
        {},
    ),
    TermWords(
        "technical_modifier",
        gettext_lazy("TC on delivery"),
        ClauseTopic.MODIFIERS,
        gettext_lazy("TC on a delivery line goes against the national rule and needs approval on each line."),
        {"TC": gettext_lazy("TC on delivery"), "none": gettext_lazy("no TC on delivery")},
    ),
    TermWords(
        "po_pn",
        gettext_lazy("PO and PN off campus"),
        ClauseTopic.MODIFIERS,
        gettext_lazy("Whether institutional lines of off-campus hospital departments carry PO or PN."),
        {},
    ),
    TermWords(
        "partial_modifier",
        gettext_lazy("A session cut short"),
        ClauseTopic.MODIFIERS,
        gettext_lazy("Whether a session that was partly delivered carries 52."),
        {"52": gettext_lazy("with 52"), "none": gettext_lazy("without 52")},
    ),
    TermWords(
        "bid",
        gettext_lazy("A second session of the day"),
        ClauseTopic.SECOND_SESSION,
        gettext_lazy("How a later session of the day is billed."),
        {
            "76": gettext_lazy("a line of its own with 76, or 77 under another physician"),
            "59": gettext_lazy("a line of its own with 59"),
            "units": gettext_lazy("one line a day, its units counted up"),
        },
    ),
    TermWords(
        "min_gap",
        gettext_lazy("Least time between sessions"),
        ClauseTopic.SECOND_SESSION,
        gettext_lazy("Minutes between the starts of two sessions of a day. Closer ones are held."),
        {},
        "minutes",
    ),
    TermWords(
        "igrt_pc_code",
        gettext_lazy("Guidance code, through 2025"),
        ClauseTopic.GUIDANCE,
        gettext_lazy("The code of the physician's review of guidance, for dates of service through 12/31/2025."),
        {"modality": gettext_lazy("by modality: 77014, G6002 or G6001")},
    ),
    TermWords(
        "igrt_pc_modifier",
        gettext_lazy("26 on the guidance line"),
        ClauseTopic.GUIDANCE,
        gettext_lazy("Whether the physician's review of guidance carries 26."),
        {"26": gettext_lazy("with 26"), "none": gettext_lazy("without 26")},
    ),
    TermWords(
        "authorization_required",
        gettext_lazy("Prior authorization"),
        ClauseTopic.AUTHORIZATION,
        gettext_lazy("Whether a prior authorization is needed."),
        {},
    ),
    TermWords(
        "authorization_converts",
        gettext_lazy("Old authorizations are converted"),
        ClauseTopic.AUTHORIZATION,
        gettext_lazy("Whether the payer maps authorizations given for codes of 2025 to those of 2026."),
        {},
    ),
    TermWords(
        "timely_days",
        gettext_lazy("Days to file a first claim"),
        ClauseTopic.FILING,
        gettext_lazy("Days from the date of service within which a first claim must arrive."),
        {"calendar year": gettext_lazy("the same date of the next calendar year")},
        "days",
    ),
)
WORDS_OF = {words.key: words for words in TERM_WORDS}
# The headings under which a biller thinks, in the order of the pages.
TERM_TOPICS = tuple(dict.fromkeys(words.topic for words in TERM_WORDS))


@dataclass(frozen=True, slots=True)
class ShownTerm:
    """One term of a version on a page: its value, who says so, and on whose word."""

    key: str
    label: str
    hint: str
    value: str
    is_silent: bool
    clause: str
    citations: tuple[Citation, ...]
    confidence: str = ""

    @property
    def anchor(self) -> str:
        return f"term-{self.key}"


def shown_terms(terms: TermsInForce, clauses: Mapping[str, object]) -> dict[str, list[ShownTerm]]:
    """Every term under its topic; `clauses` maps a key to the saved clause that sets it."""
    shown: dict[str, list[ShownTerm]] = {topic.value: [] for topic in TERM_TOPICS}
    for words in TERM_WORDS:
        clause = clauses.get(words.key)
        value = terms.value(words.key)
        shown[words.topic.value].append(
            ShownTerm(
                key=words.key,
                label=words.label,
                hint=words.hint,
                value=_("not set") if value is None else words.say(value),
                is_silent=terms.is_silent(words.key),
                clause=clause.summary if clause else "",
                citations=terms.citations(words.key),
                confidence=clause.get_confidence_display() if clause else "",
            )
        )
    return shown


def default_in_words(key: str, defaults: Mapping[str, HouseDefault]) -> str:
    """What the house does where a payer is silent on the term."""
    default = defaults.get(key)
    return _("not set") if default is None else WORDS_OF[key].say(default.value)


def stored_in_words(key: str, stored: object) -> str:
    """A term as a version stores it, in words."""
    if key in ("keep_until", "payer_ready") and isinstance(stored, str):
        return in_words(date.fromisoformat(stored))
    return WORDS_OF[key].say(stored)
