"""Rows that were copied from a spreadsheet, read into the cells of a day sheet. Nothing is saved here."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.forms.clock_fields import ClockField
from portal.models import Guidance, MotionManagement
from portal.services.day_sheets import DayRow, Outcome

# The sheet's columns as a block of cells meets them.
COLUMNS = ("outcome", "start", "second_start", "motion", "guidance", "review")
COLUMN_WORDS = {
    "outcome": gettext_lazy("outcome"),
    "missed_reason": gettext_lazy("why missed"),
    "start": gettext_lazy("start"),
    "second_start": gettext_lazy("second start"),
    "motion": gettext_lazy("motion management"),
    "guidance": gettext_lazy("guidance"),
    "review": gettext_lazy("review signed"),
}
NUMBER = "number"
HEADERS = {
    "number": NUMBER,
    "record number": NUMBER,
    "patient number": NUMBER,
    "mrn": NUMBER,
    "outcome": "outcome",
    "start": "start",
    "first start": "start",
    "time": "start",
    "second start": "second_start",
    "2nd start": "second_start",
    "motion": "motion",
    "motion management": "motion",
    "guidance": "guidance",
    "image guidance": "guidance",
    "review": "review",
    "review signed": "review",
    "reason": "missed_reason",
    "why missed": "missed_reason",
}
WORDS = {
    "outcome": {
        Outcome.TREATED: ("treated", "t", "yes", "done"),
        Outcome.TWICE: ("twice", "b", "bid", "2"),
        Outcome.PARTIAL: ("partial", "p"),
        Outcome.INPATIENT: ("inpatient", "i"),
        Outcome.MISSED: ("missed", "m", "no show", "no"),
    },
    "guidance": {
        Guidance.NONE: ("none", "no", "-", "–"),
        Guidance.CBCT: ("cbct", "cone-beam ct", "cone beam", "ct"),
        Guidance.STEREOSCOPIC: ("stereoscopic", "stereoscopic x-ray", "x-ray", "kv"),
        Guidance.ULTRASOUND: ("ultrasound", "us"),
        Guidance.SURFACE: ("surface", "surface or tracking only", "tracking", "sgrt"),
    },
    "motion": {
        MotionManagement.ACTIVE: ("active", "yes"),
        MotionManagement.NONE: ("none", "no", "-", "–", "not this time"),
    },
}
VALUE_OF = {
    column: {word: str(value) for value, spoken in values.items() for word in spoken}
    for column, values in WORDS.items()
}
CLOCKS = ("start", "second_start", "review")


class PasteForm(forms.Form):
    """The copied cells, and the cell from which they go on: a course's row and a column."""

    text = forms.CharField(
        label=gettext_lazy("Rows from a spreadsheet"),
        max_length=60_000,
        strip=False,
        widget=forms.Textarea(attrs={"class": "form-control", "rows": 12, "autocomplete": "off"}),
        error_messages={"required": gettext_lazy("Paste at least one row.")},
    )
    course = forms.IntegerField(required=False, widget=forms.HiddenInput)
    column = forms.ChoiceField(
        label=gettext_lazy("First column of the times or words"),
        choices=[(column, COLUMN_WORDS[column]) for column in COLUMNS],
        required=False,
        widget=forms.Select(attrs={"class": "form-select"}),
        help_text=gettext_lazy("Only where the rows have no header."),
    )


