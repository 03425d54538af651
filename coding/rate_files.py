"""A contract's schedule as a CSV file: read row by row, refused rows with their reasons, and written alike."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from io import StringIO
from typing import Any

from django.utils.translation import gettext as _

from coding.models import ContractRate
from payers.models import Payer
from portal.models import FIRST_DAY, LAST_DAY, DepartmentSetting

COLUMNS = ("payer", "code", "modifier", "setting", "effective_from", "amount", "source")
# These a file may leave out: then they are empty in every row.
MAY_BE_ABSENT = frozenset({"modifier", "setting"})
MOST_BYTES = 8 * 1024 * 1024
MOST_ROWS = 20_000
MODIFIERS = ("", "26", "TC")
# As the export writes a day, and as a spreadsheet saves it again.
DAY_FORMATS = ("%Y-%m-%d", "%m/%d/%Y", "%m/%d/%y")
MOST_AMOUNT = Decimal("99999999.99")
SOURCE_LENGTH = 200

RateKey = tuple[int, str, str, str, date]


class RateFileError(Exception):
    """The file as a whole cannot be read: one sentence with the remedy."""


@dataclass(frozen=True, slots=True)
class RateRow:
    """One rate as a row of the file says it; `number` is the row's place in the file, the heading counted too."""

    number: int
    payer: Payer
    code: str
    modifier: str
    setting: str
    effective_from: date
    amount: Decimal
    source: str

    @property
    def key(self) -> RateKey:
        """What only one rate can be of."""
        return (self.payer.pk, self.code, self.modifier, self.setting, self.effective_from)

    @property
    def setting_label(self) -> str:
        return str(DepartmentSetting(self.setting).label) if self.setting else ""


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that is no rate: what it says, and why it is refused."""

    number: int
    cells: str
    reason: str


class _Refused(Exception):
    """Why a row is no rate."""


def read_rates(text: str, payers: Iterable[Payer]) -> tuple[list[RateRow], list[RefusedRow]]:
    """The rates of a file, and the rows that are refused. Raises RateFileError where the file cannot be read at all.

    The heading is the first row that names payer and code: what stands above it, such as the filters of an export, is
    left out. A payer is named by its short name or its full one.
    """
    known = _by_name(payers)
    rows, refused, seen = [], [], {}
    columns: list[str] | None = None
    for number, cells in enumerate(_cells(text), start=1):
        stripped = [cell.strip() for cell in cells]
        if columns is None:
            columns = _columns(stripped)
        elif any(stripped):
            if len(rows) + len(refused) == MOST_ROWS:
                raise RateFileError(_("The file has more than %(most)s rows. Split it.") % {"most": f"{MOST_ROWS:,}"})
            try:
                row = _row(number, columns, stripped, known)
                if row.key in seen:
                    raise _Refused(_("The same rate stands in row %(row)d already.") % {"row": seen[row.key]})
            except _Refused as refusal:
                refused.append(RefusedRow(number, ", ".join(stripped)[:200], str(refusal)))
            else:
                seen[row.key] = number
                rows.append(row)
    if columns is None:
        raise RateFileError(
            _("No row names the columns. The first row should read: %(columns)s.") % {"columns": ", ".join(COLUMNS)}
        )
    if not rows and not refused:
        raise RateFileError(_("The file has a heading and no row."))
    return rows, refused


def rates_table(rates: Iterable[ContractRate]) -> Iterator[Sequence[Any]]:
    """The rates as a table that `read_rates` reads again."""
    yield COLUMNS
    for rate in rates:
        day = rate.effective_from.isoformat()
        yield (rate.payer.slug, rate.code, rate.modifier, rate.setting, day, rate.amount, rate.source)


def _by_name(payers: Iterable[Payer]) -> dict[str, Payer]:
    """Payers by short name, and by full name where only one has it."""
    found = list(payers)
    names = Counter(payer.name.casefold() for payer in found)
    full = {payer.name.casefold(): payer for payer in found if names[payer.name.casefold()] == 1}
    return full | {payer.slug.casefold(): payer for payer in found}


def _cells(text: str) -> Iterator[list[str]]:
    try:
        yield from csv.reader(StringIO(text, newline=""))
    except csv.Error as error:
        raise RateFileError(_("This is no CSV file that can be read. Save the spreadsheet as CSV again.")) from error


def _columns(cells: Sequence[str]) -> list[str] | None:
    """The columns where the row is the heading; None where it stands above it."""
    columns = [cell.casefold().replace(" ", "_") for cell in cells]
    if not {"payer", "code"}.issubset(columns):
        return None
    while columns and not columns[-1]:
        columns.pop()
    missing = [name for name in COLUMNS if name not in columns and name not in MAY_BE_ABSENT]
    if missing:
        raise RateFileError(
            _("The heading lacks %(missing)s. It should read: %(columns)s.")
            % {"missing": ", ".join(missing), "columns": ", ".join(COLUMNS)}
        )
    if unknown := [name or _("an empty one") for name in columns if name not in COLUMNS]:
        raise RateFileError(
            _("The heading has columns that are none of the schedule: %(unknown)s. Take them out.")
            % {"unknown": ", ".join(unknown)}
        )
    if len(set(columns)) < len(columns):
        raise RateFileError(_("The heading names a column twice."))
    return columns


def _row(number: int, columns: Sequence[str], cells: Sequence[str], payers: Mapping[str, Payer]) -> RateRow:
    if any(cells[len(columns) :]):
        raise _Refused(_("The row has more cells than the heading: put an amount with a comma in quotes."))
    said = dict.fromkeys(COLUMNS, "") | dict(zip(columns, cells, strict=False))
    return RateRow(
        number=number,
        payer=_payer(said["payer"], payers),
        code=_code(said["code"]),
        modifier=_modifier(said["modifier"]),
        setting=_setting(said["setting"]),
        effective_from=_day(said["effective_from"]),
        amount=_amount(said["amount"]),
        source=_source(said["source"]),
    )


def _payer(said: str, payers: Mapping[str, Payer]) -> Payer:
    payer = payers.get(said.casefold())
    if payer is None:
        raise _Refused(
            _("No payer of yours is called “%(said)s”. Set-up, Payers lists their names.") % {"said": said[:60]}
        )
    return payer


def _code(said: str) -> str:
    code = said.upper()
    if len(code) != 5 or not (code.isascii() and code.isalnum()):
        raise _Refused(_("A code has five letters or digits, such as 77386 or G6015."))
    return code


def _modifier(said: str) -> str:
    if said.upper() not in MODIFIERS:
        raise _Refused(_("The modifier is 26, TC or empty."))
    return said.upper()


def _setting(said: str) -> str:
    names = {str(label).casefold(): value for value, label in DepartmentSetting.choices}
    setting = names.get(said.casefold(), said.casefold())
    if setting and setting not in DepartmentSetting.values:
        raise _Refused(
            _("The setting is empty for every setting, or one of %(settings)s.")
            % {"settings": ", ".join(DepartmentSetting.values)}
        )
    return setting


def _day(said: str) -> date:
    for shape in DAY_FORMATS:
        try:
            day = datetime.strptime(said, shape).date()
        except ValueError:
            continue
        if FIRST_DAY <= day <= LAST_DAY:
            return day
        raise _Refused(_("The first date of service lies from 2000 to 2099."))
    raise _Refused(_("The first date of service is a day such as 2026-01-01 or 01/01/2026."))


def _amount(said: str) -> Decimal:
    try:
        amount = Decimal(said.removeprefix("$").replace(",", "").strip())
    except InvalidOperation:
        raise _Refused(
            _("The amount is a number of dollars such as 1450.00; a rate that is not agreed has no row.")
        ) from None
    if not amount.is_finite() or not 0 <= amount <= MOST_AMOUNT:
        raise _Refused(_("The amount is not negative and has at most eight digits before its point."))
    if amount != amount.quantize(Decimal("0.01")):
        raise _Refused(_("The amount has more than two digits after its point."))
    return amount.quantize(Decimal("0.01"))


def _source(said: str) -> str:
    # An export puts an apostrophe before what a spreadsheet would run as a formula.
    source = said.removeprefix("'") if said[1:2] in ("=", "+", "-", "@") else said
    if not source:
        raise _Refused(_("The source is missing: name the contract, and its page."))
    if len(source) > SOURCE_LENGTH:
        raise _Refused(_("The source is longer than %(most)d characters.") % {"most": SOURCE_LENGTH})
    return source
