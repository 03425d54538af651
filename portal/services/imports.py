"""Importing treatment logs: rows become candidates, and a person's word makes sessions of them. No ruling here."""

import io
import re
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction

from portal.models import (
    CandidateDelivery,
    CandidateState,
    Course,
    Department,
    EntrySource,
    ImportedRow,
    Machine,
    Organization,
    Physician,
    Prescription,
    RowStatus,
    SessionCandidate,
    TreatmentLogImport,
    TreatmentLogUpload,
    TreatmentSession,
    User,
)
from portal.services.audit import record_event
from portal.services.sessions import record_session
from portal.treatment_log_files import (
    MINUTES_OF_ONE_VISIT,
    TRACK_TREATMENT,
    BrokenRow,
    LoggedSession,
    SourceSite,
    TreatedField,
    TreatmentLog,
    logged_sessions,
    read_uploads,
)

LOG_FILE = f"{TRACK_TREATMENT}.csv"
DAYS_OF_AN_UPLOAD = timedelta(days=1)
KEYS_AT_ONCE = 5_000
# What a row says of a treatment; where one of these differs, the log has changed since it was read.
ROW_FACTS = ("machine_name", "source_site_id", "source_field_id", "ended_at", "is_complete", "status", "reason")


class CandidateDecided(Exception):
    """Somebody has confirmed or dismissed the candidate already."""

    def __init__(self, candidate: SessionCandidate) -> None:
        super().__init__(f"candidate {candidate.pk} is {candidate.state}")
        self.candidate = candidate


