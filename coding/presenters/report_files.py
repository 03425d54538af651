"""A report as a file: the same rows as on its page, whether a person asks for it or it is delivered."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from django.http import QueryDict
from django.utils.translation import gettext as _

from coding.forms.reports import ChargeReportForm, OneReportForm
from coding.presenters.report_list import CHARGES, SavedReport, address_of, report_of, report_titles
from coding.presenters.report_shapes import Table
from coding.presenters.report_tables import TABLE_REPORTS
from coding.reports import ChargeReport, charge_report, report_csv, report_xlsx, table_csv, table_xlsx
from portal.models import ReportFormat, ReportPeriod, ReportSchedule, User
from portal.services.inbox import MadeReport, ReportProblem, period_days

FILE_TYPES = {
    ReportFormat.CSV: "text/csv; charset=utf-8",
    ReportFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
PERIOD_FILTERS = ("start", "end")


@dataclass(frozen=True, slots=True)
class AskedReport:
    """A report with the filters that somebody asked for; its files are to be asked of a valid form."""

    name: str
    form: ChargeReportForm | OneReportForm

    @classmethod
    def of(cls, name: str, asked: QueryDict, user: User) -> "AskedReport":
        is_charges = name == CHARGES
        return cls(name, ChargeReportForm(asked, user=user) if is_charges else TABLE_REPORTS[name].form(asked, user))

    @property
    def printed(self) -> list[tuple[str, str]]:
        """The filters as people read them, with what is grouped by."""
        if self.name != CHARGES:
            return self.form.printed
        filters = self.form.in_words or [(_("Filters"), _("none"))]
        groupings = ", ".join(str(grouping.label) for grouping in self.form.groupings)
        return [*filters, (str(self.form.fields["by"].label), groupings)]

    def csv(self) -> Iterator[str]:
        if self.name == CHARGES:
            return report_csv(self.charges())
        return table_csv(self.form.printed, self._table().lines())

    def xlsx(self) -> bytes:
        if self.name == CHARGES:
            return report_xlsx(self.charges())
        title, table = str(TABLE_REPORTS[self.name].title), self._table()
        return table_xlsx(title, self.form.printed, table.lines(), amounts=table.amounts)

    def _table(self) -> Table:
        return TABLE_REPORTS[self.name].table_of(self.form)

    def charges(self) -> ChargeReport:
        """The report on charges, where it is that one."""
        form = self.form
        return charge_report(user=form.user, filters=form.filters, in_words=form.in_words, groupings=form.groupings)


def file_name(name: str, file_format: str, *, on: date) -> str:
    """What a report of a day is called as a file."""
    return f"{name}-{on:%Y-%m-%d}.{file_format}"


def takes_period(name: str) -> bool:
    """Whether a report is about the days between two filters, so that a period can set both."""
    return name == CHARGES or set(PERIOD_FILTERS) <= set(TABLE_REPORTS[name].asks)


def scheduled_report(schedule: ReportSchedule, delivery_on: date) -> MadeReport:
    """The saved report of a schedule as its owner sees it now, over the period that ends before its day.

    Raises ReportProblem where the report is no longer there, or a saved filter can no longer be read.
    """
    asked = QueryDict(schedule.view.query, mutable=True)
    name = asked["report"] = report_of(schedule.view)
    if name not in report_titles():
        raise ReportProblem(_("There is no such report any more."))
    days = period_days(schedule.period, delivery_on=delivery_on) if takes_period(name) else None
    for filter_name, day in zip(PERIOD_FILTERS, days or (), strict=False):
        asked[filter_name] = day.isoformat()
    report = AskedReport.of(name, asked, schedule.owner)
    if not report.form.is_valid():
        labels = [str(report.form[field].label) for field in report.form.errors if field in report.form.fields]
        raise ReportProblem(
            _("A filter of this saved report can no longer be read (%(filters)s). Set it anew, and save the report.")
            % {"filters": ", ".join(labels)}
        )
    is_csv = schedule.file_format == ReportFormat.CSV
    return MadeReport(
        text=_said(name, schedule.period, days),
        filters=report.printed,
        # Of what the address asked for, only what the report knows.
        link=address_of(QueryDict(SavedReport.of(name, asked, report.form).query)),
        file_name=file_name(name, schedule.file_format, on=delivery_on),
        file="".join(report.csv()).encode() if is_csv else report.xlsx(),
    )


def _said(name: str, period: str, days: tuple[date, date] | None) -> str:
    """The report and the days that it is about."""
    title = report_titles()[name]
    if days is None:
        return _("%(report)s, with the filters as saved.") % {"report": title}
    first, last = (f"{day:%m/%d/%Y}" for day in days)
    when = first if first == last else _("%(first)s through %(last)s") % {"first": first, "last": last}
    return _("%(report)s, %(days)s (%(period)s).") % {
        "report": title,
        "days": when,
        "period": str(ReportPeriod(period).label).lower(),
    }
