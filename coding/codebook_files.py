"""The codebook's files, read once and strictly: an error names the file, the key and the remedy."""

import hashlib
import tomllib
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

from coding.engine.codebook import (
    CPT,
    HCPCS,
    Code,
    Codebook,
    DeliveryChoice,
    DiagnosisCodes,
    DiagnosisGroup,
    HouseDefault,
    ModalityCode,
    Modifier,
    PlaceOfService,
    Rate,
    SettingRules,
    SiteModifier,
    Table,
    Taxonomy,
    UnitLimit,
)
from coding.engine.periods import Period
from coding.engine.terms import TERMS
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

FOLDER = Path(__file__).resolve().parent / "codebook"
T = TypeVar("T")
D = TypeVar("D")
W = TypeVar("W", bound=StrEnum)
V = TypeVar("V", Code, Modifier, Taxonomy)
CENT = Decimal("0.01")


class CodebookError(ValueError):
    """A codebook file that cannot be read as it stands: the message names file, key and remedy."""

    def __init__(self, place: str, problem: str, remedy: str) -> None:
        super().__init__(f"{place}: {problem}. {remedy}.")


class Entry:
    """One table of a file. Every key is taken exactly once; what nobody took is refused by name."""

    def __init__(self, place: str, values: Any) -> None:
        if not isinstance(values, dict):
            raise CodebookError(place, "is not a table", "Write it as key = value pairs")
        self.place = place
        self._values = dict(values)
        self._known: list[str] = []

    def take(self, key: str, kind: type[T]) -> T:
        """The value of a required key."""
        if key not in self._values:
            raise CodebookError(self.place, f"key '{key}' is missing", f"Add {key}, {_kind_name(kind)}")
        return self._checked(key, kind)

    def take_or(self, key: str, kind: type[T], otherwise: D) -> T | D:
        """The value of an optional key."""
        if key not in self._values:
            self._known.append(key)
            return otherwise
        return self._checked(key, kind)

    def take_word(self, key: str, words: type[W]) -> W:
        """The value of a required key that must be one of the vocabulary's words."""
        return self._word(key, self.take(key, str), words)

    def take_word_or_none(self, key: str, words: type[W]) -> W | None:
        """The value of an optional key that must be one of the vocabulary's words."""
        value = self.take_or(key, str, None)
        return None if value is None else self._word(key, value, words)

    def period(self) -> Period:
        """`from` and `until`, both inclusive and both optional."""
        first, last = self.take_or("from", date, None), self.take_or("until", date, None)
        if first and last and last < first:
            raise CodebookError(self.place, f"'until' {last} is before 'from' {first}", "Put the dates in order")
        return Period.inclusive(first, last)

    def tables(self, key: str) -> list["Entry"]:
        """The list of tables under an optional key."""
        found = self.take_or(key, list, [])
        return [Entry(f"{self.place}, {key} {number}", values) for number, values in enumerate(found, 1)]

    def table(self, key: str) -> "Entry":
        """The table under a required key."""
        return Entry(f"{self.place}, {key}", self.take(key, dict))

    def remaining(self) -> list[str]:
        """The keys that nobody took yet."""
        return list(self._values)

    def close(self) -> None:
        """Refuse what nobody took."""
        for key in self._values:
            raise CodebookError(
                self.place, f"key '{key}' is not known", f"Remove it, or use one of: {', '.join(sorted(self._known))}"
            )

    def refused(self, key: str, value: object, allowed: Iterable[str]) -> CodebookError:
        """The error for a value that is none of those allowed."""
        return CodebookError(self.place, f"key '{key}' has '{value}'", f"Use one of: {', '.join(sorted(allowed))}")

    def _checked(self, key: str, kind: type[T]) -> T:
        self._known.append(key)
        value = self._values.pop(key)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise CodebookError(self.place, f"key '{key}' has {value!r}", f"Write {_kind_name(kind)}")
        return value

    def _word(self, key: str, value: str, words: type[W]) -> W:
        if value not in set(words):
            raise self.refused(key, value, words)
        return words(value)


