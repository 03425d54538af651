"""The audit trail: filters on the department's clock, pages, one record's trail, the file."""

import csv
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from portal.models import AuditEvent
from portal.presenters.audit import local_time, record_name, value_words
from portal.presenters.keyset import ROWS_A_PAGE
from portal.services.audit import record_event
from tests.builders import make_department, make_organization, make_session, make_treated_course, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def organization(roles):
    return make_organization()


@pytest.fixture
def auditor(organization, client):
    """Signed in."""
    user = make_user(organization, role="auditor", first_name="Dana", last_name="Whitfield")
    client.force_login(user)
    return user


@pytest.fixture
def course(organization):
    return make_treated_course(organization)


def act(subject, organization, **changes):
    return record_event(
        **{
            "subject": subject,
            "action": "amend_course",
            "sentence": "Course amended",
            "by": None,
            "organization": organization,
        }
        | changes
    )


def sentences(client, **filters):
    return [row.sentence for row in client.get(reverse("audit-list"), filters).context["rows"]]


def trail(client, kind, pk):
    return client.get(reverse("audit-object", args=[kind, pk]))


# The list


def test_audit_list_without_events_says_so(auditor, client):
    assert "Nothing was done yet" in client.get(reverse("audit-list")).content.decode()


def test_audit_list_tells_who_did_what_newest_first(auditor, client, organization, course):
    act(course, organization, sentence="First")
    act(course, organization, sentence="Second", by=auditor)

    rows = client.get(reverse("audit-list")).context["rows"]

    assert [(row.sentence, row.who) for row in rows] == [("Second", "Dana Whitfield"), ("First", "The system")]


def test_audit_list_shows_changes_before_and_after(auditor, client, organization, course):
    act(course, organization, changes={"diagnoses": ([], ["C02.1"]), "is_active": (True, False)})

    changes = client.get(reverse("audit-list")).context["rows"][0].changes

    assert [(change.field, change.before, change.after) for change in changes] == [
        ("Diagnoses", "empty", "C02.1"),
        ("Is active", "yes", "no"),
    ]


def test_audit_list_filters_combine(auditor, client, organization, course):
    act(course, organization, sentence="By the auditor", by=auditor)
    act(course, organization, sentence="By the system")
    act(course.patient, organization, sentence="Patient", action="amend_patient", by=auditor)

    by_person = sentences(client, by=auditor.username)
    by_action = sentences(client, action="amend_course")
    by_both = sentences(client, by=auditor.username, action="amend_course", kind="portal.course")

    assert by_person == ["Patient", "By the auditor"]
    assert by_action == ["By the system", "By the auditor"]
    assert by_both == ["By the auditor"]


def test_audit_list_days_are_those_of_the_departments_zone(auditor, client, organization, course):
    event = act(course, organization)
    there = event.at.astimezone(course.department.zone).date()

    on_the_day = sentences(client, start=there.isoformat(), end=there.isoformat())
    day_before = sentences(client, end=(there - timedelta(days=1)).isoformat())
    day_after = sentences(client, start=(there + timedelta(days=1)).isoformat())

    assert (on_the_day, day_before, day_after) == (["Course amended"], [], [])


def test_audit_list_names_a_filter_that_cannot_be_read(auditor, client):
    response = client.get(reverse("audit-list"), {"start": "soon", "by": "nobody"})

    assert response.status_code == 422
    assert set(response.context["form"].errors) == {"start", "by"}


def test_audit_list_pages_meet_without_a_gap(auditor, client, organization, course):
    AuditEvent.objects.bulk_create(
        [
            AuditEvent(
                organization=organization,
                action="amend_course",
                subject_kind="portal.course",
                subject_id=course.pk,
                sentence=f"Act {number}",
            )
            for number in range(ROWS_A_PAGE + 5)
        ]
    )
    first = client.get(reverse("audit-list")).context

    second = client.get(reverse("audit-list") + first["pages"].older_url).context

    told = {row.sentence for row in [*first["rows"], *second["rows"]]}
    assert len(told) == ROWS_A_PAGE + 5


