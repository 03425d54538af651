"""What each panel of the home page counts, looked up only when the panel is asked for."""

from collections.abc import Callable, Mapping
from typing import Any

from coding.presenters.dashboards.charges import gaps_panel, lag_panel, lines_panel
from coding.presenters.dashboards.expected import expected_panel
from coding.presenters.dashboards.filing import filing_panel, sunset_panel
from coding.presenters.dashboards.holds import holds_panel
from coding.presenters.dashboards.needs import needs_panel
from coding.presenters.dashboards.references import references_panel
from portal.forms.dashboards import DashboardForm
from portal.presenters.dashboards.imports import imports_panel
from portal.presenters.dashboards.people import people_panel, users_panel
from portal.presenters.dashboards.policies import policies_panel

CONTENT: Mapping[str, Callable[[DashboardForm], dict[str, Any]]] = {
    "needs": needs_panel,
    "lines": lines_panel,
    "lag": lag_panel,
    "gaps": gaps_panel,
    "filing": filing_panel,
    "sunset": sunset_panel,
    "holds": holds_panel,
    "expected": expected_panel,
    "people": people_panel,
    "imports": imports_panel,
    "references": references_panel,
    "policies": policies_panel,
    "users": users_panel,
}
