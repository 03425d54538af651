"""What people did in the last days, as the audit trail has it, and who may sign in."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Count, Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal import clock
from portal.forms.dashboards import DashboardForm
from portal.models import AuditEvent, User
from portal.presenters.numbers import Number, list_of

DAYS = 7
ACTS = (
    ("record_session", gettext_lazy("Sessions entered")),
    ("release_hold", gettext_lazy("Holds released")),
    ("void_session", gettext_lazy("Sessions voided")),
    ("", gettext_lazy("All acts")),
)


@dataclass(frozen=True, slots=True)
class PersonRow:
    name: str
    acts: list[Number]


def people_panel(form: DashboardForm) -> dict[str, Any]:
    """Each person who did something, today and the six days before: sessions, releases, voids, and all acts."""
    since = form.today - timedelta(days=DAYS - 1)
    events = AuditEvent.objects.visible_to(form.user).filter(at__gte=clock.start_of_day(since, form.zone))
    counted = {f"of_{action}": Count("pk", filter=Q(action=action) if action else Q()) for action, _label in ACTS}
    found = list(events.order_by().values("by").annotate(**counted))
    people = User.objects.in_bulk({one["by"] for one in found if one["by"]})
    rows = [_row(people.get(one["by"]), one, since.isoformat()) for one in found]
    total = {key: sum(one[key] for one in found) for key in counted}
    return {
        "since": since,
        "headings": [str(label) for _action, label in ACTS],
        "rows": sorted(rows, key=lambda row: row.name.casefold()),
        "total": PersonRow(_("Everyone"), _acts(_("Everyone"), total, {"start": since.isoformat()})),
        "report_url": list_of("report-productivity"),
    }


def _row(person: User | None, counted: dict[str, Any], since: str) -> PersonRow:
    if person is None:
        # The trail cannot be narrowed to what nobody did.
        return PersonRow(_("The system"), _acts(_("The system"), counted, None))
    return PersonRow(person.shown_name, _acts(person.shown_name, counted, {"by": person.username, "start": since}))


def _acts(name: str, counted: dict[str, Any], filters: dict[str, str] | None) -> list[Number]:
    return [
        Number(
            f"{name}, {label}",
            counted[f"of_{action}"],
            "" if filters is None else list_of("audit-list", filters, action=action),
        )
        for action, label in ACTS
    ]


def users_panel(form: DashboardForm) -> dict[str, Any]:
    """The people of the organization who may sign in, and those who may not any more."""
    people = User.objects.filter(organization=form.user.organization_id)
    counts = people.aggregate(active=Count("pk", filter=Q(is_active=True)), all=Count("pk"))
    return {
        "numbers": [
            Number(_("Users who may sign in"), counts["active"], list_of("user-list", active="yes")),
            Number(
                _("Users who may not any more"), counts["all"] - counts["active"], list_of("user-list", active="no")
            ),
        ]
    }
