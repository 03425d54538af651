"""What the rulings rest on and nobody has renewed: official files, and policies not compared with their sources."""

from typing import Any

from django.utils.translation import gettext as _

from coding.presenters.reference import kind_rows
from coding.reference_reports import kinds_today
from payers.presenters.policies import overdue_rows
from portal.forms.dashboards import DashboardForm
from portal.presenters.numbers import Number, list_of


def references_panel(form: DashboardForm) -> dict[str, Any]:
    """Official files that are out of date, and versions in force whose review is overdue."""
    stale = [kind for kind in kind_rows(kinds_today(form.today), form.today) if kind.warning]
    overdue = overdue_rows(form.user.organization_id, today=form.today)
    return {
        "numbers": [
            Number(_("Official files out of date"), len(stale), list_of("dashboard-references") + "#files", "held"),
            Number(_("Policies whose review is overdue"), len(overdue), list_of("policy-review-list"), "held"),
        ],
        "files": stale,
    }
