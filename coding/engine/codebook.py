"""The national facts that change by date, as the engine reads them: the same for every payer and organization."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from functools import cached_property
from itertools import chain
from types import MappingProxyType
from typing import Any

from coding.engine.periods import ONE_DAY, Period
from coding.engine.trace import Citation
from coding.engine.vocabulary import (
    ClaimForm,
    Guidance,
    Isocenters,
    LineRole,
    MotionManagement,
    PayerKind,
    Setting,
    Technique,
)

CPT = "cpt"
HCPCS = "hcpcs"


@dataclass(frozen=True, slots=True)
class Table:
    """One file of the codebook: as of when it was read, and the last date of service that it covers (None: no end)."""

    name: str
    title: str
    as_of: date
    covers_until: date | None = None

    def is_stale(self, day: date) -> bool:
        """Whether a date of service is later than what the table covers."""
        return self.covers_until is not None and day > self.covers_until


@dataclass(frozen=True, slots=True)
class LoadedTable:
    """An official file that was loaded: it takes the place of the shipped table from a day on, until the next begins.

    `rows` maps what the table is asked for to its answer; what is not in it has no answer, whatever was shipped.
    """

    effective_from: date
    table: Table
    citations: tuple[Citation, ...]
    rows: Mapping[Any, Any] = field(repr=False)


def _holding(loaded: tuple[LoadedTable, ...], day: date) -> LoadedTable | None:
    """The latest that begins on or before the day; they stand in order of their first days."""
    return next((table for table in reversed(loaded) if table.effective_from <= day), None)


@dataclass(frozen=True, slots=True)
class Code:
    """A procedure code by number, with a short label of our own; `family` is the code set that a payer asks for.

    A technical-only code takes neither 26 nor TC. `role` is None for codes that the portal knows but never charges.
    """

    code: str
    label: str
    family: str
    role: LineRole | None
    valid: Period
    is_technical_only: bool
    citations: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class DeliveryChoice:
    """One row of the table that picks the delivery code; the first that fits wins. None fits anything."""

    code: str
    family: str | None
    period: Period
    techniques: frozenset[Technique] | None
    isocenters: Isocenters | None
    motion_management: MotionManagement | None
    why: str
    citations: tuple[Citation, ...]

    def fits(
        self,
        technique: Technique | None,
        isocenters: Isocenters | None,
        motion_management: MotionManagement | None,
    ) -> bool:
        """Whether a session is of this kind. An unknown technique fits where the choice does not turn on it."""
        return (
            (self.techniques is None or technique in self.techniques)
            and (self.isocenters is None or isocenters == self.isocenters)
            and (self.motion_management is None or motion_management == self.motion_management)
        )


@dataclass(frozen=True, slots=True)
class ModalityCode:
    """The guidance code of one imaging modality over a period; technical-only ones have no professional side."""

    guidance: Guidance
    code: str
    period: Period
    citations: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class Modifier:
    """A modifier with its place on the line (lower stands first) and a short meaning of our own."""

    code: str
    rank: int
    label: str
    is_medicare_only: bool
    citations: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class PlaceOfService:
    """The place of service of a setting over a period."""

    code: str
    period: Period
    citations: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class SiteModifier:
    """PO or PN of a setting over a period, with the code family that lines under it are paid from."""

    code: str
    period: Period
    delivery_family: str
    citations: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class SettingRules:
    """How one setting bills: the claim forms it refuses (form to finding), places of service and site modifiers."""

    setting: Setting
    label: str
    refused: Mapping[ClaimForm, str]
    places_of_service: tuple[PlaceOfService, ...]
    site_modifiers: tuple[SiteModifier, ...]
    needs_direct_supervision: bool
    citations: tuple[Citation, ...]

    def place_of_service(self, on: date) -> PlaceOfService:
        """The place of service on a date; the loader sees to it that there always is one."""
        return next(place for place in self.places_of_service if on in place.period)

    def site_modifier(self, on: date) -> SiteModifier | None:
        """The site modifier of a hospital department on a date, or None."""
        return next((modifier for modifier in self.site_modifiers if on in modifier.period), None)


@dataclass(frozen=True, slots=True)
class UnitLimit:
    """A medically unlikely edit: units a patient's day, by file, with its adjudication indicator."""

    units: int
    adjudication: int
    citations: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """The modifier indicator of an NCCI pair over a period."""

    indicator: int
    period: Period


