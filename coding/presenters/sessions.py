"""The list of sessions: who was treated when and where, who entered it, and the lines that it became."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Prefetch, QuerySet
from django.utils.translation import gettext as _

from coding.forms.sessions import SessionFilterForm
from coding.models import ChargeLine, LineState
from portal.models import TreatmentSession
from portal.presenters.keyset import KeysetPage, keyset_page


@dataclass(frozen=True, slots=True)
class SessionPage:
    rows: list[TreatmentSession]
    pages: KeysetPage


def sessions_asked(form: SessionFilterForm) -> QuerySet:
    """The sessions that the person may see, that were not voided, and that a valid form leaves."""
    return TreatmentSession.objects.visible_to(form.user).standing().filter(form.wanted)


def session_page(form: SessionFilterForm, *, asked: Mapping[str, str]) -> SessionPage:
    """One page, the newest day of service first, in a fixed number of queries; `asked` names the page."""
    pages = keyset_page(_told(sessions_asked(form)), by="date_of_service", asked=asked, kept=form.kept)
    return SessionPage(pages.rows, pages)


def _told(sessions: QuerySet) -> QuerySet:
    return sessions.select_related("course__patient", "department", "machine", "recorded_by").prefetch_related(
        Prefetch("charge_lines", queryset=ChargeLine.objects.live().order_by("role", "pk"), to_attr="live_lines")
    )


def sessions_table(form: SessionFilterForm) -> Iterator[list[Any]]:
    """Every session that the filters leave as a table for a file."""
    yield [
        *(_("Date of service"), _("Department"), _("Machine"), _("Patient record number"), _("Account number")),
        *(_("Entered by"), _("Entered at (UTC)"), _("Lines")),
    ]
    sessions = _told(sessions_asked(form)).order_by("-date_of_service", "-id")
    for session in sessions.iterator(chunk_size=500):
        yield [
            session.date_of_service.isoformat(),
            session.department.name,
            session.machine.name if session.machine else "",
            session.course.patient.number,
            session.course.account_number,
            session.recorded_by.shown_name,
            session.recorded_at.isoformat(timespec="minutes"),
            "; ".join(f"{line} {LineState(line.state).label}" for line in session.live_lines),
        ]
