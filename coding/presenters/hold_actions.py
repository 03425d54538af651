"""What an action on ticked holds will do and will not do, hold by hold, and what became of it."""

from collections import defaultdict
from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from coding.hold_actions import HoldAction, HoldOutcome, Obstacle, PlannedHold
from coding.models import SessionHold
from coding.presenters.review import hold_title
from portal.models import User
from portal.presenters.bulk import BulkAction, BulkBar, bulk_bar

KEYS = {HoldAction.TAKE: "T", HoldAction.ASSIGN: "A", HoldAction.RELEASE: "R", HoldAction.NOTE: "N"}
PERMISSIONS = {
    HoldAction.TAKE: "coding.change_sessionhold",
    HoldAction.ASSIGN: "coding.change_sessionhold",
    HoldAction.RELEASE: "coding.release_hold",
    HoldAction.NOTE: "coding.change_sessionhold",
}


@dataclass(frozen=True, slots=True)
class ToldHold:
    """A hold in a list of holds: its title, and the hold itself for patient and day."""

    hold: SessionHold
    title: str


@dataclass(frozen=True, slots=True)
class RefusedHolds:
    """The holds that one obstacle keeps as they are."""

    reason: str
    holds: list[ToldHold]


@dataclass(frozen=True, slots=True)
class HoldsPreview:
    """`sentence` says what will be done in all, `verb` is on the button, `gone` were ticked and are not found."""

    action: HoldAction
    will: list[ToldHold]
    refused: list[RefusedHolds]
    sentence: str
    verb: str
    gone: int

    @property
    def is_possible(self) -> bool:
        return bool(self.will)

    @property
    def carry_out_url(self) -> str:
        return reverse("hold-carry-out")


@dataclass(frozen=True, slots=True)
class HoldsDone:
    """What became of an action, what was not done and why, and what takes it back."""

    action: HoldAction
    sentence: str
    failed: list[tuple[ToldHold, str]]
    refused: list[RefusedHolds]
    set_back: list[str]


def hold_bar(user: User, on_page: int, count_text: str) -> BulkBar | None:
    """The bar over the list of holds, with what the person may do; nothing for one who only reads."""
    actions = [BulkAction(action, str(action.label), KEYS[action], PERMISSIONS[action]) for action in HoldAction]
    return bulk_bar(user=user, actions=actions, url=reverse("hold-preview"), on_page=on_page, count_text=count_text)


def preview(action: HoldAction, plan: list[PlannedHold], *, gone: int) -> HoldsPreview:
    will = [_told(planned.hold) for planned in plan if planned.obstacle is None]
    return HoldsPreview(action, will, _refused(plan), _will_be(action, len(will)), _verb(action, len(will)), gone)


def done(action: HoldAction, plan: list[PlannedHold], outcome: HoldOutcome) -> HoldsDone:
    failed = [(_told(hold), why) for hold, why in outcome.failed]
    return HoldsDone(action, _was(action, len(outcome.done)), failed, _refused(plan), outcome.set_back)


def _told(hold: SessionHold) -> ToldHold:
    return ToldHold(hold, hold_title(hold))


def _refused(plan: list[PlannedHold]) -> list[RefusedHolds]:
    refused: dict[Obstacle, list[ToldHold]] = defaultdict(list)
    for planned in plan:
        if planned.obstacle is not None:
            refused[planned.obstacle].append(_told(planned.hold))
    return [RefusedHolds(str(obstacle.label), holds) for obstacle, holds in refused.items()]


def _will_be(action: HoldAction, n: int) -> str:
    sentences = {
        HoldAction.TAKE: ngettext("%(n)d hold will be yours", "%(n)d holds will be yours", n),
        HoldAction.ASSIGN: ngettext("%(n)d hold will be assigned", "%(n)d holds will be assigned", n),
        HoldAction.RELEASE: ngettext("%(n)d hold will be released", "%(n)d holds will be released", n),
        HoldAction.NOTE: ngettext("%(n)d hold will get a note", "%(n)d holds will get a note", n),
    }
    return sentences[action] % {"n": n}


def _verb(action: HoldAction, n: int) -> str:
    verbs = {
        HoldAction.TAKE: ngettext("Take %(n)d hold", "Take %(n)d holds", n),
        HoldAction.ASSIGN: ngettext("Assign %(n)d hold", "Assign %(n)d holds", n),
        HoldAction.RELEASE: ngettext("Release %(n)d hold", "Release %(n)d holds", n),
        HoldAction.NOTE: ngettext("Note on %(n)d hold", "Note on %(n)d holds", n),
    }
    return verbs[action] % {"n": n}


def _was(action: HoldAction, n: int) -> str:
    sentences = {
        HoldAction.TAKE: ngettext("%(n)d hold is yours.", "%(n)d holds are yours.", n),
        HoldAction.ASSIGN: ngettext("%(n)d hold assigned.", "%(n)d holds assigned.", n),
        HoldAction.RELEASE: ngettext("%(n)d hold released.", "%(n)d holds released.", n),
        HoldAction.NOTE: ngettext("Note written on %(n)d hold.", "Note written on %(n)d holds.", n),
    }
    return _("Nothing was done.") if n == 0 else sentences[action] % {"n": n}
