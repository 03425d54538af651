"""Two sets of rule packs held against each other: by payer, then by the first day of each version."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from coding.engine.terms import in_force
from payers.policy_files import Pack, Version


@dataclass(frozen=True, slots=True)
class VersionPair:
    """The versions of one first day on both sides; None where a side has none."""

    effective_from: date
    before: Version | None
    after: Version | None

    @property
    def is_same(self) -> bool:
        """Whether both say the same; how often each was corrected on the way there does not count."""
        return (
            self.before is not None
            and self.after is not None
            and replace(self.before, revision=self.after.revision) == self.after
        )


@dataclass(frozen=True, slots=True)
class PackPair:
    """One payer on both sides; None where a side does not know it."""

    slug: str
    before: Pack | None
    after: Pack | None
    versions: tuple[VersionPair, ...]

    @property
    def shown(self) -> Pack:
        """The side that names the payer: the first where both do."""
        return self.before or self.after  # type: ignore[return-value]

    @property
    def is_same(self) -> bool:
        return all(pair.is_same for pair in self.versions)

    def holding_before(self, pair: VersionPair) -> Version | None:
        """What the first side has in force on the day on which a version begins."""
        return in_force(self.before.versions, pair.effective_from) if self.before else None


def paired(before: Iterable[Pack], after: Iterable[Pack]) -> list[PackPair]:
    """Every payer of either side, in order of slug. Of several revisions of one start the last counts."""
    earlier, later = _by_slug(before), _by_slug(after)
    return [_pair(slug, earlier.get(slug), later.get(slug)) for slug in sorted(earlier | later)]


def _pair(slug: str, before: Pack | None, after: Pack | None) -> PackPair:
    earlier, later = _by_start(before), _by_start(after)
    pairs = (VersionPair(start, earlier.get(start), later.get(start)) for start in sorted(earlier | later))
    return PackPair(slug, before, after, tuple(pairs))


def _by_slug(packs: Iterable[Pack]) -> dict[str, Pack]:
    return {pack.slug: pack for pack in packs}


def _by_start(pack: Pack | None) -> dict[date, Version]:
    return {version.effective_from: version for version in pack.versions} if pack else {}
