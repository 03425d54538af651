"""Bars of a chart, placed by the server; the same numbers stand in the table beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

WIDTH, LABEL_WIDTH, TEXT_WIDTH, ROW, BAR = 760, 220, 190, 26, 16
LONGEST_LABEL = 30


@dataclass(frozen=True, slots=True)
class Measured:
    """One thing that a chart measures; `kind` is a state that names the bar's colour, or empty."""

    label: str
    value: Decimal
    text: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    label: str
    value_text: str
    kind: str
    x: int
    y: int
    width: int
    height: int
    text_x: int
    text_y: int


@dataclass(frozen=True, slots=True)
class Chart:
    title: str
    width: int
    height: int
    axis_x: int
    bars: list[Bar]


def bar_chart(title: str, measured: Sequence[Measured]) -> Chart:
    """Horizontal bars, the longest filling the width; something above zero is never drawn as nothing."""
    most = max((one.value for one in measured), default=Decimal(0)) or Decimal(1)
    room = WIDTH - LABEL_WIDTH - TEXT_WIDTH
    bars = []
    for place, one in enumerate(measured):
        width = max(round(room * one.value / most), 1) if one.value else 0
        top = place * ROW + (ROW - BAR) // 2
        short = one.label if len(one.label) <= LONGEST_LABEL else one.label[: LONGEST_LABEL - 1] + "…"
        bars.append(
            Bar(short, one.text, one.kind, LABEL_WIDTH, top, width, BAR, LABEL_WIDTH + width + 8, top + BAR - 4)
        )
    return Chart(title=title, width=WIDTH, height=max(len(bars), 1) * ROW, axis_x=LABEL_WIDTH, bars=bars)
