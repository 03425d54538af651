"""Coding cases as a spreadsheet: one session a row, read strictly, answered with the engine's lines and findings."""

import csv
import io
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from coding.engine.facts import AuthorizationFacts, EarlierSession, SessionFacts
from coding.engine.ruling import Charge, Ruling
from coding.engine.terms import TERMS_OF_CASES, PolicyTerms, TermError, parse_term
from coding.engine.trace import Citation
from coding.engine.vocabulary import (
    BeneficiaryNotice,
    ClaimForm,
    Completion,
    Guidance,
    Isocenters,
    MotionManagement,
    PayerKind,
    Setting,
    Severity,
    Technique,
)

REQUIRED = ("case", "date_of_service", "setting", "payer", "claim", "technique")
OPTIONAL = (
    "coded_on",
    "session_of_day",
    "same_physician",
    "minutes_since_previous",
    "isocenters",
    "motion_management",
    "guidance",
    "diagnoses",
    "fraction_number",
    "prescribed_fractions",
    "last_charged_fraction",
    "completion",
    "requested_code",
    "requested_modifiers",
    "other_codes_same_day",
    "terms",
    "authorization",
    "missing",
    "abn",
    "locum",
    "resident",
    "duplicate",
)
IGNORED = ("title", "expected_lines", "expected_finding", "rationale", "source", "confidence")
COLUMNS = (*REQUIRED, *OPTIONAL, *IGNORED)
OUTPUT_COLUMNS = ("case", "lines", "findings")
DAYS_UNTIL_CODED = timedelta(days=3)

# What a word in `missing` takes away.
DOCUMENTS: Mapping[str, str] = MappingProxyType(
    {
        "prescription_signature": "is_prescription_signed",
        "plan_approval": "is_plan_approved",
        "treatment_record": "has_treatment_record",
        "image_signature": "is_image_review_signed",
        "supervision": "is_supervision_documented",
        "motion_documentation": "is_motion_documented",
        "bid_order": "is_twice_daily_ordered",
    }
)
TERMS_OF_THE_CASE = Citation(title="The case file's own terms", section="column terms")
# The value of the column where it says `none` alone: no policy is loaded for the payer.
NO_POLICY: Mapping[str, Any] = MappingProxyType({})
CODE = r"[0-9A-Z][0-9]{3}[0-9A-Z]"


class CaseFileError(ValueError):
    """A file that is refused as a whole; the message says where, what, and what is allowed."""


@dataclass(frozen=True, slots=True)
class Case:
    """One row: the facts, and this payer's terms for the case over the policy in force.

    `has_policy` is False where the row says that no policy is loaded for the payer.
    """

    name: str
    facts: SessionFacts
    terms: Mapping[str, Any]
    has_policy: bool = True

    def terms_over(self, policy: PolicyTerms | None) -> PolicyTerms | None:
        """The terms that the case is coded with: the policy in force, with the row's own terms laid over it."""
        if not self.has_policy or policy is None:
            return None
        return term_overrides(policy, self.terms)


def term_overrides(policy: PolicyTerms, terms: Mapping[str, Any]) -> PolicyTerms:
    """A policy's terms with others laid over them; what is laid over is cited as such."""
    if not terms:
        return policy
    clauses = {**policy.clauses, **dict.fromkeys(terms, TERMS_OF_THE_CASE)}
    return replace(policy, clauses=MappingProxyType(clauses), **terms)


class _Refused(Exception):
    """A value that cannot be read: what is allowed."""


class _Row:
    """One line of the file; every reader says the column and what is allowed where it cannot read it."""

    def __init__(self, line: int, values: Mapping[str, str]) -> None:
        self.line = line
        self._values = values

    def text(self, column: str) -> str:
        return self._values.get(column, "").strip()

    def refused(self, column: str, allowed: str) -> CaseFileError:
        return CaseFileError(f"line {self.line}, column {column}: '{self.text(column)}'; allowed: {allowed}")

    def read(self, column: str, reader: Callable[[str], Any], blank: Any = None) -> Any:
        """What the reader makes of the value; `blank` where there is none."""
        if not (text := self.text(column)):
            return blank
        try:
            return reader(text)
        except _Refused as refused:
            raise self.refused(column, str(refused)) from None

    def required(self, column: str, reader: Callable[[str], Any]) -> Any:
        """The same, for a column that may not be blank."""
        try:
            return reader(self.text(column))
        except _Refused as refused:
            raise self.refused(column, str(refused)) from None


