"""What lines are grouped by in reports, as people read it and as charge review is asked for it."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from coding.forms.reports import TableReportForm
from coding.presenters.charge_report import filters_of
from coding.reports import Grouping, GroupKey, names_of


def keys_of(form: TableReportForm, values: set[Any]) -> dict[Any, GroupKey]:
    """Each value of what a report is grouped by, as people read it and as a filter names it."""
    if form.grouping != "machine":
        return names_of(Grouping(form.grouping), values)
    machines = dict(form.choices.machines)
    return {
        value: GroupKey(None, machines.get(str(value), _("No machine")), str(value or ""), is_last=not value)
        for value in values
    }


def filters_of_key(key: GroupKey, kept: Mapping[str, str]) -> dict[str, str] | None:
    """The filters that leave the lines of a key besides those of the report; None where no filters do."""
    if key.grouping is not None:
        return filters_of((key,), kept)
    return {**kept, "machine": key.value} if key.value else None
