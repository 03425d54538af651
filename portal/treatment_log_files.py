"""Reading a treatment log: four tables of a record-and-verify system, as CSV files of one folder, upload or zip.

TrackTreatment has a row for each field that was sent to the machine, Site the prescribed sites, TxField the fields,
Ident the patient identifiers. Times carry no zone: they are the department's. Nothing is written here.
"""

import codecs
import csv
import io
import re
import stat
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath

from portal.models import FIRST_DAY, LAST_DAY

TRACK_TREATMENT, SITE, TX_FIELD, IDENT = "TrackTreatment", "Site", "TxField", "Ident"
COLUMNS: dict[str, tuple[str, ...]] = {
    TRACK_TREATMENT: (
        "TTX_ID",
        "Pat_ID1",
        "FLD_ID",
        "SIT_ID",
        "Machine_ID_Staff_ID",
        "Create_DtTm",
        "Edit_DtTm",
        "WasQAMode",
        "WasBeamOn",
        "WasBeamComplete",
        "WasCanceled",
    ),
    SITE: ("SIT_ID", "SIT_SET_ID", "Version", "Pat_ID1", "Site_Name", "Technique", "Dose_Tx", "Fractions"),
    TX_FIELD: ("FLD_ID", "FLD_SET_ID", "Version", "Pat_ID1"),
    IDENT: ("Pat_Id1", "IDA", "Version"),
}
CURRENT_VERSION = 0
MINUTES_OF_ONE_VISIT = 180
MOST_BYTES = 50 * 1024 * 1024
MOST_ROWS = 300_000
MOST_ENTRIES = 20
# A quoted text may hold line ends; one that goes on for longer has lost its closing quotation mark.
MOST_LINES_OF_A_ROW = 50
LARGEST_NUMBER = 2**63 - 1

WHOLE_NUMBER = re.compile(r"([0-9]{1,19})(\.0*)?")
DECIMAL_NUMBER = re.compile(r"[0-9]{1,12}(\.[0-9]+)?")
TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?")
TRUTHS = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False}
# What a Mac adds to a zip by itself; nobody chose it.
LITTER = ("__MACOSX/", ".DS_Store")


class UnreadableLog(Exception):
    """The input as a whole cannot be read; its text says which file, what is wrong, and what to do."""


class UnreadableValue(Exception):
    """One value of one row cannot be read."""


@dataclass(frozen=True, slots=True)
class BrokenRow:
    """A row that was left out, with where it stands and why."""

    file: str
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class IgnoredRow:
    """A row that is no treatment: cancelled, in QA mode, or the beam was never on."""

    key: int
    line: int
    source_patient_id: int
    sent_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class TreatedField:
    """One field whose beam was on. Times are wall clock times of the department.

    `field_id` and `site_id` are the same for every version of the field and of the site. `ended_at` is None where the
    row was last written so late that it says nothing of the treatment.
    """

    key: int
    line: int
    source_patient_id: int
    machine_name: str
    site_id: int
    field_id: int
    started_at: datetime
    ended_at: datetime | None
    is_complete: bool


@dataclass(frozen=True, slots=True)
class SourceSite:
    """A prescribed site as the current row of the log has it; blank or None where the log does not say."""

    site_id: int
    source_patient_id: int
    name: str
    technique: str
    dose_per_fraction_cgy: int | None
    fractions: int | None


