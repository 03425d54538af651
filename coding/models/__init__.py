"""Charge lines, the rulings that made them, what holds them back, and what a policy or an official file changes."""

from coding.models.impact import ImpactPreview, ImpactRow, RecaptureItem, RecaptureState
from coding.models.lines import UNFILED, ChargeLine, FeeSchedule, LineState, line_in_words
from coding.models.rates import CONTRACT_FROM, ContractRate
from coding.models.reference import ReferenceKind, ReferenceLoad, ReferenceRow
from coding.models.rollups import LINES_CAPTURED, ActMark, ActRollup, ChargeRollup, Grain, RollupMark
from coding.models.rulings import HELD_BY_HAND, HoldNote, SessionHold, SessionRuling, TraceRecord, keeps_back
from coding.models.units import UnitsMark, UnitsUsed

__all__ = [
    "CONTRACT_FROM",
    "HELD_BY_HAND",
    "LINES_CAPTURED",
    "UNFILED",
    "ActMark",
    "ActRollup",
    "ChargeLine",
    "ChargeRollup",
    "ContractRate",
    "FeeSchedule",
    "Grain",
    "HoldNote",
    "ImpactPreview",
    "ImpactRow",
    "LineState",
    "RecaptureItem",
    "RecaptureState",
    "ReferenceKind",
    "ReferenceLoad",
    "ReferenceRow",
    "RollupMark",
    "SessionHold",
    "SessionRuling",
    "TraceRecord",
    "UnitsMark",
    "UnitsUsed",
    "keeps_back",
    "line_in_words",
]
