"""Terms that stand against a national rule: whose word, since when, who decided, and which lines they touch."""

from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, Q
from django.urls import reverse
from django.utils.translation import gettext as _

from coding.codebook_in_use import current_codebook
from coding.engine.periods import ONE_DAY
from coding.models import ChargeLine
from payers.models import Payer, PolicyClause, PolicyVersion, VersionStatus
from payers.presenters.terms import stored_in_words
from payers.services import overrides_of
from portal.models import User

FINDING = "POLICY_OVERRIDE_APPROVAL"


@dataclass(frozen=True, slots=True)
class OverrideRow:
    """One term of one version. `last` is the last date of service that it is for, or None while it goes on."""

    payer: Payer
    version: PolicyVersion
    words: str
    clause: PolicyClause | None
    first: date
    last: date | None
    lines: int
    lines_url: str


def override_groups(user: User, *, today: date) -> list[dict[str, Any]]:
    """Every override of the organization: in force on the day, coming, and past, in a fixed number of queries."""
    versions = list(
        PolicyVersion.objects.visible_to(user)
        .with_terms()
        .select_related("drafted_by", "submitted_by", "published_by")
        .order_by("policy__payer__name", "effective_from", "revision")
    )
    lines = _lines_by_version(user)
    now: list[OverrideRow] = []
    coming: list[OverrideRow] = []
    past: list[OverrideRow] = []
    for version in versions:
        last_day = _last_day(version, versions)
        for key in overrides_of(version.terms):
            row = _row(version, key, last_day, lines.get((version.pk, key), 0))
            if version.status == VersionStatus.RETIRED or (row.last is not None and row.last < max(today, row.first)):
                past.append(row)
            elif version.is_unpublished or row.first > today:
                coming.append(row)
            else:
                now.append(row)
    return [
        {"title": _("In force"), "rows": now, "empty": _("No payer asks for anything against a national rule today.")},
        {"title": _("Coming"), "rows": coming, "empty": _("None is drafted, in review or scheduled.")},
        {"title": _("Past"), "rows": past, "empty": _("None has ended.")},
    ]


def override_in_words(key: str, value: object) -> str:
    """A term against a national rule as one says it; `value` is what a version keeps."""
    if key == "technical_modifier":
        return _("TC on delivery")
    return _("The deleted code is kept through %(day)s") % {"day": stored_in_words(key, value)}


def _row(version: PolicyVersion, key: str, last_day: date | None, lines: int) -> OverrideRow:
    payer = version.policy.payer
    kept_until = date.fromisoformat(version.terms[key]) if key == "keep_until" else None
    asked = {"payer": payer.slug, "reason": FINDING}
    return OverrideRow(
        payer=payer,
        version=version,
        words=override_in_words(key, version.terms[key]),
        clause=next((clause for clause in version.clauses.all() if clause.term == key), None),
        first=version.effective_from,
        last=min((day for day in (last_day, kept_until) if day), default=None),
        lines=lines,
        lines_url=f"{reverse('charge-review')}?{urlencode(asked)}",
    )


def _last_day(version: PolicyVersion, versions: list[PolicyVersion]) -> date | None:
    """The day before the next published version of the policy begins; a corrected version has none of its own left."""
    begun = (version.effective_from, version.revision)
    later = [
        other.effective_from
        for other in versions
        if other.policy_id == version.policy_id
        and other.status == VersionStatus.PUBLISHED
        and (other.effective_from, other.revision) > begun
    ]
    return min(later) - ONE_DAY if later else None


def _lines_by_version(user: User) -> dict[tuple[int, str], int]:
    """How many live lines each override is on: those with TC, and those with a code that was deleted by their date."""
    is_deleted = Q()
    for code in current_codebook().codes.values():
        if code.valid.ends_before is not None:
            is_deleted |= Q(code=code.code, date_of_service__gte=code.valid.ends_before)
    touched = (
        ChargeLine.objects.live()
        .visible_to(user)
        .filter(is_deleted | Q(modifiers__contains=["TC"]), ruling__policy_version__isnull=False)
        .order_by()
        .values("ruling__policy_version")
        .annotate(
            technical_modifier=Count("pk", filter=Q(modifiers__contains=["TC"]), distinct=True),
            keep_until=Count("pk", filter=is_deleted, distinct=True),
        )
    )
    return {
        (row["ruling__policy_version"], key): row[key]
        for row in touched
        for key in ("technical_modifier", "keep_until")
    }
