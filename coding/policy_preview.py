"""What other terms would do to a payer's sessions of a window of days: ruled on again, and nothing stored."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import partial

from coding.case_files import format_findings, format_lines
from coding.engine.ruling import Charge, Ruling
from coding.engine.terms import PolicyTerms
from coding.engine.vocabulary import Severity
from coding.models import ChargeLine, LineState
from coding.services import rule_on_day, terms_of
from coding.shaping import ClinicRows, PatientRecord
from payers.models import PayerPolicy
from portal.models import Patient, TreatmentSession

# Patients whose rows are read together: enough that queries do not count, few enough that progress is seen.
PATIENTS_AT_ONCE = 25

Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class PreviewedSession:
    """One session under the policy as it stands and under the draft. `exported`: the places of lines sent."""

    session: TreatmentSession
    before: Ruling
    after: Ruling
    exported: frozenset[Place] = frozenset()

    @property
    def lines(self) -> tuple[str, str]:
        """The lines before and after, in the words of the case files."""
        return format_lines(self.before), format_lines(self.after)

    @property
    def findings(self) -> tuple[str, str]:
        """Errors and holds before and after, in the words of the case files."""
        return format_findings(self.before), format_findings(self.after)

    @property
    def is_changed(self) -> bool:
        """Whether lines, errors or holds differ; notes alone change nothing that is sent."""
        return self.lines[0] != self.lines[1] or self.findings[0] != self.findings[1]

    @property
    def holds_added(self) -> list[str]:
        """The names of the holds that the draft brings, one for each line or session that it holds."""
        return sorted(name for name, *_ in _holds(self.after) - _holds(self.before))

    @property
    def holds_removed(self) -> list[str]:
        """The names of the holds that the draft takes away."""
        return sorted(name for name, *_ in _holds(self.before) - _holds(self.after))

    @property
    def exported_affected(self) -> int:
        """How many lines that were sent already would need a correction or a cancellation."""
        return len(self.exported & self._places_changed)

    @property
    def amount_difference(self) -> Decimal | None:
        """By how many dollars the expected amount changes at national rates.

        A line that only changes modifiers which no rate depends on changes nothing. None where a rate is missing.
        """
        before, after = _charges(self.before), _charges(self.after)
        difference = Decimal(0)
        for place in self._places_changed:
            if _priced_by(before.get(place)) == _priced_by(after.get(place)):
                continue
            for charge, sign in ((before.get(place), -1), (after.get(place), 1)):
                if charge is not None and charge.national_rate is None:
                    return None
                if charge is not None:
                    difference += sign * charge.national_rate.amount * charge.units
        return difference

    @property
    def _places_changed(self) -> frozenset[Place]:
        before, after = _charges(self.before), _charges(self.after)
        return frozenset(
            place for place in {*before, *after} if _content(before.get(place)) != _content(after.get(place))
        )


@dataclass(slots=True)
class PolicyPreview:
    """How many sessions were ruled on again, and those that would change, in order of date of service.

    `known` are the rulings of this preview by decision signature.
    """

    sessions: int = 0
    rows: list[PreviewedSession] = field(default_factory=list)
    known: dict[str, Ruling] = field(default_factory=dict)

    @property
    def holds_added(self) -> int:
        return sum(len(row.holds_added) for row in self.rows)

    @property
    def holds_removed(self) -> int:
        return sum(len(row.holds_removed) for row in self.rows)

    @property
    def exported_affected(self) -> int:
        return sum(row.exported_affected for row in self.rows)

    @property
    def amount_difference(self) -> Decimal | None:
        """The sum over the changed sessions; None where it is not known of every one."""
        amounts = [row.amount_difference for row in self.rows]
        return None if None in amounts else sum((a for a in amounts if a is not None), Decimal(0))


def preview_policy(*, policy: PayerPolicy, draft: PolicyTerms, first: date, last: date) -> PolicyPreview:
    """Rule again on every standing session that the payer is billed for from `first` through `last`, under the draft.

    The draft holds from its start until the next published version begins, as it would once published.
    """
    preview = PolicyPreview()
    for _ in preview_in_steps(preview, policy=policy, draft=draft, first=first, last=last):
        pass
    return preview


def preview_in_steps(
    preview: PolicyPreview,
    *,
    policy: PayerPolicy,
    draft: PolicyTerms,
    first: date,
    last: date,
    is_throughout: bool = False,
) -> Iterator[tuple[int, int]]:
    """Fill the preview patient by patient, giving (patients done, patients in all) on the way; stop it at any step.

    With `is_throughout` the draft stands in for whatever is in force on every day of the window, its own start or not.
    """
    patients = list(
        Patient.objects.filter(
            organization=policy.payer.organization_id,
            coverages__payer=policy.payer_id,
            coverages__rank=1,
            courses__sessions__date_of_service__range=(first, last),
        )
        .distinct()
        .order_by("pk")
    )
    for start in range(0, len(patients), PATIENTS_AT_ONCE):
        chunk = patients[start : start + PATIENTS_AT_ONCE]
        rows = ClinicRows(chunk)
        exported = _exported(chunk, first, last)
        for patient in chunk:
            record = PatientRecord(patient, rows)
            for day in record.days:
                payer = record.payer_on(day)
                if first <= day <= last and payer is not None and payer.pk == policy.payer_id:
                    _preview_day(preview, record, day, draft, exported, is_throughout)
        yield start + len(chunk), len(patients)
    preview.rows.sort(key=lambda row: (row.session.date_of_service, row.session.started_at, row.session.pk))


def _preview_day(
    preview: PolicyPreview,
    record: PatientRecord,
    day: date,
    draft: PolicyTerms,
    exported: dict[int, frozenset[Place]],
    is_throughout: bool,
) -> None:
    preview.sessions += len(record.days[day])
    version = record.version_on(day)
    is_later = version is not None and version.effective_from > draft.effective_from
    if not is_throughout and (draft.effective_from > day or is_later):
        return
    before = rule_on_day(record, day, partial(terms_of, version), preview.known)
    after = rule_on_day(record, day, lambda coded_on: draft, preview.known)
    for (session, _, _, old), (_, _, _, new) in zip(before, after, strict=True):
        if new is old:
            continue
        row = PreviewedSession(session, old, new, exported.get(session.pk, frozenset()))
        if row.is_changed:
            preview.rows.append(row)


def _exported(patients: list[Patient], first: date, last: date) -> dict[int, frozenset[Place]]:
    """The places of lines that were sent, by session."""
    sent = ChargeLine.objects.standing().filter(
        state=LineState.EXPORTED, session__course__patient__in=patients, date_of_service__range=(first, last)
    )
    places: dict[int, frozenset[Place]] = {}
    for session, claim_form, role in sent.values_list("session", "claim_form", "role"):
        places[session] = places.get(session, frozenset()) | {(claim_form, role)}
    return places


def _holds(ruling: Ruling) -> frozenset[tuple[str, str, str]]:
    return frozenset(
        (finding.name, finding.claim_form or "", finding.role or "")
        for finding in ruling.findings
        if finding.severity is Severity.HOLD
    )


def _charges(ruling: Ruling) -> dict[Place, Charge]:
    return {(charge.claim_form.value, charge.role.value): charge for charge in ruling.charges}


def _content(charge: Charge | None) -> tuple | None:
    """What a payer would read of the charge."""
    if charge is None:
        return None
    return (charge.code, charge.modifiers, charge.units, charge.place_of_service, charge.revenue_code)


def _priced_by(charge: Charge | None) -> tuple | None:
    """What a rate depends on."""
    if charge is None:
        return None
    components = {"26", "TC"} & set(charge.modifiers)
    return (charge.code, components, charge.units, charge.place_of_service)
