"""The list of sessions, and the file of holds: filters, files, departments, query counts."""

import csv
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from coding.hold_services import release_hold
from coding.models import SessionHold
from coding.services import capture_from
from portal.services.sessions import void_session
from tests.builders import make_department, make_organization, make_session, make_treated_course, make_user

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 24, 15, tzinfo=UTC)


@pytest.fixture
def organization(roles):
    return make_organization()


@pytest.fixture
def coder(organization, client):
    """Signed in."""
    user = make_user(organization, role="coder", first_name="Casey")
    client.force_login(user)
    return user


def treated(organization, *, by, days: int = 0, **changes):
    """A session of a course of its own, so many days after 2025-12-03, its charges captured."""
    course = make_treated_course(organization, **changes)
    session = make_session(
        course, fraction=1, started_at=datetime(2025, 12, 3, 15, tzinfo=UTC) + timedelta(days=days), recorded_by=by
    )
    capture_from(patient=course.patient, day=session.date_of_service, by=by)
    return session


def sessions_on(client, **asked):
    return [session.pk for session in client.get(reverse("session-list"), asked).context["page"].rows]


def file_of(client, name, **asked):
    response = client.get(reverse(name), asked)
    text = b"".join(response.streaming_content).decode().removeprefix("\ufeff")
    return response, list(csv.reader(StringIO(text)))


def test_session_list_is_newest_first_without_the_voided(client, organization, coder):
    first, second, void = (treated(organization, by=coder, days=days) for days in (0, 1, 2))
    void_session(session=void, reason="Entered twice", at=NOW, by=coder)

    assert sessions_on(client) == [second.pk, first.pk]


def test_session_list_narrows_by_day_of_service_and_person(client, organization, coder):
    other = make_user(organization, role="coder")
    own, late, others = (
        treated(organization, by=coder),
        treated(organization, by=coder, days=5),
        treated(organization, by=other),
    )

    assert sessions_on(client, entered_by="me") == [late.pk, own.pk]
    assert sessions_on(client, entered_by=other.pk) == [others.pk]
    assert sessions_on(client, start="2025-12-08", end="2025-12-08") == [late.pk]


def test_session_list_narrows_by_the_day_of_entry(client, organization, coder):
    session = treated(organization, by=coder)
    today = timezone.now().astimezone(coder.zone).date()
    tomorrow, yesterday = today + timedelta(days=1), today - timedelta(days=1)

    assert sessions_on(client, entered_from=today, entered_through=today) == [session.pk]
    assert sessions_on(client, entered_from=tomorrow) == []
    assert sessions_on(client, entered_through=yesterday) == []


@pytest.mark.parametrize(
    "asked", [{"entered_by": "0"}, {"start": "soon"}, {"entered_from": "2026-02-01", "entered_through": "2026-01-31"}]
)
def test_session_list_names_what_it_cannot_read(client, organization, coder, asked):
    answers = [client.get(reverse(name), asked) for name in ("session-list", "session-list-csv")]

    assert [answer.status_code for answer in answers] == [422, 422]
    assert b"There is a problem" in answers[0].content


def test_session_list_shows_only_the_departments_of_the_person(client, organization, coder):
    here, elsewhere = treated(organization, by=coder), treated(organization, by=coder)
    reader = make_user(organization, role="coder", sees_all_departments=False)
    reader.departments.set([here.department])
    client.force_login(reader)

    assert sessions_on(client) == [here.pk]
    assert client.get(reverse("session-list"), {"department": elsewhere.department.pk}).status_code == 422


def test_session_list_empty_says_what_to_do(client, coder):
    nothing = client.get(reverse("session-list"))
    narrowed = client.get(reverse("session-list"), {"start": "2030-01-01"})

    assert b"Enter one from its course or on a day sheet" in nothing.content
    assert b"Take a filter away" in narrowed.content


def test_session_list_asks_a_constant_number_of_queries(client, organization, coder):
    department = make_department(organization)
    treated(organization, by=coder, department=department)
    client.get(reverse("session-list"))
    with CaptureQueriesContext(connection) as few:
        client.get(reverse("session-list"))
    for _ in range(6):
        treated(organization, by=coder, department=department)
    with CaptureQueriesContext(connection) as many:
        client.get(reverse("session-list"))

    assert len(many) == len(few)


def test_session_file_has_its_filters_and_the_rows_of_the_list(client, organization, coder):
    session = treated(organization, by=coder)
    treated(organization, by=coder, days=9)

    response, rows = file_of(client, "session-list-csv", end="2025-12-03")

    assert rows[:2] == [["Date of service through", "12/03/2025"], []]
    assert [row[0] for row in rows[3:]] == ["2025-12-03"]
    assert rows[3][3:6] == [session.course.patient.number, session.course.account_number, "Casey"]
    assert "77386" in rows[3][7]
    assert session.course.patient.family_name not in response.headers["Content-Disposition"]


def test_session_file_runs_no_formula(client, organization, coder):
    course = treated(organization, by=coder).course
    course.account_number = "=HYPERLINK(1)"
    course.save()

    _response, rows = file_of(client, "session-list-csv")

    assert rows[3][4] == "'=HYPERLINK(1)"


def held(organization, *, by):
    course = make_treated_course(organization)
    course.prescriptions.update(signed_at=None, signed_by=None)
    make_session(course, fraction=1, recorded_by=by)
    capture_from(patient=course.patient, day=course.sessions.get().date_of_service, by=by)
    return course


def test_hold_file_has_its_filters_and_the_rows_of_the_list(client, organization, coder):
    course = held(organization, by=coder)

    _response, rows = file_of(client, "hold-list-csv", reason="RX_NOT_SIGNED")

    assert rows[0] == ["Held for", "Prescription not signed"]
    assert [(row[2], row[7], row[8]) for row in rows[3:]] == [
        ("Prescription not signed", course.patient.number, course.account_number)
    ]


def test_hold_file_of_released_holds_says_who_and_why(client, organization, coder):
    course = make_treated_course(organization)
    make_session(course, fraction=1, recorded_by=coder, completion="partial")
    capture_from(patient=course.patient, day=course.sessions.get().date_of_service, by=coder)
    hold = SessionHold.objects.open().get(name="PARTIAL_REVIEW")
    release_hold(hold=hold, note="The record shows it.", at=NOW, by=coder)

    _response, rows = file_of(client, "hold-list-csv", show="released")

    assert [row[-2:] for row in rows[3:]] == [["Casey", "The record shows it."]]


def test_hold_file_reads_many_holds_in_a_constant_number_of_queries(client, organization, coder):
    held(organization, by=coder)
    file_of(client, "hold-list-csv")
    with CaptureQueriesContext(connection) as few:
        file_of(client, "hold-list-csv")
    for _ in range(4):
        held(organization, by=coder)
    with CaptureQueriesContext(connection) as many:
        file_of(client, "hold-list-csv")

    assert len(many) == len(few)