@dataclass(frozen=True, slots=True)
class Rate:
    """A national, unadjusted payment rate of one unit over a period."""

    schedule: str
    code: str
    modifier: str
    period: Period
    amount: Decimal
    citations: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """A provider taxonomy: what it is used for, and the one to use instead where it has been renamed."""

    code: str
    label: str
    use: str
    use_instead: str
    citations: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class HouseDefault:
    """What holds where a payer's version in force is silent on a term."""

    value: object
    citations: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class DiagnosisGroup:
    """A named group of diagnosis codes by their first three characters, for pages."""

    name: str
    first: str
    last: str
    head_and_neck: bool = False

    def __contains__(self, code: str) -> bool:
        return self.first <= code[:3] <= self.last


@dataclass(frozen=True)
class DiagnosisCodes:
    """Billable ICD-10-CM codes of the chapters that are loaded; ICD-9-CM is known by form and date only."""

    icd10_from: date
    chapters: frozenset[str]
    billable: frozenset[str]
    added: frozenset[str]
    added_from: date
    dropped: frozenset[str]
    groups: tuple[DiagnosisGroup, ...]
    complexity_categories: frozenset[str]
    citations: tuple[Citation, ...]
    loaded: tuple[LoadedTable, ...] = ()

    def citations_on(self, day: date) -> tuple[Citation, ...]:
        """The list that holds on a date."""
        loaded = _holding(self.loaded, day)
        return loaded.citations if loaded else self.citations

    def billable_on(self, day: date) -> Collection[str]:
        """Every code that the release that covers the date lists as billable."""
        if (loaded := _holding(self.loaded, day)) is not None:
            return loaded.rows.keys()
        return self.billable | (self.dropped if day < self.added_from else self.added)

    def is_loaded(self, code: str) -> bool:
        """Whether the code's chapter is loaded, so that a missing code is a wrong one."""
        return code[:1] in self.chapters

    def is_billable(self, code: str, on: date) -> bool:
        """Whether the release that covers the date lists the code as billable."""
        if (loaded := _holding(self.loaded, on)) is not None:
            return code in loaded.rows
        if on < self.added_from:
            return code in self.billable or code in self.dropped
        return code in self.billable or code in self.added


def _until(rate: Rate, day: date | None) -> Rate | None:
    """The rate as far as it goes before a day; None where it begins no earlier."""
    if day is None or (rate.period.ends_before is not None and rate.period.ends_before <= day):
        return rate
    if rate.period.starts_on is not None and rate.period.starts_on >= day:
        return None
    return replace(rate, period=Period(rate.period.starts_on, day))


class PairsOn(Mapping[tuple[str, str], int]):
    """The pairs of a loaded file on one date: those that have begun and are not deleted."""

    def __init__(self, rows: Mapping[tuple[str, str], tuple[Pair, ...]], day: date) -> None:
        self._rows, self._day = rows, day

    def __getitem__(self, codes: tuple[str, str]) -> int:
        for pair in self._rows[codes]:
            if self._day in pair.period:
                return pair.indicator
        raise KeyError(codes)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return (codes for codes, pairs in self._rows.items() if any(self._day in pair.period for pair in pairs))

    def __len__(self) -> int:
        return sum(1 for _ in self)


# The files of a table that has several: a loaded one takes the place of its own part alone.
FILES_OF_TABLE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "unit_limits": ("hospital", "practitioner"),
        "pairs": ("hospital", "practitioner"),
        "rates": ("OPPS", "MPFS"),
        "diagnoses": ("",),
    }
)