@dataclass(frozen=True, slots=True)
class PlannedSession:
    """A session with rows of the log, and the candidates to which rows of it belong already."""

    session: LoggedSession
    candidate_of: Mapping[int, int]

    @property
    def is_new(self) -> bool:
        return not self.candidate_of

    def candidate_for(self, row: TreatedField) -> int:
        """Its own candidate; for a new row that of the row before it, or the session's first."""
        chosen = next(iter(self.candidate_of.values()))
        for other in self.session.rows:
            chosen = self.candidate_of.get(other.key, chosen)
            if other.key == row.key:
                break
        return chosen


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What importing a log would do. `sessions` are those of the log alone; `planned` also hold rows known before."""

    log: TreatmentLog
    sessions: tuple[LoggedSession, ...]
    planned: tuple[PlannedSession, ...]
    broken: tuple[BrokenRow, ...]
    stored: Mapping[int, ImportedRow]
    foreign: frozenset[int]

    @property
    def counts(self) -> dict[str, int]:
        """The counts of TreatmentLogImport."""
        return {
            "candidates": len(self.sessions),
            "deliveries": sum(len(session.deliveries) for session in self.sessions),
            "partial": sum(session.is_partial for session in self.sessions),
            "rows_ignored": len(self.log.ignored),
            "new": sum(planned.is_new for planned in self.planned),
            "known": sum(not planned.is_new for planned in self.planned),
            "broken": len(self.broken),
        }


def plan_import(*, organization: Organization, log: TreatmentLog, department: Department | None = None) -> ImportPlan:
    """What importing the log would do; nothing is written.

    Rows that were imported before take part in the sessions, so that the rest of an interrupted session joins its first
    part although it comes in a later file. `department` is where machines that no department names are thought to be.
    """
    minutes = _minutes_of_one_visit(_machines_by_source_name(organization), department)
    stored = _stored_rows(organization, [row.key for row in (*log.treated, *log.ignored)])
    foreign = [row for row in log.treated if _is_of_another_source(stored.get(row.key), row.started_at, row)]
    foreign += [row for row in log.ignored if _is_of_another_source(stored.get(row.key), row.sent_at, row)]
    foreign_keys = frozenset(row.key for row in foreign)
    reason = "was imported before with another patient or time. Is this the log of another system?"
    broken = [*log.broken, *(BrokenRow(LOG_FILE, row.line, f"TTX_ID {row.key} {reason}") for row in foreign)]
    treated = [row for row in log.treated if row.key not in foreign_keys]
    earlier = _earlier_rows(organization, {row.source_patient_id for row in treated}, read=stored.keys())
    candidate_of = {row.key: row.candidate_id for row in (*stored.values(), *earlier) if row.candidate_id}
    read = {row.key for row in treated}
    planned = [
        PlannedSession(session, {row.key: candidate_of[row.key] for row in session.rows if row.key in candidate_of})
        for session in logged_sessions([*treated, *map(_as_treated, earlier)], minutes)
        if any(row.key in read for row in session.rows)
    ]
    return ImportPlan(
        log=log,
        sessions=tuple(logged_sessions(log.treated, minutes)),
        planned=tuple(planned),
        broken=tuple(sorted(broken, key=lambda row: (row.file, row.line))),
        stored=stored,
        foreign=foreign_keys,
    )


@transaction.atomic
def import_treatment_log(
    *, organization: Organization, log: TreatmentLog, by: User | None, department: Department | None = None
) -> TreatmentLogImport:
    """Remember the log's rows and open a candidate for each session that is new.

    Reading the same rows again adds nothing. Rows that are new or changed join the candidate of their session: an open
    one follows the log, a decided one is marked as changed and keeps what the person decided.
    """
    # Two imports of one organization take turns, so that each sees the other's candidates.
    Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)
    plan = plan_import(organization=organization, log=log, department=department)
    found = TreatmentLogImport.objects.create(organization=organization, department=department, by=by, **plan.counts)
    candidate_of = _open_candidates(plan, found)
    touched = _keep_rows(plan, found, candidate_of)
    _follow_log(touched, log.sites, at=found.at)
    record_event(
        subject=found,
        action="import_treatment_log",
        sentence=f"Treatment log imported: {found.new} new candidates, {found.known} known, {found.broken} broken rows",
        by=by,
        organization=organization,
    )
    return found


@transaction.atomic
def confirm_candidate(
    *,
    candidate: SessionCandidate,
    course: Course,
    department: Department,
    fractions: Mapping[int, tuple[Prescription, int | None]],
    today: date,
    at: datetime,
    by: User,
    machine: Machine | None = None,
    physician: Physician | None = None,
    **facts: object,
) -> TreatmentSession:
    """Make a session of the candidate, with what the log does not know; capture the patient's days afterwards.

    The log's times are read on the department's clock. `fractions` maps each delivery of the candidate to the
    prescription that it was, with its fraction number or None. `facts` are further fields of TreatmentSession. The
    machine learns what the log calls it. Raises CandidateDecided.
    """
    candidate = _lock_open(candidate)
    deliveries = list(candidate.deliveries.all())
    for delivery in deliveries:
        delivery.prescription = fractions[delivery.pk][0]
    session = record_session(
        course=course,
        started_at=instant(candidate.started_at, department.zone),
        ended_at=instant(candidate.ended_at, department.zone) if candidate.ended_at else None,
        today=today,
        by=by,
        # Two sites of the log may be one prescription, which a session delivers once.
        fractions=list(
            {prescription.pk: (prescription, number) for prescription, number in fractions.values()}.values()
        ),
        department=department,
        machine=machine,
        physician=physician,
        source=EntrySource.IMPORT,
        **facts,
    )
    CandidateDelivery.objects.bulk_update(deliveries, ["prescription"])
    candidate.session, candidate.department = session, department
    _decide(candidate, CandidateState.CONFIRMED, at=at, by=by)
    if machine is not None:
        _learn_machine(candidate, machine, by=by)
    _record(candidate, "confirm_candidate", f"{candidate} confirmed as session {session.pk}", by)
    return session


@transaction.atomic
def dismiss_candidate(*, candidate: SessionCandidate, reason: str, at: datetime, by: User) -> SessionCandidate:
    """Put a candidate aside that is no session to bill here, with the reason. Raises CandidateDecided."""
    candidate = _lock_open(candidate)
    candidate.dismiss_reason = reason
    _decide(candidate, CandidateState.DISMISSED, at=at, by=by)
    _record(candidate, "dismiss_candidate", f"{candidate} dismissed: {reason}", by)
    return candidate


@transaction.atomic
def reopen_candidate(*, candidate: SessionCandidate, by: User) -> SessionCandidate:
    """Take a dismissal back, or a confirmation whose session was voided. Raises CandidateDecided while it stands."""
    candidate = SessionCandidate.objects.select_for_update(of=("self",)).select_related("session").get(pk=candidate.pk)
    if candidate.session is not None and candidate.session.voided_at is None:
        raise CandidateDecided(candidate)
    candidate.state, candidate.session, candidate.dismiss_reason = CandidateState.OPEN, None, ""
    candidate.decided_at, candidate.decided_by, candidate.has_changed = None, None, False
    candidate.save()
    _record(candidate, "reopen_candidate", f"{candidate} opened again", by)
    return candidate


@transaction.atomic
def accept_log_change(*, candidate: SessionCandidate, by: User) -> SessionCandidate:
    """Say that what the log changed after the decision was looked at, and the decision stands."""
    candidate = SessionCandidate.objects.select_for_update().get(pk=candidate.pk)
    candidate.has_changed = False
    candidate.save(update_fields=["has_changed"])
    _record(candidate, "accept_log_change", f"{candidate}: the later change of the log was looked at", by)
    return candidate


@transaction.atomic
def keep_upload(
    *, organization: Organization, department: Department | None, tables: Mapping[str, bytes], at: datetime, by: User
) -> TreatmentLogUpload:
    """Keep a person's files for the preview. What the person sent before goes, and what anybody left for a day."""
    TreatmentLogUpload.objects.filter(by=by).delete()
    TreatmentLogUpload.objects.filter(at__lt=at - DAYS_OF_AN_UPLOAD).delete()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for table, content in tables.items():
            archive.writestr(f"{table}.csv", content)
    upload = TreatmentLogUpload.objects.create(
        organization=organization, department=department, by=by, content=packed.getvalue()
    )
    record_event(
        subject=upload, action="keep_upload", sentence="Treatment log uploaded", by=by, organization=organization
    )
    return upload


