"""Official files of national facts, as their publishers shape them, read strictly row by row (docs/reference-files.md).

CMS publishes tables as CSV or tab-delimited text with a few lines of heading, often in a zip beside other files; the
ICD-10-CM order file has columns of fixed width. Descriptors of procedure codes are never kept from a CMS file: they
come from the customer's own licensed file alone.
"""

import codecs
import csv
import io
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, BinaryIO

from coding.models import ReferenceKind

CODE = re.compile(r"[0-9A-Z][0-9]{3}[0-9A-Z]")
MODIFIER = re.compile(r"[0-9A-Z]{2}|")
# Where the table begins: no publisher has more lines of heading.
MOST_HEADING_ROWS = 60
MOST_COLUMNS = 200
MOST_UNZIPPED = 2 * 1024**3
TEXTS = (".txt", ".csv")
Row = tuple[str, dict[str, Any]]


class ReferenceFileError(ValueError):
    """A file that is refused as a whole: the message names file, line, column and remedy."""

    def __init__(self, place: str, problem: str, remedy: str) -> None:
        super().__init__(f"{place}: {problem}. {remedy}.")


@dataclass(frozen=True, slots=True)
class ReferenceFile:
    """One file as it was given: its name, and how to read its bytes, which may be asked more than once."""

    name: str
    open: Callable[[], BinaryIO]


@dataclass(frozen=True, slots=True)
class Column:
    """A column by its heading, letters and digits only; `nth` is its place among those that fit.

    A word that begins with = is the whole heading, any other a part of it.
    """

    name: str
    words: tuple[str, ...]
    nth: int = 0

    def fits(self, heading: str) -> bool:
        return any(heading == word[1:] if word[0] == "=" else word in heading for word in self.words)


@dataclass(frozen=True, slots=True)
class Shape:
    """How the files of one kind look: their columns, how a row is read, and which names in a zip are meant."""

    columns: tuple[Column, ...] = ()
    read: Callable[["Cells"], Row | None] | None = None
    read_line: Callable[[str, str], Row | None] | None = None
    meant: tuple[str, ...] = ()
    is_in_parts: bool = False


@dataclass
class Cells:
    """One row of a table by the names of its columns; an error says which column of which line."""

    place: str
    values: Mapping[str, str]
    headings: Mapping[str, str] = field(default_factory=dict)

    def text(self, name: str) -> str:
        return self.values[name].strip()

    def refused(self, name: str, remedy: str) -> ReferenceFileError:
        return ReferenceFileError(
            f"{self.place}, column {self.headings.get(name, name)}", f"'{self.text(name)[:40]}' is not allowed", remedy
        )

    def code(self, name: str) -> str:
        code = self.text(name).upper()
        if not CODE.fullmatch(code):
            raise self.refused(name, "It must be a code of five characters, such as 77386")
        return code

    def whole(self, name: str) -> int:
        if not re.fullmatch(r"[0-9]{1,6}", self.text(name)):
            raise self.refused(name, "It must be a whole number")
        return int(self.text(name))

    def day(self, name: str) -> date:
        try:
            return date(int(self.text(name)[:4]), int(self.text(name)[4:6]), int(self.text(name)[6:]))
        except ValueError:
            raise self.refused(name, "It must be a day such as 20260101") from None

    def day_or_none(self, name: str) -> date | None:
        return None if self.text(name) in ("*", "") else self.day(name)

    def amount_or_none(self, name: str) -> str | None:
        """A number as text, without its dollar sign and thousands; None where there is none."""
        text = self.text(name).replace("$", "").replace(",", "").strip()
        if text in ("", "."):
            return None
        try:
            amount = Decimal(text)
        except InvalidOperation:
            amount = Decimal("NaN")
        if not amount.is_finite() or abs(amount) >= 10**8:
            raise self.refused(name, "It must be an amount such as 578.47")
        return str(amount)


def read_rows(kind: str, files: Sequence[ReferenceFile]) -> Iterator[tuple[str, Row]]:
    """(place, (key, values)) of every row, in the order of the files. Raises ReferenceFileError for the first wrong.

    Nothing is held in memory but one row. Keys are not compared here: whoever stores them sees to that.
    """
    shape = SHAPES[kind]
    for file in files:
        with _texts(file, shape) as texts:
            for name, text in texts:
                yield from _rows(name, text, shape)


def place_of_second(kind: str, files: Sequence[ReferenceFile], key: str) -> str:
    """Where a key that stands in the files twice stands for the second time."""
    places = [place for place, (found, _values) in read_rows(kind, files) if found == key]
    return places[1]


def _rows(name: str, text: io.TextIOBase, shape: Shape) -> Iterator[tuple[str, Row]]:
    if shape.read_line is not None:
        yield from _rows_of_lines(name, text, shape.read_line)
    else:
        yield from _rows_of_table(name, text, shape)


