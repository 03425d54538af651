"""Rule packs: a payer's policy as a TOML file, read strictly and written back the same (docs/rule-packs.md)."""

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from coding.engine.terms import TERMS, TermError, parse_term
from payers.models import ClauseTopic, Confidence, PayerKind

FOLDER = Path(__file__).resolve().parent / "packs"
SCHEMA = 1
SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class PolicyFileError(ValueError):
    """A rule pack that cannot be read as it stands: the message names file, key, what is allowed and the remedy."""

    def __init__(self, place: str, problem: str, remedy: str) -> None:
        super().__init__(f"{place}: {problem}. {remedy}.")


@dataclass(frozen=True, slots=True)
class Clause:
    """One cited statement, in our own words. `term` is the key of the term that it sets, or empty for text alone."""

    topic: str
    summary: str
    title: str
    url: str = ""
    published: str = ""
    section: str = ""
    confidence: str = Confidence.MEDIUM.value
    term: str = ""


@dataclass(frozen=True, slots=True)
class Version:
    """A payer's rules from one date of service on. `terms` holds only those that a source settles."""

    effective_from: date
    reviewed_on: date
    summary: str
    terms: Mapping[str, object] = field(default_factory=dict)
    clauses: tuple[Clause, ...] = ()


@dataclass(frozen=True, slots=True)
class Pack:
    """One payer with its policy and every version of it."""

    slug: str
    name: str
    kind: str
    title: str
    number: str
    versions: tuple[Version, ...]


def read_packs(folder: Path = FOLDER) -> list[Pack]:
    """Every pack of a folder, in order of file name. Raises PolicyFileError for the first thing that is wrong."""
    packs = [read_pack(path) for path in sorted(folder.glob("*.toml"))]
    seen: set[str] = set()
    for pack in packs:
        if pack.slug in seen:
            raise PolicyFileError(f"{folder.name}", f"slug '{pack.slug}' stands in two files", "Keep one of them")
        seen.add(pack.slug)
    return packs


def read_pack(path: Path) -> Pack:
    """The pack of one file. Raises PolicyFileError with file, key, allowed keys and remedy."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyFileError(path.name, f"cannot be read ({type(error).__name__})", "Restore the file") from error
    except tomllib.TOMLDecodeError as error:
        raise PolicyFileError(path.name, f"is not TOML: {error}", "Correct the line") from error
    return _pack(_Table(path.name, values))


def write_pack(pack: Pack) -> str:
    """The pack as TOML: reading it gives an equal pack."""
    out = [f"schema = {SCHEMA}", "", "[payer]"]
    out += _pairs(slug=pack.slug, name=pack.name, kind=pack.kind)
    out += ["", "[policy]", *_pairs(title=pack.title, number=pack.number)]
    for version in pack.versions:
        out += ["", "[[version]]"]
        out += _pairs(effective_from=version.effective_from, reviewed_on=version.reviewed_on, summary=version.summary)
        if version.terms:
            out += ["", "[version.terms]", *_pairs(**version.terms)]
        for clause in version.clauses:
            out += ["", "[[version.clause]]", *_pairs(topic=clause.topic)]
            out += _pairs(term=clause.term) if clause.term else []
            out += _pairs(summary=clause.summary)
            citation = {
                "title": clause.title,
                "url": clause.url,
                "published": clause.published,
                "section": clause.section,
                "confidence": clause.confidence,
            }
            out.append(f"citation = {{ {', '.join(_pairs(**{k: v for k, v in citation.items() if v}))} }}")
    return "\n".join(out) + "\n"


def term_text(value: object) -> str:
    """A term's value as people write it: yes, 240, 2026-03-01. The other way round is `parse_term`."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value.isoformat() if isinstance(value, date) else str(value)


