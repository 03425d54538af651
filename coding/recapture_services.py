"""Sessions answered otherwise than they were charged, since a version was published or an official file was loaded.

They are listed, captured again, or kept. Nothing that was sent moves by itself: a person decides on each session, and
capturing again drafts the corrections.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any, Protocol

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet, TextChoices
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from coding.answers import digest, finding_as_json
from coding.case_files import format_line
from coding.engine.ruling import Charge, Ruling
from coding.engine.vocabulary import Severity
from coding.models import (
    ChargeLine,
    LineState,
    RecaptureItem,
    RecaptureState,
    ReferenceKind,
    ReferenceLoad,
    SessionHold,
    SessionRuling,
)
from coding.policy_preview import PATIENTS_AT_ONCE
from coding.services import capture_days, lock_patients, rule_on_day, terms_of
from coding.shaping import ClinicRows, PatientRecord
from payers.models import PolicyVersion
from portal.models import Job, Organization, Patient, TreatmentSession, User
from portal.services.audit import record_event
from portal.services.jobs import JobProblem, Progress, ask_job

LIST_RECAPTURE = "list_recapture"
CAPTURE_AGAIN = "capture_again"
# Up to so many sessions are captured again while the person waits.
CAPTURED_AT_ONCE = 25
ROWS_AT_ONCE = 1000
COMPARED = ("lines_before", "lines_after", "findings_before", "findings_after", "exported_affected")

Place = tuple[str, str]
# Days of patients, in order of patient.
PatientDays = dict[Patient, set[date]]


class RecaptureAction(TextChoices):
    CAPTURE = "capture", gettext_lazy("Capture again")
    KEEP = "keep", gettext_lazy("Keep as it was")
    REOPEN = "reopen", gettext_lazy("Set back to the list")


@dataclass(frozen=True, slots=True)
class _Difference:
    """A session that is answered otherwise now, and the ruling that it was compared with."""

    session: TreatmentSession
    ruling: SessionRuling
    lines: tuple[str, str]
    findings: tuple[str, str]
    exported_affected: int


class _Charged:
    """What stands of some patients' sessions from a day on: rulings, lines by place, what was released or voided."""

    def __init__(self, patients: Iterable[Patient], since: date) -> None:
        wanted = {"session__course__patient__in": patients, "session__date_of_service__gte": since}
        self.rulings = {r.session_id: r for r in SessionRuling.objects.current().filter(**wanted)}
        self.lines: dict[int, dict[Place, ChargeLine]] = defaultdict(dict)
        self.exported: dict[int, set[Place]] = defaultdict(set)
        self.voided: dict[int, set[tuple]] = defaultdict(set)
        self.released: dict[int, set[tuple]] = defaultdict(set)
        for line in ChargeLine.objects.filter(**wanted, replaced_in__isnull=True).order_by("pk"):
            place = (line.claim_form, line.role)
            if line.state == LineState.VOID:
                self.voided[line.session_id].add((place, _read(line)))
                continue
            if line.state == LineState.EXPORTED:
                self.exported[line.session_id].add(place)
            if line.cancellation_drafted_in_id is None:
                # A drafted correction comes after the line that it corrects, and is what is charged.
                self.lines[line.session_id][place] = line
        released = SessionHold.objects.standing().filter(**wanted, released_at__isnull=False)
        for session, *key in released.values_list("session", "name", "claim_form", "role", "grounds_digest"):
            self.released[session].add(tuple(key))

    def difference(self, session: TreatmentSession, ruling: Ruling) -> _Difference | None:
        """How the answer differs from what stands, in lines, errors or holds; None where it does not.

        A hold that stands open on other grounds is no difference; one whose release would no longer hold is.
        """
        before = self.lines[session.pk]
        after = {(charge.claim_form.value, charge.role.value): charge for charge in ruling.charges}
        for place, charge in list(after.items()):
            if (place, _read(charge)) in self.voided[session.pk]:
                del after[place]
        current = self.rulings[session.pk]
        released = self.released[session.pk]
        findings = (
            _findings_in_words(current.findings, released),
            _findings_in_words([finding_as_json(finding) for finding in ruling.findings], released),
        )
        changed = {
            place
            for place in {*before, *after}
            if place not in before or place not in after or _read(before[place]) != _read(after[place])
        }
        if not changed and findings[0] == findings[1]:
            return None
        return _Difference(
            session=session,
            ruling=current,
            lines=(_in_words(before), _in_words(after)),
            findings=findings,
            exported_affected=len(changed & self.exported[session.pk]),
        )


class Cause(Protocol):
    """Why sessions may be answered otherwise: from which day on, whose, and which of their days it touches."""

    of_item: dict[str, PolicyVersion | ReferenceLoad]
    since: date

    def patients(self, organization_id: int) -> QuerySet[Patient]:
        """Whoever may have a session that it touches."""

    def touches(self, day: date, in_force: PolicyVersion) -> bool:
        """Whether it has a say on a day under the version in force there."""

    def is_known_to(self, rulings: Iterable[SessionRuling]) -> bool:
        """Whether the day's rulings were made under it, so that the day need not be captured where nothing differs."""


