"""What waits for a person who enters charges, and what that person entered."""

from datetime import timedelta
from typing import Any

from django.db.models import Count, Q
from django.urls import reverse
from django.utils.translation import gettext as _

from coding.models import LineState, RecaptureItem, SessionHold
from coding.presenters.review import sessions_without_line
from coding.reports import ChargeFilters, charge_lines
from payers.reading_services import to_read
from portal import clock
from portal.forms.dashboards import DashboardForm
from portal.models import SessionCandidate, TreatmentSession, User
from portal.presenters.numbers import Number, list_of
from portal.presenters.rulings import finding_title

REASONS_SHOWN = 6


def needs_panel(form: DashboardForm) -> dict[str, Any]:
    """What needs work, without what there is none of; and the sessions that the person entered today and this week."""
    user = form.user
    numbers = [
        *_own_holds(form),
        *_holds(user),
        Number(
            _("Sessions to capture again"),
            RecaptureItem.objects.open().visible_to(user).count(),
            reverse("recapture-list"),
            "held",
        ),
        Number(_("Policy changes to read"), to_read(user).count(), reverse("attestation-list"), "draft"),
        Number(
            _("Sessions without a line"),
            sessions_without_line(user, ChargeFilters()).count(),
            reverse("sessions-without-line"),
            "error",
        ),
        Number(
            _("Draft lines: refused, or corrections"),
            charge_lines(user=user, filters=ChargeFilters(state=LineState.DRAFT)).count(),
            list_of("charge-review", state=LineState.DRAFT.value),
            "draft",
        ),
        Number(
            _("Candidates of imports to confirm"),
            SessionCandidate.objects.visible_to(user).open().count(),
            reverse("candidate-list"),
            "draft",
        ),
    ]
    return {"numbers": [number for number in numbers if number.count], "entered": _entered(form)}


def _own_holds(form: DashboardForm) -> list[Number]:
    """The holds that the person works on, and those of them that are overdue."""
    counts = (
        SessionHold.objects.open()
        .visible_to(form.user)
        .filter(owner=form.user)
        .aggregate(all=Count("pk"), overdue=Count("pk", filter=Q(due_on__lt=form.today)))
    )
    return [
        Number(_("Your holds, overdue"), counts["overdue"], list_of("hold-list", owner="me", due="overdue"), "error"),
        Number(_("Your holds"), counts["all"], list_of("hold-list", owner="me"), "held"),
    ]


def _holds(user: User) -> list[Number]:
    """The most frequent reasons of open holds, and all of them together where there are more."""
    counts = list(
        SessionHold.objects.open()
        .visible_to(user)
        .order_by()
        .values_list("name")
        .annotate(number=Count("pk"))
        .order_by("-number", "name")
    )
    numbers = [
        Number(finding_title(name), number, list_of("hold-list", reason=name), "held")
        for name, number in counts[:REASONS_SHOWN]
    ]
    if len(counts) > REASONS_SHOWN:
        numbers.append(Number(_("All open holds"), sum(n for _name, n in counts), reverse("hold-list"), "held"))
    return numbers


def _entered(form: DashboardForm) -> list[Number]:
    """The person's own sessions, entered today and since Monday."""
    monday = form.today - timedelta(days=form.today.weekday())
    sessions = TreatmentSession.objects.visible_to(form.user).standing().filter(recorded_by=form.user)
    return [
        Number(
            label,
            sessions.filter(recorded_at__gte=clock.start_of_day(day, form.zone)).count(),
            list_of("session-list", entered_by="me", entered_from=day.isoformat()),
        )
        for label, day in ((_("Entered by you today"), form.today), (_("Entered by you this week"), monday))
    ]
