"""The panels of the home page: which there are, who sees them, and what each is of."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from portal.models import User


@dataclass(frozen=True, slots=True)
class Panel:
    """A part of the home page with an address of its own, where what it counts is looked up.

    `narrowed_by` names what of period and department it is of; without either it counts all that the person sees.
    """

    name: str
    title: Any
    permission: str
    narrowed_by: tuple[str, ...] = ()
    is_wide: bool = False

    @property
    def url_name(self) -> str:
        return f"dashboard-{self.name}"

    @property
    def template(self) -> str:
        return f"portal/_dashboard_{self.name}.html"


DEPARTMENT, BOTH = ("department",), ("period", "department")
# In the order in which they stand.
PANELS = (
    Panel("needs", _("Needs you"), "portal.add_treatmentsession"),
    Panel("lines", _("Sessions and charge lines"), "coding.view_reports", BOTH),
    Panel("gaps", _("Missing charges and other gaps"), "coding.view_reports", BOTH),
    Panel("filing", _("Days left to file"), "coding.view_reports", DEPARTMENT),
    Panel("sunset", _("Deleted codes: days left to file"), "coding.view_reports", DEPARTMENT),
    Panel("lag", _("From service to the first line"), "coding.view_reports", BOTH),
    Panel("imports", _("Imports"), "coding.view_reports"),
    Panel("policies", _("Policies that wait for you"), "payers.change_policyversion"),
    Panel("references", _("Out of date"), "coding.view_reports"),
    Panel("users", _("Users"), "portal.manage_users"),
    Panel("holds", _("Open holds by reason and age"), "coding.view_reports", DEPARTMENT, is_wide=True),
    Panel("expected", _("Expected dollars"), "coding.view_reports", BOTH, is_wide=True),
    Panel("people", _("Done in the last seven days"), "portal.view_auditevent", is_wide=True),
)
PANEL_BY_NAME = {panel.name: panel for panel in PANELS}


def panels_of(user: User) -> list[Panel]:
    """The panels that the person's permissions open."""
    return [panel for panel in PANELS if user.has_perm(panel.permission)]
