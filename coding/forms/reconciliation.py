"""What reconciliation is narrowed to, which rows a number opens, and the reason for a gap."""

from datetime import date, timedelta
from typing import Any

from django import forms
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from coding.forms.lines import DepartmentFilterForm
from coding.reconciliation import KNOWN, Column, GapKind
from portal.models import TreatmentSession

DAYS_SHOWN = 14
MOST_DAYS = 366
# More would keep the page waiting for longer than anybody does; a month of a large network fits.
MOST_VISITS = 20_000
# More are not compared unasked, every morning.
MOST_VISITS_UNASKED = 6_000
BY_DAY, BY_COURSE, TO_SIGN = "day", "course", "to-sign"
ANY_GAP = "any_gap"
KIND_LABELS = {
    GapKind.DELIVERED_NOT_CHARGED: _("Delivered, not charged"),
    GapKind.CHARGED_NOT_DELIVERED: _("Charged, not delivered"),
    GapKind.MISSED_WITHOUT_REASON: _("Missed without a reason"),
    GapKind.DUPLICATE: _("Duplicate"),
    GapKind.EXTRA: _("Extra"),
    GapKind.OVER_PRESCRIPTION: _("Over the prescription"),
    GapKind.AUTHORIZATION_SHORT: _("Authorization short"),
    GapKind.EXPORTED_NOT_ACKNOWLEDGED: _("Exported, not acknowledged"),
    GapKind.PAID_LESS_THAN_EXPECTED: _("Paid less than expected"),
}
COLUMN_LABELS = {
    Column.PRESCRIBED: _("Prescribed"),
    Column.SCHEDULED: _("Scheduled"),
    Column.DELIVERED: _("Delivered"),
    Column.CHARGED: _("Charged"),
    Column.HELD: _("Held"),
    Column.EXPORTED: _("Exported"),
    Column.PAID: _("Paid"),
}


class ReconciliationForm(DepartmentFilterForm):
    """Department, kind of gap and days; without days the last fourteen, or the last one where those are too many."""

    kind = forms.ChoiceField(
        label=_("Gap"), required=False, choices=[("", _("All")), *((kind.value, KIND_LABELS[kind]) for kind in KNOWN)]
    )
    by = forms.ChoiceField(
        required=False,
        widget=forms.HiddenInput,
        choices=[(BY_DAY, BY_DAY), (BY_COURSE, BY_COURSE), (TO_SIGN, TO_SIGN)],
    )
    first_names = ("department", "kind", "start", "end")
    field_order = ("department", "kind", "start", "end", "by")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["start"].label, self.fields["end"].label = _("From"), _("Until")

    @property
    def filter_fields(self) -> list[forms.BoundField]:
        return [bound for bound in self if bound.name not in ("by", "of", "course")]

    @cached_property
    def first(self) -> date:
        if self.cleaned_data["start"]:
            return self.cleaned_data["start"]
        usual = self.last - timedelta(days=DAYS_SHOWN - 1)
        return self.last if self._visits_since(usual) > MOST_VISITS_UNASKED else usual

    def _visits_since(self, first: date) -> int:
        sessions = TreatmentSession.objects.standing().visible_to(self.user)
        if self.department_id is not None:
            sessions = sessions.filter(department=self.department_id)
        return sessions.filter(date_of_service__gte=first, date_of_service__lte=self.last).count()

    @property
    def last(self) -> date:
        start = self.cleaned_data["start"]
        today = self.choices.today
        return self.cleaned_data["end"] or (today if start is None else max(today, start))

    @property
    def view(self) -> str:
        return self.cleaned_data["by"] or BY_DAY

    @property
    def department_id(self) -> int | None:
        chosen = self.cleaned_data["department"]
        return int(chosen) if chosen else None

    @property
    def gap_kind(self) -> GapKind | None:
        chosen = self.cleaned_data["kind"]
        return GapKind(chosen) if chosen else None

    def clean(self) -> dict[str, Any]:
        found = super().clean()
        if not self.errors and (self.last - self.first).days >= MOST_DAYS:
            self.add_error("start", _("Ask for at most 366 days at once."))
        if not self.errors and self.cleaned_data["start"] and (visits := self._visits_since(self.first)) > MOST_VISITS:
            self.add_error(
                "start",
                _("These days have %(visits)s visits. Choose a department, or fewer days: %(most)s fit on a page.")
                % {"visits": f"{visits:,}", "most": f"{MOST_VISITS:,}"},
            )
        return found


class VisitsForm(ReconciliationForm):
    """The same with the number that was opened: a column or a kind of gap, of all courses or of one."""

    of = forms.ChoiceField(
        required=False,
        widget=forms.HiddenInput,
        choices=[
            ("", ""),
            (ANY_GAP, _("Any gap")),
            *((column.value, COLUMN_LABELS[column]) for column in Column if column is not Column.PAID),
            *((kind.value, KIND_LABELS[kind]) for kind in KNOWN),
        ],
    )
    course = forms.IntegerField(required=False, widget=forms.HiddenInput, min_value=1, max_value=2**31 - 1)


class GapReasonForm(forms.Form):
    """Why a gap is none. The gap itself is named by hidden fields."""

    kind = forms.ChoiceField(choices=[(kind.value, KIND_LABELS[kind]) for kind in KNOWN], widget=forms.HiddenInput)
    course = forms.IntegerField(widget=forms.HiddenInput)
    session = forms.IntegerField(required=False, widget=forms.HiddenInput)
    reason = forms.CharField(
        label=_("Why this is no gap"),
        max_length=300,
        error_messages={"required": _("Say why this is no gap, like: patient was billed by the other hospital.")},
        widget=forms.TextInput(attrs={"class": "form-control form-control-sm"}),
    )
