"""The audit trail as sentences: who did what and when, with what changed."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.apps import apps
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from portal.models import AuditEvent

# The page of a record; a record of another kind is met in its trail alone.
PAGE_OF_KIND = {
    "portal.patient": "patient-detail",
    "portal.course": "course-detail",
    "portal.treatmentsession": "session-detail",
    "coding.chargeline": "line-why",
    "payers.policyversion": "version-detail",
}


@dataclass(frozen=True, slots=True)
class Change:
    """One field, before and after, as people read it."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class EventRow:
    """One act: when on the clock of the place, who, what was done to which record, and what changed."""

    at: datetime
    when: str
    who: str
    sentence: str
    changes: list[Change]
    record: str
    kind: str
    subject_id: int


def event_rows(events: Iterable[AuditEvent], *, zone: ZoneInfo) -> list[EventRow]:
    """The events as people read them; each reads its `by`, so select it with them."""
    return [
        EventRow(
            at=event.at,
            when=local_time(event.at, zone),
            who=event.by.shown_name if event.by else _("The system"),
            sentence=event.sentence,
            changes=[Change(field_words(name), *map(value_words, pair)) for name, pair in event.changes.items()],
            record=record_name(event.subject_kind, event.subject_id),
            kind=event.subject_kind,
            subject_id=event.subject_id,
        )
        for event in events
    ]


def local_time(at: datetime, zone: ZoneInfo) -> str:
    """An instant on the clock of a place, with zone and distance from UTC: 11/21/2026 2:14 PM CST (UTC-06:00)."""
    there = at.astimezone(zone)
    offset = f"{there:%z}"
    clock = f"{there:%I:%M %p}".lstrip("0")
    return f"{there:%m/%d/%Y} {clock} {there:%Z} (UTC{offset[:3]}:{offset[3:]})"


def record_name(kind: str, pk: int) -> str:
    """What kind of record it is, and its number."""
    try:
        words = str(apps.get_model(kind)._meta.verbose_name)
    except (LookupError, ValueError):
        words = kind
    return f"{capfirst(words)} {pk}"


def record_url(kind: str, pk: int) -> str:
    """The record's own page, or empty where it has none."""
    name = PAGE_OF_KIND.get(kind)
    return reverse(name, args=[pk]) if name else ""


def action_words(action: str) -> str:
    """An action as people read it: "release_hold" is "Release hold"."""
    return capfirst(action.replace("_", " "))


def field_words(name: str) -> str:
    return capfirst(name.replace("_", " "))


def value_words(value: Any) -> str:
    """A saved value as people read it; nothing is said to be empty."""
    if value in (None, "", []):
        return _("empty")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return ", ".join(value_words(item) for item in value)
    return str(value)


def export_rows(
    events: Iterable[AuditEvent], filters: Sequence[tuple[str, str]], *, zone: ZoneInfo
) -> Iterator[list[str]]:
    """The rows of the CSV file: the filters, then each act with its instant in UTC and on the clock of the place."""
    for name, value in filters:
        yield [name, value]
    yield []
    yield [_("At (UTC)"), _("Local time"), _("Who"), _("Action"), _("Record"), _("What was done"), _("What changed")]
    for event in events:
        changes = [
            f"{field_words(name)}: {value_words(before)} → {value_words(after)}"
            for name, (before, after) in event.changes.items()
        ]
        yield [
            event.at.isoformat(timespec="seconds"),
            local_time(event.at, zone),
            event.by.username if event.by else _("The system"),
            event.action,
            f"{event.subject_kind} {event.subject_id}",
            event.sentence,
            "; ".join(changes),
        ]
