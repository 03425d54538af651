"""The gaps that the demo says it has are those that reconciliation finds."""

from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse

from coding.courses_in_brief import BriefPatient, ClinicInBrief, SharedByCourses
from coding.demo_clinic import Clinic
from coding.demo_day import add_days_to_enter, add_example_courses, work_on_holds
from coding.demo_gaps import EXPECTED_GAPS, FIRST_KNOWN, LAST_KNOWN, add_gaps
from coding.ledger import CourseRows, LedgerRow, ledger_rows, read_course_rows
from coding.reconciliation import KNOWN, GapKind, reconcile
from coding.shaping import ClinicRows, PatientRecord
from portal.models import FIRST_DAY, LAST_DAY, Course, Patient

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 24, 15, tzinfo=UTC)


@pytest.fixture
def clinic() -> Clinic:
    """The demo's clinic with its traps and examples, and fewer of its other courses."""
    clinic = Clinic(name="Riverbend Care", slug="riverbend", suffix="", courses=3, recent=2, now=NOW, password="!")
    clinic.add_traps()
    add_example_courses(clinic)
    add_days_to_enter(clinic)
    clinic.capture()
    clinic.work_a_little()
    work_on_holds(clinic)
    add_gaps(clinic)
    return clinic


def test_demo_has_exactly_the_gaps_that_it_says_and_each_number_opens_its_rows(clinic: Clinic, client: Client) -> None:
    found = reconcile(organization=clinic.organization, first=FIRST_KNOWN, last=LAST_KNOWN, now=NOW)
    client.force_login(clinic.users["manager"])
    page = client.get(reverse("reconciliation"), {"start": FIRST_KNOWN, "end": LAST_KNOWN}).context["page"]
    shown = {kind: number for kind, number in zip(GapKind, page.kinds, strict=True) if number.count is not None}

    rows = {kind: client.get(number.url).context["page"].pages.count_text for kind, number in shown.items()}

    assert {kind: len(found.gaps[kind]) for kind in KNOWN} == EXPECTED_GAPS
    assert all(EXPECTED_GAPS.values())
    assert {kind: number.count for kind, number in shown.items()} == EXPECTED_GAPS
    assert rows == {kind: f"{number} visits" for kind, number in EXPECTED_GAPS.items()}


def test_ledger_of_every_course_of_the_demo_says_in_brief_what_whole_rows_say(clinic: Clinic) -> None:
    patients = list(Patient.objects.filter(organization=clinic.organization))
    courses = list(Course.objects.filter(patient__in=patients))
    brief = ClinicInBrief([patient.pk for patient in patients], SharedByCourses(clinic.organization))
    whole = ClinicRows(patients, many=True)
    in_brief = {patient.pk: PatientRecord(BriefPatient(patient.pk), brief) for patient in patients}
    in_whole = {patient.pk: PatientRecord(patient, whole) for patient in patients}
    rows = brief.rows_of([course.pk for course in courses], FIRST_DAY, LAST_DAY)
    whole_rows = read_course_rows(course.pk for course in courses)

    told = {course.pk: _told(course, in_brief[course.patient_id], rows) for course in courses}

    assert told == {course.pk: _told(course, in_whole[course.patient_id], whole_rows) for course in courses}
    assert sum(map(len, told.values())) > 200


def _told(course: Course, record: PatientRecord, rows: CourseRows) -> list[tuple]:
    return [_comparable(row) for row in ledger_rows(course_id=course.pk, record=record, rows=rows, today=NOW.date())]


def _comparable(row: LedgerRow) -> tuple:
    return (
        row.day,
        row.session and row.session.pk,
        row.planned and row.planned.pk,
        [(fraction.prescription.pk, fraction.number, fraction.place, fraction.other_day) for fraction in row.fractions],
        (row.is_delivered, row.is_planned, row.is_on_planned_day, row.is_missed, row.owes_nothing),
        [line.pk for line in row.lines],
        [hold.pk for hold in row.holds],
        row.found,
        row.authorization,
        row.disagreements,
    )
