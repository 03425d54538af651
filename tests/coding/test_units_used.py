"""What is kept of the units used of authorizations: equal to what visits used, whatever was done since."""

import random
from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.management import call_command
from django.urls import reverse

from coding import units_used
from coding.models import UnitsMark, UnitsUsed
from coding.services import capture_from
from coding.shaping import PatientRecord
from coding.units_used import refresh_units_used, with_units_used
from payers.models import Authorization
from portal.models import Department, Patient
from portal.services.sessions import amend_session, record_session, void_session
from tests.builders import (
    TODAY,
    make_authorization,
    make_course,
    make_department,
    make_organization,
    make_prescription,
    make_session,
    make_treated_course,
    make_user,
)

pytestmark = pytest.mark.django_db
START = datetime(2025, 12, 3, 15, tzinfo=UTC)


@pytest.fixture
def organization(roles):
    return make_organization()


@pytest.fixture
def manager(organization):
    return make_user(organization, role="manager")


@pytest.fixture
def courses(organization):
    """Three courses of two patients, who share a department of another's, each with two authorizations."""
    first, second = (make_treated_course(organization) for _number in range(2))
    third = make_course(second.patient, first.department)
    make_prescription(third)
    for course in (first, second, third):
        payer = course.patient.coverages.get().payer
        make_authorization(course, payer)
        make_authorization(course, payer, starts_on=date(2025, 12, 4), ends_on=date(2025, 12, 6), units=2)
    return [first, second, third]


def used():
    """The units used of every authorization as pages have them."""
    parts = [part.order_by().values_list("pk", "used") for part in with_units_used(Authorization.objects.all())]
    told = list(parts[0].union(*parts[1:], all=True))
    assert len(told) == len(dict(told))
    return dict(told)


def used_by_visits():
    """The same counted from each patient's visits one by one, as charge capture counts them."""
    records = [PatientRecord(patient) for patient in Patient.objects.all()]
    return {one.pk: record.units_used(one) for record in records for one in record.authorizations}


def an_instant():
    """One of few, so that sessions begin alike or follow each other soon."""
    return START + timedelta(days=random.randint(0, 4), minutes=random.choice([0, 5, 60, 200, 400]))


def record(course, by):
    fractions = [(prescription, random.choice([None, 1, 2])) for prescription in course.prescriptions.all()]
    completion = random.choice(["complete", "complete", "partial", "not_started"])
    record_session(
        course=course, started_at=an_instant(), fractions=fractions, today=TODAY, by=by, completion=completion
    )


def any_one(rows):
    """One row as a list, empty where there is none."""
    rows = list(rows.order_by("pk"))
    return random.sample(rows, min(len(rows), 1))


def amend(course, by, **facts):
    for session in any_one(course.sessions.standing()):
        amend_session(session=session, revision=session.revision, today=TODAY, by=by, **facts)


def void(course, by):
    for session in any_one(course.sessions.standing()):
        void_session(session=session, reason="Entered twice", at=START, by=by)


def amend_authorization(course, by):
    for authorization in any_one(course.authorizations):
        authorization.starts_on = START.date() + timedelta(days=random.randint(-1, 3))
        authorization.ends_on = random.choice([None, authorization.starts_on + timedelta(days=random.randint(0, 3))])
        authorization.save()


# What can be done to what units used depend on; each takes a course and a person.
ACTS = (
    record,
    record,
    record,
    void,
    lambda course, by: capture_from(patient=course.patient, day=date(2025, 12, 1), by=by),
    lambda course, by: amend(course, by, started_at=an_instant()),
    lambda course, by: amend(course, by, completion="not_started"),
    lambda course, by: amend(course, by, completion="complete"),
    lambda course, by: amend(course, by, fractions=[(course.prescriptions.get(), random.choice([1, 2]))]),
    lambda course, by: amend(course, by, fractions=[]),
    lambda course, by: amend(course, by, department=make_department(course.organization, minutes_of_one_visit=30)),
    amend_authorization,
    lambda course, by: make_authorization(course, course.patient.coverages.get().payer),
    lambda course, by: Department.objects.filter(pk=course.department_id).update(
        minutes_of_one_visit=random.choice([30, 90, 300])
    ),
    lambda course, by: course.sessions.update(course=random.choice(course.organization.courses.all())),
    lambda course, by: course.authorizations.update(course=random.choice(course.organization.courses.all())),
    lambda course, by: refresh_units_used(),
)


@pytest.mark.parametrize("seed", range(6))
def test_units_used_are_those_of_the_visits_after_whatever_was_done(courses, manager, seed):
    random.seed(seed)

    for _ in range(25):
        random.choice(ACTS)(random.choice(courses), manager)

    assert used() == used_by_visits()
    refresh_units_used()
    assert used() == used_by_visits()