@dataclass(frozen=True)
class Codebook:
    """All tables, read once. `digest` names their content: with another digest, every answer may be another.

    `loaded` maps a table and its file to the official files that were loaded, which hold from their first days on.
    """

    digest: str
    tables: Mapping[str, Table]
    codes: Mapping[str, Code]
    delivery_choices: tuple[DeliveryChoice, ...]
    modality_codes: tuple[ModalityCode, ...]
    guidance_code: str
    modifiers: Mapping[str, Modifier]
    settings: Mapping[Setting, SettingRules]
    revenue_code: str
    revenue_citations: tuple[Citation, ...]
    unit_limits: Mapping[tuple[str, str], UnitLimit]
    pairs: Mapping[tuple[str, str, str], int]
    pair_citations: tuple[Citation, ...]
    rates: tuple[Rate, ...]
    taxonomies: Mapping[str, Taxonomy]
    diagnoses: DiagnosisCodes
    defaults_of_all: Mapping[str, HouseDefault]
    defaults_of_kind: Mapping[PayerKind, Mapping[str, HouseDefault]]
    defaults_of_payer: Mapping[str, Mapping[str, HouseDefault]]
    house_rules: Citation
    loaded: Mapping[tuple[str, str], tuple[LoadedTable, ...]] = field(default_factory=dict)

    def loaded_on(self, table: str, file: str, day: date) -> LoadedTable | None:
        """The official file that holds on a date in place of what was shipped, or None."""
        return _holding(self.loaded.get((table, file), ()), day)

    def tables_on(self, day: date) -> Iterator[Table]:
        """Every table that answers for a date: the shipped one wherever a file of it is not loaded, and what is."""
        for name, table in self.tables.items():
            loaded = [self.loaded_on(name, file, day) for file in FILES_OF_TABLE.get(name, ("",))]
            if None in loaded:
                yield table
            yield from (found.table for found in loaded if found is not None)

    def house_rule(self, section: str) -> tuple[Citation, ...]:
        """The citation of a rule that the house has settled itself, by the heading that it stands under."""
        return (Citation(self.house_rules.title, self.house_rules.url, self.house_rules.published, section),)

    def house_defaults(self, payer: str | None, kind: PayerKind | None) -> Mapping[str, HouseDefault]:
        """The terms that hold where the payer is silent: those of all, then of its kind, then of the payer itself."""
        return {
            **self.defaults_of_all,
            **(self.defaults_of_kind.get(kind, {}) if kind else {}),
            **(self.defaults_of_payer.get(payer, {}) if payer else {}),
        }

    def delivery_choice(
        self,
        *,
        on: date,
        family: str,
        technique: Technique | None,
        isocenters: Isocenters | None,
        motion_management: MotionManagement | None,
    ) -> DeliveryChoice | None:
        """The delivery code of a session of this kind on a date, or None where the code set has none."""
        return next(
            (
                choice
                for choice in self.delivery_choices
                if on in choice.period
                and choice.family in (None, family)
                and choice.fits(technique, isocenters, motion_management)
            ),
            None,
        )

    def modality_code(self, guidance: Guidance, *, on: date) -> ModalityCode | None:
        """The guidance code of the modality on a date, or None once modality no longer changes the code."""
        return next((m for m in self.modality_codes if m.guidance == guidance and on in m.period), None)

    def last_day_of_deleted_codes(self, *, on: date) -> date | None:
        """The last day of the delivery codes that were deleted before the date, or None where none were."""
        ends = [c.period.ends_before for c in self.delivery_choices if c.period.ends_before and c.period.is_before(on)]
        return max(ends) - ONE_DAY if ends else None

    def file_of(self, claim_form: ClaimForm) -> str:
        """Which NCCI file a claim form is held against."""
        return "hospital" if claim_form is ClaimForm.INSTITUTIONAL else "practitioner"

    def unit_limit(self, claim_form: ClaimForm, code: str, *, on: date) -> UnitLimit | None:
        """The units of a code that a patient's day may carry on a claim form, where a table says so."""
        file = self.file_of(claim_form)
        if (loaded := self.loaded_on("unit_limits", file, on)) is not None:
            return loaded.rows.get(code)
        return self.unit_limits.get((file, code))

    def pair_indicator(self, claim_form: ClaimForm, column1: str, column2: str, *, on: date) -> int | None:
        """The modifier indicator of an NCCI pair (0: never together, 1: a modifier may part them), or None."""
        return self.pairs_on(self.file_of(claim_form), on).get((column1, column2))

    def pairs_on(self, file: str, on: date) -> Mapping[tuple[str, str], int]:
        """The modifier indicators of every pair of a file on a date, by column 1 and column 2."""
        loaded = self.loaded_on("pairs", file, on)
        if loaded is None:
            return self._shipped_pairs[file]
        return PairsOn(loaded.rows, on)

    def pair_citations_on(self, file: str, on: date) -> tuple[Citation, ...]:
        """The source of the pairs of a file on a date."""
        loaded = self.loaded_on("pairs", file, on)
        return self.pair_citations if loaded is None else loaded.citations

    @cached_property
    def _shipped_pairs(self) -> Mapping[str, Mapping[tuple[str, str], int]]:
        found: dict[str, dict[tuple[str, str], int]] = {file: {} for file in FILES_OF_TABLE["pairs"]}
        for (file, column1, column2), indicator in self.pairs.items():
            found[file][column1, column2] = indicator
        return found

    def rate(self, *, schedule: str, code: str, modifier: str, on: date) -> Rate | None:
        """The national rate of a code on a date, or None where it is not known."""
        if (loaded := self.loaded_on("rates", schedule, on)) is not None:
            found = loaded.rows.get((code, modifier))
            return found if found is not None and on in found.period else None
        return next(
            (
                rate
                for rate in self.rates
                if (rate.schedule, rate.code, rate.modifier) == (schedule, code, modifier) and on in rate.period
            ),
            None,
        )

    @cached_property
    def every_rate(self) -> tuple[Rate, ...]:
        """The rates of all dates, each over the dates for which it is the answer."""
        first = {
            schedule: tables[0].effective_from for (name, schedule), tables in self.loaded.items() if name == "rates"
        }
        shipped = (_until(rate, first.get(rate.schedule)) for rate in self.rates)
        loaded = (
            _until(rate, later.effective_from if later else None)
            for (name, _), tables in self.loaded.items()
            if name == "rates"
            for table, later in zip(tables, (*tables[1:], None), strict=True)
            for rate in table.rows.values()
        )
        return tuple(rate for rate in chain(shipped, loaded) if rate is not None)

    @cached_property
    def first_delivery_day(self) -> date:
        """The first date of service that any delivery code of the portal covers."""
        return min(choice.period.starts_on or date.min for choice in self.delivery_choices)

    @cached_property
    def breakpoints(self) -> tuple[date, ...]:
        """Every date on which an answer of the codebook may change, in order."""
        periods = [
            *(code.valid for code in self.codes.values()),
            *(choice.period for choice in self.delivery_choices),
            *(modality.period for modality in self.modality_codes),
            *(place.period for rules in self.settings.values() for place in rules.places_of_service),
            *(modifier.period for rules in self.settings.values() for modifier in rules.site_modifiers),
            *(rate.period for rate in self.rates),
            Period(self.diagnoses.icd10_from, self.diagnoses.added_from),
            *(Period.inclusive(None, table.covers_until) for table in self.tables.values()),
            *self._periods_of_loaded(),
        ]
        return tuple(
            sorted({day for period in periods for day in (period.starts_on, period.ends_before) if day is not None})
        )

    def _periods_of_loaded(self) -> Iterator[Period]:
        """What begins or ends in the official files that were loaded."""
        for found in chain(*self.loaded.values()):
            yield Period.inclusive(found.effective_from, found.table.covers_until)
            for row in found.rows.values():
                yield from (pair.period for pair in row) if isinstance(row, tuple) else ()
