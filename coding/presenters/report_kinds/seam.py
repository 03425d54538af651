"""The turn from the codes of 2025 to those of 2026: lines on either side, and those on the wrong one."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

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
    counted,
)
from coding.reports import line_counts

# The first day of service under the codes of 2026.
FIRST_DAY_OF_NEW_CODES = date(2026, 1, 1)


def _seam_table(form: TableReportForm) -> Table:
    """Lines on either side of the turn, and those whose code does not hold on their day."""
    counts = line_counts(user=form.user, filters=form.filters, by=(form.grouping, "code", "month"))
    codes = current_codebook().codes
    groups: dict[tuple[Any, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for (value, code, month), lines in counts.items():
        numbers = groups[(value, code)]
        numbers[0 if month < FIRST_DAY_OF_NEW_CODES else 1] += lines
        valid = _valid(codes, code)
        numbers[2] += lines if valid.is_after(month) else 0
        numbers[3] += lines if valid.is_before(month) else 0
    names, kept = keys_of(form, {value for value, _code in groups}), form.kept
    ordered = sorted(groups, key=lambda group: (names[group[0]].order, group[1]))

    def row_of(group: tuple[Any, str]) -> tuple[Cell, ...]:
        value, code = group
        filters = filters_of_key(names[value], kept)
        of_code = None if filters is None else {**filters, "code": code}
        return Cell(names[value].label), Cell(code), *_seam_cells(groups[group], _valid(codes, code), of_code)

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
            *_sides(before, after, kept),
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


def _seam_cells(numbers: Sequence[int], valid: Period, filters: Mapping[str, str] | None) -> tuple[Cell, ...]:
    """`filters` leave the lines of one code; None where no filters do."""
    before, after, too_early, too_late = numbers
    wrong = None
    # Lines on both sides of a code's days are no one stretch of days, which is all that a filter can name.
    if filters is not None and too_early and not too_late:
        wrong = _until(valid.starts_on, filters)
    if filters is not None and too_late and not too_early:
        wrong = _since(valid.ends_before, filters)
    return *_sides(before, after, filters), counted(too_early + too_late, lines_url(wrong))


def _sides(before: int, after: int, filters: Mapping[str, str] | None) -> tuple[Cell, Cell]:
    """Lines on either side of the turn, each leading to them."""
    earlier = _until(FIRST_DAY_OF_NEW_CODES, filters) if before and filters is not None else None
    later = _since(FIRST_DAY_OF_NEW_CODES, filters) if after and filters is not None else None
    return counted(before, lines_url(earlier)), counted(after, lines_url(later))


def _until(day: date, filters: Mapping[str, str]) -> dict[str, str]:
    """The filters, for the days before a day alone."""
    last = (day - ONE_DAY).isoformat()
    return {**filters, "end": min(filters.get("end", last), last)}


def _since(day: date, filters: Mapping[str, str]) -> dict[str, str]:
    """The filters, for a day and those after it alone."""
    return {**filters, "start": max(filters.get("start", ""), day.isoformat())}


SEAM = TableReport(
    name="seam",
    title=gettext_lazy("2025 to 2026 codes"),
    purpose=gettext_lazy("Lines on either side of January 1, 2026, and any whose code does not hold on its day."),
    icon="signpost-split",
    asks=(*OF_LINES, "code", "modifier"),
    groupings=(PAYER, ("setting", gettext_lazy("Setting")), DEPARTMENT),
    table_of=_seam_table,
)
