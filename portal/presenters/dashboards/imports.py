"""Whether treatment logs arrive, and what waits of them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Max
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal import clock
from portal.forms.dashboards import DashboardForm
from portal.models import Department, ImportedRow, Machine, SessionCandidate, TreatmentLogImport
from portal.presenters.ageing import AGES
from portal.presenters.numbers import Number, list_of

DAYS_OF_IMPORTS = 30
# A machine treats on every working day: one that no log has named for longer is asked about.
DAYS_OF_SILENCE = 7


@dataclass(frozen=True, slots=True)
class SilentMachine:
    name: str
    department: str
    last_import_at: datetime | None


def imports_panel(form: DashboardForm) -> dict[str, Any]:
    """Imports of the last days, rows refused, open candidates by age, and machines that no log has named lately."""
    since = form.today - timedelta(days=DAYS_OF_IMPORTS - 1)
    start = {"start": since.isoformat()}
    imports = TreatmentLogImport.objects.visible_to(form.user).filter(at__gte=clock.start_of_day(since, form.zone))
    machines = silent_machines(form)
    return {
        "numbers": [
            Number(_("Imports in 30 days"), imports.count(), list_of("import-list", start)),
            Number(
                _("Rows refused in 30 days"),
                ImportedRow.objects.refused_in(imports).count(),
                list_of("import-refused", start),
                "error",
            ),
            *_candidates(form),
            Number(
                ngettext(
                    "Machines without an import for %(n)d day",
                    "Machines without an import for %(n)d days",
                    DAYS_OF_SILENCE,
                )
                % {"n": DAYS_OF_SILENCE},
                len(machines),
                list_of("dashboard-imports") + "#machines",
                "held",
            ),
        ],
        "machines": machines,
    }


def _candidates(form: DashboardForm) -> list[Number]:
    """The candidates to confirm, by the days since the import that found them."""
    ages = {f"age_{age.least}": Count("pk", filter=age.wanted(form.now, opened="found_in__at")) for age in AGES}
    counts = SessionCandidate.objects.visible_to(form.user).open().aggregate(**ages)
    return [
        Number(
            _("Candidates to confirm, %(age)s") % {"age": age.label},
            counts[f"age_{age.least}"],
            list_of("candidate-list", age.filters),
            "draft",
        )
        for age in AGES
    ]


def silent_machines(form: DashboardForm) -> list[SilentMachine]:
    """The machines in use that no import of the last days named, with the last one that did."""
    organization = form.user.organization_id
    machines = list(
        Machine.objects.filter(
            is_active=True, department__is_active=True, department__in=Department.objects.visible_to(form.user)
        )
        .select_related("department")
        .order_by("department__name", "name")
    )
    named = SessionCandidate.objects.filter(organization=organization).order_by().values_list("machine_name")
    heard = {name for (name,) in named.filter(found_in__at__gte=form.now - timedelta(days=DAYS_OF_SILENCE)).distinct()}
    silent = [machine for machine in machines if not machine.source_name or machine.source_name not in heard]
    names = [machine.source_name for machine in silent if machine.source_name]
    last = dict(named.filter(machine_name__in=names).annotate(last=Max("found_in__at"))) if names else {}
    return [
        SilentMachine(machine.name, machine.department.name, _there(last.get(machine.source_name), form))
        for machine in silent
    ]


def _there(at: datetime | None, form: DashboardForm) -> datetime | None:
    return at.astimezone(form.zone) if at else None
