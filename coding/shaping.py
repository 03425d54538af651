"""The one border between rows and facts: a patient's sessions become `SessionFacts`, in a fixed number of queries."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import groupby

from coding.codebook_in_use import current_codebook
from coding.engine import vocabulary as words
from coding.engine.codebook import Codebook
from coding.engine.facts import AuthorizationFacts, EarlierSession, SessionFacts
from coding.engine.ruling import Ruling
from coding.engine.terms import in_force
from payers.models import Authorization, Coverage, Payer, PolicyVersion
from portal.models import Patient, Prescription, TreatmentSession

# A payer's sources want to be read again within a year; past that, lines say so.
REVIEW_OVERDUE_AFTER_DAYS = 365
# Where one visit delivers several prescriptions, the most demanding technique names the session.
TECHNIQUES_BY_DEMAND = (
    words.Technique.IMRT_COMPLEX,
    words.Technique.IMRT_SIMPLE,
    words.Technique.COMPENSATOR,
    words.Technique.THREE_D,
)


@dataclass(frozen=True, slots=True)
class Visit:
    """A session on its patient's day, and how it stands to the others.

    `is_own_visit` is False where it continues the visit before it. `is_delivered` is False where the beam never went on
    or the session was entered twice: then it counts for no other session.
    """

    session: TreatmentSession
    is_delivered: bool
    is_duplicate: bool
    is_own_visit: bool


class ClinicRows:
    """The rows of some patients that bear on charges, read in a fixed number of queries for all of them together.

    With `many`, what sessions have in common is read once and shared: three more queries, a third less work.
    """

    def __init__(self, patients: Iterable[Patient], *, many: bool = False) -> None:
        wanted = [patient.pk for patient in patients]
        self.sessions: dict[int, list[TreatmentSession]] = defaultdict(list)
        self.coverages: dict[int, list[Coverage]] = defaultdict(list)
        self.authorizations: dict[int, list[Authorization]] = defaultdict(list)
        self._read_sessions(wanted, many=many)
        for coverage in Coverage.objects.filter(patient__in=wanted, rank=1).select_related("payer"):
            self.coverages[coverage.patient_id].append(coverage)
        authorizations = Authorization.objects.filter(course__patient__in=wanted).select_related("course", "payer")
        for authorization in authorizations.order_by("starts_on", "id"):
            self.authorizations[authorization.course.patient_id].append(authorization)
        self.versions = list(
            PolicyVersion.objects.published()
            .filter(policy__payer__in={c.payer_id for coverages in self.coverages.values() for c in coverages})
            .with_terms()
            .prefetch_related("reviews")
            .order_by("effective_from", "revision")
        )

    def _read_sessions(self, wanted: list[int], *, many: bool) -> None:
        """Read the standing sessions of the patients, in order of start, with all that facts are shaped from."""
        in_common = ("course", "department", "physician")
        standing = TreatmentSession.objects.standing().filter(course__patient__in=wanted)
        for session in (
            (standing.prefetch_related(*in_common) if many else standing.select_related(*in_common))
            .prefetch_related(
                "department__statuses",
                "department__billers",
                "delivered_fractions__prescription",
                "course__prescriptions",
            )
            .order_by("started_at", "id")
        ):
            self.sessions[session.course.patient_id].append(session)

    @cached_property
    def codebook(self) -> Codebook:
        """The codebook in use, asked for once for all of these patients."""
        return current_codebook()


class PatientRecord:
    """Everything about one patient that bears on charges, read once: `facts` and `version` then ask no database.

    `rows` are those of several patients, where many are ruled on; else the patient's own are read.
    """

    def __init__(self, patient: Patient, rows: ClinicRows | None = None) -> None:
        rows = rows or ClinicRows([patient])
        self.patient = patient
        self._rows = rows
        self.sessions = rows.sessions[patient.pk]
        self.coverages = rows.coverages[patient.pk]
        self.authorizations = rows.authorizations[patient.pk]
        self.days: dict[date, list[Visit]] = {
            day: _visits(list(sessions))
            for day, sessions in groupby(
                sorted(self.sessions, key=lambda s: (s.date_of_service, s.started_at, s.pk)),
                key=lambda s: s.date_of_service,
            )
        }

    @property
    def codebook(self) -> Codebook:
        """The codebook in use when the rows were read."""
        return self._rows.codebook

    @property
    def versions(self) -> list[PolicyVersion]:
        """The published versions of the payers that cover the patient at any time, in order of start."""
        return self._rows.versions

    def payer_on(self, day: date) -> Payer | None:
        """The payer that is billed on the day: the one of rank 1."""
        for coverage in self.coverages:
            if coverage.starts_on <= day and (coverage.ends_on is None or day <= coverage.ends_on):
                return coverage.payer
        return None

    def version_on(self, day: date) -> PolicyVersion | None:
        """The version in force on the day of the payer that is billed, or None."""
        payer = self.payer_on(day)
        return self.version_of(payer, day) if payer else None

    def version_of(self, payer: Payer, day: date) -> PolicyVersion | None:
        """A payer's version in force on the day, or None; only payers that cover the patient at any time are read."""
        return in_force((v for v in self.versions if v.policy.payer_id == payer.pk), day)

    def facts(self, session: TreatmentSession, earlier_rulings: dict[int, Ruling]) -> SessionFacts:
        """One session as the engine reads it; `earlier_rulings` are those of the day's earlier sessions, by id."""
        day = self.days[session.date_of_service]
        place = next(index for index, visit in enumerate(day) if visit.session.pk == session.pk)
        visit = day[place]
        before = [earlier for earlier in day[:place] if earlier.is_delivered]
        prescriptions = self._prescriptions(session)
        fraction = self._fraction_to_check(session)
        payer = self.payer_on(session.date_of_service)
        active = [p for p in prescriptions if p.motion_management == words.MotionManagement.ACTIVE]
        visits_before = sum(earlier.is_own_visit for earlier in before)
        return SessionFacts(
            date_of_service=session.date_of_service,
            coded_on=session.coded_on,
            setting=_setting(session),
            claim_forms=tuple(words.ClaimForm(biller.claim_form) for biller in session.department.billers.all()),
            payer=payer.slug if payer else None,
            payer_kind=words.PayerKind(payer.kind) if payer else None,
            technique=_technique(prescriptions),
            isocenters=_isocenters(session, prescriptions),
            motion_management=words.MotionManagement(session.motion_management or ("active" if active else "none")),
            guidance=words.Guidance(session.guidance),
            diagnoses=tuple(session.course.diagnoses),
            fraction_number=fraction[0],
            prescribed_fractions=fraction[1],
            last_charged_fraction=fraction[2],
            completion=words.Completion(session.completion),
            earlier_sessions=tuple(_earlier(earlier, session, earlier_rulings) for earlier in before),
            later_visits=sum(later.is_delivered and later.is_own_visit for later in day[place + 1 :]),
            minutes_of_one_visit=session.department.minutes_of_one_visit,
            is_twice_daily_ordered=any(p.sessions_a_day > visits_before for p in prescriptions),
            requested_code=session.requested_code,
            requested_modifiers=tuple(session.requested_modifiers),
            other_codes_same_day=tuple(session.other_codes_same_day),
            authorization=self._authorization(session, payer),
            is_prescription_signed=_done_by_then(prescriptions, "signed_at", session),
            is_plan_approved=_done_by_then(prescriptions, "plan_approved_at", session),
            has_treatment_record=session.has_treatment_record,
            is_image_review_signed=session.image_review_signed_at is not None,
            is_supervision_documented=session.is_supervision_documented,
            is_motion_documented=bool(prescriptions)
            and all(p.motion_documentation.strip() for p in active or prescriptions),
            beneficiary_notice=(
                words.BeneficiaryNotice(session.beneficiary_notice) if session.beneficiary_notice else None
            ),
            is_locum=session.is_locum,
            has_resident=session.has_resident,
            is_duplicate=visit.is_duplicate,
            has_rendering_provider=session.physician is not None,
            rendering_taxonomy=session.physician.taxonomy if session.physician else "",
        )

    def authorization_of(self, session: TreatmentSession) -> AuthorizationFacts | None:
        """What the session is held against, as its facts say; `used` are the units used before it."""
        return self._authorization(session, self.payer_on(session.date_of_service))

    def units_used(self, authorization: Authorization) -> int:
        """The units of an authorization that all delivered visits of its days used."""
        return len(self.sessions_using(authorization))

    def sessions_using(self, authorization: Authorization) -> list[TreatmentSession]:
        """The sessions that used a unit of the authorization each."""
        visits = (visit for day in self.days.values() for visit in day)
        return [visit.session for visit in visits if _uses(authorization, visit)]

    def _prescriptions(self, session: TreatmentSession) -> list[Prescription]:
        """What the session delivered; where nobody said, the course's prescription if there is only one."""
        delivered = [fraction.prescription for fraction in session.delivered_fractions.all()]
        ordered = list(session.course.prescriptions.all())
        return delivered or (ordered if len(ordered) == 1 else [])

    def _fraction_to_check(self, session: TreatmentSession) -> tuple[int | None, int | None, int | None]:
        """(number, prescribed, last before it) of the delivered fraction that most wants a look: beyond, then gap."""
        checks = []
        for fraction in session.delivered_fractions.all():
            if fraction.fraction_number is None:
                continue
            last = self._last_fraction_before(session, fraction.prescription_id)
            checks.append((fraction.fraction_number, fraction.prescription.fractions, last))
        if not checks:
            return (None, None, None)
        return max(checks, key=lambda check: (check[0] > check[1], check[2] is not None and check[0] > check[2] + 1))

    def _last_fraction_before(self, session: TreatmentSession, prescription_id: int) -> int | None:
        """The highest fraction number of the prescription in an earlier delivered session, or None for the first."""
        return max(
            (
                fraction.fraction_number
                for visit in self._delivered_before(session)
                for fraction in visit.session.delivered_fractions.all()
                if fraction.prescription_id == prescription_id and fraction.fraction_number is not None
            ),
            default=None,
        )

    def _delivered_before(self, session: TreatmentSession) -> Iterable[Visit]:
        """The delivered visits that started before the session, of whatever day."""
        start = (session.started_at, session.pk)
        for visits in self.days.values():
            for visit in visits:
                if visit.is_delivered and (visit.session.started_at, visit.session.pk) < start:
                    yield visit

    def _authorization(self, session: TreatmentSession, payer: Payer | None) -> AuthorizationFacts | None:
        """The authorization that the session is held against: one that holds on the day and has units left, if any."""
        day = session.date_of_service
        offered = [
            a for a in self.authorizations if a.course_id == session.course_id and payer and a.payer_id == payer.pk
        ]
        if not offered:
            return None
        holding = [a for a in offered if a.starts_on <= day and (a.ends_on is None or day <= a.ends_on)]
        shaped = [self._authorization_facts(a, session) for a in holding or offered]
        with_units_left = (a for a in shaped if a.units is None or a.used < a.units)
        return next(with_units_left, shaped[-1])

    def _authorization_facts(self, authorization: Authorization, session: TreatmentSession) -> AuthorizationFacts:
        used = sum(_uses(authorization, visit) for visit in self._delivered_before(session))
        return AuthorizationFacts(
            number=authorization.number,
            codes=tuple(authorization.codes),
            units=authorization.units,
            used=used,
            starts_on=authorization.starts_on,
            ends_on=authorization.ends_on,
        )