@dataclass(slots=True)
class TreatmentLog:
    """Everything that was read. `patient_numbers` maps a patient of the log to the number on the chart."""

    treated: list[TreatedField] = field(default_factory=list)
    ignored: list[IgnoredRow] = field(default_factory=list)
    broken: list[BrokenRow] = field(default_factory=list)
    sites: dict[int, SourceSite] = field(default_factory=dict)
    patient_numbers: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one session gave of one site: how many fields had the beam on, and how many of them were finished."""

    site_id: int
    fields_on: int
    fields_complete: int

    @property
    def is_partial(self) -> bool:
        return self.fields_complete < self.fields_on


@dataclass(frozen=True, slots=True)
class LoggedSession:
    """The rows of one patient that lie so close together that they are one session, in order of start."""

    rows: tuple[TreatedField, ...]

    @property
    def source_patient_id(self) -> int:
        return self.rows[0].source_patient_id

    @property
    def machine_name(self) -> str:
        return self.rows[0].machine_name

    @property
    def started_at(self) -> datetime:
        return self.rows[0].started_at

    @property
    def ended_at(self) -> datetime | None:
        """The last end, or None where the end of the last row is not known."""
        if self.rows[-1].ended_at is None:
            return None
        return max(row.ended_at for row in self.rows if row.ended_at is not None)

    @property
    def deliveries(self) -> tuple[Delivery, ...]:
        """One for each site, in order of first beam.

        A field counts as complete where any of its rows is: one that was interrupted and finished later in the same
        session was finished.
        """
        fields: dict[int, dict[int, bool]] = {}
        for row in self.rows:
            of_site = fields.setdefault(row.site_id, {})
            of_site[row.field_id] = of_site.get(row.field_id, False) or row.is_complete
        return tuple(Delivery(site, len(of_site), sum(of_site.values())) for site, of_site in fields.items())

    @property
    def is_partial(self) -> bool:
        return any(delivery.is_partial for delivery in self.deliveries)


def read_folder(folder: Path) -> TreatmentLog:
    """The log in the four CSV files of a folder; other files there are left alone. Raises UnreadableLog."""
    if not folder.is_dir():
        raise UnreadableLog(f"{folder} is not a folder. Name the folder that holds TrackTreatment.csv and the others.")
    tables = {}
    for path in sorted(folder.iterdir()):
        table = _table_named(path.name)
        if table is not None and path.is_file():
            with path.open("rb") as file:
                _add_table(tables, path.name, file.read(MOST_BYTES + 1))
    return read_tables(tables)


def read_uploads(uploads: Iterable[tuple[str, bytes]]) -> TreatmentLog:
    """The log in files that came together, or in one zip. Raises UnreadableLog."""
    return read_tables(tables_of_uploads(uploads))


def tables_of_uploads(uploads: Iterable[tuple[str, bytes]]) -> dict[str, bytes]:
    """The content of each of the four tables among pairs of file name and content. Raises UnreadableLog."""
    tables: dict[str, bytes] = {}
    for name, content in uploads:
        if content.startswith(b"PK\x03\x04") or name.lower().endswith(".zip"):
            for entry, unpacked in _unzip(name, content):
                _add_table(tables, entry, unpacked)
        else:
            _add_table(tables, name, content)
    return tables


def read_tables(tables: Mapping[str, bytes]) -> TreatmentLog:
    """The log in the four tables' CSV content. Raises UnreadableLog where a table or a column is missing."""
    missing = [f"{table}.csv" for table in COLUMNS if table not in tables]
    if missing:
        raise UnreadableLog(
            f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing. "
            "A treatment log is TrackTreatment.csv, Site.csv, TxField.csv and Ident.csv together."
        )
    log = TreatmentLog()
    log.patient_numbers = _read_patient_numbers(_Table(IDENT, tables[IDENT], log.broken))
    site_of_row, log.sites = _read_sites(_Table(SITE, tables[SITE], log.broken))
    fields = _read_fields(_Table(TX_FIELD, tables[TX_FIELD], log.broken))
    _read_treatments(_Table(TRACK_TREATMENT, tables[TRACK_TREATMENT], log.broken), log, site_of_row, fields)
    return log


def logged_sessions(
    rows: Iterable[TreatedField], minutes_of_one_visit: Callable[[str], int] = lambda machine_name: MINUTES_OF_ONE_VISIT
) -> list[LoggedSession]:
    """The rows gathered into sessions, in order of start.

    A row joins the patient's session where it starts less than so many minutes after the row before it, so that one
    which was interrupted and resumed stays one. `minutes_of_one_visit` says how many for a machine.
    """
    sessions: list[list[TreatedField]] = []
    for row in sorted(rows, key=lambda row: (row.source_patient_id, row.started_at, row.key)):
        last = sessions[-1][-1] if sessions else None
        gap = timedelta(minutes=minutes_of_one_visit(row.machine_name))
        if last and last.source_patient_id == row.source_patient_id and row.started_at - last.started_at < gap:
            sessions[-1].append(row)
        else:
            sessions.append([row])
    return sorted(
        (LoggedSession(tuple(rows)) for rows in sessions), key=lambda session: (session.started_at, session.rows[0].key)
    )


