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
from coding.presenters.charge_report import opened
from coding.presenters.report_kinds.line_groups import filters_of_key, keys_of
from coding.presenters.report_shapes import DEPARTMENT, OF_LINES, PAYER, Cell, Table, TableReport, bars_of, cell_of
from coding.reports import GroupKey, line_sums

# The first day of service under the codes of 2026.
FIRST_DAY_OF_NEW_CODES = date(2026, 1, 1)


def _seam_table(form: TableReportForm) -> Table:
    """Lines on either side of the turn, and those whose code does not hold on their day."""
    sums = line_sums(user=form.user, filters=form.filters, by=(form.grouping, "code", "month"))
    codes = current_codebook().codes
    groups: dict[tuple[Any, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for (value, code, month), summed in sums.items():
        numbers = groups[(value, code)]
        numbers[0 if month < FIRST_DAY_OF_NEW_CODES else 1] += summed.lines
        valid = _valid(codes, code)
        numbers[2] += summed.lines if valid.is_after(month) else 0
        numbers[3] += summed.lines if valid.is_before(month) else 0
    names = keys_of(form, {value for value, _code in groups})
    ordered = sorted(groups, key=lambda group: (names[group[0]].order, group[1]))
    rows = [
        _seam_cells(names[value], code, _valid(codes, code), groups[(value, code)], form) for value, code in ordered
    ]
    total = [sum(row[place].value for row in rows) for place in (2, 3, 4)]
    return Table(
        headings=(
            str(dict(form.fields["by"].choices)[form.grouping]),
            _("Code"),
            _("Lines before 01/01/2026"),
            _("Lines from 01/01/2026 on"),
            _("On the wrong side"),
        ),
        words=2,
        rows=rows,
        total=(
            Cell(_("All")),
            Cell(""),
            cell_of(opened(total[0], _until(FIRST_DAY_OF_NEW_CODES, form.kept)), total[0]),
            cell_of(opened(total[1], _since(FIRST_DAY_OF_NEW_CODES, form.kept)), total[1]),
            Cell(total[2]),
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


def _seam_cells(
    key: GroupKey, code: str, valid: Period, numbers: Sequence[int], form: TableReportForm
) -> tuple[Cell, ...]:
    before, after, too_early, too_late = numbers
    filters = filters_of_key(key, form)
    earlier = later = wrong = None
    if filters is not None:
        of_code = {**filters, "code": code}
        earlier, later = _until(FIRST_DAY_OF_NEW_CODES, of_code), _since(FIRST_DAY_OF_NEW_CODES, of_code)
        # Lines on both sides of a code's days are no one stretch of days, which is all that a filter can name.
        if too_early and not too_late:
            wrong = _until(valid.starts_on, of_code)
        if too_late and not too_early:
            wrong = _since(valid.ends_before, of_code)
    return (
        Cell(key.label),
        Cell(code),
        cell_of(opened(before, earlier), before),
        cell_of(opened(after, later), after),
        cell_of(opened(too_early + too_late, wrong), too_early + too_late),
    )


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