def read_upload(upload: TreatmentLogUpload) -> TreatmentLog:
    """The log of the kept files."""
    return read_uploads([("upload.zip", bytes(upload.content))])


@transaction.atomic
def import_upload(*, upload: TreatmentLogUpload, by: User) -> TreatmentLogImport:
    """Import the kept files and let them go."""
    found = import_treatment_log(
        organization=upload.organization, log=read_upload(upload), department=upload.department, by=by
    )
    upload.delete()
    return found


@transaction.atomic
def discard_upload(*, upload: TreatmentLogUpload, by: User) -> None:
    """Let the kept files go without importing them."""
    record_event(
        subject=upload, action="discard_upload", sentence="Upload discarded", by=by, organization=upload.organization_id
    )
    upload.delete()


def record_number_of(candidate: SessionCandidate) -> str:
    """The chart's number that the log names, as record numbers are written here; empty where it names none."""
    return re.sub(r"[^A-Z0-9]+", "-", candidate.patient_number.upper()).strip("-")[:24]


def instant(wall_clock: datetime, zone: ZoneInfo) -> datetime:
    """The instant at which the department's clock showed this; of an hour that comes twice, the first."""
    return wall_clock.replace(tzinfo=zone)


def _minutes_of_one_visit(machines: Mapping[str, Machine], department: Department | None) -> Callable[[str], int]:
    """How many minutes make one visit at a machine of the log."""
    otherwise = department.minutes_of_one_visit if department else MINUTES_OF_ONE_VISIT

    def minutes(machine_name: str) -> int:
        machine = machines.get(machine_name)
        return machine.department.minutes_of_one_visit if machine else otherwise

    return minutes


def _machines_by_source_name(organization: Organization) -> dict[str, Machine]:
    machines = Machine.objects.filter(department__organization=organization).exclude(source_name="")
    # Of two machines of one name the active one is meant, so it comes last.
    return {machine.source_name: machine for machine in machines.select_related("department").order_by("is_active")}


