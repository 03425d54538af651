"""Filters and groupings of the report on charges."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from coding.forms.authorization_ledger import AuthorizationLedgerForm
from coding.forms.lines import ChargeFilterForm, FilterForm
from coding.reports import USUAL_GROUPINGS, Grouping

WEEKS_SHOWN = 12
NOT_FILTERS = ("by", "bars")
# How an address asks to see every filter of a report.
MORE = "more"
# The filters that most reports are narrowed by; the others are looked up and shown on demand.
FIRST_NAMES = ("payer", "department", "reason", "start", "end")


class ChargeReportForm(ChargeFilterForm):
    """The filters of charge review, what to group by, and what the bars show."""

    first_names = FIRST_NAMES

    by = forms.MultipleChoiceField(
        label=_("Group by"), required=False, choices=Grouping.choices, widget=forms.CheckboxSelectMultiple
    )
    bars = forms.ChoiceField(
        label=_("Bars show"), required=False, choices=[("", _("Charge amounts")), ("lines", _("Lines"))]
    )

    def __init__(self, data: QueryDict, *args: Any, **kwargs: Any) -> None:
        if "by" not in data:
            # What is grouped by shows as chosen, whoever chose it.
            data = data.copy()
            data.setlist("by", [grouping.value for grouping in USUAL_GROUPINGS])
        super().__init__(data, *args, **kwargs)
        self.fields["by"].widget.attrs["class"] = "form-check-input"

    @property
    def asks_for_more(self) -> bool:
        return MORE in self.data

    @property
    def groupings(self) -> tuple[Grouping, ...]:
        """What to group by, in the order of the columns."""
        chosen = self.cleaned_data["by"]
        return tuple(grouping for grouping in Grouping if grouping in chosen)

    @property
    def filter_fields(self) -> list[forms.BoundField]:
        """The fields that narrow the report."""
        return [bound for bound in self if bound.name not in NOT_FILTERS]


class OneReportForm(FilterForm):
    """The filters that one report asks for, out of those of the list that its numbers open, and what it groups by.

    Another filter in the address is as if it were not there: it would narrow the report unseen.
    """

    first_names = FIRST_NAMES

    by = forms.ChoiceField(label=_("Group by"), required=False)

    def __init__(
        self,
        data: Mapping[str, str],
        *args: Any,
        asks: Sequence[str],
        groupings: Sequence[tuple[str, Any]],
        **kwargs: Any,
    ) -> None:
        super().__init__({name: data[name] for name in (*asks, "by") if name in data}, *args, **kwargs)
        self.asks, self.asks_for_more = asks, MORE in data
        self.fields["by"].choices = groupings

    @property
    def grouping(self) -> str:
        """What to group by; the first where nothing was chosen."""
        return self.cleaned_data["by"] or next((value for value, _label in self.fields["by"].choices), "")

    @property
    def filter_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.asks]

    @property
    def printed(self) -> list[tuple[str, str]]:
        """The filters as files and paper name them, with what is grouped by."""
        filters = self.in_words or [(gettext("Filters"), gettext("none"))]
        if not self.fields["by"].choices:
            return filters
        return [*filters, (str(self.fields["by"].label), str(dict(self.fields["by"].choices)[self.grouping]))]


class TableReportForm(OneReportForm, ChargeFilterForm):
    """Filters out of those of charge review."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "department" not in self.asks:
            self.fields["start"].label, self.fields["end"].label = _("From"), _("Through")


class PeopleReportForm(TableReportForm):
    """The days of what people did, the last weeks where nobody said since when."""

    @property
    def first_day(self) -> date:
        return self.cleaned_data["start"] or self.choices.today - timedelta(weeks=WEEKS_SHOWN)

    @property
    def in_words(self) -> list[tuple[str, str]]:
        """With the first day that nobody chose, since it leaves others out."""
        unsaid = [] if self.cleaned_data["start"] else [(str(self.fields["start"].label), f"{self.first_day:%m/%d/%Y}")]
        return [*unsaid, *super().in_words]


class AuthorizationReportForm(OneReportForm, AuthorizationLedgerForm):
    """Filters out of those of the ledger of authorizations; the report tells what waits itself."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("show", "left"):
            del self.fields[name]
