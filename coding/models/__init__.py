"""Charge lines, the rulings that made them, and the holds that keep them back."""

from coding.models.lines import ChargeLine, FeeSchedule, LineState
from coding.models.rulings import SessionHold, SessionRuling, TraceRecord

__all__ = ["ChargeLine", "FeeSchedule", "LineState", "SessionHold", "SessionRuling", "TraceRecord"]
