"""What is done to many charge lines at once: planned first, so that it can be shown, then done one by one."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

from django.db import DatabaseError
from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from coding.hold_services import HardHold, NotReady, assign_hold, note_hold, place_hold, release_hold, reopen_hold
from coding.models import ChargeLine, LineState, SessionHold
from portal.models import User

logger = logging.getLogger(__name__)


class LineAction(TextChoices):
    RELEASE = "release", _("Release")
    ASSIGN = "assign", _("Assign")
    HOLD = "hold", _("Hold")
    NOTE = "note", _("Note")


class Obstacle(TextChoices):
    """Why nothing is done to a line, as a person reads it."""

    HARD = "hard", _("Hard hold: cleared by the facts, no role releases it")
    NOT_HELD = "not_held", _("Not held: nothing keeps it back")
    NO_HOLD = "no_hold", _("Nothing to do this to: no hold is open on it")
    HELD = "held", _("Held already")
    DRAFT = "draft", _("Draft: an error must be put right first, or it waits for a correction to be sent")
    EXPORTED = "exported", _("Exported: it is corrected or cancelled, never held")
    GONE = "gone", _("Void or replaced meanwhile")


@dataclass(frozen=True, slots=True)
class PlannedLine:
    """One line, the holds that the action is done to, what stands in its way, and what keeps it back afterwards."""

    line: ChargeLine
    holds: tuple[SessionHold, ...] = ()
    obstacle: Obstacle | None = None
    remaining: tuple[SessionHold, ...] = ()


@dataclass(slots=True)
class Outcome:
    """What became of a plan: lines done, lines that failed with the reason, and how the holds can be set back."""

    done: list[ChargeLine] = field(default_factory=list)
    failed: list[tuple[ChargeLine, str]] = field(default_factory=list)
    set_back: list[str] = field(default_factory=list)


def plan_lines(action: LineAction, lines: Iterable[ChargeLine]) -> list[PlannedLine]:
    """What the action would do to each line; `lines` carry the open holds of their sessions as `open_holds`."""
    return [_planned(action, line) for line in lines]


def _planned(action: LineAction, line: ChargeLine) -> PlannedLine:
    if line.state == LineState.VOID or line.replaced_in_id is not None:
        return PlannedLine(line, obstacle=Obstacle.GONE)
    holds = tuple(hold for hold in line.session.open_holds if hold.applies_to(line))
    if action is LineAction.HOLD:
        return PlannedLine(line, obstacle=_cannot_be_held(line))
    if line.state == LineState.EXPORTED:
        return PlannedLine(line, obstacle=Obstacle.EXPORTED)
    if action is LineAction.RELEASE:
        soft = tuple(hold for hold in holds if not hold.is_hard)
        if soft:
            return PlannedLine(line, soft, remaining=tuple(hold for hold in holds if hold.is_hard))
        return PlannedLine(line, obstacle=Obstacle.HARD if holds else _not_held(line), remaining=holds)
    return PlannedLine(line, holds, obstacle=None if holds else Obstacle.NO_HOLD)


def _cannot_be_held(line: ChargeLine) -> Obstacle | None:
    obstacles = {
        LineState.HELD: Obstacle.HELD,
        LineState.DRAFT: Obstacle.DRAFT,
        LineState.EXPORTED: Obstacle.EXPORTED,
    }
    return obstacles.get(LineState(line.state))


def _not_held(line: ChargeLine) -> Obstacle:
    return Obstacle.DRAFT if line.state == LineState.DRAFT else Obstacle.NOT_HELD


def carry_out(
    *,
    action: LineAction,
    plan: Iterable[PlannedLine],
    at: datetime,
    by: User,
    note: str = "",
    owner: User | None = None,
    due_on: date | None = None,
) -> Outcome:
    """Do what was planned, hold by hold and in order of patient, each in its own transaction.

    A hold that several lines share is worked on once. What fails does not stop the rest; it is told.
    """
    outcome = Outcome()
    worked: dict[int, str] = {}
    for planned in sorted(plan, key=lambda one: (one.line.session.course.patient_id, one.line.pk)):
        if planned.obstacle is not None:
            continue
        if action is LineAction.HOLD:
            failure = tried(lambda line=planned.line: _place(outcome, line, note, at, by))
        else:
            for hold in planned.holds:
                if hold.pk not in worked:
                    worked[hold.pk] = tried(
                        lambda hold=hold: work_on(outcome.set_back, action, hold, note, owner, due_on, at, by)
                    )
            failure = next((worked[hold.pk] for hold in planned.holds if worked[hold.pk]), "")
        if failure:
            outcome.failed.append((planned.line, failure))
        else:
            outcome.done.append(planned.line)
    return outcome


def tried(work: Callable[[], None]) -> str:
    """Why the work failed, or nothing."""
    try:
        work()
    except HardHold:
        return str(Obstacle.HARD.label)
    except NotReady:
        return str(_("It is not ready any more; somebody was quicker"))
    except DatabaseError:
        logger.exception("a hold could not be worked on")
        return str(_("The database did not take it; try this one again"))
    return ""


def _place(outcome: Outcome, line: ChargeLine, reason: str, at: datetime, by: User) -> None:
    hold = place_hold(line=line, reason=reason, at=at, by=by)
    outcome.set_back.append(f"{hold.pk}")


def work_on(
    set_back: list[str],
    action: LineAction,
    hold: SessionHold,
    note: str,
    owner: User | None,
    due_on: date | None,
    at: datetime,
    by: User,
) -> None:
    """Do it to one hold as for one; `set_back` takes on how it is taken back."""
    if action is LineAction.RELEASE:
        released = release_hold(hold=hold, note=note, at=at, by=by)
        if (released.released_at, released.released_by_id) == (at, by.pk):
            set_back.append(f"{hold.pk}")
    elif action is LineAction.ASSIGN:
        assign_hold(hold=hold, owner=owner, due_on=due_on, by=by)
        set_back.append(f"{hold.pk}:{hold.owner_id or ''}:{hold.due_on or ''}")
    else:
        note_hold(hold=hold, text=note, at=at, by=by)


def set_back(*, action: LineAction, hold: SessionHold, owner: User | None, due_on: date | None, at: datetime, by: User):
    """Take back what an action did to one hold: a release, a hold placed by hand, or another owner and due day."""
    if action is LineAction.RELEASE:
        reopen_hold(hold=hold, at=at, by=by)
    elif action is LineAction.HOLD:
        release_hold(hold=hold, note=str(_("Placed by mistake; taken back at once")), at=at, by=by)
    elif action is LineAction.ASSIGN:
        assign_hold(hold=hold, owner=owner, due_on=due_on, by=by)