def is_review_overdue(version: PolicyVersion, on: date) -> bool:
    """Whether nobody compared the version with its sources within a year before the day.

    A review that was made later says nothing of the day: what is coded before it stands as it was answered.
    """
    day = last_reviewed_on(version, on)
    return day is not None and (on - day).days > REVIEW_OVERDUE_AFTER_DAYS


def last_reviewed_on(version: PolicyVersion, on: date) -> date | None:
    """The last day until `on` on which all of the version was compared with its sources; None where none is recorded.

    Reads `clauses` and `reviews`: prefetch them in a loop.
    """
    if version.reviewed_on is None:
        return None
    of_clauses = (clause.reviewed_on for clause in version.clauses.all() if clause.reviewed_on)
    again = (review.reviewed_on for review in version.reviews.all() if review.reviewed_on <= on)
    return max((min((version.reviewed_on, *of_clauses)), *again))


def _visits(sessions: list[TreatmentSession]) -> list[Visit]:
    """A day's sessions in order of start, each told apart: delivered or not, entered twice, a visit of its own."""
    visits: list[Visit] = []
    for session in sessions:
        is_duplicate = any(_is_same_entry(session, visit.session) for visit in visits)
        is_delivered = session.completion != words.Completion.NOT_STARTED and not is_duplicate
        delivered = [visit for visit in visits if visit.is_delivered]
        gap = _minutes_between(delivered[-1].session, session) if delivered else None
        is_own_visit = gap is None or gap >= session.department.minutes_of_one_visit
        visits.append(Visit(session, is_delivered, is_duplicate, is_own_visit))
    return visits


