"""The matrix of payers and settings on a date of service, and the days on which it changes: answers of the engine."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from coding.engine.codebook import Codebook
from coding.engine.facts import EarlierSession
from coding.engine.periods import ONE_DAY, in_words
from coding.engine.trace import Citation
from coding.engine.vocabulary import Completion, Guidance, Isocenters, MotionManagement
from payers.case_forms import CaseForm
from payers.guidance import Enquiry, PayerBook
from payers.models import Payer, PolicyVersion
from payers.presenters.comparison import SILENT
from payers.presenters.guidance import SETTING_LABELS, ShownRow, shown_row
from payers.presenters.terms import WORDS_OF, stored_in_words

SIX_HOURS = 360
SOON = timedelta(days=60)
# How far the date can be dragged: from half a year before the change of codes to half a year from now.
DRAG_FROM = date(2025, 7, 1)
DRAG_BEYOND_TODAY = timedelta(days=183)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of session: its words, what it changes in the standing example, and the same for the form of a case."""

    label: str
    changes: dict[str, object]
    typed: dict[str, object]


KINDS = {
    "first": Kind(gettext_lazy("One session"), {}, {}),
    "second": Kind(
        gettext_lazy("Second session of the day, 6 hours later"),
        {"earlier_sessions": (EarlierSession(SIX_HOURS),)},
        {"session_of_day": 2, "minutes_since_previous": SIX_HOURS},
    ),
    "partial": Kind(
        gettext_lazy("Partly delivered"),
        {"completion": Completion.PARTIAL},
        {"completion": Completion.PARTIAL.value},
    ),
    "motion": Kind(
        gettext_lazy("Active motion management, on record"),
        {"motion_management": MotionManagement.ACTIVE},
        {"motion": "active"},
    ),
    "isocenters": Kind(
        gettext_lazy("Several isocenters"),
        {"isocenters": Isocenters.MULTIPLE},
        {"isocenters": Isocenters.MULTIPLE.value},
    ),
    "no_guidance": Kind(
        gettext_lazy("No image guidance"), {"guidance": Guidance.NONE}, {"guidance": Guidance.NONE.value}
    ),
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One payer in one setting: the answer, that of the day compared with, and the query of the case that asks why."""

    setting_label: str
    answer: ShownRow
    before: ShownRow | None
    query: str

    @property
    def is_changed(self) -> bool:
        return self.before is not None and _said(self.before) != _said(self.answer)


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """One payer over the settings; `version` is the one in force, or None."""

    payer: Payer
    version: PolicyVersion | None
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """What begins on a date of service: for one payer, or for all where `payer` is None.

    `cells` counts the settings whose lines or findings for one session differ from the day before, as the engine says.
    """

    day: date
    payer: Payer | None
    sentences: tuple[str, ...]
    citations: tuple[Citation, ...]
    cells: int


def matrix_page(
    books: list[PayerBook], *, on: date, since: date | None, kind: str, codebook: Codebook, today: date
) -> dict[str, Any]:
    """Every payer in every setting on a date of service, beside the day compared with where one is asked for."""
    rows = [_row(book, on, since, KINDS[kind], codebook, today) for book in books]
    changed = sum(cell.is_changed for row in rows for cell in row.cells)
    return {
        "on": on,
        "since": since,
        "kind": kind,
        "kind_label": KINDS[kind].label,
        "settings": list(SETTING_LABELS.values()),
        "rows": rows,
        "changed": changed,
        "sentence": _sentence(changed, on, since),
    }


def _row(book: PayerBook, on: date, since: date | None, kind: Kind, codebook: Codebook, today: date) -> MatrixRow:
    enquiry = Enquiry.of(book, on=on, codebook=codebook)
    earlier = Enquiry.of(book, on=since, codebook=codebook) if since else None
    cells = []
    for setting, label in SETTING_LABELS.items():
        answer = shown_row("", enquiry.answer(setting, **kind.changes))
        before = shown_row("", earlier.answer(setting, **kind.changes)) if earlier else None
        case = CaseForm.starting_with(
            payer=book.payer.slug, on=on, setting=setting.value, diagnosis=enquiry.diagnosis, today=today
        )
        cells.append(Cell(label, answer, before, urlencode(case | {"coded_on": on} | kind.typed)))
    return MatrixRow(book.payer, enquiry.version, tuple(cells))


def _sentence(changed: int, on: date, since: date | None) -> str:
    if since is None:
        return ""
    days = {"on": in_words(on), "since": in_words(since), "changed": changed}
    if not changed:
        return _("Nothing differs between %(since)s and %(on)s.") % days
    counted = ngettext(
        "%(changed)s cell differs between %(since)s and %(on)s.",
        "%(changed)s cells differ between %(since)s and %(on)s.",
        changed,
    )
    return counted % days


def matrix_rows(page: dict[str, Any]) -> Iterator[list[str]]:
    """The matrix as rows of text: the payer, the version in force, then a cell a setting."""
    yield [_("Date of service"), in_words(page["on"]), str(page["kind_label"])]
    yield [_("Payer"), _("Version in force"), *[str(label) for label in page["settings"]]]
    for row in page["rows"]:
        yield [
            row.payer.name,
            row.version.label if row.version else "",
            *[_in_words(cell.answer) for cell in row.cells],
        ]


def changes_page(books: list[PayerBook], *, today: date, codebook: Codebook) -> dict[str, Any]:
    """What changes in the next 60 days, the next day on which anything does, and how far the date can be dragged."""
    days = days_of_change(books, codebook=codebook)
    drag_to = today + DRAG_BEYOND_TODAY
    return {
        "until": today + SOON,
        "soon": changes_between(books, today, today + SOON, codebook=codebook),
        "next": next((day for day in days if day > today + SOON), None),
        "drag_from": DRAG_FROM,
        "drag_to": drag_to,
        "drag_days": (drag_to - DRAG_FROM).days,
        "turning": [(day, (day - DRAG_FROM).days, day - ONE_DAY) for day in days if DRAG_FROM <= day <= drag_to],
    }


def changes_between(books: list[PayerBook], first: date, last: date, *, codebook: Codebook) -> list[Change]:
    """What begins on each date of service from `first` through `last`, in order of day; codes for everyone first."""
    found = [*_changes_of_codes(codebook, books, first, last)]
    for book in books:
        for day in sorted(_days_of(book, codebook)):
            if first <= day <= last:
                found.append(_change_of_payer(book, day, codebook))
    return sorted(found, key=lambda change: (change.day, change.payer.name if change.payer else ""))


def days_of_change(books: list[PayerBook], *, codebook: Codebook) -> list[date]:
    """Every day on which a payer's version or dated term, or a code, begins or ends."""
    days = {day for book in books for day in _days_of(book, codebook)}
    return sorted(days | set(_days_of_codes(codebook)))


def _days_of(book: PayerBook, codebook: Codebook) -> set[date]:
    """The days on which a payer's version begins, or on which the one in force says that something begins or ends."""
    days = {version.effective_from for version in book.standing()}
    for version in book.standing():
        for day in _dated_terms(version).values():
            if book.version_on(day) == version:
                days.add(day)
    return days


def _dated_terms(version: PolicyVersion) -> dict[str, date]:
    """The first day of what a version's dated terms bring: new codes from a day, the old code no longer after one."""
    terms = version.as_terms()
    days = {}
    if terms.payer_ready:
        days["payer_ready"] = terms.payer_ready
    if terms.keep_until:
        days["keep_until"] = terms.keep_until + ONE_DAY
    return days


def _change_of_payer(book: PayerBook, day: date, codebook: Codebook) -> Change:
    version = book.version_on(day)
    clauses = version.as_terms().clauses
    sentences: list[str] = []
    cited: list[str] = []
    if version.effective_from == day:
        sentences.append(_("A version begins: %(summary)s") % {"summary": version.summary or version.label})
        for key, before, after in _terms_changed(book.version_on(day - ONE_DAY), version):
            words = {"term": WORDS_OF[key].label, "before": before, "after": after}
            sentences.append(_("%(term)s: %(after)s instead of %(before)s") % words)
            cited.append(key)
    for key, of_term in _dated_terms(version).items():
        if of_term == day:
            value = stored_in_words(key, version.terms[key])
            sentences.append(f"{WORDS_OF[key].label}: {value}")
            cited.append(key)
    citations = tuple(dict.fromkeys(clauses[key] for key in cited if key in clauses))
    return Change(day, book.payer, tuple(sentences), citations, _cells_that_differ(book, day, codebook))


def _terms_changed(earlier: PolicyVersion | None, later: PolicyVersion) -> Iterator[tuple[str, str, str]]:
    """The terms that differ, each with both values in words; a term that is absent is left to the house."""
    before = earlier.terms if earlier else {}
    for key in WORDS_OF:
        was, became = before.get(key), later.terms.get(key)
        if was != became:
            yield (
                key,
                SILENT if was is None else stored_in_words(key, was),
                SILENT if became is None else stored_in_words(key, became),
            )


def _cells_that_differ(book: PayerBook, day: date, codebook: Codebook) -> int:
    before = Enquiry.of(book, on=day - ONE_DAY, codebook=codebook)
    after = Enquiry.of(book, on=day, codebook=codebook)
    return sum(
        _said(shown_row("", before.answer(setting))) != _said(shown_row("", after.answer(setting)))
        for setting in SETTING_LABELS
    )


def _days_of_codes(codebook: Codebook) -> Iterator[date]:
    for code in codebook.codes.values():
        if code.role is not None:
            if code.valid.starts_on:
                yield code.valid.starts_on
            if code.valid.ends_before:
                yield code.valid.ends_before


def _changes_of_codes(codebook: Codebook, books: list[PayerBook], first: date, last: date) -> Iterator[Change]:
    for day in sorted(set(_days_of_codes(codebook))):
        if not first <= day <= last:
            continue
        charged = [code for code in codebook.codes.values() if code.role is not None]
        begun = [code for code in charged if code.valid.starts_on == day]
        ended = [code for code in charged if code.valid.ends_before == day]
        sentences = []
        if begun:
            sentences.append(_("Codes that begin: %(codes)s") % {"codes": ", ".join(code.code for code in begun)})
        if ended:
            sentences.append(_("Codes deleted: %(codes)s") % {"codes": ", ".join(code.code for code in ended)})
        citations = tuple(dict.fromkeys(citation for code in (*begun, *ended) for citation in code.citations))
        cells = sum(_cells_that_differ(book, day, codebook) for book in books)
        yield Change(day, None, tuple(sentences), citations, cells)


def _said(row: ShownRow) -> tuple[object, ...]:
    """What a cell says, for comparing two days: lines, and findings by name."""
    return (row.lines, tuple(finding.name for finding in row.findings))


def _in_words(row: ShownRow) -> str:
    lines = "; ".join(" ".join((line.code, *line.modifiers)) + f" x{line.units}" for line in row.lines)
    found = ", ".join(dict.fromkeys(finding.name for finding in row.findings))
    return " | ".join(part for part in (lines or _("no line"), found) if part)
