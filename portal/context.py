"""What the frame around every page shows: navigation by permission, counts, whose data it is."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject

from coding.models import SessionHold

# A number past this is shown as "99+": counting on would cost more than it tells.
COUNTED_UP_TO = 99


@dataclass(frozen=True, slots=True)
class Place:
    """One entry of the navigation; a person sees it who has the permission."""

    label: str
    url_name: str
    icon: str
    permission: str = ""
    counts: str = ""


NAVIGATION: tuple[tuple[str, tuple[Place, ...]], ...] = (
    ("", (Place("Home", "home", "house"),)),
    (
        "Charges",
        (
            Place("Day sheets", "day-sheet", "grid-3x3-gap", "portal.view_treatmentsession"),
            Place("Patients and courses", "patient-list", "people", "portal.view_patient"),
            Place("Charge review", "charge-review", "check2-square", "coding.view_chargeline"),
            Place("Holds", "hold-list", "pause-circle", "coding.view_sessionhold", counts="holds"),
            Place("Imports", "import-list", "upload", "portal.view_treatmentsession"),
        ),
    ),
    (
        "Rules",
        (
            Place("Payer guidance", "guidance-list", "journal-text", "payers.view_payer"),
            Place("Codes", "code-list", "hash", "payers.view_payer"),
            Place("2025 to 2026 codes", "code-transition", "signpost-split", "payers.view_payer"),
            Place("Policies", "policy-list", "sliders", "payers.view_policyversion"),
        ),
    ),
    (
        "Oversight",
        (
            Place("Reports", "report-charges", "bar-chart", "coding.view_reports"),
            Place("Audit trail", "audit-list", "clock-history", "portal.view_auditevent"),
            Place("Set-up", "setup-home", "gear", "portal.view_setup"),
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
        }
    }


def _navigation(request: HttpRequest) -> list[dict[str, Any]]:
    groups = []
    for title, places in NAVIGATION:
        seen = [
            _entry(request, place)
            for place in places
            if not place.permission or request.user.has_perm(place.permission)
        ]
        if seen:
            groups.append({"title": title, "places": seen})
    return groups


def _entry(request: HttpRequest, place: Place) -> dict[str, Any]:
    url = reverse(place.url_name)
    is_here = request.path == url or (url != "/" and request.path.startswith(url))
    return {
        "label": place.label,
        "url": url,
        "icon": place.icon,
        "is_here": is_here,
        "count": _open_holds(request.user) if place.counts else "",
    }


def _open_holds(user) -> str:
    """How many holds are open in what the person may see, counted no further than needed."""
    number = len(SessionHold.objects.open().visible_to(user).values_list("pk")[: COUNTED_UP_TO + 1])
    if number > COUNTED_UP_TO:
        return f"{COUNTED_UP_TO}+"
    return str(number) if number else ""
