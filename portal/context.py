"""What the frame around every page shows: navigation by permission, counts, whose data it is."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db.models import QuerySet, Value
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.dateformat import format as date_format
from django.utils.functional import SimpleLazyObject
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from coding.models import RecaptureItem, SessionHold
from payers.reading_services import to_read
from portal import clock
from portal.middleware import SESSION_RENEWED_AFTER
from portal.models import InboxMessage
from portal.services.answers import Person, Query, answer

# A number past this is shown as "99+": counting on would cost more than it tells.
COUNTED_UP_TO = 99


@dataclass(frozen=True, slots=True)
class Place:
    """One entry of the navigation; a person sees it who has the permission.

    `within` names the pages that stand below it, by the beginnings of their address names; `counts` what waits there,
    and `waiting` in which state.
    """

    label: str
    url_name: str
    icon: str
    permission: str = ""
    within: tuple[str, ...] = ()
    counts: str = ""
    waiting: str = _("open")


BELOW_PATIENTS = ("patient-", "course-", "prescription-", "fraction", "coverage-", "authorization-")
BELOW_CHARGE_REVIEW = ("charge-review", "line-", "sessions-without-line", "session-why", "saved-view-")
BELOW_SETUP = (
    "setup-",
    "organization-",
    "department-",
    "machine-",
    "closed-day-",
    "physician-",
    "user-",
    "payer-",
    "price-",
    "rate-",
    "reference-",
)
NAVIGATION: tuple[tuple[str, tuple[Place, ...]], ...] = (
    (
        "",
        (
            Place(_("Home"), "home", "house", within=("dashboard-",)),
            Place(_("Inbox"), "inbox", "inbox", "coding.view_reports", ("inbox-",), "inbox", _("unread")),
        ),
    ),
    (
        _("Charges"),
        (
            Place(
                _("Day sheets"), "day-sheet", "grid-3x3-gap", "portal.view_treatmentsession", ("day-sheet", "session-")
            ),
            Place(_("Patients and courses"), "patient-list", "people", "portal.view_patient", BELOW_PATIENTS),
            Place(_("Charge review"), "charge-review", "check2-square", "coding.view_chargeline", BELOW_CHARGE_REVIEW),
            Place(_("Holds"), "hold-list", "pause-circle", "coding.view_sessionhold", ("hold-",), counts="holds"),
            Place(
                _("To capture again"),
                "recapture-list",
                "arrow-counterclockwise",
                "coding.add_sessionhold",
                ("recapture-",),
                counts="recapture",
            ),
            Place(_("Imports"), "import-list", "upload", "portal.view_treatmentsession", ("import-", "candidate-")),
        ),
    ),
    (
        _("Rules"),
        (
            Place(_("Payer guidance"), "guidance-list", "journal-text", "payers.view_payer", ("guidance-", "try-")),
            Place(
                _("To read"),
                "attestation-list",
                "list-ul",
                "portal.add_treatmentsession",
                ("attestation-",),
                counts="reading",
            ),
            Place(_("Payer matrix"), "matrix", "table", "payers.view_payer", ("matrix",)),
            Place(_("Codes"), "code-list", "hash", "payers.view_payer", ("code-",)),
            Place(_("2025 to 2026 codes"), "code-transition", "signpost-split", "payers.view_payer"),
            Place(
                _("Policies"),
                "policy-list",
                "sliders",
                "payers.view_policyversion",
                ("policy-", "version-", "clause-", "example-", "pack-"),
            ),
        ),
    ),
    (
        _("Oversight"),
        (
            Place(
                _("Reconciliation"), "reconciliation", "clipboard2-check", "coding.view_reports", ("reconciliation-",)
            ),
            Place(_("Filing clock"), "filing-clock", "hourglass-split", "coding.view_chargeline", ("filing-",)),
            Place(_("Authorizations"), "authorization-ledger", "clipboard2-check", "payers.view_authorization"),
            Place(_("Level 3 guard"), "level-guard", "shield-check", "coding.view_reports", ("level-guard-",)),
            Place(_("Reports"), "report-list", "bar-chart", "coding.view_reports", ("report-",)),
            Place(_("Readers"), "reader-list", "person-badge", "coding.view_reports", ("reader-",)),
            Place(_("Audit trail"), "audit-list", "clock-history", "portal.view_auditevent", ("audit-",)),
            Place(_("Set-up"), "setup-home", "gear", "portal.view_setup", BELOW_SETUP),
        ),
    ),
)

PLACES = tuple(place for _title, places in NAVIGATION for place in places)


def frame(request: HttpRequest) -> dict[str, Any]:
    """The frame of a signed-in person's page; on other pages only whose data it is."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"frame": {"is_demo": settings.DEMO_DATA_ALLOWED}}
    return {
        "frame": {
            "is_demo": settings.DEMO_DATA_ALLOWED,
            "organization": user.organization,
            "navigation": SimpleLazyObject(lambda: _navigation_html(*_seen(request), get_language())),
            "idle_seconds": settings.SESSION_COOKIE_AGE - SESSION_RENEWED_AFTER,
            "shown_at": SimpleLazyObject(lambda: _shown_at(user)),
        }
    }


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The groups of places that a person sees, with what waits there."""
    return _groups(*_seen(request))


def _seen(request: HttpRequest) -> tuple[frozenset[str], str, tuple[tuple[str, str], ...]]:
    """All that the navigation depends on: the places of a person, by name, the page, and what waits for them."""
    page = (request.resolver_match and request.resolver_match.url_name) or ""
    places = [place for place in PLACES if not place.permission or request.user.has_perm(place.permission)]
    counts = _counts(request.user, tuple(place.counts for place in places if place.counts))
    return frozenset(place.url_name for place in places), page, tuple(sorted(counts.items()))


# It is in every page, and for all people of a role the same but for its numbers.
@lru_cache(maxsize=1000)
def _navigation_html(seen: frozenset[str], page: str, counts: tuple[tuple[str, str], ...], language: str) -> SafeString:
    return render_to_string("_components/navigation.html", {"navigation": _groups(seen, page, counts)})


def _groups(seen: frozenset[str], page: str, counts: tuple[tuple[str, str], ...]) -> list[dict[str, Any]]:
    here = place_of(page)
    groups = [(title, [place for place in places if place.url_name in seen]) for title, places in NAVIGATION]
    return [
        {"title": title, "places": [_entry(place, dict(counts), page=page, here=here) for place in places]}
        for title, places in groups
        if places
    ]


def place_of(page: str) -> Place | None:
    """The place that a page stands in, by the name of its address: its own, else the longest beginning that fits."""
    fits = [(len(page) + 1, place) for place in PLACES if place.url_name == page]
    fits += [(len(start), place) for place in PLACES for start in place.within if page.startswith(start)]
    return max(fits, key=lambda fit: fit[0])[1] if fits else None


def _entry(place: Place, counts: Mapping[str, str], *, page: str, here: Place | None) -> dict[str, Any]:
    is_here = place is here
    return {
        "label": place.label,
        "url": reverse(place.url_name),
        "icon": place.icon,
        "here": ("page" if place.url_name == page else "true") if is_here else "",
        "counts": place.counts,
        "count": counts.get(place.counts, ""),
        "waiting": place.waiting,
    }


def _shown_at(user: Any) -> str:
    """When the page was made, for its printed foot, in the time zone of the person's first department."""
    return date_format(clock.now().astimezone(user.zone), "m/d/Y g:i A T")


