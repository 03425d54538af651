"""Authorizations across courses: units by code, and whether one given for old codes still counts."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Exists, F, FilteredRelation, OuterRef, Q, QuerySet

from coding.codebook_files import load_codebook
from coding.engine.periods import ONE_DAY
from coding.engine.terms import TermsInForce
from coding.engine.trace import Citation
from coding.engine.vocabulary import LineRole, PayerKind
from coding.ledger import AuthorizedUnits, CourseLedger, course_ledgers
from coding.shaping import PatientRecord
from payers.models import Authorization, Payer, PolicyVersion
from portal.models import Course, User

NO_LINE = ""


def authorizations_visible_to(user: User) -> QuerySet:
    """The authorizations of courses that the person may see."""
    authorizations = Authorization.objects.filter(course__organization=user.organization_id)
    if user.sees_all_departments:
        return authorizations
    return authorizations.filter(course__department__users=user)


def courses_without_authorization(user: User, *, payers: Iterable[Payer], today: date) -> QuerySet:
    """The courses that the person may see whose payer of today asks for an authorization, and has none on file.

    That payer is `payer_today`, one of `payers`.
    """
    is_of_today = Q(
        Q(patient__coverages__ends_on__isnull=True) | Q(patient__coverages__ends_on__gte=today),
        patient__coverages__rank=1,
        patient__coverages__starts_on__lte=today,
    )
    # Of one rank and day there is one coverage at most: a constraint holds that.
    billed = FilteredRelation("patient__coverages", condition=is_of_today)
    on_file = Authorization.objects.filter(course=OuterRef("pk"), payer=OuterRef("payer_today"))
    return (
        Course.objects.visible_to(user)
        .annotate(billed=billed, payer_today=F("billed__payer"))
        .filter(~Exists(on_file), payer_today__in=_payers_asking(payers, today))
    )


def _payers_asking(payers: Iterable[Payer], today: date) -> list[int]:
    """The payers in use that ask for an authorization, as their version in force says, or else the house."""
    in_use = [payer for payer in payers if payer.is_active]
    in_force = PolicyVersion.objects.in_force(on=today).filter(policy__payer__in=[payer.pk for payer in in_use])
    stated: dict[int, bool | None] = {}
    for payer_id, is_required in in_force.values_list("policy__payer", "terms__authorization_required"):
        # The first version of a payer is the one in force.
        stated.setdefault(payer_id, is_required)

    def asks(payer: Payer) -> bool:
        if (is_required := stated.get(payer.pk)) is not None:
            return is_required
        # Official files that were loaded say nothing of the house.
        of_house = load_codebook().house_defaults(payer.slug, PayerKind(payer.kind))
        return TermsInForce(None, of_house).holds("authorization_required")

    return [payer.pk for payer in in_use if asks(payer)]


@dataclass(frozen=True, slots=True)
class Crosswalk:
    """What becomes of an authorization given for codes that were deleted before the day.

    `converts` only where the payer's version in force says so; `citations` are then its clause, or where the version is
    silent or says no, what says that it does not. `is_required` is False where the payer asks for no authorization.
    """

    old_codes: tuple[str, ...]
    first_day: date
    converts: bool
    is_required: bool
    version: PolicyVersion | None
    citations: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class AuthorizationEntry:
    """One authorization with its course's ledger. `by_code` counts the units used by the code of the visit's delivery
    line; a visit without one stands under `NO_LINE`.
    """

    authorization: Authorization
    ledger: CourseLedger
    units: AuthorizedUnits
    by_code: tuple[tuple[str, int], ...]
    crosswalk: Crosswalk | None


def authorization_entries(authorizations: Iterable[Authorization], *, now: datetime) -> list[AuthorizationEntry]:
    """The entries in the order given, in a fixed number of queries; reads each course with patient and department."""
    authorizations = list(authorizations)
    ledgers = course_ledgers({one.course_id: one.course for one in authorizations}.values(), now=now)
    return [
        _entry(one, ledgers[one.course_id], now.astimezone(one.course.department.zone).date()) for one in authorizations
    ]


def _entry(authorization: Authorization, ledger: CourseLedger, today: date) -> AuthorizationEntry:
    return AuthorizationEntry(
        authorization=authorization,
        ledger=ledger,
        units=next(units for units in ledger.authorizations if units.authorization.pk == authorization.pk),
        by_code=_by_code(authorization, ledger),
        crosswalk=crosswalk(authorization, ledger.record, today),
    )


def _by_code(authorization: Authorization, ledger: CourseLedger) -> tuple[tuple[str, int], ...]:
    counts: Counter[str] = Counter()
    charged = {row.session.pk: row.charged for row in ledger.rows if row.session}
    for session in ledger.record.sessions_using(authorization):
        counts[next((line.code for line in charged[session.pk] if line.role == LineRole.DELIVERY), NO_LINE)] += 1
    return tuple(sorted(counts.items(), key=lambda pair: (pair[0] == NO_LINE, pair[0])))


def crosswalk(authorization: Authorization, record: PatientRecord, today: date) -> Crosswalk | None:
    """What becomes of it since its codes were deleted; None where it names a code of today, none at all, or had ended.

    The same question, of the same term, as the check of a session's code asks.
    """
    codebook = record.codebook
    known = [codebook.codes[code] for code in authorization.codes if code in codebook.codes]
    deleted = [code for code in known if code.valid.is_before(today)]
    if not deleted or len(deleted) < len(known):
        return None
    first_day = max(code.valid.last_day for code in deleted) + ONE_DAY
    if authorization.ends_on is not None and authorization.ends_on < first_day:
        return None
    day = min(today, authorization.ends_on or today)
    payer = authorization.payer
    version = record.version_of(payer, day)
    terms = TermsInForce(
        version.as_terms() if version else None, codebook.house_defaults(payer.slug, PayerKind(payer.kind))
    )
    return Crosswalk(
        old_codes=tuple(code.code for code in deleted),
        first_day=first_day,
        converts=terms.holds("authorization_converts"),
        is_required=terms.holds("authorization_required"),
        version=version,
        citations=terms.citations("authorization_converts"),
    )
