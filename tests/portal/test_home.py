"""The home page of each role: what is there at once, and the panels that are asked for after it."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from coding.models import SessionHold
from coding.services import capture_from
from payers.services import submit_version
from portal.forms.dashboards import DashboardForm
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


def panel_of(client, user, name, **asked):
    client.force_login(user)
    return client.get(reverse(f"dashboard-{name}"), asked).context["content"]


def needs_of(client, user):
    return {need.label: (need.count, need.url) for need in panel_of(client, user, "needs")["numbers"]}


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


def test_needs_count_what_waits_by_reason(client, organization, department):
    held, refused = (make_treated_course(organization, department=department) for _ in range(2))
    held.prescriptions.update(signed_at=None, signed_by=None)
    deliver(held)
    deliver(refused, completion="not_started")

    needs = needs_of(client, make_user(organization, role="coder"))

    assert needs["Prescription not signed"] == (1, f"{reverse('hold-list')}?reason=RX_NOT_SIGNED")
    assert needs["Sessions without a line"] == (1, reverse("sessions-without-line"))


def test_needs_count_own_holds_and_the_overdue_ones(client, organization, department):
    course = make_treated_course(organization, department=department)
    course.prescriptions.update(signed_at=None, signed_by=None, plan_approved_at=None, plan_approved_by=None)
    deliver(course)
    coder = make_user(organization, role="coder")
    SessionHold.objects.update(owner=coder, due_on=TODAY)
    SessionHold.objects.filter(name="RX_NOT_SIGNED").update(due_on=date(2026, 11, 23))

    needs = needs_of(client, coder)

    assert needs["Your holds"] == (2, f"{reverse('hold-list')}?owner=me")
    assert needs["Your holds, overdue"] == (1, f"{reverse('hold-list')}?owner=me&due=overdue")


def test_needs_of_a_coder_with_nothing_to_do(client, organization, department):
    client.force_login(make_user(organization, role="coder"))

    home, needs = client.get(reverse("home")), client.get(reverse("dashboard-needs"))

    assert b"You see no machine yet." in home.content
    assert b"Nothing needs you." in needs.content


def test_needs_count_only_the_persons_own_entries_since_their_day_began(client, organization, department, settings):
    settings.NOW = timezone.now()
    coder, other = (make_user(organization, role="coder") for _ in range(2))
    for person in (coder, other):
        course = make_treated_course(organization, department=department)
        make_session(course, recorded_by=person)

    today = panel_of(client, coder, "needs")["entered"][0]
    settings.NOW += timedelta(days=8)
    later = panel_of(client, coder, "needs")["entered"]

    assert (today.label, today.count) == ("Entered by you today", 1)
    assert [number.count for number in later] == [0, 0]


def test_home_of_a_coder_lists_the_courses_that_were_opened(client, organization, department):
    coder = make_user(organization, role="coder")
    course, others = (make_treated_course(organization, department=department) for _ in range(2))
    note_opened(course=course, at=MORNING, by=coder)
    note_opened(course=others, at=MORNING, by=make_user(organization))

    page = home_of(client, coder)

    assert [recent.label for recent in page["recent"]] == [course.account_number]


def test_policies_of_an_admin_list_what_waits(client, organization):
    drafted, overdue, bare, fine = (make_payer(organization, name=name) for name in "ABCD")
    make_policy_version(drafted)
    make_policy_version(drafted, effective_from=date(2027, 1, 1), publish=False)
    make_policy_version(overdue, reviewed_on=date(2025, 1, 1))
    make_policy_version(fine)

    rows = panel_of(client, make_user(organization, role="admin"), "policies")["rows"]

    assert [(row.label, row.detail) for row in rows] == [
        ("A", "Draft from 01/01/2027"),
        ("B", "Compared with its sources last on 01/01/2025"),
        ("C", "No version in force: its sessions get no line"),
    ]
    assert bare.name == "C"


def test_policies_of_an_admin_lead_to_a_version_in_review(client, organization):
    author = make_user(organization, role="admin")
    version = make_policy_version(make_payer(organization, name="A"), publish=False, summary="The first one.")
    submit_version(version=version, at=MORNING, by=author)

    rows = panel_of(client, make_user(organization, role="admin"), "policies")["rows"]

    assert next((row.detail, row.url) for row in rows) == (
        "To review, from 01/01/2015",
        reverse("version-publish", args=[version.pk]),
    )


OVERSIGHT = ["lines", "gaps", "filing", "sunset", "lag", "imports", "references", "holds", "expected", "people"]


@pytest.mark.parametrize(
    ("role", "panels"),
    [
        ("coder", ["needs"]),
        ("manager", ["needs", *OVERSIGHT]),
        ("admin", ["needs", *OVERSIGHT, "policies", "users"]),
        ("auditor", OVERSIGHT),
    ],
)
def test_home_offers_the_panels_of_the_role(client, organization, role, panels):
    page = home_of(client, make_user(organization, role=role))

    assert {panel.name for panel in page["panels"]} == set(panels)
    assert ("machines" in page) == (role != "auditor")


def test_home_asks_for_each_panel_with_the_period_that_was_chosen(client, organization, department):
    client.force_login(make_user(organization, role="manager"))

    content = client.get(reverse("home"), {"period": "last-month", "department": department.pk}).content.decode()

    address = f"{reverse('dashboard-lines')}?period=last-month&amp;department={department.pk}"
    assert f'hx-get="{address}"' in content
    assert f'href="{address}"' in content
    assert '<option value="last-month" selected>' in content


@pytest.mark.parametrize("asked", [{"period": "ever"}, {"department": "0"}])
def test_home_names_a_period_or_department_that_it_does_not_know(client, organization, department, asked):
    client.force_login(make_user(organization, role="manager"))

    answers = [client.get(reverse(name), asked) for name in ("home", "dashboard-lines")]

    assert [answer.status_code for answer in answers] == [422, 422]
    assert all(b"There is a problem" in answer.content for answer in answers)


def test_home_offers_no_department_of_another_organization(client, organization, department):
    other = make_department(make_organization())
    client.force_login(make_user(organization, role="manager"))

    answer = client.get(reverse("dashboard-lines"), {"department": other.pk})

    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("today", "period", "days"),
    [
        (date(2026, 11, 24), "", (date(2026, 11, 1), date(2026, 11, 30))),
        (date(2026, 12, 31), "", (date(2026, 12, 1), date(2026, 12, 31))),
        (date(2026, 1, 1), "last-month", (date(2025, 12, 1), date(2025, 12, 31))),
        (date(2028, 3, 31), "last-month", (date(2028, 2, 1), date(2028, 2, 29))),
        (date(2026, 3, 31), "90-days", (date(2026, 1, 1), date(2026, 3, 31))),
        (date(2026, 12, 31), "year", (date(2026, 1, 1), date(2026, 12, 31))),
    ],
)
def test_period_has_its_days(organization, settings, today, period, days):
    settings.NOW = datetime(today.year, today.month, today.day, 18, tzinfo=UTC)
    form = DashboardForm({"period": period}, user=make_user(organization, role="manager"))

    assert form.is_valid()
    assert form.days == days


def test_needs_count_nothing_of_another_organization(client, organization):
    other = make_treated_course(make_organization())
    other.prescriptions.update(signed_at=None, signed_by=None)
    deliver(other)
    admin = make_user(organization, role="admin")

    lines = panel_of(client, admin, "lines")["numbers"]

    assert needs_of(client, admin) == {}
    assert {number.count for number in lines} == {0}


def test_needs_count_once_for_a_person_who_sees_two_departments(client, organization, department):
    course = make_treated_course(organization, department=department)
    course.prescriptions.update(signed_at=None, signed_by=None)
    deliver(course)
    coder = make_user(organization, role="coder", sees_all_departments=False)
    coder.departments.add(department, make_department(organization))

    needs = needs_of(client, coder)

    assert needs["Prescription not signed"][0] == 1


@pytest.mark.parametrize("name", ["home", *(f"dashboard-{panel}" for panel in ("needs", *OVERSIGHT, "policies"))])
def test_home_and_panel_query_counts_do_not_grow(client, organization, department, name):
    admin = make_user(organization, role="admin")
    client.force_login(admin)
    fill(department, courses=2, by=admin)
    client.get(reverse(name))
    with CaptureQueriesContext(connection) as few:
        client.get(reverse(name))
    fill(department, courses=8, by=admin)
    with CaptureQueriesContext(connection) as many:
        client.get(reverse(name))

    assert len(many) == len(few)
