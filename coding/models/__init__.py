"""Charge lines, the rulings that made them, and the holds that keep them back."""

from coding.models.lines import ChargeLine, FeeSchedule, LineState
from coding.models.rulings import HELD_BY_HAND, HoldNote, SessionHold, SessionRuling, TraceRecord

__all__ = [
    "HELD_BY_HAND",
    "ChargeLine",
    "FeeSchedule",
    "HoldNote",
    "LineState",
    "SessionHold",
    "SessionRuling",
    "TraceRecord",
]
