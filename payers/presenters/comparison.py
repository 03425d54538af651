"""Two versions of a policy compared field by field, in words."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TypeVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from coding.engine.periods import in_words, published_in_words
from payers.markdown import as_text
from payers.models import ClauseTopic, PolicyClause, PolicyVersion
from payers.presenters.terms import TERM_WORDS, stored_in_words

SILENT = gettext_lazy("silent: house default")
# Texts that share less than this were not reworded: one went, and another came.
ALIKE = 0.5
WORDS = re.compile(r"\s+|[^\s]+")
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that differs: what it was, and what it became. Empty text stands for nothing.

    `group` is the heading under which it stands: terms, statements, examples or free text.
    """

    label: str
    before: str
    after: str
    group: str = ""

    @property
    def sentence(self) -> str:
        """The change as one says it: "A second session of the day: with 76 instead of with 59"."""
        words = {"label": self.label, "before": self.before, "after": self.after}
        if not self.before:
            return _("%(label)s: new, %(after)s") % words
        if not self.after:
            return _("%(label)s: gone, it was %(before)s") % words
        if self.before == SILENT:
            return _("%(label)s: %(after)s, where the payer was silent") % words
        if self.after == SILENT:
            return _("%(label)s: silent now, where it was %(before)s") % words
        return _("%(label)s: %(after)s instead of %(before)s") % words

    @property
    def parts_before(self) -> list[tuple[str, bool]]:
        """What it was, in pieces, each with whether the later version lacks it."""
        return _parts(self.before, self.after)

    @property
    def parts_after(self) -> list[tuple[str, bool]]:
        """What it became, in pieces, each with whether the earlier version lacked it."""
        return _parts(self.after, self.before)


def differences(earlier: PolicyVersion | None, later: PolicyVersion) -> list[Difference]:
    """What a reader must know: terms first, then the statements under each topic, then the free text.

    `earlier` is None for the first version. Reads the clauses of both: prefetch them in a loop.
    """
    return _terms(earlier, later) + _clauses(earlier, later) + _guidance(earlier, later)


def _terms(earlier: PolicyVersion | None, later: PolicyVersion) -> list[Difference]:
    before = earlier.terms if earlier else {}
    found = []
    for words in TERM_WORDS:
        was, became = before.get(words.key), later.terms.get(words.key)
        if was != became:
            found.append(
                Difference(
                    str(words.label),
                    str(SILENT if was is None else stored_in_words(words.key, was)),
                    str(SILENT if became is None else stored_in_words(words.key, became)),
                    _("Terms"),
                )
            )
    return found


def _clauses(earlier: PolicyVersion | None, later: PolicyVersion) -> list[Difference]:
    before = [_content(clause) for clause in earlier.clauses.all()] if earlier else []
    after = [_content(clause) for clause in later.clauses.all()]
    gone = [content for content in before if content not in after]
    new = [content for content in after if content not in before]
    found = []
    for topic in ClauseTopic:
        was = [content for content in gone if content.topic == topic]
        became = [content for content in new if content.topic == topic]
        for left, right in _paired(was, became, _likeness):
            found.append(Difference(str(topic.label), *_told(left, right), _("Statements")))
    return found


def _guidance(earlier: PolicyVersion | None, later: PolicyVersion) -> list[Difference]:
    """The free text as it reads; as it was typed only where nothing else differs, such as a word made bold."""
    was = earlier.guidance if earlier else ""
    if was == later.guidance:
        return []
    before, after = as_text(was), as_text(later.guidance)
    if before == after:
        before, after = was, later.guidance
    return [Difference(_("Free text"), before, after, _("Free text"))]


@dataclass(frozen=True, slots=True)
class _Content:
    """What a statement says, whatever its place in the version."""

    topic: str
    term: str
    text: str
    url: str


def _content(clause: PolicyClause) -> _Content:
    published = published_in_words(clause.citation_published)
    source = ", ".join(part for part in (clause.citation_title, clause.citation_section, published) if part)
    text = _("%(summary)s (%(source)s; %(confidence)s confidence)") % {
        "summary": clause.summary,
        "source": source,
        "confidence": clause.get_confidence_display().lower(),
    }
    return _Content(clause.topic, clause.term, text + _shown_on(clause), clause.citation_url)


def _told(left: _Content | None, right: _Content | None) -> tuple[str, str]:
    """What a statement was and became; its link is spelled out only where nothing else differs."""
    if left and right and left.text == right.text:
        return tuple(f"{content.text} {content.url or _('no link')}" for content in (left, right))
    return (left.text if left else "", right.text if right else "")


def _shown_on(clause: PolicyClause) -> str:
    if clause.alert_from is None and clause.alert_until is None:
        return ""
    days = {name: in_words(day) for name, day in (("first", clause.alert_from), ("last", clause.alert_until)) if day}
    if clause.alert_until is None:
        return _(", shown from %(first)s on") % days
    if clause.alert_from is None:
        return _(", shown through %(last)s") % days
    return _(", shown from %(first)s through %(last)s") % days


def _likeness(left: _Content, right: _Content) -> float:
    """How sure it is that one statement became the other: that of a term always is."""
    if left.term or right.term:
        return float(left.term == right.term)
    return SequenceMatcher(None, WORDS.findall(left.text), WORDS.findall(right.text)).ratio()


def _paired(
    was: Sequence[Item], became: Sequence[Item], likeness: Callable[[Item, Item], float]
) -> Iterable[tuple[Item | None, Item | None]]:
    """Each item that went with the one that came most like it, then those without a partner."""
    waiting = list(became)
    for left in was:
        best = max(waiting, key=lambda right: likeness(left, right), default=None)
        if best is not None and likeness(left, best) >= ALIKE:
            waiting.remove(best)
            yield left, best
        else:
            yield left, None
    for right in waiting:
        yield None, right


def _parts(text: str, other: str) -> list[tuple[str, bool]]:
    """A text in pieces, each with whether the other text lacks it; a text that is all new is one piece."""
    own, others = WORDS.findall(text), WORDS.findall(other)
    if not own:
        return []
    matcher = SequenceMatcher(None, own, others, autojunk=False)
    if matcher.ratio() < ALIKE:
        return [(text, True)]
    return [
        ("".join(own[start:end]), kind != "equal") for kind, start, end, _i, _j in matcher.get_opcodes() if end > start
    ]
