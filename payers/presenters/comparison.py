"""Two versions of a policy compared field by field."""

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from payers.models import ClauseTopic, PolicyClause, PolicyVersion
from payers.presenters.terms import TERM_WORDS, stored_in_words

SILENT = gettext_lazy("silent: house default")


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that differs: what it was, and what it became. Empty text stands for nothing."""

    label: str
    before: str
    after: str


def differences(earlier: PolicyVersion | None, later: PolicyVersion) -> list[Difference]:
    """Terms first, then the statements under each topic. `earlier` is None for the first version."""
    return _terms(earlier, later) + _clauses(earlier, later)


def _terms(earlier: PolicyVersion | None, later: PolicyVersion) -> list[Difference]:
    before = earlier.terms if earlier else {}
    found = []
    for words in TERM_WORDS:
        was, became = before.get(words.key), later.terms.get(words.key)
        if was != became:
            found.append(
                Difference(
                    words.label,
                    SILENT if was is None else stored_in_words(words.key, was),
                    SILENT if became is None else stored_in_words(words.key, became),
                )
            )
    return found


def _clauses(earlier: PolicyVersion | None, later: PolicyVersion) -> list[Difference]:
    before = [_content(clause) for clause in earlier.clauses.all()] if earlier else []
    after = [_content(clause) for clause in later.clauses.all()]
    gone = [(topic, text) for topic, text in before if (topic, text) not in after]
    new = [(topic, text) for topic, text in after if (topic, text) not in before]
    found = []
    for topic in ClauseTopic:
        was = [text for of, text in gone if of == topic]
        became = [text for of, text in new if of == topic]
        longest = max(len(was), len(became))
        for left, right in zip(_filled(was, longest), _filled(became, longest), strict=True):
            found.append(Difference(topic.label, left, right))
    return found


def _content(clause: PolicyClause) -> tuple[str, str]:
    source = ", ".join(
        part for part in (clause.citation_title, clause.citation_section, clause.citation_published) if part
    )
    return clause.topic, _("%(summary)s (%(source)s; %(confidence)s confidence)") % {
        "summary": clause.summary,
        "source": source,
        "confidence": clause.get_confidence_display().lower(),
    }


def _filled(texts: list[str], length: int) -> list[str]:
    return texts + [""] * (length - len(texts))