class _Reader:
    """Reads the files of one folder; each method gives one part of the codebook."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.hash = hashlib.sha256()
        self.tables: dict[str, Table] = {}
        self.sources: dict[str, Citation] = {}

    def read(self) -> Codebook:
        self.sources = self._sources()
        codes = self._codes()
        choices = self._file("choices.toml")
        delivery = tuple(self._delivery_choice(entry, codes) for entry in choices.tables("delivery"))
        modalities = tuple(self._modality(entry, codes) for entry in choices.tables("guidance"))
        guidance_code = self._known_code(choices, choices.take("guidance_code", str), codes)
        choices.close()
        settings_file = self._file("settings.toml")
        revenue_code = settings_file.take("revenue_code", str)
        revenue_citations = self._cited(settings_file, "revenue_reference")
        settings = {rules.setting: rules for rules in map(self._setting, settings_file.tables("setting"))}
        settings_file.close()
        if missing := set(Setting) - set(settings):
            raise CodebookError("settings.toml", f"setting '{min(missing)}' is missing", "Add a [[setting]] for it")
        pairs_file = self._file("pairs.toml")
        pair_citations = self._cited(pairs_file)
        pairs = dict(pair for entry in pairs_file.tables("pairs") for pair in self._pairs(entry))
        pairs_file.close()
        return Codebook(
            codes=codes,
            delivery_choices=delivery,
            modality_codes=modalities,
            guidance_code=guidance_code,
            modifiers=self._each("modifiers.toml", "modifier", self._modifier),
            settings=settings,
            revenue_code=revenue_code,
            revenue_citations=revenue_citations,
            unit_limits=self._unit_limits(),
            pairs=pairs,
            pair_citations=pair_citations,
            rates=self._rates(),
            taxonomies=self._each("taxonomies.toml", "taxonomy", self._taxonomy),
            diagnoses=self._diagnoses(),
            house_rules=self.sources["house-rules"],
            **self._defaults(),
            tables=self.tables,
            digest=self.hash.hexdigest(),
        )

    def _text(self, name: str) -> str:
        try:
            content = (self.folder / name).read_bytes()
            text = content.decode()
        except (OSError, UnicodeDecodeError) as error:
            raise CodebookError(name, f"cannot be read ({type(error).__name__})", "Restore the file") from error
        self.hash.update(content)
        return text

    def _file(self, name: str) -> Entry:
        try:
            entry = Entry(name, tomllib.loads(self._text(name)))
        except tomllib.TOMLDecodeError as error:
            raise CodebookError(name, f"is not TOML: {error}", "Correct the line") from error
        stem = name.removesuffix(".toml")
        self.tables[stem] = Table(
            name=stem,
            title=entry.take("title", str),
            as_of=entry.take("as_of", date),
            covers_until=entry.take_or("covers_until", date, None),
        )
        return entry

    def _each(self, name: str, key: str, shape: Callable[[Entry], V]) -> dict[str, V]:
        file = self._file(name)
        found: dict[str, V] = {}
        for entry in file.tables(key):
            value = shape(entry)
            if value.code in found:
                raise CodebookError(entry.place, f"'{value.code}' stands twice", "Keep one of them")
            found[value.code] = value
        file.close()
        return found

    def _sources(self) -> dict[str, Citation]:
        file = self._file("sources.toml")
        group = file.table("source")
        sources = {}
        for key in group.remaining():
            entry = group.table(key)
            sources[key] = Citation(
                title=entry.take("title", str),
                url=entry.take_or("url", str, ""),
                published=entry.take_or("published", str, ""),
                reviewed_on=entry.take("reviewed_on", date),
            )
            entry.close()
        file.close()
        return sources

    def _cited(self, entry: Entry, key: str = "reference") -> tuple[Citation, ...]:
        keys = entry.take(key, list)
        if not keys:
            raise CodebookError(entry.place, f"key '{key}' is empty", "Name at least one source of sources.toml")
        for name in keys:
            if name not in self.sources:
                raise entry.refused(key, name, self.sources)
        return tuple(self.sources[name] for name in keys)

    def _known_code(self, entry: Entry, code: str, codes: Mapping[str, Code]) -> str:
        if code not in codes:
            raise entry.refused("code", code, codes)
        return code

    def _family(self, entry: Entry, key: str, family: str) -> str:
        if family not in (CPT, HCPCS):
            raise entry.refused(key, family, (CPT, HCPCS))
        return family

    def _codes(self) -> dict[str, Code]:
        def shape(entry: Entry) -> Code:
            code = Code(
                code=entry.take("code", str),
                label=entry.take("label", str),
                family=self._family(entry, "family", entry.take("family", str)),
                role=entry.take_word_or_none("role", LineRole),
                valid=entry.period(),
                is_technical_only=entry.take("is_technical_only", bool),
                citations=self._cited(entry),
            )
            entry.close()
            return code

        return self._each("codes.toml", "code", shape)

    def _delivery_choice(self, entry: Entry, codes: Mapping[str, Code]) -> DeliveryChoice:
        techniques = entry.take_or("techniques", list, None)
        for technique in techniques or ():
            if technique not in set(Technique):
                raise entry.refused("techniques", technique, Technique)
        family = entry.take_or("family", str, None)
        choice = DeliveryChoice(
            code=self._known_code(entry, entry.take("code", str), codes),
            family=None if family is None else self._family(entry, "family", family),
            period=entry.period(),
            techniques=None if techniques is None else frozenset(Technique(t) for t in techniques),
            isocenters=entry.take_word_or_none("isocenters", Isocenters),
            motion_management=entry.take_word_or_none("motion_management", MotionManagement),
            why=entry.take("why", str),
            citations=self._cited(entry),
        )
        entry.close()
        self._within_validity(entry, codes[choice.code], choice.period)
        return choice

    def _modality(self, entry: Entry, codes: Mapping[str, Code]) -> ModalityCode:
        modality = ModalityCode(
            guidance=entry.take_word("guidance", Guidance),
            code=self._known_code(entry, entry.take("code", str), codes),
            period=entry.period(),
            citations=self._cited(entry),
        )
        entry.close()
        return modality

    def _within_validity(self, entry: Entry, code: Code, period: Period) -> None:
        starts_early = code.valid.starts_on and (period.starts_on is None or period.starts_on < code.valid.starts_on)
        ends_late = code.valid.ends_before and (
            period.ends_before is None or period.ends_before > code.valid.ends_before
        )
        if starts_early or ends_late:
            raise CodebookError(
                entry.place, f"{code.code} is chosen outside its dates ({code.valid.words})", "Correct from or until"
            )

    def _modifier(self, entry: Entry) -> Modifier:
        modifier = Modifier(
            code=entry.take("code", str),
            rank=entry.take("rank", int),
            label=entry.take("label", str),
            is_medicare_only=entry.take("is_medicare_only", bool),
            citations=self._cited(entry),
        )
        entry.close()
        return modifier

    def _setting(self, entry: Entry) -> SettingRules:
        refused = entry.table("refused")
        rules = SettingRules(
            setting=entry.take_word("name", Setting),
            label=entry.take("label", str),
            refused={form: name for form in ClaimForm if (name := refused.take_or(form.value, str, None)) is not None},
            places_of_service=tuple(self._place(place) for place in entry.tables("place_of_service")),
            site_modifiers=tuple(self._site_modifier(modifier) for modifier in entry.tables("site_modifier")),
            needs_direct_supervision=entry.take("needs_direct_supervision", bool),
            citations=self._cited(entry),
        )
        refused.close()
        entry.close()
        self._without_gaps(entry, [place.period for place in rules.places_of_service])
        return rules

    def _place(self, entry: Entry) -> PlaceOfService:
        place = PlaceOfService(code=entry.take("code", str), period=entry.period(), citations=self._cited(entry))
        entry.close()
        return place

    def _site_modifier(self, entry: Entry) -> SiteModifier:
        modifier = SiteModifier(
            code=entry.take("code", str),
            period=entry.period(),
            delivery_family=self._family(entry, "delivery_family", entry.take("delivery_family", str)),
            citations=self._cited(entry),
        )
        entry.close()
        return modifier

    def _without_gaps(self, entry: Entry, periods: list[Period]) -> None:
        meets = all(earlier.ends_before == later.starts_on is not None for earlier, later in pairwise(periods))
        if not periods or periods[0].starts_on or periods[-1].ends_before or not meets:
            raise CodebookError(
                entry.place, "place_of_service leaves dates open", "Let each begin the day after the one before"
            )

    def _unit_limits(self) -> dict[tuple[str, str], UnitLimit]:
        file = self._file("unit_limits.toml")
        citations = self._cited(file)
        group = file.table("limit")
        limits = {}
        for code in group.remaining():
            entry = group.table(code)
            adjudication = entry.take("adjudication", int)
            for name in ("hospital", "practitioner"):
                limits[(name, code)] = UnitLimit(entry.take(name, int), adjudication, citations)
            entry.close()
        file.close()
        return limits

    def _pairs(self, entry: Entry) -> list[tuple[tuple[str, str, str], int]]:
        file, code, indicator = entry.take("file", str), entry.take("code", str), entry.take("indicator", int)
        if file not in ("hospital", "practitioner"):
            raise entry.refused("file", file, ("hospital", "practitioner"))
        first = entry.take_or("column1", str, "").split()
        second = entry.take_or("column2", str, "").split()
        entry.close()
        return [((file, other, code), indicator) for other in first] + [
            ((file, code, other), indicator) for other in second
        ]

    def _rates(self) -> tuple[Rate, ...]:
        file = self._file("rates.toml")
        rates = tuple(self._rate(entry) for entry in file.tables("rate"))
        file.close()
        return rates

    def _rate(self, entry: Entry) -> Rate:
        published = entry.take_or("amount", str, None)
        units, factor = entry.take_or("units", str, None), entry.take_or("factor", str, None)
        if (published is None) == (units is None or factor is None):
            raise CodebookError(entry.place, "has no single price", "Give either amount, or units and factor")
        amount = (
            _decimal(entry, "amount", published)
            if published is not None
            else _decimal(entry, "units", units or "") * _decimal(entry, "factor", factor or "")
        )
        rate = Rate(
            schedule=entry.take("schedule", str),
            code=entry.take("code", str),
            modifier=entry.take_or("modifier", str, ""),
            period=entry.period(),
            amount=amount.quantize(CENT, ROUND_HALF_UP),
            citations=self._cited(entry),
        )
        entry.close()
        return rate

    def _taxonomy(self, entry: Entry) -> Taxonomy:
        taxonomy = Taxonomy(
            code=entry.take("code", str),
            label=entry.take("label", str),
            use=entry.take("use", str),
            use_instead=entry.take_or("use_instead", str, ""),
            citations=self._cited(entry),
        )
        entry.close()
        return taxonomy

    def _defaults(self) -> dict[str, Any]:
        file = self._file("terms.toml")
        of_all = self._terms(file.table("all"))
        kinds = file.table("kind")
        of_kind = {kind: self._terms(kinds.table(kind.value)) for kind in PayerKind}
        kinds.close()
        payers = file.table("payer")
        of_payer = {slug: self._terms(payers.table(slug)) for slug in payers.remaining()}
        payers.close()
        file.close()
        return {"defaults_of_all": of_all, "defaults_of_kind": of_kind, "defaults_of_payer": of_payer}

    def _terms(self, group: Entry) -> dict[str, HouseDefault]:
        defaults = {}
        for key in group.remaining():
            if key not in TERMS:
                raise group.refused("term", key, TERMS)
            entry = group.table(key)
            defaults[key] = HouseDefault(entry.take("value", object), self._cited(entry))
            entry.close()
        return defaults

    def _diagnoses(self) -> DiagnosisCodes:
        file = self._file("diagnoses.toml")
        listed = _read_diagnosis_list("icd10cm.txt", self._text("icd10cm.txt"))
        codes = DiagnosisCodes(
            icd10_from=file.take("icd10_from", date),
            groups=tuple(self._group(entry) for entry in file.tables("group")),
            complexity_categories=frozenset(file.take("complexity_categories", list)),
            citations=self._cited(file),
            **listed,
        )
        file.close()
        return codes

    def _group(self, entry: Entry) -> DiagnosisGroup:
        group = DiagnosisGroup(
            name=entry.take("name", str),
            first=entry.take("first", str),
            last=entry.take("last", str),
            head_and_neck=entry.take_or("head_and_neck", bool, False),
        )
        entry.close()
        return group


def _read_diagnosis_list(name: str, text: str) -> dict[str, Any]:
    """The compact list that script/build_diagnoses writes; its first lines say what each line means."""
    billable: set[str] = set()
    added: set[str] = set()
    dropped: set[str] = set()
    chapters: frozenset[str] = frozenset()
    added_from: date | None = None
    marks = {"+": added, "!": dropped}
    for line in text.splitlines():
        head, *rest = line.split()
        if head == "#":
            continue
        if head == "chapters":
            chapters = frozenset(rest)
        elif head == "added_from":
            added_from = date.fromisoformat(rest[0])
        else:
            category = head.lstrip("+!")
            marks.get(head[0], billable).update(category if part == "-" else f"{category}.{part}" for part in rest)
    if added_from is None or not chapters:
        raise CodebookError(name, "its heading is missing", "Write it again with script/build_diagnoses")
    return {
        "billable": frozenset(billable),
        "added": frozenset(added),
        "dropped": frozenset(dropped),
        "chapters": chapters,
        "added_from": added_from,
    }


def _decimal(entry: Entry, key: str, text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise CodebookError(entry.place, f"key '{key}' has '{text}'", "Write a number in quotes") from error


def _kind_name(kind: type) -> str:
    return {
        str: "text in quotes",
        int: "a whole number",
        bool: "true or false",
        date: "a date such as 2025-12-31",
        list: "a list",
        dict: "a table",
    }.get(kind, "a value")


def read_codebook(folder: Path) -> Codebook:
    """The codebook of a folder. Raises CodebookError with file, key and remedy."""
    return _Reader(folder).read()


@lru_cache(maxsize=1)
def load_codebook() -> Codebook:
    """The portal's codebook, read once a process."""
    return read_codebook(FOLDER)