def _stored_rows(organization: Organization, keys: list[int]) -> dict[int, ImportedRow]:
    stored: dict[int, ImportedRow] = {}
    for place in range(0, len(keys), KEYS_AT_ONCE):
        rows = ImportedRow.objects.filter(organization=organization, key__in=keys[place : place + KEYS_AT_ONCE])
        stored |= {row.key: row for row in rows}
    return stored


def _earlier_rows(organization: Organization, patients: set[int], read: Iterable[int]) -> list[ImportedRow]:
    """The rows of these patients that were used before and are not in the log."""
    rows = ImportedRow.objects.filter(
        organization=organization, status=RowStatus.USED, source_patient_id__in=sorted(patients)
    )
    in_log = set(read)
    return [row for row in rows if row.key not in in_log]


def _is_of_another_source(stored: ImportedRow | None, started_at: datetime, row: object) -> bool:
    """Whether the key belongs to a row of another patient or time: keys are the log's own, and never used twice."""
    return stored is not None and (stored.source_patient_id, stored.started_at) != (row.source_patient_id, started_at)


def _as_treated(row: ImportedRow) -> TreatedField:
    return TreatedField(
        key=row.key,
        line=row.line,
        source_patient_id=row.source_patient_id,
        machine_name=row.machine_name,
        site_id=row.source_site_id,
        field_id=row.source_field_id,
        started_at=row.started_at,
        ended_at=row.ended_at,
        is_complete=row.is_complete,
    )


def _open_candidates(plan: ImportPlan, found: TreatmentLogImport) -> dict[int, int]:
    """Open a candidate for each new session; the candidate of every treated row, by the row's key."""
    machines = _machines_by_source_name(found.organization)
    fresh = [planned.session for planned in plan.planned if planned.is_new]
    opened = SessionCandidate.objects.bulk_create(
        SessionCandidate(
            organization=found.organization,
            found_in=found,
            department=_department_of(session, machines) or found.department,
            source_patient_id=session.source_patient_id,
            patient_number=plan.log.patient_numbers.get(session.source_patient_id, ""),
            machine_name=session.machine_name,
            started_at=session.started_at,
            ended_at=session.ended_at,
        )
        for session in fresh
    )
    candidate_of = {
        row.key: candidate.pk for session, candidate in zip(fresh, opened, strict=True) for row in session.rows
    }
    for planned in plan.planned:
        if not planned.is_new:
            candidate_of |= {row.key: planned.candidate_for(row) for row in planned.session.rows}
    return candidate_of


def _department_of(session: LoggedSession, machines: Mapping[str, Machine]) -> Department | None:
    """The department whose machine it was, where set-up names the machine as the log does."""
    machine = machines.get(session.machine_name)
    return machine.department if machine else None


def _keep_rows(plan: ImportPlan, found: TreatmentLogImport, candidate_of: Mapping[int, int]) -> set[int]:
    """Write the rows that are new or changed; the candidates to which they belong."""
    wanted = [
        ImportedRow(
            key=row.key,
            line=row.line,
            status=RowStatus.USED,
            candidate_id=candidate_of[row.key],
            source_patient_id=row.source_patient_id,
            machine_name=row.machine_name,
            source_site_id=row.site_id,
            source_field_id=row.field_id,
            started_at=row.started_at,
            ended_at=row.ended_at,
            is_complete=row.is_complete,
        )
        for row in plan.log.treated
        if row.key not in plan.foreign
    ]
    wanted += [
        ImportedRow(
            key=row.key,
            line=row.line,
            status=RowStatus.IGNORED,
            reason=row.reason,
            source_patient_id=row.source_patient_id,
            started_at=row.sent_at,
        )
        for row in plan.log.ignored
        if row.key not in plan.foreign
    ]
    added, changed = [], []
    for row in wanted:
        stored = plan.stored.get(row.key)
        row.organization, row.found_in, row.file = found.organization, found, LOG_FILE
        if stored is None:
            added.append(row)
        elif any(getattr(row, fact) != getattr(stored, fact) for fact in ROW_FACTS):
            # A row that was cancelled afterwards stays with its candidate, whose page shows it.
            row.pk, row.candidate_id = stored.pk, row.candidate_id or stored.candidate_id
            changed.append(row)
    ImportedRow.objects.bulk_update(changed, [*ROW_FACTS, "candidate", "found_in", "line"])
    added += [
        ImportedRow(
            organization=found.organization,
            found_in=found,
            file=row.file,
            line=row.line,
            status=RowStatus.BROKEN,
            reason=row.reason[:300],
        )
        for row in plan.broken
    ]
    ImportedRow.objects.bulk_create(added, batch_size=KEYS_AT_ONCE)
    return {row.candidate_id for row in (*added, *changed) if row.candidate_id}


