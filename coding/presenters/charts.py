"""Bars of a chart, measured by the server; the same numbers stand in the table beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

# The longest bar, in the units of its drawing, which is stretched to the room there is.
LONGEST = 500


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
    width: int


@dataclass(frozen=True, slots=True)
class Chart:
    title: str
    bars: list[Bar]


def bar_chart(title: str, measured: Sequence[Measured]) -> Chart:
    """Horizontal bars, the longest filling the width; something above zero is never drawn as nothing."""
    most = max((one.value for one in measured), default=Decimal(0)) or Decimal(1)
    return Chart(title, [Bar(one.label, one.text, one.kind, _width(one.value, most)) for one in measured])


def _width(value: Decimal, most: Decimal) -> int:
    return max(round(LONGEST * value / most), 1) if value else 0