def read_cases(text: str, payers: Mapping[str, PayerKind]) -> list[Case]:
    """The cases of a file, in its order. `payers` are those loaded, each with its kind.

    Raises CaseFileError for the first column that is not known, required column that is missing, case that is named
    twice and value that cannot be read.
    """
    rows = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    cases: list[Case] = []
    names: set[str] = set()
    try:
        header = [column.strip() for column in next(rows, [])]
        _check_header(header)
        start = rows.line_num + 1
        for values in rows:
            line, start = start, rows.line_num + 1
            if not any(value.strip() for value in values):
                continue
            case = _case(_Row(line, _by_column(line, header, values)), payers)
            if case.name in names:
                raise CaseFileError(
                    f"line {line}, column case: '{case.name}'; allowed: a name that is unique in the file"
                )
            names.add(case.name)
            cases.append(case)
    except csv.Error as error:
        raise CaseFileError(f"line {rows.line_num}: not readable as CSV ({error})") from None
    return cases


def format_lines(ruling: Ruling) -> str:
    """The charge lines as the cases write them, `none` where nothing may be billed."""
    return " + ".join(map(format_line, ruling.charges)) or "none"


def format_line(charge: Charge) -> str:
    """One charge line: `77386-PO x1 rev 0333`, `77014-26 x1 pos 22`."""
    place = f"rev {charge.revenue_code}" if charge.revenue_code else f"pos {charge.place_of_service}"
    return f"{'-'.join((charge.code, *charge.modifiers))} x{charge.units} {place}"


def format_findings(ruling: Ruling) -> str:
    """Errors and holds by name, in the order found, each once; notes do not appear."""
    named = (
        f"{finding.severity.upper()}: {finding.name}"
        for finding in ruling.findings
        if finding.severity is not Severity.NOTE
    )
    return "; ".join(dict.fromkeys(named))


def write_answers(answers: Iterable[tuple[str, Ruling]]) -> str:
    """The output: one row a case, in the order given."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(OUTPUT_COLUMNS)
    for name, ruling in answers:
        writer.writerow((name, format_lines(ruling), format_findings(ruling)))
    return out.getvalue()


def _check_header(header: list[str]) -> None:
    for column in header:
        if column not in COLUMNS:
            raise CaseFileError(f"line 1, column {column}: '{column}'; allowed: {', '.join(COLUMNS)}")
        if header.count(column) > 1:
            raise CaseFileError(f"line 1, column {column}: '{column}'; allowed: each column once")
    for column in REQUIRED:
        if column not in header:
            raise CaseFileError(f"line 1, column {column}: ''; allowed: the required columns {', '.join(REQUIRED)}")


def _by_column(line: int, header: list[str], values: list[str]) -> dict[str, str]:
    for surplus in values[len(header) :]:
        if surplus.strip():
            raise CaseFileError(f"line {line}, column {len(header) + 1}: '{surplus}'; allowed: {len(header)} columns")
    return dict(zip(header, values, strict=False))


def _case(row: _Row, payers: Mapping[str, PayerKind]) -> Case:
    name = row.required("case", _any_text)
    day = row.required("date_of_service", _day)
    payer = row.required("payer", _one_of(payers))
    session_of_day = row.read("session_of_day", _session_of_day, 1)
    missing = row.read("missing", _words(DOCUMENTS), ())
    terms = row.read("terms", _terms, {})
    facts = SessionFacts(
        date_of_service=day,
        coded_on=row.read("coded_on", _day, _three_days_after(day)),
        setting=row.required("setting", _word(Setting)),
        claim_forms=(row.required("claim", _word(ClaimForm)),),
        payer=payer,
        payer_kind=payers[payer],
        technique=row.required("technique", _word(Technique)),
        isocenters=row.read("isocenters", _word(Isocenters), Isocenters.SINGLE),
        motion_management=row.read("motion_management", _word(MotionManagement), MotionManagement.NONE),
        guidance=row.read("guidance", _word(Guidance), Guidance.NONE),
        diagnoses=row.read("diagnoses", _diagnoses, ()),
        fraction_number=row.read("fraction_number", _whole_number),
        prescribed_fractions=row.read("prescribed_fractions", _whole_number),
        last_charged_fraction=row.read("last_charged_fraction", _whole_number),
        completion=row.read("completion", _word(Completion), Completion.COMPLETE),
        earlier_sessions=_earlier_sessions(
            session_of_day,
            row.read("minutes_since_previous", _whole_number),
            row.read("same_physician", _yes_or_no, True),
        ),
        requested_code=row.read("requested_code", _requested_code, ""),
        requested_modifiers=row.read("requested_modifiers", _modifiers, ()),
        other_codes_same_day=row.read("other_codes_same_day", _codes, ()),
        authorization=row.read("authorization", _authorization, AuthorizationFacts()),
        beneficiary_notice=row.read("abn", _word(BeneficiaryNotice)),
        is_locum=row.read("locum", _yes_or_no, False),
        has_resident=row.read("resident", _yes_or_no, False),
        is_duplicate=row.read("duplicate", _yes_or_no, False),
        **dict.fromkeys((DOCUMENTS[document] for document in missing), False),
    )
    return Case(name, facts, terms, has_policy=terms is not NO_POLICY)


def _three_days_after(day: date) -> date:
    return day + min(DAYS_UNTIL_CODED, date.max - day)


def _earlier_sessions(session_of_day: int, minutes: int | None, same_physician: bool) -> tuple[EarlierSession, ...]:
    """The day's earlier sessions, each its own visit; only of the last one are the time and the physician known."""
    if session_of_day == 1:
        return ()
    before = tuple(EarlierSession(minutes_before=None) for _ in range(session_of_day - 2))
    return (*before, EarlierSession(minutes_before=minutes, is_same_physician=same_physician))