def _uses(authorization: Authorization, visit: Visit) -> bool:
    """Whether the visit uses a unit: delivered, a visit of its own, of the course, within the days."""
    day = visit.session.date_of_service
    return (
        visit.is_delivered
        and visit.is_own_visit
        and visit.session.course_id == authorization.course_id
        and authorization.starts_on <= day
        and (authorization.ends_on is None or day <= authorization.ends_on)
    )


def _is_same_entry(session: TreatmentSession, other: TreatmentSession) -> bool:
    """The same course, fractions and start: one treatment entered twice."""
    return (
        session.course_id == other.course_id
        and session.started_at == other.started_at
        and _fraction_keys(session) == _fraction_keys(other)
    )


def _fraction_keys(session: TreatmentSession) -> set[tuple[int, int | None]]:
    return {(f.prescription_id, f.fraction_number) for f in session.delivered_fractions.all()}


def _minutes_between(first: TreatmentSession, second: TreatmentSession) -> int:
    return int((second.started_at - first.started_at).total_seconds() // 60)


def _earlier(visit: Visit, session: TreatmentSession, rulings: dict[int, Ruling]) -> EarlierSession:
    earlier = visit.session
    known = earlier.physician_id is not None and session.physician_id is not None
    ruling = rulings.get(earlier.pk)
    return EarlierSession(
        minutes_before=_minutes_between(earlier, session),
        is_same_physician=earlier.physician_id == session.physician_id if known else None,
        is_own_visit=visit.is_own_visit,
        charged=ruling.counted if ruling else (),
    )


def _setting(session: TreatmentSession) -> words.Setting | None:
    if session.is_inpatient:
        return words.Setting.INPATIENT
    setting = session.department.setting_on(session.date_of_service)
    return words.Setting(setting) if setting else None


def _technique(prescriptions: list[Prescription]) -> words.Technique | None:
    """The most demanding technique delivered; None where a prescription does not say its own."""
    if not prescriptions or not all(p.technique for p in prescriptions):
        return None
    return min((words.Technique(p.technique) for p in prescriptions), key=TECHNIQUES_BY_DEMAND.index)


def _isocenters(session: TreatmentSession, prescriptions: list[Prescription]) -> words.Isocenters | None:
    """As recorded for the session, else as prescribed; two prescriptions of one isocenter each leave it open."""
    if session.isocenters:
        return words.Isocenters(session.isocenters)
    if any(p.isocenters == words.Isocenters.MULTIPLE for p in prescriptions):
        return words.Isocenters.MULTIPLE
    return words.Isocenters.SINGLE if len(prescriptions) <= 1 else None


def _done_by_then(prescriptions: list[Prescription], field: str, session: TreatmentSession) -> bool:
    """Whether each prescription was signed (or its plan approved) by the end of the date of service."""
    zone = session.department.zone
    instants = [getattr(p, field) for p in prescriptions]
    return bool(instants) and all(
        at is not None and at.astimezone(zone).date() <= session.date_of_service for at in instants
    )