class _Published:
    """A version that was published."""

    def __init__(self, version: PolicyVersion) -> None:
        self.version, self.of_item, self.since = version, {"version": version}, version.effective_from

    def patients(self, organization_id: int) -> QuerySet[Patient]:
        return Patient.objects.filter(coverages__payer=self.version.policy.payer_id, coverages__rank=1)

    def touches(self, day: date, in_force: PolicyVersion) -> bool:
        return in_force.pk == self.version.pk

    def is_known_to(self, rulings: Iterable[SessionRuling]) -> bool:
        return all(ruling.policy_version_id == self.version.pk for ruling in rulings)


class _Loaded:
    """An official file that was loaded: it holds until the next one of its kind begins."""

    def __init__(self, load: ReferenceLoad) -> None:
        self.of_item, self.since, self.until = {"load": load}, load.effective_from, load.next_from

    def patients(self, organization_id: int) -> QuerySet[Patient]:
        return Patient.objects.filter(organization=organization_id)

    def touches(self, day: date, in_force: PolicyVersion) -> bool:
        return self.since <= day and (self.until is None or day < self.until)

    def is_known_to(self, rulings: Iterable[SessionRuling]) -> bool:
        return False


def list_recapture(*, version: PolicyVersion, by: User) -> Job:
    """Ask for the list of sessions that a version just published answers otherwise than they were charged."""
    return ask_job(kind=LIST_RECAPTURE, arguments={"version": version.pk}, by=by)


def list_recapture_of_load(*, load: ReferenceLoad, by: User | None) -> list[Job]:
    """Ask for the same of an official file just loaded, in each organization that has sessions since its first day."""
    if load.kind == ReferenceKind.CPT_DESCRIPTORS:
        # Words alone: no ruling reads them.
        return []
    sessions = TreatmentSession.objects.filter(organization=OuterRef("pk"), date_of_service__gte=load.effective_from)
    return [
        ask_job(
            kind=LIST_RECAPTURE,
            arguments={"load": load.pk},
            by=by if by is not None and by.organization_id == organization.pk else None,
            organization=organization,
        )
        for organization in Organization.objects.filter(Exists(sessions)).order_by("pk")
    ]


def run_list(job: Job, progress: Progress) -> None:
    """Hold every session that a version or an official file touches against what is charged of it; list what differs.

    What differs waits for a person. Where lines, errors and holds are the same the day is captured at once, so that
    grounds, filing deadlines and amounts are those of today. Safe to run again: what was kept stays kept.
    """
    cause = _cause(job.arguments)
    touched = cause.patients(job.organization_id).filter(courses__sessions__date_of_service__gte=cause.since)
    patients = list(touched.distinct().order_by("pk"))
    differences: list[_Difference] = []
    same: PatientDays = {}
    for start in range(0, len(patients), PATIENTS_AT_ONCE):
        chunk = patients[start : start + PATIENTS_AT_ONCE]
        _compare(chunk, cause, differences, same)
        progress(start + len(chunk), len(patients))
    with transaction.atomic():
        progress.hold()
        _list(cause, differences, organization_id=job.organization_id)
    _capture_all(same, job, progress)


def _cause(arguments: Mapping[str, int]) -> Cause:
    if "version" in arguments:
        return _Published(PolicyVersion.objects.select_related("policy").get(pk=arguments["version"]))
    load = ReferenceLoad.objects.filter(pk=arguments["load"]).first()
    if load is None:
        raise JobProblem(_("The file was loaded anew since; the newer load has a list of its own."))
    return _Loaded(load)


def ask_capture_again(*, items: Iterable[RecaptureItem], by: User) -> Job:
    """Ask for many sessions to be captured again, patient by patient."""
    return ask_job(kind=CAPTURE_AGAIN, arguments={"items": [item.pk for item in items]}, by=by)


def run_capture_again(job: Job, progress: Progress) -> None:
    """Capture the sessions of the items again; what is stopped half way has captured the patients before."""
    items = RecaptureItem.objects.open().filter(pk__in=job.arguments["items"])
    _capture_all(_days(items.select_related("session__course__patient")), job, progress)


def capture_again(*, items: Iterable[RecaptureItem], by: User) -> int:
    """Capture the days of these items again, a transaction for each patient; how many items that settled.

    Lines that were not sent are replaced, beside those that were a correction or a cancellation is drafted. Capturing
    a day settles every open item of its sessions. `items` carry their sessions' patients.
    """
    before = [item.pk for item in items]
    for patient, days in _days(items).items():
        capture_days(patient=patient, days=days, by=by)
    return RecaptureItem.objects.filter(pk__in=before, state=RecaptureState.CAPTURED).count()


@transaction.atomic
def keep_as_it_was(*, items: Iterable[RecaptureItem], reason: str, at: datetime, by: User) -> list[RecaptureItem]:
    """Leave the charges of these sessions as they are, for a reason; those that are not open any more are left out."""
    kept = list(_locked(items).open())
    for item in kept:
        item.state, item.reason, item.decided_at, item.decided_by = RecaptureState.KEPT, reason, at, by
        item.save(update_fields=["state", "reason", "decided_at", "decided_by"])
        _record(item, "keep_as_it_was", f"Kept as it was: {reason}", by)
    return kept


