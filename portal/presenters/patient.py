"""The list of patients in pages, and what one patient's page shows."""

from collections import Counter
from dataclasses import dataclass
from datetime import date

from django.db.models import Count, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.translation import gettext as _

from coding.models import SessionHold, SessionRuling
from payers.models import Coverage
from portal.models import Course, Patient, Prescription, TreatmentSession, User
from portal.presenters.course import patient_crumbs
from portal.presenters.rulings import finding_title

PATIENTS_A_PAGE = 50


@dataclass(frozen=True, slots=True)
class PatientRow:
    patient: Patient
    courses: tuple[Course, ...]
    open_holds: int


@dataclass(frozen=True, slots=True)
class PatientPage:
    """One page of the list. `newer` and `older` are the keys to ask the neighbouring pages with, or None."""

    rows: list[PatientRow]
    previous: int | None
    following: int | None


@dataclass(frozen=True, slots=True)
class OpenItem:
    """Something about the patient that waits for a person."""

    title: str
    detail: str
    url: str


@dataclass(frozen=True, slots=True)
class CourseRow:
    course: Course
    sessions: int
    first_day: date | None
    last_day: date | None
    prescriptions: str


@dataclass(frozen=True, slots=True)
class CoverageRow:
    coverage: Coverage
    holds_today: bool
    amend_url: str


def patient_list(*, user: User, wanted: str, after: Patient | None, before: Patient | None) -> PatientPage:
    """The patients whose record number or family name begins with `wanted`, in order of name, one page of them.

    `wanted` may also be "family, given". The page begins after one patient, or ends before another.
    """
    patients = Patient.objects.visible_to(user)
    if wanted:
        family, _comma, given = (part.strip() for part in wanted.partition(","))
        by_name = Q(family_name__istartswith=family, given_name__istartswith=given)
        patients = patients.filter(by_name | Q(number__istartswith=wanted))
    order = ("family_name", "given_name", "pk")
    if before is not None:
        chosen = list(_beyond(patients, before, "lt").order_by(*(f"-{key}" for key in order))[: PATIENTS_A_PAGE + 1])
        has_more = len(chosen) > PATIENTS_A_PAGE
        chosen = chosen[:PATIENTS_A_PAGE][::-1]
        has_previous, has_following = has_more, True
    else:
        start = patients if after is None else _beyond(patients, after, "gt")
        chosen = list(start.order_by(*order)[: PATIENTS_A_PAGE + 1])
        has_previous, has_following = after is not None, len(chosen) > PATIENTS_A_PAGE
        chosen = chosen[:PATIENTS_A_PAGE]
    return PatientPage(
        rows=_rows(chosen, user),
        previous=chosen[0].pk if chosen and has_previous else None,
        following=chosen[-1].pk if chosen and has_following else None,
    )


def patient_page(patient: Patient, *, user: User, today: date) -> dict[str, object]:
    """Courses in order, coverages with their days, and what waits for somebody."""
    sessions = TreatmentSession.objects.standing().filter(course=OuterRef("pk")).order_by("date_of_service")
    courses = list(
        Course.objects.visible_to(user)
        .filter(patient=patient)
        .select_related("department", "physician")
        .prefetch_related("prescriptions")
        .annotate(
            session_count=Coalesce(
                Subquery(sessions.order_by().values("course").annotate(n=Count("pk")).values("n")[:1]), 0
            ),
            first_day=Subquery(sessions.values("date_of_service")[:1]),
            last_day=Subquery(sessions.reverse().values("date_of_service")[:1]),
        )
        .order_by("number")
    )
    coverages = list(Coverage.objects.filter(patient=patient).select_related("payer").order_by("rank", "-starts_on"))
    return {
        "patient": patient,
        "crumbs": patient_crumbs(patient)[:-1],
        "courses": [
            CourseRow(
                course,
                course.session_count,
                course.first_day,
                course.last_day,
                "; ".join(str(p) for p in course.prescriptions.all()),
            )
            for course in courses
        ],
        "coverages": [
            CoverageRow(
                coverage,
                coverage.starts_on <= today and (coverage.ends_on is None or today <= coverage.ends_on),
                reverse("coverage-amend", args=[coverage.pk]),
            )
            for coverage in coverages
        ],
        "open_items": _open_items(courses, coverages),
    }


def _beyond(patients, patient: Patient, side: str):
    """The patients that stand on one side of a patient in order of name."""
    return patients.filter(
        Q(**{f"family_name__{side}": patient.family_name})
        | Q(family_name=patient.family_name, **{f"given_name__{side}": patient.given_name})
        | Q(family_name=patient.family_name, given_name=patient.given_name, **{f"pk__{side}": patient.pk})
    )


def _rows(patients: list[Patient], user: User) -> list[PatientRow]:
    courses: dict[int, list[Course]] = {}
    for course in Course.objects.visible_to(user).filter(patient__in=patients).order_by("number"):
        courses.setdefault(course.patient_id, []).append(course)
    holds = Counter(
        SessionHold.objects.visible_to(user)
        .open()
        .filter(session__course__patient__in=patients)
        .values_list("session__course__patient", flat=True)
    )
    return [PatientRow(p, tuple(courses.get(p.pk, ())), holds[p.pk]) for p in patients]


def _open_items(courses: list[Course], coverages: list[Coverage]) -> list[OpenItem]:
    """No coverage at all, prescriptions that are not signed or approved, sessions refused, and open holds by reason."""
    items = []
    if courses and not coverages:
        items.append(
            OpenItem(
                _("No coverage"),
                _("Sessions are held until a payer covers their date of service."),
                reverse("coverage-create", args=[courses[0].patient_id]),
            )
        )
    for course in courses:
        items += [
            _unfinished(p, course) for p in course.prescriptions.all() if not (p.signed_at and p.plan_approved_at)
        ]
    refused = (
        SessionRuling.objects.current()
        .filter(session__course__in=courses, session__voided_at__isnull=True)
        .exclude(error_names=[])
        .select_related("session")
        .order_by("session__date_of_service", "session__started_at")
    )
    items += [
        OpenItem(
            "; ".join(finding_title(name) for name in ruling.error_names),
            _("Session of %(day)s has no line to bill.") % {"day": f"{ruling.session.date_of_service:%m/%d/%Y}"},
            reverse("session-detail", args=[ruling.session_id]),
        )
        for ruling in refused
    ]
    holds = (
        SessionHold.objects.open().filter(session__course__in=courses).select_related("session").order_by("opened_at")
    )
    first_of = {}
    count: Counter[str] = Counter()
    for hold in holds:
        first_of.setdefault(hold.name, hold)
        count[hold.name] += 1
    items += [
        OpenItem(
            finding_title(name),
            _("%(count)d held, the first on %(day)s.")
            % {"count": count[name], "day": f"{hold.session.date_of_service:%m/%d/%Y}"},
            reverse("hold-detail", args=[hold.pk]),
        )
        for name, hold in first_of.items()
    ]
    return items


def _unfinished(prescription: Prescription, course: Course) -> OpenItem:
    missing = _("Prescription not signed") if prescription.signed_at is None else _("Plan not approved")
    return OpenItem(
        missing,
        _("Course %(course)s: %(prescription)s") % {"course": course, "prescription": prescription},
        reverse("prescription-amend", args=[prescription.pk]),
    )