@pytest.mark.parametrize("is_refreshed", [False, True])
def test_units_used_tell_every_kind_of_visit_as_capture_does(courses, is_refreshed):
    """Entered twice, continued within the visit, without beam, void, outside the days, of another course: all told."""
    course, other = courses[1:]
    Authorization.objects.update(starts_on=date(2025, 12, 2), ends_on=date(2026, 1, 30))
    make_session(course, started_at=START, fraction=1)
    make_session(course, started_at=START, fraction=1)
    make_session(course, started_at=START + timedelta(minutes=5), fraction=2)
    make_session(course, started_at=START + timedelta(hours=7), fraction=3)
    make_session(course, started_at=START + timedelta(days=1), completion="not_started")
    make_session(
        course,
        started_at=START + timedelta(days=2),
        voided_at=START,
        void_reason="Another patient",
        voided_by=course.organization.users.first(),
    )
    make_session(course, started_at=START + timedelta(days=3))
    make_session(course, started_at=START + timedelta(days=3))
    make_session(course, started_at=START - timedelta(days=2), fraction=4)
    make_session(course, started_at=START + timedelta(days=90), fraction=5)
    make_session(other, started_at=START + timedelta(days=4), fraction=1)
    make_session(course, started_at=START + timedelta(days=4, minutes=5), fraction=6)
    assert bool(is_refreshed and refresh_units_used()) is is_refreshed

    units = used()

    assert [units[one.pk] for one in course.authorizations.all()] == [3, 3]
    assert [units[one.pk] for one in other.authorizations.all()] == [1, 1]
    assert units == used_by_visits()


def test_units_used_of_patients_without_a_mark_come_from_what_is_kept(courses):
    refresh_units_used()
    UnitsUsed.objects.update(number=9)

    assert set(used().values()) == {9}


def test_refresh_counts_every_marked_patient_and_takes_the_marks_away(courses, monkeypatch):
    monkeypatch.setattr(units_used, "PATIENTS_AT_ONCE", 1)

    assert refresh_units_used() == 2
    assert not UnitsMark.objects.exists()
    assert UnitsUsed.objects.count() == Authorization.objects.count()
    assert refresh_units_used() == 0


def test_refresh_command_and_worker_keep_units_used(courses, capsys):
    call_command("refresh_rollups")

    assert capsys.readouterr().out.strip().endswith("patients: 2")
    make_session(courses[0])
    call_command("work", "--once")
    assert not UnitsMark.objects.exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda course: make_session(course),
        lambda course: course.sessions.update(completion="not_started"),
        lambda course: course.sessions.get().delivered_fractions.update(fraction_number=7),
        lambda course: course.sessions.get().delivered_fractions.all().delete(),
        lambda course: course.authorizations.update(ends_on=date(2026, 1, 1)),
        lambda course: make_authorization(course, course.patient.coverages.get().payer),
        lambda course: Department.objects.filter(pk=course.department_id).update(minutes_of_one_visit=30),
    ],
)
def test_write_marks_its_patient(courses, change):
    make_session(courses[0])
    refresh_units_used()

    change(courses[0])

    assert set(UnitsMark.objects.values_list("patient", flat=True)) == {courses[0].patient_id}


@pytest.mark.parametrize("rows", ["sessions", "authorizations"])
def test_row_that_moves_to_another_course_marks_both_patients(courses, rows):
    make_session(courses[0])
    refresh_units_used()

    getattr(courses[0], rows).update(course=courses[1])

    marked = set(UnitsMark.objects.values_list("patient", flat=True))
    assert marked == {courses[0].patient_id, courses[1].patient_id}


def test_department_saved_with_the_same_minutes_marks_nobody(courses):
    make_session(courses[0])
    refresh_units_used()

    courses[0].department.save()

    assert not UnitsMark.objects.exists()


def test_units_left_are_asked_of_kept_and_marked_alike(client, courses, manager):
    """One with two units has used one; the ledger finds both whether they are kept or counted."""
    client.force_login(manager)
    for course in courses[:2]:
        make_session(course, started_at=START + timedelta(days=1))
    refresh_units_used()
    make_session(courses[1], started_at=START + timedelta(days=2))

    def found(left):
        rows = client.get(f"{reverse('authorization-ledger')}?show=all&left={left}").context["page"].rows
        return sorted((row.course.pk, row.bar.used) for row in rows)

    assert found("few") == [(courses[0].pk, 1), (courses[2].pk, 0)]
    assert found("none") == [(courses[1].pk, 2)]