def _rows_of_lines(name: str, text: Iterable[str], read: Callable[[str, str], Row | None]) -> Iterator[tuple[str, Row]]:
    for number, line in enumerate(text, start=1):
        place = f"{name}, line {number}"
        if line.strip() and (row := read(place, line.rstrip("\r\n"))) is not None:
            yield place, row


def _rows_of_table(name: str, text: io.TextIOBase, shape: Shape) -> Iterator[tuple[str, Row]]:
    start = text.read(8192)
    delimiter = "\t" if "\t" in start else ","
    reader = csv.reader(_joined(start, text), delimiter=delimiter)
    places: dict[str, int] | None = None
    headings: dict[str, str] = {}
    line = 1
    try:
        for row in reader:
            place, line = f"{name}, line {line}", reader.line_num + 1
            if not any(cell.strip() for cell in row):
                continue
            if places is None:
                places = _places(row, shape)
                if places is not None:
                    headings = {column: " ".join(row[at].split()) for column, at in places.items()}
                elif line > MOST_HEADING_ROWS:
                    raise _no_heading(name, shape)
                continue
            if len(row) <= max(places.values()) or len(row) > MOST_COLUMNS:
                raise ReferenceFileError(place, f"has {len(row)} columns", "Send the file as it was published")
            cells = Cells(place, {column: row[at] for column, at in places.items()}, headings)
            if (found := shape.read(cells)) is not None:  # type: ignore[misc]
                yield place, found
    except csv.Error as error:
        raise ReferenceFileError(
            f"{name}, line {line}", f"is not a table ({error})", "Save it as CSV or text"
        ) from error
    if places is None:
        raise _no_heading(name, shape)


def _joined(start: str, rest: io.TextIOBase) -> Iterator[str]:
    """The lines of a text whose beginning was read already."""
    head = start + rest.readline()
    yield from io.StringIO(head, newline="")
    yield from rest


def _places(row: Sequence[str], shape: Shape) -> dict[str, int] | None:
    """Where each column stands if this row is the heading of the table, else None."""
    plain = [re.sub(r"[^a-z0-9]", "", cell.lower()) for cell in row]
    places = {}
    for column in shape.columns:
        fits = [at for at, cell in enumerate(plain) if column.fits(cell)]
        if len(fits) <= column.nth:
            return None
        places[column.name] = fits[column.nth]
    return places


def _no_heading(name: str, shape: Shape) -> ReferenceFileError:
    wanted = ", ".join(column.name for column in shape.columns)
    return ReferenceFileError(
        name, f"has no row that names the columns {wanted}", "Check that it is a file of this kind"
    )


@contextmanager
def _texts(file: ReferenceFile, shape: Shape) -> Iterator[Iterator[tuple[str, io.TextIOBase]]]:
    """The texts of a file: itself, or those of a zip that are meant."""
    with file.open() as stream:
        if not zipfile.is_zipfile(stream):
            stream.seek(0)
            yield iter([(file.name, _text(stream))])
            return
        try:
            with zipfile.ZipFile(stream) as archive:
                members = _members(file.name, archive, shape)
                yield ((member.filename, _text(archive.open(member))) for member in members)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
            raise ReferenceFileError(
                file.name, f"is a zip that cannot be read ({type(error).__name__})", "Download it again"
            ) from error


def _members(name: str, archive: zipfile.ZipFile, shape: Shape) -> list[zipfile.ZipInfo]:
    found = [info for info in archive.infolist() if info.filename.lower().endswith(TEXTS)]
    if len(found) > 1 and shape.meant:
        found = [info for info in found if any(word in info.filename.lower() for word in shape.meant)]
    if len(found) > 1 and not shape.is_in_parts:
        found = [info for info in found if info.filename.lower().endswith(".csv")] or found
    if not found or (len(found) > 1 and not shape.is_in_parts):
        names = ", ".join(info.filename for info in found) or "no .txt and no .csv"
        raise ReferenceFileError(name, f"holds {names}", "Send the one table of this kind on its own")
    if sum(info.file_size for info in found) > MOST_UNZIPPED:
        raise ReferenceFileError(name, "is too large when unzipped", "Send the files as they were published")
    return found


def _text(stream: Any) -> io.TextIOBase:
    """Bytes as text: UTF-8, and where a byte is not, what Windows would have written."""
    return io.TextIOWrapper(stream, encoding="utf-8-sig", errors="beamledger-windows", newline="")


def _as_windows(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.start + 1].decode("cp1252", errors="replace"), error.start + 1


codecs.register_error("beamledger-windows", _as_windows)


def _pair(cells: Cells) -> Row:
    first, second = cells.code("Column 1"), cells.code("Column 2")
    begins, indicator = cells.day("Effective Date"), cells.text("Modifier")
    if indicator not in ("0", "1", "9"):
        raise cells.refused("Modifier", "It must be 0, 1 or 9")
    until = cells.day_or_none("Deletion Date")
    values: dict[str, Any] = {"from": begins.isoformat(), "indicator": int(indicator)}
    if until is not None:
        values["until"] = until.isoformat()
    return f"{first}|{second}|{begins:%Y%m%d}", values