@dataclass(slots=True)
class PastedRows:
    """What to put in which field of each course's row, and which cells could not be read."""

    fills: dict[str, dict[str, str]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def read_pasted_rows(*, text: str, course: int | None, column: str, rows: Sequence[DayRow]) -> PastedRows:
    """Put tab-separated cells into rows.

    With a header row the columns are known by their names. Otherwise they are the sheet's columns from `column` on.
    Rows are found by record numbers where a column of the header or the first cells are such numbers, else they follow
    one another from the row of `course`, or from the first. A cell that cannot be read is put in as it is and named.
    """
    lines = [line.split("\t") for line in text.replace("\r", "").split("\n")]
    lines = [[cell.strip() for cell in line] for line in lines if any(cell.strip() for cell in line)]
    pasted = PastedRows()
    places = {row.course.pk: place for place, row in enumerate(rows)}
    columns = [HEADERS.get(cell.casefold(), "") for cell in lines[0]] if lines else []
    if any(columns):
        pasted.problems += [
            _("Column %(name)s is none of the sheet, and was left out.") % {"name": cell}
            for cell, known in zip(lines[0], columns, strict=True)
            if cell and not known
        ]
        lines = lines[1:]
    else:
        columns = list(COLUMNS[COLUMNS.index(column or "start") :])
        if lines and _numbered(rows, lines[0][0]):
            columns = [NUMBER, *columns]
    first = places.get(course or 0, 0)
    for offset, line in enumerate(lines):
        cells = dict(zip(columns, line, strict=False))
        number = cells.pop(NUMBER, None)
        found = _numbered(rows, number) if number is not None else rows[first + offset : first + offset + 1]
        if len(found) != 1:
            pasted.problems.append(_not_found(offset + 1, number, found))
            continue
        _fill(pasted, found[0], places[found[0].course.pk] + 1, cells)
    return pasted


def _numbered(rows: Sequence[DayRow], number: str) -> list[DayRow]:
    wanted = re.sub(r"[^A-Z0-9]+", "-", number.upper()).strip("-")
    return [row for row in rows if wanted and row.course.patient.number == wanted]


def _not_found(line: int, number: str | None, found: Sequence[DayRow]) -> str:
    if number is None:
        return _("Line %(line)d goes beyond the last row.") % {"line": line}
    if found:
        return _("Line %(line)d: %(number)s has several rows on this sheet.") % {"line": line, "number": number}
    return _("Line %(line)d: no row of this sheet has the record number %(number)s.") % {
        "line": line,
        "number": number or "–",
    }


def _fill(pasted: PastedRows, row: DayRow, number: int, cells: dict[str, str]) -> None:
    """Read the cells of one row; an open row with a start and no outcome was treated."""
    if row.is_beyond_the_sheet:
        pasted.problems.append(
            _("Row %(number)d is amended on its session's own page; nothing was filled there.") % {"number": number}
        )
        return
    filled: dict[str, str] = {}
    for column, cell in cells.items():
        if not column or not cell:
            continue
        if column == "outcome" and ":" in cell:
            cell, filled["missed_reason"] = (part.strip() for part in cell.split(":", 1))
        value, problem = _read(column, cell)
        filled[column] = value
        if problem:
            place = _("Row %(number)d, %(column)s:") % {"number": number, "column": COLUMN_WORDS[column]}
            pasted.problems.append(f"{place} {problem}")
    if filled.get("motion"):
        prescribed = MotionManagement.ACTIVE if row.is_motion_prescribed else MotionManagement.NONE
        filled["motion"] = "" if filled["motion"] == prescribed else filled["motion"]
    if "start" in filled and "outcome" not in filled and not row.is_entered:
        filled["outcome"] = Outcome.TWICE.value if filled.get("second_start") else row.expected.value
    if filled:
        pasted.fills[str(row.course.pk)] = filled


def _read(column: str, cell: str) -> tuple[str, str]:
    """The value of a cell, and what is wrong with it: a bad word is no choice, a bad time stays as it is typed."""
    if column in CLOCKS:
        clock_field = ClockField(required=False)
        try:
            return clock_field.prepare_value(clock_field.clean(cell)), ""
        except ValidationError:
            return cell, _("%(cell)s is not a time.") % {"cell": cell}
    if column == "missed_reason":
        return cell[:200], ""
    value = VALUE_OF[column].get(cell.casefold())
    if value is None:
        return "", _("%(cell)s is not known here.") % {"cell": cell}
    return value, ""
