"""A pattern before it is saved: one sentence, its weeks, what it will charge; and the pattern that was saved last."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from coding.codebook_files import load_codebook
from coding.models import ChargeLine
from coding.pattern_services import Outlook
from portal.models import FIRST_DAY, Guidance, Prescription
from portal.services.patterns import FilledPattern, Layout, SkippedDay, fractions_left_to_plan

SATURDAY = 5
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class CodeChange:
    """A day from which sessions of the pattern take other delivery codes."""

    begins: date
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Square:
    """One day of the preview: its fraction numbers, or why it has none."""

    day: date
    label: str
    numbers: tuple[int, ...]
    starts: str
    reason: str
    begins_code_set: bool


@dataclass(frozen=True, slots=True)
class PatternWeek:
    label: str
    squares: tuple[Square, ...]


@dataclass(frozen=True, slots=True)
class PatternPreview:
    """What saving would do. `sentence` is the one that is read out; `warnings` keep nobody from saving."""

    sentence: str
    codes: str
    warnings: tuple[str, ...]
    sessions: str
    weekdays: tuple[str, ...]
    weeks: tuple[PatternWeek, ...]
    count: int


@dataclass(frozen=True, slots=True)
class LastPattern:
    """The pattern that was filled last and still stands: `event` is what undoes it."""

    sentence: str
    event: int


def initial_pattern(prescription: Prescription) -> dict[str, Any]:
    """What the next pattern of a prescription most likely is: what is left, or may move, on the machine used last."""
    left = fractions_left_to_plan(prescription=prescription)
    course = prescription.course
    last = prescription.scheduled_fractions.order_by("-planned_on", "-pk").first()
    session = course.sessions.standing().order_by("-started_at").first()
    machines = list(course.department.machines.filter(is_active=True)[:2])
    machine = last.machine_id if last else session.machine_id if session else None
    return {
        "count": len(left or fractions_left_to_plan(prescription=prescription, moves_from=FIRST_DAY)) or None,
        "start": last.planned_time if last else None,
        "machine": machine or (machines[0].pk if len(machines) == 1 else None),
        "weekdays": ["0", "1", "2", "3", "4"],
        "a_day": prescription.sessions_a_day,
        "guidance": session.guidance if session else Guidance.NONE,
    }


def gap_hint(outlook: Outlook) -> str:
    """How long after the first a second session of a day starts at the earliest, and on whose word."""
    if outlook.min_gap is None:
        return ""
    return _("205p; at least %(gap)s later (%(said_by)s).") % {
        "gap": _hours(outlook.min_gap),
        "said_by": outlook.said_by,
    }


def pattern_preview(
    layout: Layout, outlook: Outlook, *, unused: Sequence[date], sessions: int, lines: Sequence[ChargeLine]
) -> PatternPreview:
    """What the pattern would put where; `lines` are those of the sessions that it would record."""
    days = [fraction.planned_on for fraction in layout.fractions]
    changes = _code_changes(outlook)
    return PatternPreview(
        sentence=_sentence(days, layout.skipped),
        codes=_codes_sentence(days, changes),
        warnings=tuple(_warnings(layout, outlook, unused)),
        sessions=sessions_sentence(sessions, lines) if sessions else "",
        weekdays=tuple(_weekdays(days)),
        weeks=tuple(_weeks(layout, changes)),
        count=len(days),
    )


def last_pattern_view(filled: FilledPattern | None, zone: ZoneInfo) -> LastPattern | None:
    """The last pattern in words, with who filled it and when on the department's clock."""
    if filled is None:
        return None
    at: datetime = filled.event.at.astimezone(zone)
    who = filled.event.by.shown_name if filled.event.by else _("the system")
    told = _("%(what)s. By %(who)s, %(when)s.") % {
        "what": filled.event.sentence,
        "who": who,
        "when": f"{at:%m/%d/%Y %I:%M %p}",
    }
    return LastPattern(told, filled.event.pk)


