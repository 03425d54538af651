"""The turn from the codes of 2025 to those of 2026: lines on either side, and those on the wrong one."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from coding.codebook_in_use import current_codebook
from coding.engine.codebook import Code
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
    groups: dict[tuple[Any, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for (value, code, month), summed in sums.items():
        numbers = groups[(value, code)]
        numbers[0 if month < FIRST_DAY_OF_NEW_CODES else 1] += summed.lines
        if not _holds_in(codes, code, month):
            numbers[2] += summed.lines
    names = keys_of(form, {value for value, _code in groups})
    ordered = sorted(groups, key=lambda group: (names[group[0]].order, group[1]))
    rows = [_seam_cells(names[value], code, groups[(value, code)], form) for value, code in ordered]
    total = [sum(numbers[place] for numbers in groups.values()) for place in range(3)]
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
        total=(Cell(_("All")), Cell(""), *(Cell(number) for number in total)),
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
    for (_value, code), (before, after, _wrong) in groups.items():
        earlier, later = codes.get(code, (0, 0))
        codes[code] = (earlier + before, later + after)
    return codes


def _holds_in(codes: Mapping[str, Code], code: str, month: date) -> bool:
    """Whether a code holds in a month; one that the codebook does not know is not said to be wrong."""
    known = codes.get(code)
    return known is None or month in known.valid


def _seam_cells(key: GroupKey, code: str, numbers: Sequence[int], form: TableReportForm) -> tuple[Cell, ...]:
    before, after, wrong = numbers
    filters = filters_of_key(key, form)
    earlier = later = both = None
    if filters is not None:
        both = {**filters, "code": code}
        last, first = (FIRST_DAY_OF_NEW_CODES - timedelta(days=1)).isoformat(), FIRST_DAY_OF_NEW_CODES.isoformat()
        earlier = {**both, "end": min(both.get("end") or last, last)}
        later = {**both, "start": max(both.get("start") or first, first)}
    side = earlier if wrong == before else later if wrong == after else both
    return (
        Cell(key.label),
        Cell(code),
        cell_of(opened(before, earlier), before),
        cell_of(opened(after, later), after),
        cell_of(opened(wrong, side), wrong),
    )


SEAM = TableReport(
    name="seam",
    title=gettext_lazy("2025 to 2026 codes"),
    purpose=gettext_lazy("Lines on either side of January 1, 2026, and any whose code does not hold on its day."),
    icon="signpost-split",
    asks=(*OF_LINES, "code", "modifier"),
    groupings=(PAYER, ("setting", gettext_lazy("Setting")), DEPARTMENT),
    table_of=_seam_table,
)