@transaction.atomic
def reopen_items(*, items: Iterable[RecaptureItem], by: User) -> list[RecaptureItem]:
    """Take back that sessions are kept as they were: they are to be captured again."""
    reopened = list(_locked(items).filter(state=RecaptureState.KEPT))
    for item in reopened:
        item.state, item.reason, item.decided_at, item.decided_by = RecaptureState.OPEN, "", None, None
        item.save(update_fields=["state", "reason", "decided_at", "decided_by"])
        _record(item, "reopen_recapture", "To be captured again after all", by)
    return reopened


def _locked(items: Iterable[RecaptureItem]):
    found = RecaptureItem.objects.select_for_update(of=("self",)).select_related("session")
    return found.filter(pk__in=[item.pk for item in items]).order_by("pk")


def _record(item: RecaptureItem, action: str, sentence: str, by: User) -> None:
    record_event(
        subject=item.session, action=action, sentence=sentence[:400], by=by, organization=item.session.organization_id
    )


def _capture_all(days: PatientDays, job: Job, progress: Progress) -> None:
    for done, patient in enumerate(days, start=1):
        capture_days(patient=patient, days=days[patient], by=job.asked_by)
        progress(done, len(days))


def _days(items: Iterable[RecaptureItem]) -> PatientDays:
    days: PatientDays = defaultdict(set)
    for item in sorted(items, key=lambda item: item.session.course.patient_id):
        days[item.session.course.patient].add(item.session.date_of_service)
    return days


def _compare(patients: list[Patient], cause: Cause, differences: list[_Difference], same: PatientDays) -> None:
    """Sort the patients' days that the cause touches: sessions that differ, and days that are as they were."""
    rows = ClinicRows(patients)
    charged = _Charged(patients, cause.since)
    for patient in patients:
        record = PatientRecord(patient, rows)
        for day, visits in record.days.items():
            in_force = record.version_on(day)
            is_captured = all(visit.session.pk in charged.rulings for visit in visits)
            if in_force is None or not cause.touches(day, in_force) or not is_captured:
                continue
            answers = rule_on_day(record, day, partial(terms_of, in_force))
            found = [charged.difference(session, ruling) for session, __, __, ruling in answers]
            differences += [difference for difference in found if difference is not None]
            is_known = cause.is_known_to(charged.rulings[visit.session.pk] for visit in visits)
            if not any(found) and not is_known:
                same.setdefault(patient, set()).add(day)


def _list(cause: Cause, differences: list[_Difference], *, organization_id: int) -> None:
    """Write the items. A session that was captured while the others were compared is settled already."""
    lock_patients({difference.session.course.patient_id for difference in differences})
    compared = [difference.ruling.pk for difference in differences]
    current = set(SessionRuling.objects.current().filter(pk__in=compared).values_list("pk", flat=True))
    standing = {item.session_id: item for item in RecaptureItem.objects.filter(**cause.of_item)}
    items = []
    for difference in differences:
        item = standing.get(difference.session.pk) or RecaptureItem(**cause.of_item, session=difference.session)
        if difference.ruling.pk not in current or item.state == RecaptureState.KEPT:
            continue
        item.state, item.decided_by, item.decided_at = RecaptureState.OPEN, None, None
        item.lines_before, item.lines_after = difference.lines
        item.findings_before, item.findings_after = difference.findings
        item.exported_affected = difference.exported_affected
        items.append(item)
    listed = RecaptureItem.objects.open().filter(**cause.of_item, session__organization=organization_id)
    settled = listed.exclude(session__in=[item.session_id for item in items])
    settled.update(state=RecaptureState.CAPTURED, decided_at=timezone.now())
    RecaptureItem.objects.bulk_create([item for item in items if item.pk is None], batch_size=ROWS_AT_ONCE)
    RecaptureItem.objects.bulk_update(
        [item for item in items if item.pk is not None], [*COMPARED, "state", "decided_by", "decided_at"]
    )


def _read(line: ChargeLine | Charge) -> tuple:
    """What a payer would read of the line."""
    return (line.code, tuple(line.modifiers), line.units, line.place_of_service, line.revenue_code)


def _in_words(lines: Mapping[Place, Any]) -> str:
    return " + ".join(format_line(lines[place]) for place in sorted(lines)) or "none"


def _findings_in_words(findings: Iterable[Mapping[str, Any]], released: set[tuple]) -> str:
    """Errors and holds in the words of the case files; a hold that was released, on these very grounds, says so."""
    words = []
    for finding in findings:
        if finding["severity"] == Severity.NOTE:
            continue
        key = (finding["name"], finding["claim_form"], finding["role"], digest(finding["grounds"]))
        words.append(f"{finding['severity'].upper()}: {finding['name']}{' (released)' if key in released else ''}")
    return "; ".join(dict.fromkeys(words))