class _Table:
    """The rows of one file; a row that cannot be read is put on the list of broken ones."""

    def __init__(self, name: str, content: bytes, broken: list[BrokenRow]) -> None:
        self.file = f"{name}.csv"
        self.broken = broken
        self.lines = _lines_of(self.file, content)
        try:
            header = next(csv.reader([self.lines[0]]))
        except csv.Error as error:
            raise UnreadableLog(f"{self.file}: the first line cannot be read. It must name the columns.") from error
        self.width = len(header)
        titles = [title.strip().lower() for title in header]
        self.places = {}
        for column in COLUMNS[name]:
            found = [place for place, title in enumerate(titles) if title == column.lower()]
            if len(found) != 1:
                wrong = "is missing" if not found else f"stands there {len(found)} times"
                raise UnreadableLog(
                    f"{self.file}: the column {column} {wrong}. The first line must name each of "
                    f"{', '.join(COLUMNS[name])}."
                )
            self.places[column] = found[0]
        self.last_wanted = max(self.places.values())

    def refuse(self, line: int, reason: str) -> None:
        self.broken.append(BrokenRow(self.file, line, reason))

    def rows(self) -> Iterator["_Row"]:
        """Each readable row; blank lines are passed over."""
        place = 1
        while place < len(self.lines):
            if not self.lines[place].strip():
                place += 1
                continue
            length = self._length_of_row(place)
            values = self._split(place, length)
            if values is None:
                # What follows a broken line may be sound, so nothing but the line itself is given up.
                place += 1
                continue
            yield _Row(place + 1, {column: values[at].strip() for column, at in self.places.items()})
            place += length

    def _length_of_row(self, place: int) -> int:
        """How many lines the row takes: until its quotation marks are closed, or 1 where they never are."""
        marks = 0
        for length, line in enumerate(self.lines[place : place + MOST_LINES_OF_A_ROW], start=1):
            marks += line.count('"')
            if marks % 2 == 0:
                return length
        return 1

    def _split(self, place: int, length: int) -> list[str] | None:
        try:
            values = next(csv.reader(["".join(self.lines[place : place + length])], strict=True))
        except csv.Error:
            self.refuse(place + 1, "A quotation mark is opened and not closed, or stands within a text.")
            return None
        # A row that an export cut short is read where the cut lies behind everything that is wanted.
        if len(values) > self.width or (len(values) < self.width and len(values) <= self.last_wanted + 1):
            self.refuse(place + 1, f"The row has {len(values)} columns where the first line names {self.width}.")
            return None
        return values


@dataclass(frozen=True, slots=True)
class _Row:
    """The wanted values of one row; each reading names the column where it fails."""

    line: int
    values: dict[str, str]

    def text(self, column: str, most: int) -> str:
        return self.values[column][:most]

    def number(self, column: str) -> int:
        found = WHOLE_NUMBER.fullmatch(self.values[column])
        if found is None or int(found[1]) > LARGEST_NUMBER:
            raise self._unreadable(column, "a whole number")
        return int(found[1])

    def truth(self, column: str) -> bool:
        value = TRUTHS.get(self.values[column].lower())
        if value is None:
            raise self._unreadable(column, "True or False")
        return value

    def time(self, column: str) -> datetime:
        text = self.values[column]
        try:
            value = datetime.fromisoformat(text) if TIME.fullmatch(text) else None
        except ValueError:
            value = None
        if value is None:
            raise self._unreadable(column, "a day and time like 2017-09-19 08:25:44.033, without a zone")
        if not FIRST_DAY <= value.date() <= LAST_DAY:
            raise UnreadableValue(f"{column} lies outside {FIRST_DAY.year} to {LAST_DAY.year}.")
        return value

    def rounded(self, column: str, most: int) -> int | None:
        """A decimal number as a whole one, or None where it is blank, nil or out of reach."""
        text = self.values[column]
        value = round(float(text)) if DECIMAL_NUMBER.fullmatch(text) else 0
        return value if 1 <= value <= most else None

    def _unreadable(self, column: str, wanted: str) -> UnreadableValue:
        shown = f'"{self.values[column][:30]}"' if self.values[column] else "empty"
        return UnreadableValue(f"{column} is {shown} where {wanted} is wanted.")


def _read_patient_numbers(table: _Table) -> dict[int, str]:
    numbers: dict[int, str] = {}
    for row in table.rows():
        try:
            patient, version = row.number("Pat_Id1"), row.number("Version")
        except UnreadableValue as error:
            table.refuse(row.line, str(error))
            continue
        if version == CURRENT_VERSION and patient not in numbers:
            numbers[patient] = row.text("IDA", 40)
        elif version == CURRENT_VERSION:
            table.refuse(row.line, f"Patient {patient} has a current row above; that one counts.")
    return numbers


