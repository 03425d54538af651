"""The audit trail as sentences with what changed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from portal.models import AuditEvent


@dataclass(frozen=True, slots=True)
class EventRow:
    """One act: when, who, what, and each field before and after."""

    event: AuditEvent
    changes: list[tuple[str, str, str]]


def event_rows(events: list[AuditEvent]) -> list[EventRow]:
    return [EventRow(event, [_change(name, *pair) for name, pair in event.changes.items()]) for event in events]


def _change(field: str, before: Any, after: Any) -> tuple[str, str, str]:
    return (field.replace("_", " "), _text(before), _text(after))


def _text(value: Any) -> str:
    if value in (None, "", []):
        return "empty"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_text(item) for item in value)
    return str(value)


def export_lines(events: list[AuditEvent]) -> list[list[str]]:
    """The rows of the CSV export, times in UTC."""
    rows = [["At (UTC)", "By", "Action", "Record", "What was done"]]
    for event in events:
        at: datetime = event.at
        by = event.by.username if event.by else "system"
        record = f"{event.subject_kind} {event.subject_id}"
        rows.append([at.isoformat(timespec="seconds"), by, event.action, record, event.sentence])
    return rows
