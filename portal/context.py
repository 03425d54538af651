"""What the frame around every page shows: navigation by permission, counts, whose data it is."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import QuerySet, Value
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy as _

from coding.models import RecaptureItem, SessionHold
from payers.reading_services import to_read
from portal import clock
from portal.models import InboxMessage

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


def frame(request: HttpRequest) -> dict[str, Any]:
    """The frame of a signed-in person's page; on other pages only whose data it is."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"frame": {"is_demo": settings.DEMO_DATA_ALLOWED}}
    return {
        "frame": {
            "is_demo": settings.DEMO_DATA_ALLOWED,
            "organization": user.organization,
            "navigation": SimpleLazyObject(lambda: _navigation(request)),
            "idle_seconds": settings.SESSION_COOKIE_AGE,
            "shown_at": SimpleLazyObject(lambda: _shown_at(user)),
        }
    }


def _navigation(request: HttpRequest) -> list[dict[str, Any]]:
    page = (request.resolver_match and request.resolver_match.url_name) or ""
    here = place_of(page)
    groups = [
        (title, [place for place in places if not place.permission or request.user.has_perm(place.permission)])
        for title, places in NAVIGATION
    ]
    counts = _counts(request.user, [place.counts for _title, seen in groups for place in seen if place.counts])
    return [
        {"title": title, "places": [_entry(place, counts, page=page, here=here) for place in seen]}
        for title, seen in groups
        if seen
    ]


def place_of(page: str) -> Place | None:
    """The place that a page stands in, by the name of its address: its own, else the longest beginning that fits."""
    places = [place for _title, group in NAVIGATION for place in group]
    fits = [(len(page) + 1, place) for place in places if place.url_name == page]
    fits += [(len(start), place) for place in places for start in place.within if page.startswith(start)]
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
    return f"{clock.now().astimezone(user.zone):%m/%d/%Y %H:%M %Z}"


# What may wait at a place, by the word of `Place.counts`.
WAITING: Mapping[str, Callable[[Any], QuerySet]] = {
    "holds": lambda user: SessionHold.objects.open().visible_to(user),
    "recapture": lambda user: RecaptureItem.objects.open().visible_to(user),
    "reading": to_read,
    "inbox": lambda user: InboxMessage.objects.of(user).unread(),
}


def _counts(user: Any, wanted: Iterable[str]) -> dict[str, str]:
    """How many rows wait for each word that is wanted, in one query; a word with nothing behind it has no number."""
    rows = [
        WAITING[word](user).order_by().annotate(waits=Value(word)).values_list("waits")[: COUNTED_UP_TO + 1]
        for word in wanted
    ]
    if not rows:
        return {}
    found = Counter(word for (word,) in rows[0].union(*rows[1:], all=True))
    return {word: f"{COUNTED_UP_TO}+" if number > COUNTED_UP_TO else str(number) for word, number in found.items()}