def _read_sites(table: _Table) -> tuple[dict[int, SourceSite], dict[int, SourceSite]]:
    """Each row's site by the key of the row, and by the key that all its versions share; the current version counts."""
    rows: dict[int, tuple[int, SourceSite]] = {}
    for row in table.rows():
        try:
            key, version = row.number("SIT_ID"), row.number("Version")
            site = SourceSite(
                site_id=row.number("SIT_SET_ID"),
                source_patient_id=row.number("Pat_ID1"),
                name=row.text("Site_Name", 120),
                technique=row.text("Technique", 60),
                dose_per_fraction_cgy=row.rounded("Dose_Tx", 10_000),
                fractions=row.rounded("Fractions", 99),
            )
        except UnreadableValue as error:
            table.refuse(row.line, str(error))
            continue
        if key in rows:
            table.refuse(row.line, f"SIT_ID {key} stands in a row above; that one counts.")
            continue
        rows[key] = (version, site)
    current: dict[int, SourceSite] = {}
    for _version, site in sorted(rows.values(), key=lambda pair: pair[0]):
        current.setdefault(site.site_id, site)
    return {key: current[site.site_id] for key, (_version, site) in rows.items()}, current


def _read_fields(table: _Table) -> dict[int, tuple[int, int]]:
    """Each row's field, by the key that all its versions share, and its patient."""
    fields: dict[int, tuple[int, int]] = {}
    for row in table.rows():
        try:
            key = row.number("FLD_ID")
            field_and_patient = (row.number("FLD_SET_ID"), row.number("Pat_ID1"))
        except UnreadableValue as error:
            table.refuse(row.line, str(error))
            continue
        if key in fields:
            table.refuse(row.line, f"FLD_ID {key} stands in a row above; that one counts.")
            continue
        fields[key] = field_and_patient
    return fields


def _read_treatments(
    table: _Table, log: TreatmentLog, sites: Mapping[int, SourceSite], fields: Mapping[int, tuple[int, int]]
) -> None:
    seen: dict[int, int] = {}
    for row in table.rows():
        try:
            treatment = _treatment(row, sites, fields)
            if treatment.key in seen:
                raise UnreadableValue(
                    f"TTX_ID {treatment.key} stands in line {seen[treatment.key]} already; that one counts."
                )
        except UnreadableValue as error:
            table.refuse(row.line, str(error))
            continue
        seen[treatment.key] = row.line
        if isinstance(treatment, IgnoredRow):
            log.ignored.append(treatment)
        else:
            log.treated.append(treatment)


def _treatment(
    row: _Row, sites: Mapping[int, SourceSite], fields: Mapping[int, tuple[int, int]]
) -> TreatedField | IgnoredRow:
    key, patient, started_at = row.number("TTX_ID"), row.number("Pat_ID1"), row.time("Create_DtTm")
    is_on, is_complete = row.truth("WasBeamOn"), row.truth("WasBeamComplete")
    why_not = [
        reason
        for reason, holds in (
            ("cancelled", row.truth("WasCanceled")),
            ("in QA mode", row.truth("WasQAMode")),
            ("the beam was never on", not is_on),
        )
        if holds
    ]
    if why_not:
        return IgnoredRow(key, row.line, patient, started_at, ", ".join(why_not))
    site_key, field_key = row.number("SIT_ID"), row.number("FLD_ID")
    if site_key not in sites:
        raise UnreadableValue(f"SIT_ID {site_key} is not among the sound rows of Site.csv.")
    if field_key not in fields:
        raise UnreadableValue(f"FLD_ID {field_key} is not among the sound rows of TxField.csv.")
    site, (field_id, field_patient) = sites[site_key], fields[field_key]
    if {site.source_patient_id, field_patient} != {patient}:
        raise UnreadableValue(f"Its site {site_key} or field {field_key} belongs to another patient.")
    return TreatedField(
        key=key,
        line=row.line,
        source_patient_id=patient,
        machine_name=_machine_name(row),
        site_id=site.site_id,
        field_id=field_id,
        started_at=started_at,
        ended_at=_end(row, started_at),
        is_complete=is_complete,
    )


def _machine_name(row: _Row) -> str:
    """What the log calls the machine: a number, which some exports write as 118.0, or a name."""
    text = row.text("Machine_ID_Staff_ID", 60)
    number = WHOLE_NUMBER.fullmatch(text)
    return number[1] if number else text


