"""Open holds by reason and age."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count
from django.utils.translation import gettext as _

from coding.models import SessionHold
from portal.forms.dashboards import DashboardForm
from portal.presenters.ageing import AGES
from portal.presenters.numbers import Number, list_of
from portal.presenters.rulings import finding_title

REASONS_SHOWN = 10


@dataclass(frozen=True, slots=True)
class ReasonRow:
    """One reason, or all of them together: its holds by age, and all of any age."""

    label: str
    ages: list[Number]
    all: Number


def holds_panel(form: DashboardForm) -> dict[str, Any]:
    """The most frequent reasons, each with its holds by age; the row of all reasons counts the others too."""
    holds = SessionHold.objects.open().visible_to(form.user)
    if form.department_id is not None:
        holds = holds.filter(session__department=form.department_id)
    by_age = {f"age_{age.least}": Count("pk", filter=age.wanted(form.now)) for age in AGES}
    found = list(holds.order_by().values("name").annotate(all=Count("pk"), **by_age).order_by("-all", "name"))
    total = {key: sum(one[key] for one in found) for key in ("all", *by_age)}
    return {
        "headings": [str(age.label) for age in AGES],
        "rows": [_row(form, finding_title(one["name"]), one, reason=one["name"]) for one in found[:REASONS_SHOWN]],
        "total": _row(form, _("All reasons"), total),
        "reasons_left_out": max(len(found) - REASONS_SHOWN, 0),
        "report_url": list_of("report-holds", form.of_department),
    }


def _row(form: DashboardForm, label: str, counted: dict[str, Any], **reason: str) -> ReasonRow:
    asked = {**form.of_department, **reason}
    return ReasonRow(
        label,
        [
            Number(f"{label}, {age.label}", counted[f"age_{age.least}"], list_of("hold-list", asked, **age.filters))
            for age in AGES
        ],
        Number(label, counted["all"], list_of("hold-list", asked)),
    )
