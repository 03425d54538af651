"""The filing clock: what is not exported yet by the days left to file it, and what proves that it was filed in time."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Count, Exists, F, FilteredRelation, OuterRef, Prefetch, Q, QuerySet, TextChoices
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan
from django.utils.translation import gettext_lazy

from coding.codebook_in_use import current_codebook
from coding.engine.codebook import Codebook
from coding.engine.edits.timely_filing import last_day_to_file
from coding.engine.periods import ONE_DAY
from coding.engine.terms import TermsInForce
from coding.engine.trace import Citation
from coding.engine.vocabulary import PayerKind
from coding.ledger import NOTHING_OWED
from coding.models import UNFILED, ChargeLine, LineState, SessionRuling
from coding.reports import ChargeFilters, charge_lines
from payers.guidance import payer_books
from payers.models import ClauseTopic, Payer, PolicyClause, PolicyVersion
from portal.models import AuditEvent, Completion, TreatmentSession, User

# Errors after which nothing is owed: the same treatment entered twice, and a beam that was never on.
NOTHING_TREATED = ("DUPLICATE", "NOT_DELIVERED")


class Left(TextChoices):
    """How long there is to file, from the day on which it is asked; a limit that nobody has said is not known."""

    OVERDUE = "overdue", gettext_lazy("Overdue")
    WEEK = "7", gettext_lazy("Within 7 days")
    MONTH = "30", gettext_lazy("8 to 30 days")
    TWO_MONTHS = "60", gettext_lazy("31 to 60 days")
    LATER = "later", gettext_lazy("Later")
    UNKNOWN = "unknown", gettext_lazy("Limit not known")


# The days left in each group, both ends inclusive; None is open on that side.
DAYS_LEFT: dict[Left, tuple[int | None, int | None]] = {
    Left.OVERDUE: (None, -1),
    Left.WEEK: (0, 7),
    Left.MONTH: (8, 30),
    Left.TWO_MONTHS: (31, 60),
    Left.LATER: (61, None),
}


def left_wanted(left: Left, *, field: str, today: date) -> Q:
    """The rows of one group; `field` leads to the last day to file."""
    if left is Left.UNKNOWN:
        return Q(**{f"{field}__isnull": True})
    least, most = DAYS_LEFT[left]
    wanted = Q()
    if least is not None:
        wanted &= Q(**{f"{field}__gte": today + timedelta(days=least)})
    if most is not None:
        wanted &= Q(**{f"{field}__lte": today + timedelta(days=most)})
    return wanted


def left_of(file_by: date | None, today: date) -> Left:
    """The group that a last day to file stands in."""
    if file_by is None:
        return Left.UNKNOWN
    days = (file_by - today).days
    return next(left for left, (_least, most) in DAYS_LEFT.items() if most is None or days <= most)


def count_by_left(rows: QuerySet, *, field: str, today: date, groups: Iterable[Left] = tuple(Left)) -> dict[Left, int]:
    """How many of the rows stand in each group, found in one reading of them."""
    found = rows.order_by().aggregate(
        **{left.name: Count("pk", filter=left_wanted(left, field=field, today=today)) for left in groups}
    )
    return {Left[name]: number for name, number in found.items()}


def after(rows: QuerySet, *, field: str, key: tuple[date | None, int] | None) -> QuerySet:
    """The rows that follow the key of last day and id, the soonest first and those without a known limit last."""
    ordered = rows.order_by(F(field).asc(nulls_last=True), "id")
    if key is None:
        return ordered
    day, pk = key
    if day is None:
        return ordered.filter(**{f"{field}__isnull": True}, id__gt=pk)
    return ordered.filter(TupleGreaterThan(Tuple(F(field), F("id")), (day, pk)) | Q(**{f"{field}__isnull": True}))


FILE_BY_OF_LINE = "file_by"
FILE_BY_OF_SESSION = "current__file_by"


def unfiled_lines(*, user: User, filters: ChargeFilters, left: Left | None, today: date) -> QuerySet:
    """The live lines that are not exported and that the filters leave, of one group where it is given."""
    lines = charge_lines(user=user, filters=filters).filter(state__in=UNFILED)
    return lines if left is None else lines.filter(left_wanted(left, field=FILE_BY_OF_LINE, today=today))


@dataclass(frozen=True, slots=True)
class Sunset:
    """The last year in which the deleted codes could be charged: its days, both inclusive, and the codes."""

    first: date
    last: date
    codes: frozenset[str]


def sunset(today: date) -> Sunset | None:
    """The codes that were deleted last before the day, as the codebook dates them; None where none were."""
    codebook = current_codebook()
    last = codebook.last_day_of_deleted_codes(on=today)
    if last is None:
        return None
    codes = frozenset(code.code for code in codebook.codes.values() if code.valid.ends_before == last + ONE_DAY)
    return Sunset(last.replace(month=1, day=1), last, codes)


@dataclass(frozen=True, slots=True)
class ServiceFilters:
    """Which services of the sunset list are meant; an empty filter leaves everything."""

    department_id: int | None = None
    payer: Payer | None = None
    is_without_payer: bool = False
    standing: str = ""
    start: date | None = None
    end: date | None = None


class Standing(TextChoices):
    """How a service stands that was not exported."""

    WITHOUT_LINE = "none", gettext_lazy("Without a line")
    DRAFT = "draft", gettext_lazy("Draft")
    HELD = "held", gettext_lazy("Held")
    READY = "ready", gettext_lazy("Ready")


def sunset_services(*, user: User, period: Sunset, filters: ServiceFilters, left: Left | None, today: date) -> QuerySet:
    """The sessions of the last year of the deleted codes that still wait: with a line of such a code that is not
    exported, or without any line although one is owed. Their current ruling is `current`, their lines `unfiled`.

    Nothing is owed by a session whose beam was never on, that was entered twice, or that is billed elsewhere. What a
    payer denied is not known yet, and so not in it.
    """
    days = (period.first, period.last)
    live = (
        ChargeLine.objects.live()
        .order_by()
        .filter(
            organization=user.organization_id, code__in=period.codes, state__in=UNFILED, date_of_service__range=days
        )
    )
    # Each is few beside the sessions of a year: found by an index of its own, and together they lead to the sessions.
    with_line = live.values_list("session")
    without_line = (
        TreatmentSession.objects.filter(pk__in=_without_line(user.organization_id, days))
        .exclude(completion=Completion.NOT_STARTED)
        .order_by()
        .values_list("pk")
    )
    by_standing = {"": with_line.union(without_line), Standing.WITHOUT_LINE: without_line}
    asked = by_standing.get(filters.standing, live.filter(state=filters.standing).values_list("session"))
    sessions = (
        TreatmentSession.objects.visible_to(user)
        .filter(voided_at__isnull=True, date_of_service__range=days)
        .annotate(current=FilteredRelation("rulings", condition=Q(rulings__is_current=True)))
        .filter(_wanted(filters), pk__in=asked)
    )
    if left is not None:
        sessions = sessions.filter(left_wanted(left, field=FILE_BY_OF_SESSION, today=today))
    return sessions


def with_unfiled(sessions: QuerySet, period: Sunset) -> QuerySet:
    """The services with everything that their rows tell, in a fixed number of queries."""
    lines = ChargeLine.objects.live().filter(code__in=period.codes, state__in=UNFILED)
    rulings = SessionRuling.objects.current().select_related("policy_version__policy__payer")
    return sessions.select_related("course__patient", "department").prefetch_related(
        Prefetch("charge_lines", queryset=lines, to_attr="unfiled"),
        Prefetch("rulings", queryset=rulings, to_attr="current_rulings"),
    )


def _without_line(organization_id: int, days: tuple[date, date]) -> QuerySet:
    """The sessions without a standing line to which nobody found that nothing is owed: their current ruling wrote no
    line, a person voided what it wrote, or nobody has captured them.
    """
    nothing_owed = Q(error_names__overlap=list(NOTHING_TREATED))
    for name in sorted(NOTHING_OWED):
        nothing_owed |= Q(findings__contains=[{"name": name}])
    standing = ChargeLine.objects.standing().filter(session=OuterRef("session"))
    owing = SessionRuling.objects.current().filter(~Exists(standing), ~nothing_owed).order_by()
    voided = ChargeLine.objects.filter(
        organization=organization_id, state=LineState.VOID, replaced_in__isnull=True, date_of_service__range=days
    )
    captured = SessionRuling.objects.current().filter(session=OuterRef("pk"))
    sessions = TreatmentSession.objects.filter(
        ~Exists(captured), organization=organization_id, voided_at__isnull=True, date_of_service__range=days
    )
    return (
        owing.filter(has_lines=False)
        .values_list("session")
        .union(
            owing.filter(session__in=voided.values("session")).values_list("session"),
            sessions.order_by().values_list("pk"),
        )
    )


def _wanted(filters: ServiceFilters) -> Q:
    wanted = Q()
    if filters.department_id is not None:
        wanted &= Q(department=filters.department_id)
    if filters.payer is not None:
        wanted &= Q(current__policy_version__policy__payer=filters.payer)
    if filters.is_without_payer:
        wanted &= Q(current__policy_version__isnull=True)
    if filters.start is not None:
        wanted &= Q(date_of_service__gte=filters.start)
    if filters.end is not None:
        wanted &= Q(date_of_service__lte=filters.end)
    return wanted


@dataclass(frozen=True, slots=True)
class Said:
    """What a clause says, in our words, and its source."""

    topic: str
    summary: str
    citation: Citation


@dataclass(frozen=True, slots=True)
class FilingLimit:
    """A payer's limit for a first claim of one date of service, and on whose word.

    `days` is None for one calendar year, and where no limit is known: then `last_day` is None too. `clauses` are what
    its version in force says of filing and of appeals, each with its source; nothing else is known of them.
    """

    payer: Payer
    version: PolicyVersion | None
    days: int | None
    last_day: date | None
    is_house_default: bool
    citations: tuple[Citation, ...]
    clauses: tuple[Said, ...]

    @property
    def filing(self) -> list[Said]:
        return [clause for clause in self.clauses if clause.topic == ClauseTopic.FILING]

    @property
    def appeals(self) -> list[Said]:
        return [clause for clause in self.clauses if clause.topic == ClauseTopic.APPEALS]


def filing_limits(organization_id: int, on: date) -> list[FilingLimit]:
    """The limits of every active payer for one date of service, in a fixed number of queries."""
    codebook = current_codebook()
    return [_limit(book.payer, book.version_on(on), on, codebook) for book in payer_books(organization_id)]


def limit_under(version: PolicyVersion, on: date) -> FilingLimit:
    """The limit for a date of service under a version."""
    return _limit(version.policy.payer, version, on, current_codebook())


def _limit(payer: Payer, version: PolicyVersion | None, on: date, codebook: Codebook) -> FilingLimit:
    """As the engine reads it: the one rule that sets a deadline."""
    defaults = codebook.house_defaults(payer.slug, PayerKind(payer.kind))
    terms = TermsInForce(version.as_terms() if version else None, defaults)
    last_day = last_day_to_file(on, terms)
    clauses = [_said(clause) for clause in version.clauses.all()] if version else []
    return FilingLimit(
        payer=payer,
        version=version,
        days=terms.number("timely_days"),
        last_day=last_day,
        is_house_default=last_day is not None and terms.is_silent("timely_days"),
        citations=terms.citations("timely_days") if last_day else (),
        clauses=tuple(clause for clause in clauses if clause.topic in (ClauseTopic.FILING, ClauseTopic.APPEALS)),
    )


def _said(clause: PolicyClause) -> Said:
    cited = Citation(
        title=clause.citation_title,
        url=clause.citation_url,
        published=clause.citation_published,
        section=clause.citation_section,
        reviewed_on=clause.reviewed_on,
    )
    return Said(clause.topic, clause.summary, cited)


def exported_events(lines: list[ChargeLine]) -> list[AuditEvent]:
    """The acts by which lines were exported, the first one first."""
    events = AuditEvent.objects.filter(
        subject_kind=ChargeLine._meta.label_lower, subject_id__in=[line.pk for line in lines], action="move_line"
    )
    moves = events.select_related("by").order_by("at", "id")
    return [event for event in moves if event.changes.get("state", ["", ""])[1] == LineState.EXPORTED]
