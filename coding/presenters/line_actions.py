"""What an action on ticked lines will do and will not do, line by line, and what became of it."""

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from coding.line_actions import LineAction, Obstacle, Outcome, PlannedLine
from coding.models import ChargeLine, LineState
from coding.presenters.review import hold_title
from portal.models import User
from portal.presenters.bulk import BulkAction, BulkBar, bulk_bar

KEYS = {LineAction.RELEASE: "R", LineAction.ASSIGN: "A", LineAction.HOLD: "H", LineAction.NOTE: "N"}
PERMISSIONS = {
    LineAction.RELEASE: "coding.release_hold",
    LineAction.ASSIGN: "coding.change_sessionhold",
    LineAction.HOLD: "coding.add_sessionhold",
    LineAction.NOTE: "coding.change_sessionhold",
}


@dataclass(frozen=True, slots=True)
class WillRow:
    """A line that something is done to: to which holds, and what it is afterwards."""

    line: ChargeLine
    holds: list[str]
    becomes: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The lines that one obstacle keeps as they are, each with the holds that matter."""

    reason: str
    lines: list[tuple[ChargeLine, list[str]]]


@dataclass(frozen=True, slots=True)
class Preview:
    """`sentence` says what will be done in all, `verb` is on the button, `gone` were ticked and are not found."""

    action: LineAction
    will: list[WillRow]
    refused: list[Refused]
    sentence: str
    verb: str
    expected: Decimal | None
    gone: int

    @property
    def is_possible(self) -> bool:
        return bool(self.will)

    @property
    def carry_out_url(self) -> str:
        return reverse("line-carry-out")

    @property
    def refused_count(self) -> int:
        return sum(len(group.lines) for group in self.refused)


@dataclass(frozen=True, slots=True)
class Done:
    """What became of an action, and what takes it back."""

    action: LineAction
    sentence: str
    failed: list[tuple[ChargeLine, str]]
    set_back: list[str]


def line_bar(user: User, on_page: int, count_text: str) -> BulkBar | None:
    """The bar over the lines of charge review, with what the person may do; nothing for one who only reads."""
    actions = [BulkAction(action, str(action.label), KEYS[action], PERMISSIONS[action]) for action in LineAction]
    return bulk_bar(user=user, actions=actions, url=reverse("line-preview"), on_page=on_page, count_text=count_text)


def preview(action: LineAction, plan: list[PlannedLine], *, gone: int) -> Preview:
    refused: dict[Obstacle, list[tuple[ChargeLine, list[str]]]] = defaultdict(list)
    for planned in plan:
        if planned.obstacle is not None:
            holds = [hold_title(hold) for hold in planned.remaining]
            refused[planned.obstacle].append((planned.line, holds))
    will = [_will(action, planned) for planned in plan if planned.obstacle is None]
    amounts = [row.line.expected_amount for row in will if row.line.expected_amount is not None]
    return Preview(
        action=action,
        will=will,
        refused=[Refused(str(obstacle.label), lines) for obstacle, lines in refused.items()],
        sentence=_will_be(action, len(will)),
        verb=_verb(action, len(will)),
        expected=sum(amounts) if amounts else None,
        gone=gone,
    )


def done(action: LineAction, outcome: Outcome) -> Done:
    return Done(action, _was(action, len(outcome.done)), outcome.failed, outcome.set_back)


def _will(action: LineAction, planned: PlannedLine) -> WillRow:
    line = planned.line
    holds = [hold_title(hold) for hold in planned.holds]
    becomes = ""
    if action is LineAction.HOLD:
        becomes = _("becomes held")
    elif action is LineAction.RELEASE and planned.remaining:
        titles = ", ".join(hold_title(hold) for hold in planned.remaining)
        becomes = _("stays held: %(reasons)s (hard, cleared by the facts)") % {"reasons": titles}
    elif action is LineAction.RELEASE:
        becomes = _("stays a draft") if line.state == LineState.DRAFT else _("becomes ready")
    return WillRow(line, holds, becomes)


def _will_be(action: LineAction, n: int) -> str:
    sentences = {
        LineAction.RELEASE: ngettext(
            "Soft holds of %(n)d line will be released", "Soft holds of %(n)d lines will be released", n
        ),
        LineAction.ASSIGN: ngettext(
            "The holds of %(n)d line will be assigned", "The holds of %(n)d lines will be assigned", n
        ),
        LineAction.HOLD: ngettext("%(n)d ready line will be held", "%(n)d ready lines will be held", n),
        LineAction.NOTE: ngettext(
            "The holds of %(n)d line will get a note", "The holds of %(n)d lines will get a note", n
        ),
    }
    return sentences[action] % {"n": n}


def _verb(action: LineAction, n: int) -> str:
    verbs = {
        LineAction.RELEASE: ngettext("Release %(n)d line", "Release %(n)d lines", n),
        LineAction.ASSIGN: ngettext("Assign %(n)d line", "Assign %(n)d lines", n),
        LineAction.HOLD: ngettext("Hold %(n)d line", "Hold %(n)d lines", n),
        LineAction.NOTE: ngettext("Note on %(n)d line", "Note on %(n)d lines", n),
    }
    return verbs[action] % {"n": n}


def _was(action: LineAction, n: int) -> str:
    sentences = {
        LineAction.RELEASE: ngettext("%(n)d line released.", "%(n)d lines released.", n),
        LineAction.ASSIGN: ngettext("%(n)d line assigned.", "%(n)d lines assigned.", n),
        LineAction.HOLD: ngettext("%(n)d line held.", "%(n)d lines held.", n),
        LineAction.NOTE: ngettext("Note written on %(n)d line.", "Note written on %(n)d lines.", n),
    }
    return sentences[action] % {"n": n}
