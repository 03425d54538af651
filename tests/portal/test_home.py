"""The home page of each role."""

from datetime import UTC, date, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from coding.models import SessionHold
from coding.services import capture_from
from payers.services import submit_version
from portal.models import ScheduledFraction
from portal.services.recent_courses import note_opened
from portal.services.sessions import record_session
from tests.builders import (
    make_department,
    make_machine,
    make_organization,
    make_payer,
    make_policy_version,
    make_session,
    make_treated_course,
    make_user,
)

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 24)
MORNING = datetime(2026, 11, 24, 14, tzinfo=UTC)


@pytest.fixture
def organization(roles):
    return make_organization()


@pytest.fixture
def department(organization):
    return make_department(organization)


def home_of(client, user):
    client.force_login(user)
    return client.get(reverse("home")).context["page"]


def deliver(course, **changes):
    session = make_session(course, fraction=1, started_at=MORNING, **changes)
    capture_from(patient=course.patient, day=session.date_of_service, by=None)
    return session


def fill(department, *, courses, by):
    """Courses with a held session each, on a machine each."""
    for _ in range(courses):
        course = make_treated_course(department.organization, department=department)
        course.prescriptions.update(signed_at=None, signed_by=None)
        record_session(course=course, started_at=MORNING, today=TODAY, by=by, machine=make_machine(department))
        capture_from(patient=course.patient, day=TODAY, by=by)


def test_home_of_a_coder_counts_the_machines_of_today(client, organization, department):
    machine = make_machine(department, name="LINAC-1")
    treated, planned = (make_treated_course(organization, department=department) for _ in range(2))
    deliver(treated, machine=machine)
    ScheduledFraction.objects.create(
        prescription=planned.prescriptions.get(), fraction_number=1, planned_on=TODAY, machine=machine
    )

    page = home_of(client, make_user(organization, role="coder"))

    tile = next(tile for tile in page["machines"] if tile.name == "LINAC-1")
    assert (tile.entered, tile.rows) == (1, 2)
    assert tile.url == f"{reverse('day-sheet')}?machine={machine.pk}&date=2026-11-24"


def test_home_of_a_coder_counts_what_needs_work_by_reason(client, organization, department):
    held, refused = (make_treated_course(organization, department=department) for _ in range(2))
    held.prescriptions.update(signed_at=None, signed_by=None)
    deliver(held)
    deliver(refused, completion="not_started")

    page = home_of(client, make_user(organization, role="coder"))

    needs = {need.label: (need.count, need.url) for need in page["needs"]}
    assert needs["Prescription not signed"] == (1, f"{reverse('hold-list')}?reason=RX_NOT_SIGNED")
    assert needs["Sessions without a line"] == (1, reverse("sessions-without-line"))


def test_home_of_a_coder_counts_their_own_holds_and_the_overdue_ones(client, organization, department):
    course = make_treated_course(organization, department=department)
    course.prescriptions.update(signed_at=None, signed_by=None, plan_approved_at=None, plan_approved_by=None)
    deliver(course)
    coder = make_user(organization, role="coder")
    SessionHold.objects.update(owner=coder, due_on=TODAY)
    SessionHold.objects.filter(name="RX_NOT_SIGNED").update(due_on=date(2026, 11, 23))

    page = home_of(client, coder)

    needs = {need.label: (need.count, need.url) for need in page["needs"]}
    assert needs["Your holds"] == (2, f"{reverse('hold-list')}?owner=me")
    assert needs["Your holds, overdue"] == (1, f"{reverse('hold-list')}?owner=me&due=overdue")


def test_home_of_a_coder_with_nothing_to_do(client, organization, department):
    client.force_login(make_user(organization, role="coder"))

    response = client.get(reverse("home"))

    assert b"Nothing needs you." in response.content
    assert b"You see no machine yet." in response.content


def test_home_of_a_coder_lists_the_courses_that_were_opened(client, organization, department):
    coder = make_user(organization, role="coder")
    course, others = (make_treated_course(organization, department=department) for _ in range(2))
    note_opened(course=course, at=MORNING, by=coder)
    note_opened(course=others, at=MORNING, by=make_user(organization))

    page = home_of(client, coder)

    assert [recent.label for recent in page["recent"]] == [course.account_number]


def test_home_of_a_manager_counts_lines_of_the_month_and_holds_by_age(client, organization, department):
    course, held = (make_treated_course(organization, department=department) for _ in range(2))
    held.prescriptions.update(signed_at=None, signed_by=None)
    deliver(course, guidance="none", image_review_signed_at=None)
    deliver(held, guidance="none", image_review_signed_at=None)

    page = home_of(client, make_user(organization, role="manager"))

    states = {number.label: number for number in page["states"]}
    assert (states["Ready"].count, states["Held"].count) == (1, 1)
    assert states["Ready"].url == f"{reverse('charge-review')}?state=ready&start=2026-11-01&end=2026-11-30"
    assert [number.count for number in page["ages"]] == [1, 0, 0, 0]