def sessions_sentence(sessions: int, lines: Iterable[ChargeLine]) -> str:
    """How many sessions are recorded and which lines they get: 22 x 77386 ready, 1 x 77386 held, ..."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for line in lines:
        counts[line.code][line.get_state_display().lower()] += 1
    told = ngettext("%(count)d session recorded", "%(count)d sessions recorded", sessions) % {"count": sessions}
    if not counts:
        return _("%(told)s, without a charge line.") % {"told": told}
    parts = [f"{number} × {code} {state}" for code, states in counts.items() for state, number in states.most_common()]
    return f"{told}: {', '.join(parts)}."


def filled_sentence(filled: FilledPattern, lines: list[ChargeLine]) -> str:
    """What saving did, for the message after it."""
    count = len(filled.fractions)
    told = ngettext("%(count)d fraction planned.", "%(count)d fractions planned.", count) % {"count": count}
    return f"{told} {sessions_sentence(len(filled.sessions), lines)}" if filled.sessions else told


def _sentence(days: Sequence[date], skipped: Sequence[SkippedDay]) -> str:
    count = len(days)
    told = ngettext("%(count)d fraction on %(first)s", "%(count)d fractions, %(first)s to %(last)s", count) % {
        "count": count,
        "first": f"{days[0]:%m/%d/%Y}",
        "last": f"{days[-1]:%m/%d/%Y}",
    }
    if not skipped:
        return f"{told}."
    around = ", ".join(f"{gap.day:%m/%d} ({gap.reason})" if gap.reason else f"{gap.day:%m/%d}" for gap in skipped)
    return _("%(told)s, skipping %(around)s.") % {"told": told, "around": around}


def _code_changes(outlook: Outlook) -> list[CodeChange]:
    """The days from which other delivery codes are asked for."""
    starts = {choice.period.starts_on for choice in load_codebook().delivery_choices if choice.period.starts_on}
    changes = []
    days = sorted(outlook.codes)
    for earlier, later in pairwise(days):
        if outlook.codes[earlier] != outlook.codes[later]:
            begins = max((day for day in starts if earlier < day <= later), default=later)
            changes.append(CodeChange(begins, outlook.codes[earlier], outlook.codes[later]))
    return changes


def _codes_sentence(days: Sequence[date], changes: Sequence[CodeChange]) -> str:
    """Where in the pattern other delivery codes take over; the facts of each session choose among them."""
    told = []
    for change in changes:
        before = sum(day < change.begins for day in days)
        told.append(
            _(
                "%(before)d before %(day)s, %(after)d from then on, "
                "where %(new)s in place of %(old)s by the facts of each session."
            )
            % {
                "before": before,
                "day": f"{change.begins:%m/%d/%Y}",
                "after": len(days) - before,
                "new": _("%(codes)s stands") % {"codes": _either(change.after)},
                "old": _either(change.before),
            }
        )
    return " ".join(told)


def _either(codes: Sequence[str]) -> str:
    return _(" or ").join(codes) or _("no code")


def _warnings(layout: Layout, outlook: Outlook, unused: Sequence[date]) -> list[str]:
    told = []
    gap = _least_gap(layout)
    if gap is not None and outlook.min_gap is not None and gap < outlook.min_gap:
        told.append(
            _("The two starts are %(gap)s apart; this payer asks for %(asked)s (%(said_by)s).")
            % {"gap": _hours(gap), "asked": _hours(outlook.min_gap), "said_by": outlook.said_by}
        )
    if unused:
        days = ", ".join(f"{day:%m/%d/%Y}" for day in unused)
        told.append(_("Not a day of this pattern, so skipped anyway: %(days)s.") % {"days": days})
    return told


def _least_gap(layout: Layout) -> int | None:
    """The fewest minutes between two starts of one day of the pattern."""
    starts = defaultdict(list)
    for fraction in layout.fractions:
        if fraction.planned_time:
            starts[fraction.planned_on].append(fraction.planned_time.hour * 60 + fraction.planned_time.minute)
    gaps = [later - earlier for clocks in starts.values() for earlier, later in pairwise(clocks)]
    return min(gaps, default=None)


def _hours(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    return (
        _("%(hours)d h %(rest)d min") % {"hours": hours, "rest": rest} if rest else _("%(hours)d h") % {"hours": hours}
    )


def _weekdays(days: Iterable[date]) -> list[str]:
    """Monday to Friday, and the weekend only where something stands on it."""
    names = [_("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Sun")]
    return names[: max(SATURDAY, *(day.weekday() + 1 for day in days))]


def _weeks(layout: Layout, changes: Sequence[CodeChange]) -> list[PatternWeek]:
    numbers, starts = defaultdict(list), defaultdict(list)
    for fraction in layout.fractions:
        numbers[fraction.planned_on].append(fraction.fraction_number)
        if fraction.planned_time:
            starts[fraction.planned_on].append(f"{fraction.planned_time:%I:%M %p}".lstrip("0"))
    reasons = {gap.day: gap.reason or _("skipped") for gap in layout.skipped}
    seams = {change.begins for change in changes}
    days = [fraction.planned_on for fraction in layout.fractions]
    columns = len(_weekdays(days))
    monday = days[0] - timedelta(days=days[0].weekday())
    weeks = []
    while monday <= days[-1]:
        squares = tuple(
            Square(
                day=day,
                label=f"{day:%b} {day.day}" if day.day == 1 or day == days[0] else str(day.day),
                numbers=tuple(numbers[day]),
                starts=", ".join(starts[day]) if len(numbers[day]) > 1 else "",
                reason=reasons.get(day, ""),
                begins_code_set=day in seams,
            )
            for day in (monday + timedelta(days=offset) for offset in range(columns))
        )
        weeks.append(PatternWeek(f"{monday:%b} {monday.day}", squares))
        monday += 7 * ONE_DAY
    return weeks
