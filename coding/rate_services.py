"""Changing contract rates one by one or as a whole schedule; unsent lines follow, exported ones never do."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from django.db import IntegrityError, transaction

from coding.answers import digest
from coding.models import ChargeLine, ContractRate, LineState, RecaptureItem
from coding.rate_files import COLUMNS, RateRow, RefusedRow, read_rates
from coding.rollups import PAYER
from coding.services import capture_days
from payers.models import Payer
from portal.models import AuditEvent, Job, Organization, Patient, User
from portal.services.audit import record_event
from portal.services.jobs import Progress, ask_job
from portal.services.setup import save_record

CAPTURE_RATES = "capture_rates"
# Up to so many days of patients are captured again while the person waits.
CAPTURED_AT_ONCE = 25
ROWS_AT_ONCE = 1000

# What changed: payer and code, with the first date of service from which on.
Changed = Mapping[tuple[int, str], date]


@dataclass(frozen=True, slots=True)
class ChangedRate:
    """A rate that is there already, and the row that says it otherwise."""

    rate: ContractRate
    row: RateRow


@dataclass(frozen=True, slots=True)
class RatePlan:
    """What a schedule would do to the rates that are there. Rates that the file does not name stay as they are."""

    new: list[RateRow]
    changed: list[ChangedRate]
    same: list[RateRow]
    refused: list[RefusedRow]

    @property
    def brings(self) -> int:
        """How many rates it would add or amend."""
        return len(self.new) + len(self.changed)

    @property
    def touched(self) -> dict[tuple[int, str], date]:
        return _earliest((row.payer.pk, row.code, row.effective_from) for row in self._rows)

    @property
    def signature(self) -> str:
        """Two plans of equal signature do the same: what was shown is what is done."""
        before = {change.row.key: (str(change.rate.amount), change.rate.source) for change in self.changed}
        return digest(
            [[[str(part) for part in row.key], str(row.amount), row.source, before.get(row.key)] for row in self._rows]
        )

    @property
    def _rows(self) -> list[RateRow]:
        return [*self.new, *(change.row for change in self.changed)]


@dataclass(frozen=True, slots=True)
class Followed:
    """How unsent lines follow: `captured` sessions have a new ruling, or `job` captures them beside the pages."""

    captured: int = 0
    job: Job | None = None


class RatesChanged(Exception):
    """Somebody changed rates since the plan was shown."""


class RateTaken(Exception):
    """Somebody has just saved a rate of the same payer, code, modifier, setting and first day."""


def plan_rates(*, organization: Organization, text: str) -> RatePlan:
    """What a file would do; nothing is kept. Raises RateFileError where it cannot be read."""
    rows, refused = read_rates(text, Payer.objects.filter(organization=organization))
    payers = {row.payer for row in rows}
    present = {
        (rate.payer_id, rate.code, rate.modifier, rate.setting, rate.effective_from): rate
        for rate in ContractRate.objects.filter(organization=organization, payer__in=payers).select_related("payer")
    }
    plan = RatePlan(new=[], changed=[], same=[], refused=refused)
    for row in rows:
        rate = present.get(row.key)
        if rate is None:
            plan.new.append(row)
        elif (rate.amount, rate.source) == (row.amount, row.source):
            plan.same.append(row)
        else:
            plan.changed.append(ChangedRate(rate, row))
    return plan


@transaction.atomic
def save_rate(*, rate: ContractRate, organization: Organization, by: User) -> Followed:
    """Save a new or amended rate; what it was stands in the audit trail, and unsent lines follow it.

    Raises RateTaken where somebody else was quicker with the same one.
    """
    _lock(organization)
    before = ContractRate.objects.filter(pk=rate.pk).first()
    try:
        save_record(record=rate, organization=organization, by=by)
    except IntegrityError as error:
        raise RateTaken from error
    touched = _earliest((one.payer_id, one.code, one.effective_from) for one in (before, rate) if one is not None)
    return _follow(organization.pk, touched, by=by)


@transaction.atomic
def bring_in_rates(*, organization: Organization, text: str, signature: str, by: User) -> tuple[RatePlan, Followed]:
    """Add and amend the rates of a file as the plan with that signature shows: all of them or none.

    Refused rows are left out. Raises RatesChanged where the file would do something else by now.
    """
    _lock(organization)
    plan = plan_rates(organization=organization, text=text)
    if plan.signature != signature:
        raise RatesChanged
    added = [
        ContractRate(organization=organization, **{name: getattr(row, name) for name in COLUMNS}) for row in plan.new
    ]
    ContractRate.objects.bulk_create(added, batch_size=ROWS_AT_ONCE)
    events = [_event(rate, "add", {"amount": (None, str(rate.amount))}, by) for rate in added]
    for change in plan.changed:
        rate, row = change.rate, change.row
        changes = {"amount": (str(rate.amount), str(row.amount)), "source": (rate.source, row.source)}
        rate.amount, rate.source = row.amount, row.source
        events.append(_event(rate, "amend", {name: pair for name, pair in changes.items() if pair[0] != pair[1]}, by))
    ContractRate.objects.bulk_update(
        [change.rate for change in plan.changed], ["amount", "source"], batch_size=ROWS_AT_ONCE
    )
    AuditEvent.objects.bulk_create(events, batch_size=ROWS_AT_ONCE)
    record_event(
        subject=organization,
        action="import_contract_rates",
        sentence=f"Contract rates imported: {len(plan.new)} added, {len(plan.changed)} amended, "
        f"{len(plan.same)} as they were, {len(plan.refused)} rows refused",
        by=by,
        organization=organization,
    )
    return plan, _follow(organization.pk, plan.touched, by=by)


def days_at_rates(*, organization_id: int, touched: Changed) -> dict[int, set[date]]:
    """The days, by patient, on which a line that was not sent is of a payer, a code and a day that changed.

    A day that waits to be captured again under a published policy is left to the person who decides on it: its lines
    follow the rate then.
    """
    return _by_patient(_unsent_lines(organization_id, touched))


def run_capture_rates(job: Job, progress: Progress) -> None:
    """Capture again, patient by patient, what changed rates touch. Safe to run again: equal answers write nothing."""
    touched = {(payer, code): date.fromisoformat(first) for payer, code, first in job.arguments["touched"]}
    days = days_at_rates(organization_id=job.organization_id, touched=touched)
    for done, patient in enumerate(Patient.objects.filter(pk__in=days).order_by("pk"), start=1):
        capture_days(patient=patient, days=days[patient.pk], by=job.asked_by)
        progress(done, len(days))


def _follow(organization_id: int, touched: Changed, *, by: User) -> Followed:
    """Capture at once what is little; ask the worker for what is much, in the transaction that changed the rates."""
    lines = _unsent_lines(organization_id, touched)
    days = _by_patient(lines)
    if sum(map(len, days.values())) > CAPTURED_AT_ONCE:
        charged = {(payer, code) for _patient, _day, payer, code in lines}
        arguments = {"touched": [[*pair, touched[pair].isoformat()] for pair in sorted(charged)]}
        return Followed(job=ask_job(kind=CAPTURE_RATES, arguments=arguments, by=by))
    patients = Patient.objects.filter(pk__in=days).order_by("pk")
    return Followed(
        captured=sum(len(capture_days(patient=patient, days=days[patient.pk], by=by)) for patient in patients)
    )


def _unsent_lines(organization_id: int, touched: Changed) -> list[tuple[int, date, int, str]]:
    """Patient, day, payer and code of the lines that may follow."""
    if not touched:
        return []
    lines = ChargeLine.objects.standing().filter(
        **{f"{PAYER}__in": {payer for payer, _code in touched}},
        organization=organization_id,
        code__in={code for _payer, code in touched},
        date_of_service__gte=min(touched.values()),
    )
    unsent = lines.exclude(state=LineState.EXPORTED).order_by().distinct()
    waiting = set(
        RecaptureItem.objects.open()
        .filter(session__organization=organization_id)
        .values_list("session__course__patient", "session__date_of_service")
    )
    return [
        (patient, day, payer, code)
        for patient, day, payer, code in unsent.values_list(
            "session__course__patient", "date_of_service", PAYER, "code"
        )
        if (payer, code) in touched and touched[(payer, code)] <= day and (patient, day) not in waiting
    ]


def _by_patient(lines: Iterable[tuple[int, date, int, str]]) -> dict[int, set[date]]:
    days: dict[int, set[date]] = defaultdict(set)
    for patient, day, _payer, _code in lines:
        days[patient].add(day)
    return days


def _lock(organization: Organization) -> None:
    """Two people who change rates at once take turns."""
    Organization.objects.select_for_update().get(pk=organization.pk)


def _earliest(touched: Iterable[tuple[int, str, date]]) -> dict[tuple[int, str], date]:
    """The first day of each payer and code."""
    found: dict[tuple[int, str], date] = {}
    for payer, code, first in touched:
        found[(payer, code)] = min(first, found.get((payer, code), first))
    return found


def _event(rate: ContractRate, act: str, changes: Mapping[str, tuple], by: User) -> AuditEvent:
    """The audit row of one rate of a schedule, as `save_record` writes it for one that was typed."""
    return AuditEvent(
        organization_id=rate.organization_id,
        by=by,
        action=f"{act}_contractrate",
        subject_kind=ContractRate._meta.label_lower,
        subject_id=rate.pk,
        sentence=f"Contract rate {rate} {'added' if act == 'add' else 'amended'}"[:400],
        changes={name: list(pair) for name, pair in changes.items()},
    )