def _any_text(text: str) -> str:
    if not text:
        raise _Refused("any text that is unique in the file")
    return text


def _day(text: str) -> date:
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise _Refused("an ISO date such as 2025-12-31")


def _whole_number(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,6}", text):
        raise _Refused("a whole number")
    return int(text)


def _session_of_day(text: str) -> int:
    if text not in ("1", "2", "3"):
        raise _Refused("1, 2, 3")
    return int(text)


def _yes_or_no(text: str) -> bool:
    if text not in ("yes", "no"):
        raise _Refused("yes, no")
    return text == "yes"


def _word(words: type[StrEnum]) -> Callable[[str], StrEnum]:
    def read(text: str) -> StrEnum:
        return words(_one_of([word.value for word in words])(text))

    return read


def _one_of(words: Collection[str]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in words:
            raise _Refused(", ".join(words))
        return text

    return read


def _words(words: Collection[str]) -> Callable[[str], tuple[str, ...]]:
    def read(text: str) -> tuple[str, ...]:
        return tuple(map(_one_of(words), text.split()))

    return read


def _diagnoses(text: str) -> tuple[str, ...]:
    return tuple(code.strip() for code in text.split(";") if code.strip())


def _requested_code(text: str) -> str:
    if not re.fullmatch(rf"{CODE}(-[0-9A-Z]{{2}})*", text.upper()):
        raise _Refused("a code, with modifiers after hyphens, such as 77386 or 77014-26")
    return text.upper()


def _modifiers(text: str) -> tuple[str, ...]:
    modifiers = tuple(text.upper().split())
    if not all(re.fullmatch(r"\S{2}", modifier) for modifier in modifiers):
        raise _Refused("modifiers of two characters, apart by spaces")
    return modifiers


def _codes(text: str) -> tuple[str, ...]:
    codes = tuple(text.upper().split())
    if not all(re.fullmatch(CODE, code) for code in codes):
        raise _Refused("codes such as 77387, apart by spaces")
    return codes


def _terms(text: str) -> Mapping[str, Any]:
    """The row's own terms; NO_POLICY where it says `none` alone."""
    if text == "none":
        return NO_POLICY
    terms: dict[str, Any] = {}
    for part in filter(None, (part.strip() for part in text.split(";"))):
        key, sign, value = (piece.strip() for piece in part.partition("="))
        if key not in TERMS_OF_CASES or not sign:
            raise _Refused(f"none alone, or key=value joined with ;, with the keys {', '.join(TERMS_OF_CASES)}")
        if key in terms:
            raise _Refused(f"each key once ({key})")
        try:
            terms[key] = parse_term(key, value)
        except TermError as error:
            raise _Refused(f"for {key}, {error.allowed}") from None
    return terms


def _authorization(text: str) -> AuthorizationFacts | None:
    if text == "missing":
        return None
    readers: dict[str, tuple[str, Callable[[str], Any]]] = {
        "number": ("number", _any_text),
        "units": ("units", _whole_number),
        "used": ("used", _whole_number),
        "starts": ("starts_on", _day),
        "ends": ("ends_on", _day),
        "code": ("codes", _authorized_codes),
    }
    values: dict[str, Any] = {}
    for word in text.split():
        key, _, value = word.partition("=")
        if key not in readers:
            raise _Refused(f"missing, or words of {', '.join(f'{key}=' for key in readers)}")
        field, read = readers[key]
        try:
            values[field] = read(value)
        except _Refused as refused:
            raise _Refused(f"for {key}, {refused}") from None
    return AuthorizationFacts(**values)


def _authorized_codes(text: str) -> tuple[str, ...]:
    return _codes(text.replace(",", " ").replace("/", " ")) or _any_text("")
