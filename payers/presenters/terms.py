"""How a payer's terms read: labels, values in words, and the heading that a biller looks under."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

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
        "Code family of a freestanding center, through 2025",
        ClauseTopic.CODES,
        "Which codes a freestanding owner bills delivery with, for dates of service through 12/31/2025.",
        {"cpt": "CPT codes (77385, 77386)", "hcpcs": "fee schedule G codes (G6015, G6016)"},
    ),
    TermWords(
        "payer_ready",
        "Takes the new codes from",
        ClauseTopic.CODES,
        "First date of service whose 2026 codes the payer takes. Lines before it are held.",
        {},
    ),
    TermWords(
        "keep_until",
        "Keeps the deleted code until",
        ClauseTopic.CODES,
        "Last date of service on which the payer still wants the code that was deleted. Needs approval on each line.",
        {},
    ),
    TermWords(
        "multi_isocenter_review",
        "Reviews several isocenters in one site",
        ClauseTopic.CODES,
        "Level 3 by several isocenters in one anatomical site is held until it is documented.",
        {},
    ),
    TermWords(
        "technical_modifier",
        "TC on delivery",
        ClauseTopic.MODIFIERS,
        "TC on a delivery line goes against the national rule and needs approval on each line.",
        {"TC": "TC on delivery", "none": "no TC on delivery"},
    ),
    TermWords(
        "po_pn",
        "PO and PN off campus",
        ClauseTopic.MODIFIERS,
        "Whether institutional lines of off-campus hospital departments carry PO or PN.",
        {},
    ),
    TermWords(
        "partial_modifier",
        "A session cut short",
        ClauseTopic.MODIFIERS,
        "Whether a session that was partly delivered carries 52.",
        {"52": "with 52", "none": "without 52"},
    ),
    TermWords(
        "bid",
        "A second session of the day",
        ClauseTopic.SECOND_SESSION,
        "How a later session of the day is billed.",
        {
            "76": "a line of its own with 76, or 77 under another physician",
            "59": "a line of its own with 59",
            "units": "one line a day, its units counted up",
        },
    ),
    TermWords(
        "min_gap",
        "Least time between sessions",
        ClauseTopic.SECOND_SESSION,
        "Minutes between the starts of two sessions of a day. Closer ones are held.",
        {},
        "minutes",
    ),
    TermWords(
        "igrt_pc_code",
        "Guidance code, through 2025",
        ClauseTopic.GUIDANCE,
        "The code of the physician's review of guidance, for dates of service through 12/31/2025.",
        {"modality": "by modality: 77014, G6002 or G6001"},
    ),
    TermWords(
        "igrt_pc_modifier",
        "26 on the guidance line",
        ClauseTopic.GUIDANCE,
        "Whether the physician's review of guidance carries 26.",
        {"26": "with 26", "none": "without 26"},
    ),
    TermWords(
        "authorization_required",
        "Prior authorization",
        ClauseTopic.AUTHORIZATION,
        "Whether a prior authorization is needed.",
        {},
    ),
    TermWords(
        "authorization_converts",
        "Old authorizations are converted",
        ClauseTopic.AUTHORIZATION,
        "Whether the payer maps authorizations given for codes of 2025 to those of 2026.",
        {},
    ),
    TermWords(
        "timely_days",
        "Days to file a first claim",
        ClauseTopic.FILING,
        "Days from the date of service within which a first claim must arrive.",
        {"calendar year": "the same date of the next calendar year"},
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
                value="not set" if value is None else words.say(value),
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
    return "not set" if default is None else WORDS_OF[key].say(default.value)


def stored_in_words(key: str, stored: object) -> str:
    """A term as a version stores it, in words."""
    if key in ("keep_until", "payer_ready") and isinstance(stored, str):
        return in_words(date.fromisoformat(stored))
    return WORDS_OF[key].say(stored)