# What may wait at a place, by the word of `Place.counts`.
WAITING: Mapping[str, Callable[[Any], QuerySet]] = {
    "holds": lambda user: SessionHold.objects.open().visible_to(user),
    "recapture": lambda user: RecaptureItem.objects.open().visible_to(user),
    "reading": to_read,
    "inbox": lambda user: InboxMessage.objects.of(user).unread(),
}


def _counts(user: Any, wanted: tuple[str, ...]) -> dict[str, str]:
    """How many rows wait for each word that is wanted, in one query; a word with nothing behind it has no number."""
    if not wanted:
        return {}
    found = Counter(word for (word,) in answer(_waiting_sql(Person.of(user), wanted)))
    return {word: f"{COUNTED_UP_TO}+" if number > COUNTED_UP_TO else str(number) for word, number in found.items()}


# Every page asks this, and putting it together takes longer than its answer.
@lru_cache(maxsize=1000)
def _waiting_sql(person: Person, wanted: tuple[str, ...]) -> Query:
    """The query for everything that waits for a person, a word a row; each stops a row past the number shown."""
    rows = [
        WAITING[word](person.as_user).order_by().annotate(waits=Value(word)).values_list("waits")[: COUNTED_UP_TO + 1]
        for word in wanted
    ]
    return rows[0].union(*rows[1:], all=True).query.sql_with_params()