def test_home_of_an_admin_lists_policies_that_wait(client, organization):
    drafted, overdue, bare, fine = (make_payer(organization, name=name) for name in "ABCD")
    make_policy_version(drafted)
    make_policy_version(drafted, effective_from=date(2027, 1, 1), publish=False)
    make_policy_version(overdue, reviewed_on=date(2025, 1, 1))
    make_policy_version(fine)

    page = home_of(client, make_user(organization, role="admin"))

    assert [(row.label, row.detail) for row in page["policies"]] == [
        ("A", "Draft from 01/01/2027"),
        ("B", "Compared with its sources last on 01/01/2025"),
        ("C", "No version in force: its sessions get no line"),
    ]
    assert bare.name == "C"


def test_home_of_an_admin_leads_to_a_version_in_review(client, organization):
    author = make_user(organization, role="admin")
    version = make_policy_version(make_payer(organization, name="A"), publish=False, summary="The first one.")
    submit_version(version=version, at=MORNING, by=author)

    page = home_of(client, make_user(organization, role="admin"))

    assert next((row.detail, row.url) for row in page["policies"]) == (
        "To review, from 01/01/2015",
        reverse("version-publish", args=[version.pk]),
    )


@pytest.mark.parametrize(
    ("role", "panels"),
    [
        ("coder", {"machines", "needs", "recent"}),
        ("manager", {"machines", "needs", "recent", "states", "ages", "filing", "acts"}),
        ("admin", {"machines", "needs", "recent", "states", "ages", "filing", "policies", "people", "acts"}),
        ("auditor", {"states", "ages", "filing", "acts"}),
    ],
)
def test_home_shows_the_panels_of_the_role(client, organization, role, panels):
    page = home_of(client, make_user(organization, role=role))

    assert set(page) - {"today"} == panels


def test_home_counts_nothing_of_another_organization(client, organization):
    other = make_treated_course(make_organization())
    other.prescriptions.update(signed_at=None, signed_by=None)
    deliver(other)

    page = home_of(client, make_user(organization, role="admin"))

    assert page["needs"] == []
    assert {number.count for number in page["states"]} == {0}


def test_home_counts_once_for_a_person_who_sees_two_departments(client, organization, department):
    course = make_treated_course(organization, department=department)
    course.prescriptions.update(signed_at=None, signed_by=None)
    deliver(course)
    coder = make_user(organization, role="coder", sees_all_departments=False)
    coder.departments.add(department, make_department(organization))

    page = home_of(client, coder)

    assert "Prescription not signed" in {need.label for need in page["needs"] if need.count == 1}


def test_home_query_count_does_not_grow(client, organization, department):
    admin = make_user(organization, role="admin")
    client.force_login(admin)
    fill(department, courses=2, by=admin)
    with CaptureQueriesContext(connection) as few:
        client.get(reverse("home"))
    fill(department, courses=8, by=admin)
    with CaptureQueriesContext(connection) as many:
        client.get(reverse("home"))

    assert len(many) == len(few)


@pytest.mark.parametrize("role", ["coder", "manager", "admin", "auditor"])
def test_home_leads_nowhere_that_refuses_the_person(client, organization, department, role):
    held, refused = (make_treated_course(organization, department=department) for _ in range(2))
    held.prescriptions.update(signed_at=None, signed_by=None)
    deliver(held)
    deliver(refused, completion="not_started")
    page = home_of(client, make_user(organization, role=role))
    numbers = [n for name in ("needs", "states", "ages", "people", "acts") for n in page.get(name, [])]

    answers = {number.url: client.get(number.url).status_code for number in numbers}

    assert set(answers.values()) == {200}


def test_home_number_of_sessions_without_a_line_is_that_of_its_list(client, organization, department):
    deliver(make_treated_course(organization, department=department), completion="not_started")
    deliver(make_treated_course(organization, department=department), has_treatment_record=False)

    page = home_of(client, make_user(organization, role="coder"))
    listed = client.get(reverse("sessions-without-line"))

    assert [need.count for need in page["needs"] if need.url == reverse("sessions-without-line")] == [2]
    assert listed.content.count(b"RECORD_MISSING") + listed.content.count(b"NOT_DELIVERED") >= 2


def test_home_of_a_manager_counts_what_is_to_be_filed_as_the_lists_behind_do(client, organization, department):
    for day in (date(2025, 11, 20), date(2025, 11, 28), date(2025, 12, 10)):
        course = make_treated_course(organization, department=department)
        make_session(course, started_at=datetime(day.year, day.month, day.day, 15, tzinfo=UTC))
        capture_from(patient=course.patient, day=day, by=None)

    filing = home_of(client, make_user(organization, role="manager"))["filing"]

    rows = [client.get(number.url).content.decode().count("data-row") for number in filing]
    assert rows == [number.count for number in filing] == [2, 2, 2, 1, 1, 1]
