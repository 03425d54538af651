"""Rule packs as pages show them: what can be taken out, what a file would bring, and where two sets part ways."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from payers.draft_services import as_json, clause_row
from payers.models import PayerKind, PolicyVersion
from payers.pack_comparison import PackPair, VersionPair, paired
from payers.pack_files import PackFolder
from payers.pack_services import example_row
from payers.policy_files import Example, Pack, Version
from payers.presenters.comparison import Difference, differences
from portal.templatetags.frame import day

NEW, SAME, DIFFERS, GONE = "new", "same", "differs", "gone"
# How a version of a file stands to the organization's own.
STANDING_OF_IMPORT = {
    NEW: gettext_lazy("new"),
    SAME: gettext_lazy("the same as here"),
    DIFFERS: gettext_lazy("differs from here"),
    GONE: gettext_lazy("only here"),
}
# How a version stands where two sets are compared.
STANDING_OF_COMPARISON = {
    NEW: gettext_lazy("only in the second"),
    SAME: gettext_lazy("the same in both"),
    DIFFERS: gettext_lazy("differs"),
    GONE: gettext_lazy("only in the first"),
}


@dataclass(frozen=True, slots=True)
class ShownVersion:
    """One first day of a payer: how the two sides stand to each other, and the difference in words."""

    effective_from: Any
    standing: str
    words: str
    summary: str
    against: str
    changes: list[Difference]

    @property
    def is_open(self) -> bool:
        """What differs is read at once; a new version is opened by whoever wants to."""
        return self.standing == DIFFERS


@dataclass(frozen=True, slots=True)
class ShownPayer:
    """One payer of the two sides: `waiting` is its version not published yet; `field` chooses what to bring in."""

    slug: str
    name: str
    words: str
    is_same: bool
    facts: list[Difference]
    versions: list[ShownVersion]
    waiting: PolicyVersion | None = None
    field: Any = None


class Rows:
    """Rows that are in no database, asked as a relation is."""

    def __init__(self, rows: Iterable[Any]) -> None:
        self._rows = list(rows)

    def all(self) -> list[Any]:
        return self._rows


class AsVersion:
    """A version of a pack, read by the comparison of policy versions as if it were a row."""

    def __init__(self, version: Version) -> None:
        self.terms = {key: as_json(key, value) for key, value in version.terms.items()}
        self.guidance = version.guidance
        self.clauses = Rows(clause_row(clause, None, n) for n, clause in enumerate(version.clauses, start=1))
        self.examples = Rows(example_row(example, None, n) for n, example in enumerate(version.examples, start=1))


def version_differences(before: Version | None, after: Version) -> list[Difference]:
    """What differs between two versions of packs, in the words of the comparison of policy versions.

    Examples and the days on which statements were compared with their sources come last: they decide nothing.
    """
    earlier = None if before is None else AsVersion(before)
    found = differences(earlier, AsVersion(after))  # type: ignore[arg-type]
    if before is None:
        return found
    of_version = _told(
        (_("Summary"), before.summary, after.summary),
        (_("Reviewed on"), day(before.reviewed_on), day(after.reviewed_on)),
    )
    return (
        of_version + found + _examples(before, after) + _told((_("Compared on"), _compared(before), _compared(after)))
    )


def _examples(before: Version, after: Version) -> list[Difference]:
    earlier = {example.title: _in_words(example) for example in before.examples}
    later = {example.title: _in_words(example) for example in after.examples}
    return _told(
        *((_("Example: %s") % title, earlier.get(title, ""), later.get(title, "")) for title in earlier | later)
    )


def _in_words(example: Example) -> str:
    """An example as one reads it: its facts, then its lines and findings."""
    facts = ", ".join(f"{key} {text}" for key, text in example.facts.items())
    answer = "; ".join(filter(None, (example.expected_lines, example.expected_findings))) or _("no line")
    return f"{facts}: {answer}"


def _compared(version: Version) -> str:
    """The days of the statements that were compared on another day than their version."""
    return ", ".join(
        sorted(f"{day(clause.reviewed_on)} {clause.title}" for clause in version.clauses if clause.reviewed_on)
    )


def pack_rows(packs: Iterable[Pack]) -> list[dict[str, Any]]:
    """The payers whose policies can be taken out, each with the first days of its published versions."""
    return [
        {
            "slug": pack.slug,
            "file": f"{pack.slug}.toml",
            "name": pack.name,
            "starts": [version.effective_from for version in pack.versions],
            "examples": sum(len(version.examples) for version in pack.versions),
        }
        for pack in packs
    ]


def import_page(
    folder: PackFolder, pairs: Iterable[PackPair], waiting: dict[str, PolicyVersion], form: Any
) -> dict[str, Any]:
    """What a file would bring to the organization: of payers that only the organization has nothing is said."""
    payers = [
        _payer(pair, STANDING_OF_IMPORT, waiting=waiting.get(pair.slug), form=form)
        for pair in pairs
        if pair.after is not None
    ]
    return {"folder": folder, "payers": payers, "form": form, "is_all_known": all(payer.is_same for payer in payers)}


def comparison_page(before: Iterable[Pack], after: Iterable[Pack]) -> dict[str, Any]:
    """Two sets of packs payer by payer; those that say the same, or are only in the first, are named together."""
    pairs = paired(before, after)
    payers = [_payer(pair, STANDING_OF_COMPARISON) for pair in pairs if pair.after is not None]
    return {
        "payers": [payer for payer in payers if not payer.is_same or payer.facts],
        "same": [payer.name for payer in payers if payer.is_same and not payer.facts],
        "gone": [pair.shown.name for pair in pairs if pair.after is None],
    }


def _payer(
    pair: PackPair, words: dict[str, Any], *, waiting: PolicyVersion | None = None, form: Any = None
) -> ShownPayer:
    return ShownPayer(
        slug=pair.slug,
        name=pair.shown.name,
        words=words[_standing(pair.before, pair.after, is_same=pair.is_same)],
        is_same=pair.is_same,
        facts=_facts(pair),
        versions=[_version(pair, found, words) for found in pair.versions],
        waiting=waiting,
        field=form[pair.slug] if form is not None and pair.slug in form.fields else None,
    )


def _version(pair: PackPair, found: VersionPair, words: dict[str, Any]) -> ShownVersion:
    standing = _standing(found.before, found.after, is_same=found.is_same)
    before = found.before or pair.holding_before(found)
    against = ""
    changes: list[Difference] = []
    if found.after is not None and not found.is_same:
        changes = version_differences(before, found.after)
        against = _against(before, found)
    return ShownVersion(
        effective_from=found.effective_from,
        standing=standing,
        words=words[standing],
        summary=(found.after or found.before).summary,  # type: ignore[union-attr]
        against=against,
        changes=changes,
    )


def _against(before: Version | None, found: VersionPair) -> str:
    if before is None:
        return _("No version comes before it.")
    if found.before is not None:
        return _("Held against the version with the same first day.")
    return _("Held against the version from %(day)s, in force until then.") % {"day": day(before.effective_from)}


def _standing(before: object | None, after: object | None, *, is_same: bool) -> str:
    if before is None:
        return NEW
    if after is None:
        return GONE
    return SAME if is_same else DIFFERS


def _facts(pair: PackPair) -> list[Difference]:
    """What is said of the payer itself; a file never changes it here."""
    before, after = pair.before, pair.after
    if before is None or after is None:
        return []
    return _told(
        (_("Payer"), before.name, after.name),
        (_("Kind"), PayerKind(before.kind).label, PayerKind(after.kind).label),
        (_("Policy"), before.title, after.title),
        (_("Policy number"), before.number, after.number),
    )


def _told(*fields: tuple[str, str, str]) -> list[Difference]:
    return [Difference(str(label), str(before), str(after)) for label, before, after in fields if before != after]
