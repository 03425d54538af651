"""Import pages: what was read, which candidates wait, and what the confirmed ones became."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from coding.models import ChargeLine, SessionRuling
from portal.forms.import_lists import CandidateListForm, ImportListForm
from portal.models import (
    CandidateState,
    ImportedRow,
    RowStatus,
    SessionCandidate,
    TreatmentLogImport,
    TreatmentLogUpload,
    TreatmentSession,
    User,
)
from portal.presenters.ageing import of_age
from portal.services.imports import ImportPlan, PlannedSession
from portal.treatment_log_files import BrokenRow

# More than this on one page helps nobody; the counts above say how many there are.
MOST_SHOWN = 200
STATE_ICONS = {
    CandidateState.OPEN: "circle",
    CandidateState.CONFIRMED: "check-circle-fill",
    CandidateState.DISMISSED: "slash-circle",
}
STATE_TONES = {CandidateState.OPEN: "draft", CandidateState.CONFIRMED: "ready", CandidateState.DISMISSED: "exported"}


@dataclass(frozen=True, slots=True)
class Number:
    """A count with its word."""

    value: int
    label: str


@dataclass(frozen=True, slots=True)
class CandidateRow:
    """A candidate as tables show it."""

    patient: str
    when: str
    machine: str
    deliveries: tuple[str, ...]
    is_partial: bool
    state: str = ""
    icon: str = ""
    tone: str = ""
    url: str = ""
    link: str = ""
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Tab:
    label: str
    url: str
    is_here: bool


def import_crumbs(found: TreatmentLogImport | None = None) -> list[tuple[str, str]]:
    """The way to a page of imports, or to a page of one import."""
    crumbs = [(_("Imports"), reverse("import-list"))]
    if found is not None:
        crumbs.append((_import_title(found), reverse("import-detail", args=[found.pk])))
    return crumbs


def candidate_crumbs(candidate: SessionCandidate) -> list[tuple[str, str]]:
    """The way to a page about one candidate."""
    row = candidate_row(candidate)
    return [*import_crumbs(candidate.found_in), (row.link, row.url)]


def import_list_page(form: ImportListForm, *, page: Any) -> dict[str, Any]:
    """The imports of one page of the list, a paginator's page of `imports_told`."""
    count = page.paginator.count
    return {
        "rows": [_import_row(found) for found in page.object_list],
        "csv_url": f"{reverse('import-list-csv')}?{urlencode(form.kept)}",
        "pages": _pages(page, ngettext("%(n)d import", "%(n)d imports", count) % {"n": count}, form.kept),
    }


def imports_table(form: ImportListForm) -> Iterator[list[Any]]:
    """Every import from a day on, in the order of the list, as a table for a file."""
    yield [
        *(_("Import"), _("When (UTC)"), _("By"), _("Department")),
        *(_("Candidates"), _("New"), _("Known"), _("Broken rows"), _("Waiting")),
    ]
    for found in imports_told(form).iterator(chunk_size=500):
        row = _import_row(found)
        numbers = [found.candidates, found.new, found.known, found.broken, row["waiting"]]
        yield [found.pk, found.at.isoformat(timespec="minutes"), row["by"], row["department"], *numbers]


def imports_told(form: ImportListForm) -> QuerySet:
    """The imports from a day on with everything that their rows tell: how many candidates wait, too."""
    waiting = SessionCandidate.objects.visible_to(form.user).open().filter(found_in=OuterRef("pk")).order_by()
    number = waiting.values("found_in").annotate(number=Count("pk", distinct=True)).values("number")
    return imports_from(form).select_related("by", "department").annotate(waiting=Coalesce(Subquery(number), 0))


def _import_row(found: TreatmentLogImport) -> dict[str, Any]:
    return {
        "found": found,
        "url": reverse("import-detail", args=[found.pk]),
        "by": found.by.shown_name if found.by else _("command line"),
        "department": found.department.name if found.department else _("by machine"),
        "waiting": found.waiting,
    }


def _pages(page: Any, count_text: str, kept: Mapping[str, str]) -> dict[str, str]:
    """The count of a paginator's page and the addresses of its neighbours; `kept` are the filters they carry on."""

    def address(number: int) -> str:
        return "?" + urlencode({**kept, "page": number})

    return {
        "count_text": count_text,
        "newer_url": address(page.previous_page_number()) if page.has_previous() else "",
        "older_url": address(page.next_page_number()) if page.has_next() else "",
    }


def refused_rows(form: ImportListForm) -> QuerySet:
    """The rows that imports from a day on could not use, the latest import first."""
    imports = imports_from(form)
    return ImportedRow.objects.refused_in(imports).select_related("found_in").order_by("-found_in", "file", "line")


def imports_from(form: ImportListForm) -> QuerySet:
    """The imports that the person may see, from a day on where it is asked for."""
    imports = TreatmentLogImport.objects.visible_to(form.user)
    return imports if form.since is None else imports.filter(at__gte=form.since)