def _unit_limit(cells: Cells) -> Row:
    adjudication = cells.text("MUE Adjudication Indicator")[:1]
    if adjudication not in ("1", "2", "3"):
        raise cells.refused("MUE Adjudication Indicator", "It must begin with 1, 2 or 3")
    return cells.code("Code"), {"units": cells.whole("MUE Values"), "adjudication": int(adjudication)}


def _payment(cells: Cells) -> Row:
    values = {
        "status": cells.text("SI"),
        "apc": cells.text("APC"),
        "amount": cells.amount_or_none("Payment Rate"),
    }
    return cells.code("HCPCS Code"), {key: value for key, value in values.items() if value}


def _relative_value(cells: Cells) -> Row:
    modifier = cells.text("MOD").upper()
    if not MODIFIER.fullmatch(modifier):
        raise cells.refused("MOD", "It must be a modifier of two characters, or empty")
    values = {
        "status": cells.text("STATUS CODE"),
        "units": cells.amount_or_none("NON-FACILITY TOTAL"),
        "facility_units": cells.amount_or_none("FACILITY TOTAL"),
        "factor": cells.amount_or_none("CONV FACTOR"),
    }
    return f"{cells.code('HCPCS')}|{modifier}", {key: value for key, value in values.items() if value}


def _descriptor(cells: Cells) -> Row:
    text = cells.text("Descriptor")
    if not text:
        raise cells.refused("Descriptor", "Each code has one")
    return cells.code("Code"), {"text": text}


# Order number, code, whether it is valid on a claim, short and long title, each in columns of its own.
ORDER_LINE = re.compile(r"[0-9]{5} ([A-Z][0-9][0-9A-Z][0-9A-Z]{0,4}) {1,5}([01]) ([^\0]{60}) ([^\0]+)")


def _diagnosis(place: str, line: str) -> Row:
    found = ORDER_LINE.fullmatch(line)
    if found is None:
        raise ReferenceFileError(
            place, f"'{line[:40]}' is no line of the order file", "Send icd10cm_order_YYYY.txt as it was published"
        )
    code, is_billable, _short, title = found.groups()
    dotted = f"{code[:3]}.{code[3:]}" if len(code) > 3 else code
    return dotted, {"billable": is_billable == "1", "title": title.strip()}


PAIRS = Shape(
    columns=(
        Column("Column 1", ("column1",)),
        Column("Column 2", ("column2",)),
        Column("Effective Date", ("effective",)),
        Column("Deletion Date", ("deletion",)),
        Column("Modifier", ("modifier",)),
    ),
    read=_pair,
    is_in_parts=True,
)
UNIT_LIMITS = {
    service: Shape(
        columns=(
            Column("Code", ("hcpcs", "cptcode")),
            Column("MUE Values", (f"{service}servicesmuevalue",)),
            Column("MUE Adjudication Indicator", ("adjudication",)),
        ),
        read=_unit_limit,
    )
    for service in ("practitioner", "outpatienthospital")
}
SHAPES: Mapping[str, Shape] = {
    ReferenceKind.PTP_PRACTITIONER: PAIRS,
    ReferenceKind.PTP_HOSPITAL: PAIRS,
    ReferenceKind.MUE_PRACTITIONER: UNIT_LIMITS["practitioner"],
    ReferenceKind.MUE_HOSPITAL: UNIT_LIMITS["outpatienthospital"],
    ReferenceKind.ADDENDUM_B: Shape(
        columns=(
            Column("HCPCS Code", ("hcpcs",)),
            Column("SI", ("=si", "statusindicator")),
            Column("APC", ("=apc",)),
            Column("Payment Rate", ("paymentrate",)),
        ),
        read=_payment,
        meant=("addendum b", "addendum_b", "addendumb"),
    ),
    ReferenceKind.PFS_RVU: Shape(
        columns=(
            Column("HCPCS", ("hcpcs",)),
            Column("MOD", ("=mod", "=modifier")),
            Column("STATUS CODE", ("=code", "statuscode")),
            Column("NON-FACILITY TOTAL", ("total",)),
            Column("FACILITY TOTAL", ("total",), nth=1),
            Column("CONV FACTOR", ("factor",)),
        ),
        read=_relative_value,
        meant=("pprrvu",),
    ),
    ReferenceKind.ICD10CM: Shape(read_line=_diagnosis, meant=("order",)),
    ReferenceKind.CPT_DESCRIPTORS: Shape(
        columns=(
            Column("Code", ("cptcode", "code")),
            Column("Descriptor", ("long", "descriptor", "description", "medium", "short")),
        ),
        read=_descriptor,
    ),
}


def file_at(path: Path) -> ReferenceFile:
    """A file on disk."""
    return ReferenceFile(path.name, lambda: path.open("rb"))