class _Table:
    """One table of a file. Every key is taken once; what nobody took is refused by name."""

    def __init__(self, place: str, values: Any) -> None:
        if not isinstance(values, dict):
            raise PolicyFileError(place, "is not a table", "Write it as key = value pairs")
        self.place = place
        self._values = dict(values)
        self._known: list[str] = []

    def take(self, key: str, kind: type, otherwise: Any = None) -> Any:
        """The value of a key; `otherwise` where it may be absent."""
        self._known.append(key)
        if key not in self._values:
            if otherwise is None:
                raise PolicyFileError(self.place, f"key '{key}' is missing", f"Add {key}, {_words_for(kind)}")
            return otherwise
        value = self._values.pop(key)
        if type(value) is not kind:
            raise PolicyFileError(self.place, f"key '{key}' has {value!r}", f"Write {_words_for(kind)}")
        return value

    def text(self, key: str) -> str:
        """The value of a required key, which may not be blank."""
        value = self.take(key, str)
        if not value.strip():
            raise PolicyFileError(self.place, f"key '{key}' is empty", f"Write the {key} in your own words")
        return str(value)

    def word(self, key: str, allowed: Iterable[str], otherwise: str | None = None) -> str:
        """The value of a key that must be one of these words."""
        value = self.take(key, str, otherwise)
        if value not in allowed:
            raise PolicyFileError(self.place, f"key '{key}' has '{value}'", f"Use one of: {', '.join(sorted(allowed))}")
        return str(value)

    def table(self, key: str) -> "_Table":
        return _Table(f"{self.place}, {key}", self.take(key, dict))

    def tables(self, key: str) -> list["_Table"]:
        """The list of tables under an optional key."""
        return [_Table(f"{self.place}, {key} {n}", values) for n, values in enumerate(self.take(key, list, []), 1)]

    def terms(self) -> dict[str, object]:
        """The terms of a version; a key that is no term, or a value that it does not take, is refused."""
        given = self.take("terms", dict, {})
        return {key: self._term(key, value) for key, value in given.items()}

    def _term(self, key: str, value: object) -> object:
        place = f"{self.place}, terms"
        if key not in TERMS:
            raise PolicyFileError(
                place, f"key '{key}' is not known", f"Remove it, or use one of: {', '.join(sorted(TERMS))}"
            )
        try:
            parsed = parse_term(key, term_text(value))
        except TermError as error:
            raise PolicyFileError(place, f"key '{key}' has {value!r}", f"Allowed: {error.allowed}") from error
        if type(parsed) is not type(value):
            raise PolicyFileError(place, f"key '{key}' has {value!r}", f"Write {_words_for(type(parsed))}")
        return parsed

    def close(self) -> None:
        """Refuse what nobody took."""
        for key in self._values:
            raise PolicyFileError(
                self.place, f"key '{key}' is not known", f"Remove it, or use one of: {', '.join(sorted(self._known))}"
            )


def _pack(file: _Table) -> Pack:
    schema = file.take("schema", int)
    if schema != SCHEMA:
        raise PolicyFileError(file.place, f"key 'schema' has {schema}", f"Bring the file to schema {SCHEMA}")
    payer, policy = file.table("payer"), file.table("policy")
    slug = payer.text("slug")
    if not SLUG.fullmatch(slug):
        raise PolicyFileError(payer.place, f"key 'slug' has '{slug}'", "Use lower-case letters, digits and hyphens")
    pack = Pack(
        slug=slug,
        name=payer.text("name"),
        kind=payer.word("kind", PayerKind.values),
        title=policy.text("title"),
        number=policy.take("number", str, ""),
        versions=tuple(_version(entry) for entry in file.tables("version")),
    )
    payer.close()
    policy.close()
    file.close()
    starts = [version.effective_from for version in pack.versions]
    if not starts or sorted(set(starts)) != starts:
        raise PolicyFileError(
            file.place, "its versions are not in order of effective_from", "Give at least one, each later than the last"
        )
    return pack


def _version(entry: _Table) -> Version:
    version = Version(
        effective_from=entry.take("effective_from", date),
        reviewed_on=entry.take("reviewed_on", date),
        summary=entry.text("summary"),
        terms=entry.terms(),
        clauses=tuple(_clause(clause) for clause in entry.tables("clause")),
    )
    entry.close()
    cited = [clause.term for clause in version.clauses if clause.term]
    for term in version.terms:
        if cited.count(term) != 1:
            raise PolicyFileError(
                entry.place, f"term '{term}' has {cited.count(term)} clauses", "Cite it in exactly one clause"
            )
    for term in cited:
        if term not in version.terms:
            raise PolicyFileError(
                entry.place, f"a clause cites term '{term}', which is not set", "Set it under terms, or drop the key"
            )
    return version


def _clause(entry: _Table) -> Clause:
    citation = entry.table("citation")
    clause = Clause(
        topic=entry.word("topic", ClauseTopic.values),
        summary=entry.text("summary"),
        title=citation.text("title"),
        url=citation.take("url", str, ""),
        published=citation.take("published", str, ""),
        section=citation.take("section", str, ""),
        confidence=citation.word("confidence", Confidence.values),
        term=entry.word("term", ("", *TERMS), ""),
    )
    citation.close()
    entry.close()
    return clause


def _pairs(**values: object) -> list[str]:
    return [f"{key} = {_toml(value)}" for key, value in values.items()]


def _toml(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _words_for(kind: type) -> str:
    return {
        str: "text in quotes",
        int: "a whole number",
        bool: "true or false",
        date: "a date such as 2026-03-01",
        list: "a list",
        dict: "a table",
    }[kind]
