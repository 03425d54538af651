"""What is done to many holds at once: planned first, so that it can be shown, then done one by one."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from coding.line_actions import LineAction, tried, work_on
from coding.models import SessionHold
from portal.models import User


class HoldAction(TextChoices):
    """TAKE is an assignment to the person who asks; the due days stay as they are."""

    TAKE = "take", _("Take")
    ASSIGN = "assign", _("Assign")
    RELEASE = "release", _("Release")
    NOTE = "note", _("Note")


class Obstacle(TextChoices):
    """Why nothing is done to a hold, as a person reads it."""

    HARD = "hard", _("Hard: cleared by the facts, no role releases it")
    NOT_OPEN = "not_open", _("Not open any more: released, or its facts changed")


@dataclass(frozen=True, slots=True)
class PlannedHold:
    hold: SessionHold
    obstacle: Obstacle | None = None


@dataclass(slots=True)
class HoldOutcome:
    """What became of a plan: holds done, holds that failed with the reason, and how each is set back."""

    done: list[SessionHold] = field(default_factory=list)
    failed: list[tuple[SessionHold, str]] = field(default_factory=list)
    set_back: list[str] = field(default_factory=list)


def plan_holds(action: HoldAction, holds: Iterable[SessionHold]) -> list[PlannedHold]:
    """What the action would do to each hold."""
    return [PlannedHold(hold, _obstacle(action, hold)) for hold in holds]


def _obstacle(action: HoldAction, hold: SessionHold) -> Obstacle | None:
    if not hold.is_open:
        return Obstacle.NOT_OPEN
    return Obstacle.HARD if action is HoldAction.RELEASE and hold.is_hard else None


def carry_out(
    *,
    action: HoldAction,
    plan: Iterable[PlannedHold],
    at: datetime,
    by: User,
    note: str = "",
    owner: User | None = None,
    due_on: date | None = None,
) -> HoldOutcome:
    """Do what was planned in order of patient, each hold in its own transaction; what fails does not stop the rest."""
    outcome = HoldOutcome()
    same = LineAction.ASSIGN if action is HoldAction.TAKE else LineAction(action)
    wanted = [planned.hold for planned in plan if planned.obstacle is None]
    for hold in sorted(wanted, key=lambda one: (one.session.course.patient_id, one.pk)):
        whose, until = (by, hold.due_on) if action is HoldAction.TAKE else (owner, due_on)
        failure = tried(
            lambda hold=hold, whose=whose, until=until: work_on(
                outcome.set_back, same, hold, note, whose, until, at, by
            )
        )
        if failure:
            outcome.failed.append((hold, failure))
        else:
            outcome.done.append(hold)
    return outcome
