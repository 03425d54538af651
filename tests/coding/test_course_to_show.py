"""The ledger that a course's page shows is the one that is made from whole rows."""

from datetime import UTC, date, datetime, timedelta

import pytest

from coding.course_to_show import ledger_to_show
from coding.ledger import course_ledger
from coding.services import capture_from
from portal.models import ScheduledFraction
from portal.services.sessions import void_session
from tests.builders import (
    make_authorization,
    make_department,
    make_organization,
    make_prescription,
    make_scheduled_fraction,
    make_session,
    make_treated_course,
    make_user,
)

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 24)
MONDAY = datetime(2025, 12, 1, 15, tzinfo=UTC)


@pytest.fixture
def course():
    """Two prescriptions; sessions in order, twice, voided, held, elsewhere and not ruled on; planned, missed, moved."""
    course = make_treated_course(make_organization())
    make_prescription(course, fractions=3, anatomical_site="Neck")
    payer = course.patient.coverages.get().payer
    make_authorization(course, payer, units=3)
    sessions = [make_session(course, started_at=MONDAY + timedelta(days=n), fraction=n + 1) for n in range(6)]
    make_session(course, started_at=MONDAY, fraction=1)
    make_session(course, started_at=MONDAY + timedelta(days=7), fraction=2, completion="partial")
    make_session(course, started_at=MONDAY + timedelta(days=8), image_review_signed_at=None)
    elsewhere = make_department(course.organization)
    make_session(course, started_at=MONDAY + timedelta(days=9), department=elsewhere, fraction=7)
    for number in range(1, 9):
        day = MONDAY.date() + timedelta(days=number)
        make_scheduled_fraction(course.prescriptions.first(), fraction_number=number, planned_on=day)
    ScheduledFraction.objects.filter(fraction_number=8).update(missed_reason="Unwell")
    capture_from(patient=course.patient, day=date(2015, 1, 1), by=None)
    void_session(session=sessions[3], reason="Wrong patient", at=MONDAY, by=make_user(course.organization))
    make_session(course, started_at=MONDAY + timedelta(days=10), fraction=8)
    return course


def told(row):
    """Everything of a row by its values and keys."""
    return {
        "day": row.day,
        "fractions": [(f.prescription.pk, f.number, f.other_day, f.place) for f in row.fractions],
        "session": row.session and (row.session.pk, row.session.local_start, row.session.void_reason),
        "planned": row.planned and (row.planned.pk, row.planned.planned_time, row.planned.machine_id),
        "is": (row.is_delivered, row.is_entered_twice, row.is_planned, row.is_on_planned_day, row.is_charged),
        "lines": [(line.pk, line.code, line.modifiers, line.units, line.state) for line in row.lines],
        "holds": [hold.name for hold in row.holds],
        "ruling": row.ruling and (row.ruling.findings, row.ruling.file_by),
        "authorization": row.authorization,
        "disagreements": row.disagreements,
    }


def test_ledger_to_show_has_the_rows_of_the_course_ledger(course):
    whole, shown = course_ledger(course, today=TODAY), ledger_to_show(course, today=TODAY)

    assert [told(row) for row in shown.rows] == [told(row) for row in whole.rows]


def test_ledger_to_show_has_the_totals_of_the_course_ledger(course):
    whole, shown = course_ledger(course, today=TODAY), ledger_to_show(course, today=TODAY)

    for total in ("prescriptions", "authorizations", "visits", "visits_left", "authorized_left", "delivered"):
        assert getattr(shown, total) == getattr(whole, total)
    assert (shown.prescribed, shown.planned, shown.charged) == (whole.prescribed, whole.planned, whole.charged)


def test_ledger_to_show_reads_policies_only_where_they_are_asked_for(course, django_assert_num_queries):
    record = ledger_to_show(course, today=TODAY).record

    with django_assert_num_queries(2):
        versions = record.versions

    assert versions == course_ledger(course, today=TODAY).record.versions
