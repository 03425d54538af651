"""Sessions and lines of a period, how late lines are captured, and what was delivered and not charged."""

from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from coding.dashboards import lines_by_lag, median_of, sessions_between
from coding.forms.reconciliation import KIND_LABELS
from coding.lag import WITHIN_DAYS, Lag
from coding.models import LineState
from coding.presenters.review import sessions_without_line
from coding.reconciliation import GapKind, reconcile
from coding.reports import ChargeFilters, Missing, line_sums
from portal.forms.dashboards import DashboardForm
from portal.presenters.numbers import Number, list_of

# Visits are compared one by one, so that a panel compares no more days than a person waits for.
DAYS_COMPARED = 7


def filters_of(form: DashboardForm) -> ChargeFilters:
    """Department and days of service, as the lists of lines take them."""
    first, last = form.days
    return ChargeFilters(department_id=form.department_id, start=first, end=last)


def lines_panel(form: DashboardForm) -> dict[str, Any]:
    """Sessions of the period, those that owe no line as they stand, and the live lines by state."""
    first, last = form.days
    filters, asked = filters_of(form), form.of_period
    sessions = sessions_between(user=form.user, first=first, last=last, department_id=form.department_id)
    sums = line_sums(user=form.user, filters=filters, by=("state",))
    states = [state for state in LineState if state is not LineState.VOID]
    without_charge = sum(summed.without_charge for summed in sums.values())
    return {
        "numbers": [
            Number(_("Sessions"), sessions.count(), list_of("session-list", asked)),
            Number(
                _("Sessions without a line"),
                sessions_without_line(form.user, filters).count(),
                list_of("sessions-without-line", asked),
                "error",
            ),
            *(
                Number(
                    str(state.label),
                    sums[(state.value,)].lines if (state.value,) in sums else 0,
                    list_of("charge-review", asked, state=state.value),
                    state.value,
                )
                for state in states
            ),
            Number(
                _("Lines without a charge amount"),
                without_charge,
                list_of("charge-review", asked, missing=Missing.CHARGE.value),
                "held",
            ),
        ],
        "report_url": list_of("report-charges", asked),
    }


def lag_panel(form: DashboardForm) -> dict[str, Any]:
    """The days from the date of service to the session's first line: their median, and how many lines came when."""
    counts = lines_by_lag(user=form.user, filters=filters_of(form))
    lines = sum(counts.values())

    def number(lag: Lag, least: int | None, most: int | None) -> Number:
        found = sum(
            number
            for days, number in counts.items()
            if (least is None or days >= least) and (most is None or days <= most)
        )
        tone = "held" if lag is Lag.LATE else ""
        return Number(
            str(lag.label), found, list_of("charge-review", form.of_period, lag=lag.value), tone, _share(found, lines)
        )

    median = median_of(counts)
    return {
        "median": None if median is None else ngettext("%(n)d day", "%(n)d days", median) % {"n": median},
        "numbers": [
            *(number(Lag(str(days)), None, days) for days in WITHIN_DAYS),
            number(Lag.LATE, WITHIN_DAYS[-1] + 1, None),
        ]
        if lines
        else [],
    }


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if part else ""


def gaps_panel(form: DashboardForm) -> dict[str, Any]:
    """Gaps of the last days of the period: what was delivered and not charged, and every other kind."""
    first, last = form.days
    last = max(first, min(last, form.today))
    first = max(first, last - timedelta(days=DAYS_COMPARED - 1))
    found = reconcile(
        organization=form.user.organization,
        first=first,
        last=last,
        now=form.now,
        user=form.user,
        department_id=form.department_id,
    )
    asked = {**form.of_department, "start": first.isoformat(), "end": last.isoformat()}
    return {
        "first": first,
        "last": last,
        "numbers": [
            Number(
                str(KIND_LABELS[kind]),
                count,
                list_of("reconciliation-visits", asked, of=kind.value),
                "error" if kind is GapKind.DELIVERED_NOT_CHARGED else "held",
            )
            for kind, count in found.total.gaps.items()
        ],
        "all_url": list_of("reconciliation", asked),
    }
