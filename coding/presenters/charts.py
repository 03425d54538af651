"""Bars of a chart, placed by the server; the same numbers stand in the table beside it."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, LABEL_WIDTH, ROW, BAR = 720, 220, 26, 16
LONGEST_LABEL = 30


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


def bar_chart(title: str, values: Sequence[tuple[str, int, str]]) -> Chart:
    """Horizontal bars of (label, value, kind), the longest filling the width."""
    most = max((value for _, value, _ in values), default=1) or 1
    room = WIDTH - LABEL_WIDTH - 80
    bars = []
    for place, (label, value, kind) in enumerate(values):
        width = max(round(room * value / most), 1)
        top = place * ROW + (ROW - BAR) // 2
        short = label if len(label) <= LONGEST_LABEL else label[: LONGEST_LABEL - 1] + "…"
        bars.append(
            Bar(short, f"{value:,}", kind, LABEL_WIDTH, top, width, BAR, LABEL_WIDTH + width + 8, top + BAR - 4)
        )
    return Chart(title=title, width=WIDTH, height=max(len(bars), 1) * ROW, axis_x=LABEL_WIDTH, bars=bars)
