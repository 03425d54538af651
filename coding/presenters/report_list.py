"""Every report with what it is for, and the ones that people saved with their filters."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from django import forms
from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _

from coding.presenters.report_tables import TABLE_REPORTS
from portal.models import ReportSchedule, SavedView, User, ViewPlace

# The name of the one report that is more than one table.
CHARGES = "charges"
# What a saved report keeps beside its filters.
SHOWN = ("by", "bars")


@dataclass(frozen=True, slots=True)
class ListedReport:
    title: str
    purpose: str
    icon: str
    url: str


@dataclass(frozen=True, slots=True)
class SavedReport:
    """A report as a person keeps it: `query` names the report and its filters."""

    name: str
    report: str
    query: str
    pk: int | None = None
    is_own: bool = False
    is_shared: bool = False
    owner: str = ""
    schedule: ReportSchedule | None = None
    is_late: bool = False

    place = ViewPlace.REPORTS

    @classmethod
    def of(cls, report: str, asked: QueryDict, form: forms.Form) -> "SavedReport":
        """What would be kept of a report as it is shown now."""
        shown = [(key, value) for key in SHOWN for value in asked.getlist(key)]
        return cls("", report, urlencode([("report", report), *form.kept.items(), *shown]))

    @property
    def url(self) -> str:
        return f"{reverse('report-list')}?{self.query}"


def reports_listed() -> list[ListedReport]:
    """The reports in the order in which they are listed."""
    charges = ListedReport(
        _("Charges"),
        _("Lines, units and amounts by payer, month, setting, code, modifiers and more."),
        "bar-chart",
        reverse("report-charges"),
    )
    tables = [ListedReport(one.title, one.purpose, one.icon, one.url) for one in TABLE_REPORTS.values()]
    return [charges, *tables]


def saved_reports(user: User, *, today: date) -> list[SavedReport]:
    """The reports that the person saved, and those that others share, each with when it comes to the person's inbox.

    One that should have come before today waits for a worker. One whose report is gone is left out.
    """
    schedules = {schedule.view_id: schedule for schedule in ReportSchedule.objects.filter(owner=user)}
    views = SavedView.objects.visible_to(user).filter(place=ViewPlace.REPORTS).select_related("owner")
    titles = report_titles()
    saved = []
    for view in views:
        name = report_of(view)
        if name in titles:
            schedule = schedules.get(view.pk)
            saved.append(
                SavedReport(
                    name=view.name,
                    report=titles[name],
                    query=view.query,
                    pk=view.pk,
                    is_own=view.owner_id == user.pk,
                    is_shared=view.is_shared,
                    owner=view.owner.shown_name,
                    schedule=schedule,
                    is_late=schedule is not None and schedule.next_on < today,
                )
            )
    return saved


def report_of(view: SavedView) -> str:
    """The name of the report that a saved view is of, which may be gone."""
    return QueryDict(view.query).get("report", CHARGES)


def report_titles() -> dict[str, str]:
    """What each report is called, by its name."""
    return {CHARGES: _("Charges")} | {name: str(report.title) for name, report in TABLE_REPORTS.items()}


def address_of(asked: QueryDict) -> str:
    """The page of the report that an address names, with its filters; that of charges where none is known."""
    name = asked["report"] if asked["report"] in TABLE_REPORTS else CHARGES
    rest: Mapping[str, list[str]] = {key: values for key, values in asked.lists() if key != "report"}
    query = urlencode(rest, doseq=True)
    return reverse(f"report-{name}") + (f"?{query}" if query else "")