def refused_page(form: ImportListForm, *, page: Any) -> dict[str, Any]:
    """The refused rows of one page, each with the import that met it."""
    count = page.paginator.count
    rows = [
        {
            "title": _import_title(row.found_in),
            "url": reverse("import-detail", args=[row.found_in_id]),
            "at": row.found_in.at,
            "file": row.file,
            "line": row.line,
            "reason": row.reason,
        }
        for row in page.object_list
    ]
    return {
        "crumbs": import_crumbs(),
        "rows": rows,
        "pages": _pages(page, ngettext("%(n)d row", "%(n)d rows", count) % {"n": count}, form.kept),
    }


def open_candidates(form: CandidateListForm, *, user: User, now: datetime) -> QuerySet:
    """The candidates to confirm, the latest treatment first."""
    chosen = form.cleaned_data
    candidates = SessionCandidate.objects.visible_to(user).open()
    if chosen["department"]:
        candidates = candidates.filter(department=chosen["department"])
    candidates = candidates.filter(of_age(chosen["age"], chosen["age_most"], now, "found_in__at"))
    return candidates.prefetch_related("deliveries").order_by("-started_at", "-pk")


def candidate_list_page(form: CandidateListForm, *, page: Any) -> dict[str, Any]:
    """The candidates of one page."""
    count = page.paginator.count
    return {
        "crumbs": import_crumbs(),
        "candidates": [candidate_row(candidate) for candidate in page.object_list],
        "pages": _pages(page, ngettext("%(n)d candidate", "%(n)d candidates", count) % {"n": count}, form.kept),
    }


def preview_page(upload: TreatmentLogUpload, plan: ImportPlan) -> dict[str, Any]:
    """What importing the upload would do."""
    rows = [_planned_row(planned, plan) for planned in plan.planned]
    return {
        "crumbs": import_crumbs(),
        "upload": upload,
        "numbers": _numbers(plan.counts),
        "candidates": rows[:MOST_SHOWN],
        "candidates_left": max(0, len(rows) - MOST_SHOWN),
        "broken": plan.broken[:MOST_SHOWN],
        "broken_left": max(0, len(plan.broken) - MOST_SHOWN),
        "is_all_known": plan.counts["new"] == 0,
        "department": upload.department.name if upload.department else "",
    }


def import_page(found: TreatmentLogImport, *, user: User, state: str) -> dict[str, Any]:
    """One import: its counts, its candidates in one state or all, and its broken rows."""
    candidates = SessionCandidate.objects.visible_to(user).filter(found_in=found)
    totals = candidates.aggregate(**{name: Count("pk", filter=Q(state=name)) for name in CandidateState.values})
    address = reverse("import-detail", args=[found.pk])
    tabs = [Tab(_("All (%(n)d)") % {"n": sum(totals.values())}, address, state == "")]
    tabs += [
        Tab(f"{choice.label} ({totals[choice.value]})", f"{address}?state={choice.value}", state == choice.value)
        for choice in CandidateState
    ]
    shown = candidates.filter(state=state) if state else candidates
    shown = shown.prefetch_related("deliveries").order_by("started_at", "pk")
    broken = [
        BrokenRow(row.file, row.line, row.reason)
        for row in found.rows.filter(status=RowStatus.BROKEN).order_by("file", "line")[:MOST_SHOWN]
    ]
    return {
        "crumbs": import_crumbs(),
        "title": _import_title(found),
        "found": found,
        "by": found.by.shown_name if found.by else _("command line"),
        "numbers": _numbers({name: getattr(found, name) for name in NUMBERS}),
        "tabs": tabs,
        "candidates": [candidate_row(candidate) for candidate in shown[:MOST_SHOWN]],
        "candidates_left": max(0, (totals[state] if state else sum(totals.values())) - MOST_SHOWN),
        "broken": broken,
        "broken_left": max(0, found.broken - MOST_SHOWN),
    }


def candidate_row(candidate: SessionCandidate) -> CandidateRow:
    """A candidate as tables show it. Reads `deliveries`, so prefetch them in a loop."""
    return CandidateRow(
        patient=candidate.patient_number or str(candidate.source_patient_id),
        when=_span(candidate.started_at, candidate.ended_at),
        machine=candidate.machine_name or "—",
        deliveries=tuple(
            _delivery(d.site_name or str(d.source_site_id), d.fields_on, d.fields_complete)
            for d in candidate.deliveries.all()
        ),
        is_partial=candidate.is_partial,
        state=candidate.get_state_display(),
        icon=STATE_ICONS[candidate.state],
        tone=STATE_TONES[candidate.state],
        url=reverse("candidate-detail", args=[candidate.pk]),
        link=_("Candidate of %(when)s") % {"when": f"{candidate.started_at:%m/%d/%Y %I:%M %p}"},
        remark=_("The log changed afterwards") if candidate.has_changed else "",
    )


