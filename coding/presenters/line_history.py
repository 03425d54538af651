"""What happened to a line, newest first: computed, replaced, held, released, exported, voided; and by whom."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from coding.models import ChargeLine, SessionHold, SessionRuling
from portal.models import AuditEvent, TreatmentSession
from portal.presenters.audit import Change, event_rows, field_words, local_time, value_words

EVENTS_AT_MOST = 50
# Told by the rulings themselves, with what changed in the line.
OF_RULINGS = "capture_charges"
OF_HOLDS = ("release_hold", "reopen_hold", "place_hold", "assign_hold", "note_hold")
COMPARED = (
    "code",
    "modifiers",
    "units",
    "place_of_service",
    "revenue_code",
    "diagnoses",
    "diagnosis_pointers",
    "rendering_npi",
    "billing_npi",
    "charge_amount",
    "expected_amount",
)


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One act: when on the department's clock, who, what, and what it changed."""

    at: datetime
    when: str
    who: str
    sentence: str
    changes: list[Change] = field(default_factory=list)


def line_history(line: ChargeLine, of_place: Sequence[ChargeLine], holds: Sequence[SessionHold]) -> list[HistoryRow]:
    """The history of the lines of one claim form and role, of which `line` is one; `holds` are those on them."""
    session = line.session
    zone = session.department.zone
    moves = AuditEvent.objects.filter(
        subject_kind=ChargeLine._meta.label_lower, subject_id__in=[one.pk for one in of_place]
    )
    rows = [
        *_of_rulings(_rulings(session), of_place, zone),
        *_of_engine_holds(holds, zone),
        *_of_events(_latest(moves), zone),
        *_of_events(_concerning(_events(session), of_place, holds), zone),
    ]
    return _newest_first(rows)


def session_history(session: TreatmentSession, holds: Sequence[SessionHold]) -> list[HistoryRow]:
    """What happened to the session and its rulings."""
    zone = session.department.zone
    return _newest_first([*_of_engine_holds(holds, zone), *_of_events(_events(session), zone)])


def _newest_first(rows: Iterable[HistoryRow]) -> list[HistoryRow]:
    """What happened at one instant stays in the order given, and is read from below too."""
    return sorted(rows, key=lambda row: row.at)[::-1]


def _rulings(session: TreatmentSession) -> list[SessionRuling]:
    latest = session.rulings.select_related("captured_by", "policy_version__policy__payer").order_by("-revision")
    return list(reversed(latest[:EVENTS_AT_MOST]))


def _events(session: TreatmentSession) -> list[AuditEvent]:
    return _latest(AuditEvent.objects.about(session))


def _latest(events) -> list[AuditEvent]:
    return list(events.select_related("by").order_by("-at", "-pk")[:EVENTS_AT_MOST])


def _concerning(
    events: Iterable[AuditEvent], of_place: Sequence[ChargeLine], holds: Sequence[SessionHold]
) -> Iterator[AuditEvent]:
    """What concerns these lines of all that happened to the session: no hold of another line, no ruling again."""
    named = {*(hold.name for hold in holds), *map(str, of_place)}
    for event in events:
        is_other_hold = event.action in OF_HOLDS and not any(name in event.sentence for name in named)
        if event.action != OF_RULINGS and not is_other_hold:
            yield event


def _of_events(events: Iterable[AuditEvent], zone: ZoneInfo) -> Iterator[HistoryRow]:
    """Acts of people, oldest first; what an amendment changed is shown, the others say it in their sentence."""
    oldest_first = list(reversed(list(events)))
    for event, row in zip(oldest_first, event_rows(oldest_first, zone=zone), strict=True):
        changes = row.changes if event.action == "amend_session" else []
        yield HistoryRow(row.at, row.when, row.who, row.sentence, changes)


def _of_rulings(
    rulings: Sequence[SessionRuling], of_place: Sequence[ChargeLine], zone: ZoneInfo
) -> Iterator[HistoryRow]:
    made = {line.ruling_id: line for line in of_place}
    before: ChargeLine | None = None
    for earlier, ruling in pairwise([None, *rulings]):
        line = made.get(ruling.pk)
        changes = _compared(before, line) if before and line else []
        if earlier is not None and earlier.policy_version_id != ruling.policy_version_id:
            changes.append(Change(_("Policy version"), _version(earlier), _version(ruling)))
        yield HistoryRow(
            ruling.captured_at,
            local_time(ruling.captured_at, zone),
            ruling.captured_by.shown_name if ruling.captured_by else _("The system"),
            _told(ruling, line, before, of_place),
            changes,
        )
        before = line or before


def _told(
    ruling: SessionRuling, line: ChargeLine | None, before: ChargeLine | None, of_place: Sequence[ChargeLine]
) -> str:
    """What the ruling did to the line."""
    words: dict[str, Any] = {"number": ruling.revision, "line": line, "before": before}
    if line is not None and line.corrects_id is not None:
        return _("Ruling %(number)s drafted a correction of the exported line: %(line)s") % words
    if line is not None and before is None:
        return _("Ruling %(number)s created the line: %(line)s") % words
    if line is not None and line.content == before.content:
        return _("Ruling %(number)s computed it again: still %(line)s") % words
    if line is not None:
        return _("Ruling %(number)s replaced %(before)s with %(line)s") % words
    if any(other.replaced_in_id == ruling.pk for other in of_place):
        return _("Ruling %(number)s took the line away: it charges none here") % words
    if any(other.cancellation_drafted_in_id == ruling.pk for other in of_place):
        return _("Ruling %(number)s charges the exported line no longer: cancel it at the payer") % words
    if before is None:
        return _("Ruling %(number)s charged no line here") % words
    return _("Ruling %(number)s left the line as it was: %(before)s") % words


def _version(ruling: SessionRuling) -> str:
    return ruling.policy_version.label if ruling.policy_version else _("none")


def _compared(before: ChargeLine, after: ChargeLine) -> list[Change]:
    """The fields of the line that the ruling changed, before and after."""
    return [
        Change(field_words(name), value_words(getattr(before, name)), value_words(getattr(after, name)))
        for name in COMPARED
        if getattr(before, name) != getattr(after, name)
    ]


def _of_engine_holds(holds: Sequence[SessionHold], zone: ZoneInfo) -> Iterator[HistoryRow]:
    """Holds that the engine opened and closed; those of people, and releases taken back, are acts of their own.

    A release that is taken back closes the hold and opens an equal one under the same ruling.
    """
    found = [hold for hold in holds if hold.placed_by_id is None]
    keys = [(hold.ruling_id, hold.name, hold.claim_form, hold.role, hold.grounds_digest) for hold in found]
    for place, (hold, key) in enumerate(zip(found, keys, strict=True)):
        if key not in keys[:place]:
            yield _of_engine(hold.opened_at, _("Held: %(name)s. %(sentence)s"), hold, zone)
        if hold.closed_at is not None and key not in keys[place + 1 :]:
            yield _of_engine(hold.closed_at, _("Hold %(name)s closed: its grounds are gone"), hold, zone)


def _of_engine(at: datetime, sentence: str, hold: SessionHold, zone: ZoneInfo) -> HistoryRow:
    words = {"name": hold.name, "sentence": hold.sentence}
    return HistoryRow(at, local_time(at, zone), _("The engine"), sentence % words)
