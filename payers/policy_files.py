"""A payer's policy as a TOML file, read strictly and written in one canonical form (docs/rule-packs.md)."""

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
from portal.models import FIRST_DAY, LAST_DAY

FOLDER = Path(__file__).resolve().parent / "packs"
SCHEMA = 1
# Where a key has no value to fall back on.
REQUIRED: Any = object()
SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
LINK = re.compile(r"https?://\S+")
# What the database keeps of a revision's number.
LAST_REVISION = 32_767
# What an example may say of its session, in the order in which a file gives it: the columns of the coding cases.
FACTS_OF_EXAMPLES = (
    "date_of_service",
    "coded_on",
    "setting",
    "claim",
    "session_of_day",
    "same_physician",
    "minutes_since_previous",
    "technique",
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
    "authorization",
    "missing",
    "abn",
    "locum",
    "resident",
    "duplicate",
)


class PolicyFileError(ValueError):
    """A rule pack that cannot be read as it stands: the message names file, key, what is allowed and the remedy."""

    def __init__(self, place: str, problem: str, remedy: str) -> None:
        super().__init__(f"{place}: {problem}. {remedy}.")


@dataclass(frozen=True, slots=True)
class Clause:
    """One cited statement, in our own words. `term` is the key of the term that it sets, or empty for text alone.

    `reviewed_on` is empty where the version's own day holds; only an alert is dated.
    """

    topic: str
    summary: str
    title: str
    url: str = ""
    published: str = ""
    section: str = ""
    confidence: str = Confidence.MEDIUM.value
    term: str = ""
    reviewed_on: date | None = None
    alert_from: date | None = None
    alert_until: date | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """A session with the answer that its version must give; `facts` are columns of the coding cases with their text."""

    title: str
    facts: Mapping[str, str]
    expected_lines: str = ""
    expected_findings: str = ""


@dataclass(frozen=True, slots=True)
class Version:
    """A payer's rules from one date of service on. `terms` holds only those that a source settles.

    A later revision of one start corrects the one before it. `guidance` is Markdown.
    """

    effective_from: date
    reviewed_on: date
    summary: str
    terms: Mapping[str, object] = field(default_factory=dict)
    clauses: tuple[Clause, ...] = ()
    examples: tuple[Example, ...] = ()
    guidance: str = ""
    revision: int = 1


@dataclass(frozen=True, slots=True)
class Pack:
    """One payer with its policy and every version of it."""

    slug: str
    name: str
    kind: str
    title: str
    number: str
    versions: tuple[Version, ...]


def read_pack(path: Path) -> Pack:
    """The pack of one file. Raises PolicyFileError with file, key, allowed keys and remedy."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise PolicyFileError(path.name, f"cannot be read ({type(error).__name__})", "Restore the file") from error
    return parse_pack(path.name, content)


def parse_pack(name: str, content: bytes) -> Pack:
    """The pack of a file's content, by the name of the file. Raises PolicyFileError."""
    return _pack(read_table(name, content))