def candidate_page(candidate: SessionCandidate, *, user: User) -> dict[str, Any]:
    """One candidate: what the log says, which rows say so, and what it became."""
    siblings = SessionCandidate.objects.visible_to(user).of_same_patient(candidate).exclude(pk=candidate.pk)
    rows = candidate.rows.order_by("started_at", "key")
    session = candidate.session
    may_import = user.has_perm("portal.import_sessions")
    is_voided = session is not None and session.voided_at is not None
    return {
        "crumbs": import_crumbs(candidate.found_in),
        "candidate": candidate,
        "row": candidate_row(candidate),
        "rows": [_source_row(row) for row in rows],
        "siblings": [candidate_row(sibling) for sibling in siblings.prefetch_related("deliveries")[:MOST_SHOWN]],
        "session": _session(session, user) if session is not None else None,
        "may_confirm": may_import and candidate.state == CandidateState.OPEN,
        "may_reopen": may_import and (candidate.state == CandidateState.DISMISSED or is_voided),
        "may_accept": may_import and candidate.has_changed,
        "decided_by": candidate.decided_by.shown_name if candidate.decided_by else _("the log"),
    }


NUMBERS = {
    "candidates": gettext_lazy("candidate sessions in the log"),
    "deliveries": gettext_lazy("deliveries of a prescription"),
    "partial": gettext_lazy("partial sessions"),
    "new": gettext_lazy("new here"),
    "known": gettext_lazy("known before"),
    "broken": gettext_lazy("broken rows"),
    "rows_ignored": gettext_lazy("rows ignored"),
}


def _numbers(counts: dict[str, int]) -> list[Number]:
    return [Number(counts[name], label) for name, label in NUMBERS.items()]


def _import_title(found: TreatmentLogImport) -> str:
    return _("Import %(number)d") % {"number": found.pk}


def _planned_row(planned: PlannedSession, plan: ImportPlan) -> CandidateRow:
    session = planned.session
    names = {site_id: site.name for site_id, site in plan.log.sites.items()}
    return CandidateRow(
        patient=plan.log.patient_numbers.get(session.source_patient_id) or str(session.source_patient_id),
        when=_span(session.started_at, session.ended_at),
        machine=session.machine_name or "—",
        deliveries=tuple(
            _delivery(names.get(d.site_id) or str(d.site_id), d.fields_on, d.fields_complete)
            for d in session.deliveries
        ),
        is_partial=session.is_partial,
        state=_("New") if planned.is_new else _("Known"),
        icon="plus-lg" if planned.is_new else "check-circle",
        tone="ready" if planned.is_new else "exported",
    )


def _source_row(row: ImportedRow) -> dict[str, Any]:
    return {
        "key": row.key,
        "line": row.line,
        "field": row.source_field_id,
        "started": f"{row.started_at:%I:%M:%S %p}",
        "ended": f"{row.ended_at:%I:%M:%S %p}" if row.ended_at else "—",
        "outcome": row.reason or (_("complete") if row.is_complete else _("beam on, not finished")),
    }


def _session(session: TreatmentSession, user: User) -> dict[str, Any]:
    """The session that a candidate became, with its live lines and what was found in it."""
    ruling = SessionRuling.objects.visible_to(user).current().filter(session=session).first()
    return {
        "session": session,
        "course": session.course,
        "lines": ChargeLine.objects.visible_to(user).live().filter(session=session).order_by("role"),
        "findings": ruling.findings if ruling else [],
        "is_voided": session.voided_at is not None,
    }


def confirmed_sentence(sessions: Iterable[TreatmentSession], lines: int) -> str:
    """What a person reads after confirming candidates."""
    count = len(list(sessions))
    told = ngettext("%(n)d session recorded", "%(n)d sessions recorded", count) % {"n": count}
    became = ngettext("%(n)d charge line", "%(n)d charge lines", lines) % {"n": lines}
    return _("%(sessions)s: %(lines)s. What is held says why below.") % {"sessions": told, "lines": became}


def _span(started_at: datetime, ended_at: datetime | None) -> str:
    """Day and times on the department's clock; an end on another day is shown with it."""
    start = f"{started_at:%m/%d/%Y %I:%M %p}"
    if ended_at is None:
        return start
    is_same_day = ended_at.date() == started_at.date()
    return f"{start} – {ended_at:%I:%M %p}" if is_same_day else f"{start} – {ended_at:%m/%d/%Y %I:%M %p}"


def _delivery(site: str, fields_on: int, fields_complete: int) -> str:
    fields = ngettext("%(n)d field", "%(n)d fields", fields_on) % {"n": fields_on}
    if fields_complete == fields_on:
        return f"{site}: {fields}"
    return _("%(site)s: %(done)d of %(fields)s complete") % {"site": site, "done": fields_complete, "fields": fields}
