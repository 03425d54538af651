"""The turn from the codes of 2025 to those of 2026: lines on either side, and those on the wrong one."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from coding.codebook_in_use import current_codebook
from coding.engine.codebook import Code
from coding.engine.periods import ONE_DAY, Period
from coding.forms.reports import TableReportForm
from coding.presenters.charge_report import lines_url
from coding.presenters.report_kinds.line_groups import filters_of_key, keys_of
from coding.presenters.report_shapes import (
    DEPARTMENT,
    OF_LINES,
    PAYER,
    Cell,
    Rows,
    Table,
    TableReport,
    bars_of,
    count_cell,
)
from coding.reports import line_counts

# The first day of service under the codes of 2026.
FIRST_DAY_OF_NEW_CODES = date(2026, 1, 1)


def _seam_table(form: TableReportForm) -> Table:
    """Lines on either side of the turn, and those whose code does not hold on their day."""
    counts = line_counts(user=form.user, filters=form.filters, by=(form.grouping, "code", "month"))
    codes = current_codebook().codes
    valid_days = {code: _valid(codes, code) for _value, code, _month in counts}
    groups: dict[tuple[Any, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for (value, code, month), lines in counts.items():
        numbers = groups[(value, code)]
        numbers[0 if month < FIRST_DAY_OF_NEW_CODES else 1] += lines
        valid = valid_days[code]
        numbers[2] += lines if valid.is_after(month) else 0
        numbers[3] += lines if valid.is_before(month) else 0
    names = keys_of(form, {value for value, _code in groups})
    ordered = sorted(groups, key=lambda group: (names[group[0]].order, group[1]))
    kept = form.kept
    days = _Days(kept.pop("start", ""), kept.pop("end", ""))
    of_code = {name: value for name, value in kept.items() if name != "code"}
    urls = {value: lines_url(filters_of_key(key, of_code)) for value, key in names.items()}

    def row_of(group: tuple[Any, str]) -> tuple[Cell, ...]:
        value, code = group
        url = urls[value] and f"{urls[value]}&code={code}"
        cells = _seam_cells(groups[group], valid_days[code], url, days)
        return Cell(names[value].label), Cell(code), *cells

    before, after, too_early, too_late = (sum(numbers[place] for numbers in groups.values()) for place in range(4))
    return Table(
        headings=(
            str(dict(form.fields["by"].choices)[form.grouping]),
            _("Code"),
            _("Lines before 01/01/2026"),
            _("Lines from 01/01/2026 on"),
            _("On the wrong side"),
        ),
        words=2,
        rows=Rows(ordered, row_of),
        total=(
            Cell(_("All")),
            Cell(""),
            *_sides(before, after, lines_url(kept), days),
            Cell(too_early + too_late),
        ),
        chart=bars_of(
            _("Lines of both sides by code"),
            [
                (
                    code,
                    before + after,
                    _("%(before)s before, %(after)s after") % {"before": f"{before:,}", "after": f"{after:,}"},
                )
                for code, (before, after) in sorted(_by_code(groups).items())
            ],
        ),
    )


def _by_code(groups: Mapping[tuple[Any, str], Sequence[int]]) -> dict[str, tuple[int, int]]:
    codes: dict[str, tuple[int, int]] = {}
    for (_value, code), (before, after, *_wrong) in groups.items():
        earlier, later = codes.get(code, (0, 0))
        codes[code] = (earlier + before, later + after)
    return codes


def _valid(codes: Mapping[str, Code], code: str) -> Period:
    """The days on which a code holds; one that the codebook does not know is not said to be wrong."""
    known = codes.get(code)
    return Period() if known is None else known.valid


@dataclass(frozen=True)
class _Days:
    """The days that a report asks for, in ISO form or empty, as its links ask for a part of them."""

    first: str
    last: str

    @cached_property
    def of_2025(self) -> str:
        return self.before(FIRST_DAY_OF_NEW_CODES)

    @cached_property
    def of_2026(self) -> str:
        return self.since(FIRST_DAY_OF_NEW_CODES)

    def before(self, day: date) -> str:
        last = (day - ONE_DAY).isoformat()
        return _asked({"start": self.first, "end": min(self.last or last, last)})

    def since(self, day: date) -> str:
        return _asked({"start": max(self.first, day.isoformat()), "end": self.last})


def _asked(days: Mapping[str, str]) -> str:
    return urlencode({name: day for name, day in days.items() if day})


def _seam_cells(numbers: Sequence[int], valid: Period, url: str, days: _Days) -> tuple[Cell, ...]:
    """`url` lists the lines of one code, whatever their day; empty where no filters leave them."""
    before, after, too_early, too_late = numbers
    wrong = ""
    # Lines on both sides of a code's days are no one stretch of days, which is all that a filter can name.
    if too_early and not too_late:
        wrong = days.before(valid.starts_on)
    if too_late and not too_early:
        wrong = days.since(valid.ends_before)
    return *_sides(before, after, url, days), count_cell(too_early + too_late, url if wrong else "", wrong)


def _sides(before: int, after: int, url: str, days: _Days) -> tuple[Cell, Cell]:
    """Lines on either side of the turn, each leading to them."""
    return count_cell(before, url, days.of_2025), count_cell(after, url, days.of_2026)


SEAM = TableReport(
    name="seam",
    title=gettext_lazy("2025 to 2026 codes"),
    purpose=gettext_lazy("Lines on either side of January 1, 2026, and any whose code does not hold on its day."),
    icon="signpost-split",
    asks=(*OF_LINES, "code", "modifier"),
    groupings=(PAYER, ("setting", gettext_lazy("Setting")), DEPARTMENT),
    table_of=_seam_table,
)