def _follow_log(candidates: Iterable[int], sites: Mapping[int, SourceSite], *, at: datetime) -> None:
    """Let candidates say what their rows say now; one that is decided is marked as changed.

    Where the log took back every row of an open one, it is dismissed for that reason.
    """
    touched = SessionCandidate.objects.filter(pk__in=sorted(candidates)).select_for_update(of=("self",))
    for candidate in touched.prefetch_related("rows", "deliveries"):
        used = sorted(
            (_as_treated(row) for row in candidate.rows.all() if row.status == RowStatus.USED),
            key=lambda row: (row.started_at, row.key),
        )
        is_fresh = not candidate.deliveries.all()
        if used:
            session = LoggedSession(tuple(used))
            candidate.started_at, candidate.ended_at = session.started_at, session.ended_at
            _set_deliveries(candidate, session, sites)
        if candidate.state != CandidateState.OPEN:
            candidate.has_changed = True
        elif not used:
            candidate.state, candidate.decided_at = CandidateState.DISMISSED, at
            candidate.dismiss_reason = "The log took every row of this session back."
        if not is_fresh:
            candidate.save()


def _set_deliveries(candidate: SessionCandidate, session: LoggedSession, sites: Mapping[int, SourceSite]) -> None:
    known = {delivery.source_site_id: delivery for delivery in candidate.deliveries.all()}
    for delivery in session.deliveries:
        kept = known.pop(delivery.site_id, None)
        site = sites.get(delivery.site_id)
        if kept is None:
            kept = CandidateDelivery(
                candidate=candidate,
                source_site_id=delivery.site_id,
                site_name=site.name,
                technique=site.technique,
                dose_per_fraction_cgy=site.dose_per_fraction_cgy,
                fractions=site.fractions,
            )
        kept.fields_on, kept.fields_complete = delivery.fields_on, delivery.fields_complete
        kept.save()
    for left in known.values():
        left.delete()


def _learn_machine(candidate: SessionCandidate, machine: Machine, *, by: User) -> None:
    """Remember what the log calls the machine, where neither has another match, and place the log's other sessions."""
    name = candidate.machine_name
    taken = Machine.objects.filter(department__organization=candidate.organization_id, source_name=name).exists()
    if not name or machine.source_name or taken:
        return
    machine.source_name = name
    machine.save(update_fields=["source_name"])
    record_event(
        subject=machine,
        action="learn_machine",
        sentence=f"Machine {machine} is {name} in the treatment log",
        by=by,
        organization=candidate.organization_id,
        changes={"source_name": ("", name)},
    )
    SessionCandidate.objects.open().filter(
        organization=candidate.organization_id, machine_name=name, department__isnull=True
    ).update(department=machine.department_id)


def _lock_open(candidate: SessionCandidate) -> SessionCandidate:
    candidate = SessionCandidate.objects.select_for_update().get(pk=candidate.pk)
    if candidate.state != CandidateState.OPEN:
        raise CandidateDecided(candidate)
    return candidate


def _decide(candidate: SessionCandidate, state: CandidateState, *, at: datetime, by: User) -> None:
    candidate.state, candidate.decided_at, candidate.decided_by = state, at, by
    candidate.save()


def _record(candidate: SessionCandidate, action: str, sentence: str, by: User) -> None:
    record_event(
        subject=candidate, action=action, sentence=sentence[:400], by=by, organization=candidate.organization_id
    )
