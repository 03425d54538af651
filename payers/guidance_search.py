"""Finding words in the guidance of an organization's payers, by the full text search of PostgreSQL."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from django.contrib.postgres.search import SearchHeadline, SearchQuery, SearchRank, SearchVectorField
from django.db.models import Func, Q, QuerySet, TextField

from payers.models import ClauseTopic, Payer, PolicyClause, PolicyVersion
from portal.models import Organization

FOUND_AT_MOST = 50
# Characters that no text holds: what stands between them is marked, and the rest is escaped like any text.
MARK_BEGINS, MARK_ENDS = "\x02", "\x03"

# The words in which statements speak, each with what people type for it.
OTHER_WORDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "motion management": ("gating", "gated", "breath hold", "breath-hold", "DIBH", "respiratory"),
        "image guidance": ("IGRT", "CBCT", "cone beam", "cone-beam", "SGRT"),
        "authorization": (
            *("prior auth", "preauthorization", "pre-authorization", "pre-auth", "precertification", "precert"),
        ),
        "same day": ("second session", "BID", "twice daily", "twice a day", "hyperfractionation"),
        "place of service": ("site of service", "POS"),
        "filing": ("deadline",),
        "payer": ("carrier", "insurer"),
    }
)


def in_words_of_statements(words: str) -> list[tuple[str, str]]:
    """What to ask instead where the words are not those of the statements: a word of theirs, and the whole question."""
    found = []
    for said, others in OTHER_WORDS.items():
        spelled = "|".join(re.escape(other) for other in others)
        asked, times = re.subn(rf"(?<![\w-])(?:{spelled})(?![\w-])", said, words, flags=re.IGNORECASE)
        if times:
            found.append((said, asked))
    return found


class SearchedWords(Func):
    """The words of some columns, spelled as the indexes of payers/migrations/0004 spell them."""

    template = "to_tsvector('english', %(expressions)s)"
    arg_joiner = " || ' ' || "
    output_field = SearchVectorField()


@dataclass(frozen=True, slots=True)
class Found:
    """A statement, or the summary and free text of a version, in which the words stand.

    The texts are plain, with the words found between MARK_BEGINS and MARK_ENDS. `clause` is None for a version's own
    text, which has no source.
    """

    version: PolicyVersion
    clause: PolicyClause | None
    marked: str
    marked_source: str
    rank: float

    @property
    def plain(self) -> str:
        """The text without its marks."""
        return self.marked.replace(MARK_BEGINS, "").replace(MARK_ENDS, "")

    @property
    def anchor(self) -> str:
        """Where it stands on the guidance page; the addresses of reasons lead there too."""
        if self.clause is None:
            return "further" if self.version.guidance else "changes"
        return f"term-{self.clause.term}" if self.clause.term else f"clause-{self.clause.pk}"


def find_in_guidance(
    *,
    organization: Organization | int,
    words: str,
    on: date | None,
    payer: Payer | None = None,
    topic: str = "",
    at_most: int = FOUND_AT_MOST,
) -> list[Found]:
    """Where the words stand, the best answer first; in the versions in force on a day, or with None in all published.

    `words` are as people search: several must all stand, "quoted" ones side by side, `or` and `-` work. An alert whose
    days are over is left out on a day. A topic leaves out what a version says of itself. In two queries.
    """
    wanted = SearchQuery(words, config="english", search_type="websearch")
    versions = _versions(organization, on, payer)
    found = _clauses(versions, wanted, on, topic)[:at_most]
    answers = [Found(clause.version, clause, clause.marked, clause.marked_source, clause.rank) for clause in found]
    if not topic:
        answers += [
            Found(version, None, version.marked, "", version.rank) for version in _own_texts(versions, wanted)[:at_most]
        ]
    return sorted(answers, key=lambda answer: -answer.rank)[:at_most]


def _versions(organization: Organization | int, on: date | None, payer: Payer | None) -> QuerySet[PolicyVersion]:
    """Of each active payer the version in force on the day, or all that are in force on some day."""
    published = PolicyVersion.objects.published().filter(
        policy__payer__organization=organization, policy__payer__is_active=True
    )
    if payer is not None:
        published = published.filter(policy__payer=payer)
    if on is None:
        latest = published.order_by("policy_id", "effective_from", "-revision").distinct("policy_id", "effective_from")
    else:
        begun = published.filter(effective_from__lte=on)
        latest = begun.order_by("policy_id", "-effective_from", "-revision").distinct("policy_id")
    return latest.values("pk")


def _clauses(
    versions: QuerySet[PolicyVersion], wanted: SearchQuery, on: date | None, topic: str
) -> QuerySet[PolicyClause]:
    clauses = PolicyClause.objects.filter(version__in=versions).select_related("version__policy__payer")
    if topic:
        clauses = clauses.filter(topic=topic)
    if on is not None:
        clauses = clauses.filter(~Q(topic=ClauseTopic.ALERTS) | Q(alert_until__isnull=True) | Q(alert_until__gte=on))
    words = SearchedWords("summary", "citation_title", "citation_section")
    return (
        clauses.annotate(words=words)
        .filter(words=wanted)
        .annotate(
            rank=SearchRank(words, wanted),
            marked=_marked("summary", wanted, highlight_all=True),
            marked_source=_marked("citation_title", wanted, highlight_all=True),
        )
        .order_by("-rank", "pk")
    )


def _own_texts(versions: QuerySet[PolicyVersion], wanted: SearchQuery) -> QuerySet[PolicyVersion]:
    words = SearchedWords("summary", "guidance")
    text = Func("summary", "guidance", template="%(expressions)s", arg_joiner=" || ' ' || ", output_field=TextField())
    return (
        PolicyVersion.objects.filter(pk__in=versions)
        .select_related("policy__payer")
        .annotate(words=words)
        .filter(words=wanted)
        .annotate(rank=SearchRank(words, wanted), marked=_marked(text, wanted, max_fragments=2, max_words=30))
        .order_by("-rank", "pk")
    )


def _marked(text: str | Func, wanted: SearchQuery, **options: object) -> SearchHeadline:
    return SearchHeadline(text, wanted, config="english", start_sel=MARK_BEGINS, stop_sel=MARK_ENDS, **options)