def read_table(name: str, content: bytes) -> "Table":
    """A TOML file as a table whose keys are each taken once. Raises PolicyFileError."""
    try:
        values = tomllib.loads(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise PolicyFileError(name, "cannot be read (UnicodeDecodeError)", "Save the file as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise PolicyFileError(name, f"is not TOML: {error}", "Correct the line") from error
    return Table(name, values)


def write_pack(pack: Pack) -> str:
    """The pack as TOML in its canonical form: reading it gives an equal pack, and one pack has one form."""
    out = [f"schema = {SCHEMA}", "", "[payer]"]
    out += pairs(slug=pack.slug, name=pack.name, kind=pack.kind)
    out += ["", "[policy]", *pairs(title=pack.title, number=pack.number)]
    for version in pack.versions:
        out += ["", "[[version]]", *_version_lines(version)]
    return "\n".join(out) + "\n"


def _version_lines(version: Version) -> list[str]:
    out = pairs(effective_from=version.effective_from)
    out += pairs(revision=version.revision) if version.revision > 1 else []
    out += pairs(reviewed_on=version.reviewed_on, summary=version.summary)
    out += [f"guidance = {_long_text(version.guidance)}"] if version.guidance else []
    if version.terms:
        in_order = {key: version.terms[key] for key in TERMS if key in version.terms}
        out += ["", "[version.terms]", *pairs(**in_order)]
    for clause in version.clauses:
        out += ["", "[[version.clause]]", *_clause_lines(clause)]
    for example in version.examples:
        out += ["", "[[version.example]]", *pairs(title=example.title)]
        out += _given(expected_lines=example.expected_lines, expected_findings=example.expected_findings)
        out += ["[version.example.facts]"]
        out += pairs(**{key: example.facts[key] for key in FACTS_OF_EXAMPLES if key in example.facts})
    return out


def _clause_lines(clause: Clause) -> list[str]:
    citation = _given(
        title=clause.title,
        url=clause.url,
        published=clause.published,
        section=clause.section,
        confidence=clause.confidence,
    )
    return [
        *pairs(topic=clause.topic),
        *_given(
            term=clause.term,
            alert_from=clause.alert_from,
            alert_until=clause.alert_until,
            reviewed_on=clause.reviewed_on,
        ),
        *pairs(summary=clause.summary),
        f"citation = {{ {', '.join(citation)} }}",
    ]


def term_text(value: object) -> str:
    """A term's value as people write it: yes, 240, 2026-03-01. The other way round is `parse_term`."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value.isoformat() if isinstance(value, date) else str(value)


class Table:
    """One table of a file. Every key is taken once; what nobody took is refused by name."""

    def __init__(self, place: str, values: Any) -> None:
        if not isinstance(values, dict):
            raise PolicyFileError(place, "is not a table", "Write it as key = value pairs")
        self.place = place
        self._values = dict(values)
        self._known: list[str] = []

    def take(self, key: str, kind: type, otherwise: Any = REQUIRED) -> Any:
        """The value of a key; `otherwise` where it may be absent."""
        self._known.append(key)
        if key not in self._values:
            if otherwise is REQUIRED:
                raise PolicyFileError(self.place, f"key '{key}' is missing", f"Add {key}, {_words_for(kind)}")
            return otherwise
        value = self._values.pop(key)
        if type(value) is not kind:
            raise PolicyFileError(self.place, f"key '{key}' has {value!r}", f"Write {_words_for(kind)}")
        return value

    def text(self, key: str, at_most: int | None = None) -> str:
        """The value of a required key, which may not be blank, nor longer than a number of characters."""
        value = self._fitting(key, self.take(key, str), at_most)
        if not value.strip():
            raise PolicyFileError(self.place, f"key '{key}' is empty", f"Write the {key} in your own words")
        return value

    def text_or_none(self, key: str, at_most: int | None = None) -> str:
        """The value of an optional key; empty where it is absent."""
        return self._fitting(key, self.take(key, str, ""), at_most)

    def link(self, key: str, at_most: int) -> str:
        """The value of an optional key that must lead to a page."""
        value = self.text_or_none(key, at_most)
        if value and not LINK.fullmatch(value):
            raise PolicyFileError(self.place, f"key '{key}' has '{value}'", "Write an address such as https://…")
        return value

    def day(self, key: str) -> date:
        """The value of a required key, a day within the years that the portal keeps."""
        return self._known_day(key, self.take(key, date))

    def day_or_none(self, key: str) -> date | None:
        """The same for an optional key."""
        value = self.take(key, date, None)
        return None if value is None else self._known_day(key, value)

    def _known_day(self, key: str, day: date) -> date:
        if not FIRST_DAY <= day <= LAST_DAY:
            raise PolicyFileError(self.place, f"key '{key}' has {day}", f"Write a day from {FIRST_DAY} to {LAST_DAY}")
        return day

    def _fitting(self, key: str, value: str, at_most: int | None) -> str:
        if "\0" in value:
            raise PolicyFileError(self.place, f"key '{key}' has a null character", "Take it out")
        if at_most is not None and len(value) > at_most:
            raise PolicyFileError(
                self.place, f"key '{key}' has {len(value)} characters", f"Keep it to {at_most} characters"
            )
        return value

    def word(self, key: str, allowed: Iterable[str], otherwise: Any = REQUIRED) -> str:
        """The value of a key that must be one of these words."""
        value = self.take(key, str, otherwise)
        if value not in allowed:
            raise PolicyFileError(self.place, f"key '{key}' has '{value}'", f"Use one of: {', '.join(sorted(allowed))}")
        return str(value)

    def table(self, key: str) -> "Table":
        return Table(f"{self.place}, {key}", self.take(key, dict))

    def tables(self, key: str) -> list["Table"]:
        """The list of tables under an optional key."""
        return [Table(f"{self.place}, {key} {n}", values) for n, values in enumerate(self.take(key, list, []), 1)]

    def terms(self) -> dict[str, object]:
        """The terms of a version; a key that is no term, or a value that it does not take, is refused."""
        given = self.take("terms", dict, {})
        return {key: self._term(key, value) for key, value in given.items()}

    def facts(self) -> dict[str, str]:
        """The facts of an example, each a text; what they may say is read when the example is asked."""
        given = self.table("facts")
        facts = {key: given.text_or_none(key, 300) for key in FACTS_OF_EXAMPLES}
        given.close()
        return {key: text for key, text in facts.items() if text}

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

    def remaining(self) -> list[str]:
        """The keys that nobody took yet."""
        return sorted(self._values)

    def close(self) -> None:
        """Refuse what nobody took."""
        for key in self._values:
            raise PolicyFileError(
                self.place, f"key '{key}' is not known", f"Remove it, or use one of: {', '.join(sorted(self._known))}"
            )


def _pack(file: Table) -> Pack:
    schema = file.take("schema", int)
    if schema != SCHEMA:
        raise PolicyFileError(file.place, f"key 'schema' has {schema}", f"Bring the file to schema {SCHEMA}")
    payer, policy = file.table("payer"), file.table("policy")
    slug = payer.text("slug", at_most=60)
    if not SLUG.fullmatch(slug):
        raise PolicyFileError(payer.place, f"key 'slug' has '{slug}'", "Use lower-case letters, digits and hyphens")
    pack = Pack(
        slug=slug,
        name=payer.text("name", at_most=120),
        kind=payer.word("kind", PayerKind.values),
        title=policy.text("title", at_most=200),
        number=policy.text_or_none("number", at_most=60),
        versions=tuple(_version(entry) for entry in file.tables("version")),
    )
    payer.close()
    policy.close()
    file.close()
    starts = [(version.effective_from, version.revision) for version in pack.versions]
    if not starts or sorted(set(starts)) != starts:
        raise PolicyFileError(
            file.place,
            "its versions are not in order of effective_from and revision",
            "Give at least one, each later than the last",
        )
    return pack


def _version(entry: Table) -> Version:
    version = Version(
        effective_from=entry.day("effective_from"),
        revision=_revision(entry),
        reviewed_on=entry.day("reviewed_on"),
        summary=entry.text("summary"),
        guidance=entry.text_or_none("guidance"),
        terms=entry.terms(),
        clauses=tuple(_clause(clause) for clause in entry.tables("clause")),
        examples=tuple(_example(example) for example in entry.tables("example")),
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
    titles = [example.title for example in version.examples]
    for title in titles:
        if titles.count(title) > 1:
            raise PolicyFileError(entry.place, f"two examples are called '{title}'", "Give each a title of its own")
    return version


def _revision(entry: Table) -> int:
    revision = entry.take("revision", int, 1)
    if not 1 <= revision <= LAST_REVISION:
        raise PolicyFileError(
            entry.place, f"key 'revision' has {revision}", "Write 1 for the first, 2 for its correction"
        )
    return revision


def _example(entry: Table) -> Example:
    example = Example(
        title=entry.text("title", at_most=120),
        facts=entry.facts(),
        expected_lines=entry.text_or_none("expected_lines", at_most=300),
        expected_findings=entry.text_or_none("expected_findings", at_most=300),
    )
    entry.close()
    return example


def _clause(entry: Table) -> Clause:
    citation = entry.table("citation")
    clause = Clause(
        topic=entry.word("topic", ClauseTopic.values),
        summary=entry.text("summary"),
        title=citation.text("title", at_most=200),
        url=citation.link("url", at_most=400),
        published=citation.text_or_none("published", at_most=20),
        section=citation.text_or_none("section", at_most=120),
        confidence=citation.word("confidence", Confidence.values),
        term=entry.word("term", ("", *TERMS), ""),
        reviewed_on=entry.day_or_none("reviewed_on"),
        alert_from=entry.day_or_none("alert_from"),
        alert_until=entry.day_or_none("alert_until"),
    )
    citation.close()
    entry.close()
    _check_alert(entry, clause)
    return clause


def _check_alert(entry: Table, clause: Clause) -> None:
    if (clause.alert_from or clause.alert_until) and clause.topic != ClauseTopic.ALERTS:
        raise PolicyFileError(
            entry.place, f"a clause on {clause.topic} is dated as an alert", "Drop alert_from and alert_until"
        )
    if clause.alert_from and clause.alert_until and clause.alert_until < clause.alert_from:
        raise PolicyFileError(
            entry.place, f"'alert_until' {clause.alert_until} is before 'alert_from'", "Put the dates in order"
        )


def pairs(**values: object) -> list[str]:
    """Keys with their values as lines of TOML."""
    return [f"{key} = {_toml(value)}" for key, value in values.items()]


def _given(**values: object) -> list[str]:
    """The same, without the keys that have no value."""
    return pairs(**{key: value for key, value in values.items() if value})


def _long_text(text: str) -> str:
    """A text of several lines, readable as it stands: only what TOML would read otherwise is escaped."""
    lines = (_toml(line)[1:-1].replace('\\"', '"') for line in text.split("\n"))
    body = "\n".join(lines).replace('"""', '""\\"')
    return f'"""\n{body}"""'


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