def test_audit_list_needs_as_many_queries_for_many_events_as_for_one(auditor, client, organization, course):
    act(course, organization, by=auditor)
    with CaptureQueriesContext(connection) as one:
        client.get(reverse("audit-list"))
    act(course, organization, by=make_user(organization))
    act(course, organization, by=make_user(organization))

    with CaptureQueriesContext(connection) as many:
        client.get(reverse("audit-list"))

    assert len(many) == len(one)


def test_audit_list_hides_other_organizations(auditor, client):
    elsewhere = make_organization()
    act(make_treated_course(elsewhere), elsewhere)

    assert sentences(client) == []


def test_audit_list_is_refused_to_a_coder(organization, client):
    client.force_login(make_user(organization, role="coder"))

    assert client.get(reverse("audit-list")).status_code == 403


# One record


def test_audit_object_shows_the_trail_of_one_record(auditor, client, organization, course):
    act(course, organization, sentence="Of the course")
    act(course.patient, organization, sentence="Of the patient")

    response = trail(client, "portal.course", course.pk)

    assert [row.sentence for row in response.context["rows"]] == ["Of the course"]
    assert response.context["record_url"] == reverse("course-detail", args=[course.pk])


def test_audit_object_without_events_says_so(auditor, client, course):
    response = trail(client, "portal.treatmentsession", make_session(course).pk)

    assert "Nothing was done to this record yet" in response.content.decode()


def test_audit_object_of_another_organization_is_not_found(auditor, client):
    elsewhere = make_organization()
    course = make_treated_course(elsewhere)
    act(course, elsewhere)

    assert trail(client, "portal.course", course.pk).status_code == 404


def test_audit_object_of_a_department_that_the_person_does_not_see_is_not_found(auditor, client, course):
    act(course, course.organization)
    auditor.sees_all_departments = False
    auditor.save()
    auditor.departments.add(make_department(course.organization))

    assert trail(client, "portal.course", course.pk).status_code == 404


@pytest.mark.parametrize(
    ("kind", "pk"), [("portal.nothing", 1), ("nothing", 1), ("a.b.c", 1), ("portal.course", 10**30)]
)
def test_audit_object_of_an_unknown_record_is_not_found(auditor, client, kind, pk):
    assert trail(client, kind, pk).status_code == 404


# The file


def test_audit_csv_holds_what_the_filters_leave(auditor, client, organization, course):
    act(course, organization, sentence="=Kept", by=auditor, changes={"number": (1, 2)})
    act(course, organization, sentence="Left out", action="open_course")

    response = client.get(reverse("audit-csv"), {"action": "amend_course"})
    rows = list(csv.reader(StringIO(b"".join(response.streaming_content).decode("utf-8-sig"))))

    assert rows[0] == ["Action", "amend_course"]
    assert [row[2:] for row in rows[3:]] == [
        [auditor.username, "amend_course", f"portal.course {course.pk}", "'=Kept", "Number: 1 → 2"]
    ]


# Words


@pytest.mark.parametrize(
    ("at", "words"),
    [
        (datetime(2026, 11, 21, 20, 14, tzinfo=UTC), "11/21/2026 2:14 PM CST (UTC-06:00)"),
        (datetime(2026, 7, 1, 5, 0, tzinfo=UTC), "07/01/2026 12:00 AM CDT (UTC-05:00)"),
    ],
)
def test_local_time_says_zone_and_offset(at, words):
    assert local_time(at, ZoneInfo("America/Chicago")) == words


def test_record_name_of_a_kind_that_is_gone_keeps_its_word():
    assert record_name("portal.gone", 7) == "Portal.gone 7"


def test_value_words_joins_lists():
    assert value_words(["76", date(2026, 1, 1).isoformat()]) == "76, 2026-01-01"