def _end(row: _Row, started_at: datetime) -> datetime | None:
    """When the row was last written, where that is near enough to its start to be the end of the treatment."""
    if not row.values["Edit_DtTm"]:
        return None
    ended_at = row.time("Edit_DtTm")
    is_near = timedelta(0) <= ended_at - started_at < timedelta(minutes=MINUTES_OF_ONE_VISIT)
    return ended_at if is_near else None


def _lines_of(file: str, content: bytes) -> list[str]:
    """The file's lines, each with its end. Raises UnreadableLog where it is empty, too long or not text."""
    if len(content) > MOST_BYTES:
        raise UnreadableLog(f"{file} is larger than {MOST_BYTES // 1024 // 1024} MB. Export a shorter period.")
    lines = io.StringIO(_decoded(content).replace("\x00", ""), newline=None).readlines()
    if not lines or not lines[0].strip():
        raise UnreadableLog(f"{file} is empty. Its first line must name the columns.")
    if len(lines) > MOST_ROWS:
        raise UnreadableLog(f"{file} has more than {MOST_ROWS:,} lines. Export a shorter period.")
    return lines


def _decoded(content: bytes) -> str:
    """The text, in whichever of the ways that exports are written."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _table_named(file_name: str) -> str | None:
    """The table that a file's name means, whatever its case."""
    known = {f"{table}.csv".lower(): table for table in COLUMNS}
    return known.get(file_name.lower())


def _add_table(tables: dict[str, bytes], file_name: str, content: bytes) -> None:
    name = PurePosixPath(file_name).name
    table = _table_named(name)
    if table is None:
        raise UnreadableLog(
            f"{name[:60]} is not part of a treatment log. Send TrackTreatment.csv, Site.csv, TxField.csv and "
            "Ident.csv, or one zip of the four."
        )
    if table in tables:
        raise UnreadableLog(f"{table}.csv is there twice. Send each file once.")
    if sum(map(len, tables.values())) + len(content) > MOST_BYTES:
        raise UnreadableLog(f"The files are larger than {MOST_BYTES // 1024 // 1024} MB. Export a shorter period.")
    tables[table] = content


def _unzip(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    """The files of a zip. Nothing touches the disk, and no size that the zip claims is believed."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError) as error:
        raise UnreadableLog(f"{name[:60]} is not a zip that can be read. Zip the four files again.") from error
    with archive:
        entries = [e for e in archive.infolist() if not e.is_dir() and not e.filename.startswith(LITTER[0])]
        entries = [entry for entry in entries if PurePosixPath(entry.filename).name != LITTER[1]]
        if len(entries) > MOST_ENTRIES:
            raise UnreadableLog(f"The zip holds {len(entries)} files. Zip the four files of the log alone.")
        left = MOST_BYTES
        for entry in entries:
            _check_entry(entry)
            try:
                with archive.open(entry) as file:
                    unpacked = file.read(left + 1)
            except Exception as error:
                # Each way of packing has errors of its own (zlib.error, LZMAError, RuntimeError and more).
                raise UnreadableLog(f"{_shown(entry)} in the zip is damaged. Zip the four files again.") from error
            left -= len(unpacked)
            if left < 0:
                raise UnreadableLog(f"The zip unpacks to more than {MOST_BYTES // 1024 // 1024} MB; it was not read.")
            yield entry.filename, unpacked


def _check_entry(entry: zipfile.ZipInfo) -> None:
    """Raise UnreadableLog for what has no place in the zip of a log."""
    path = PurePosixPath(entry.filename.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in entry.filename:
        raise UnreadableLog(f"The zip holds a file outside its own folder, {_shown(entry)}; it was not read.")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise UnreadableLog(f"{_shown(entry)} in the zip is a link. Zip the files themselves.")
    if entry.flag_bits & 0x1:
        raise UnreadableLog("The zip is locked with a password. Zip the four files without one.")
    if path.suffix.lower() == ".zip":
        raise UnreadableLog(f"{_shown(entry)} is a zip within the zip. Zip the four files themselves.")
    if path.suffix.lower() != ".csv":
        raise UnreadableLog(f"{_shown(entry)} in the zip is not a CSV file. Zip the four files of the log alone.")


def _shown(entry: zipfile.ZipInfo) -> str:
    return PurePosixPath(entry.filename.replace("\\", "/")).name[:60]
