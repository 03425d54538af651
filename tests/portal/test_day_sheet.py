"""A machine's day: its rows, saving them one by one and together, and what refuses a row."""

from datetime import UTC, date, datetime, time

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from coding.services import capture_from
from portal.models import ScheduledFraction, TreatmentSession
from portal.services.day_sheets import day_rows
from tests.builders import (
    make_department,
    make_machine,
    make_organization,
    make_session,
    make_treated_course,
    make_user,
)

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 23)
HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def organization(roles):
    return make_organization()


@pytest.fixture
def coder(client, organization):
    user = make_user(organization, role="coder")
    client.force_login(user)
    return user


@pytest.fixture
def department(organization):
    return make_department(organization)


@pytest.fixture
def machine(department):
    return make_machine(department)


def plan(machine, *, fraction=1, at=time(9, 0), day=DAY, course=None, **changes):
    """A course of the machine's department with a fraction planned there."""
    course = course or make_treated_course(machine.department.organization, department=machine.department)
    ScheduledFraction.objects.create(
        **{
            "prescription": course.prescriptions.get(),
            "fraction_number": fraction,
            "planned_on": day,
            "planned_time": at,
            "machine": machine,
        }
        | changes
    )
    return course


def fill(machine, *, rows, by):
    """Planned rows, every second one with a captured session."""
    for place in range(rows):
        course = plan(machine)
        if place % 2:
            at = datetime(2026, 11, 23, 14, place, tzinfo=UTC)
            session = make_session(course, fraction=1, machine=machine, started_at=at)
            capture_from(patient=course.patient, day=session.date_of_service, by=by)


def row_of(course, machine):
    return next(row for row in day_rows(machine=machine, day=DAY) if row.course == course)


def entry(course, machine, **changes):
    """What the sheet posts for a course's row when it was treated as planned."""
    fields = {
        "outcome": "treated",
        "start": "9:04 AM",
        "second_start": "",
        "motion": "",
        "guidance": "none",
        "review": "",
        "missed_reason": "",
        "mark": row_of(course, machine).mark,
    }
    return {f"row-{course.pk}-{name}": value for name, value in (fields | changes).items()}


def post(client, name, machine, *entries, **further):
    data = {"machine": machine.pk, "date": DAY.isoformat()}
    for fields in entries:
        data |= fields
    return client.post(reverse(name), data | further)


def sheet_url(machine, day=DAY):
    return f"{reverse('day-sheet')}?machine={machine.pk}&date={day.isoformat()}"


def save_row(client, course, machine, **changes):
    data = {"machine": machine.pk, "date": DAY.isoformat(), "row": course.pk} | entry(course, machine, **changes)
    return client.post(reverse("day-sheet-row"), data, **HTMX)


def test_day_sheet_lists_what_is_planned_and_what_is_recorded(client, coder, machine):
    planned = plan(machine, at=time(11, 0))
    treated = make_treated_course(machine.department.organization, department=machine.department)
    make_session(treated, fraction=4, machine=machine, started_at=datetime(2026, 11, 23, 14, tzinfo=UTC))

    page = client.get(sheet_url(machine)).context["page"]

    assert [(view.pk, view.fraction, view.outcome) for view in page.views] == [
        (treated.pk, "4/33", "Treated"),
        (planned.pk, "1/33", "Not entered"),
    ]
    (here,) = [tab for tab in page.tabs if tab.is_here]
    assert (page.entered, here.entered, here.rows) == (1, 1, 2)


def test_day_sheet_row_treated_becomes_a_session_with_its_line(client, coder, machine):
    course = plan(machine)

    response = save_row(client, course, machine)

    session = course.sessions.get()
    assert response.status_code == 200
    assert (session.source, session.machine, session.physician) == ("day_sheet", machine, course.physician)
    assert session.delivered_fractions.get().fraction_number == 1
    assert b"77407" in response.content
    assert b"1 of 1 entered" in response.content


def test_day_sheet_row_numbers_the_fraction_after_the_last_delivered(client, coder, machine):
    course = plan(machine, fraction=9)
    make_session(course, fraction=7, started_at=datetime(2026, 11, 20, 15, tzinfo=UTC))

    save_row(client, course, machine)

    session = course.sessions.get(date_of_service=DAY)
    assert session.delivered_fractions.get().fraction_number == 8


def test_day_sheet_row_twice_is_two_sessions_with_two_fractions(client, coder, machine):
    course = plan(machine)
    course.prescriptions.update(sessions_a_day=2)

    save_row(client, course, machine, outcome="twice", start="8:00 AM", second_start="9:45 AM")

    numbers = [s.delivered_fractions.get().fraction_number for s in course.sessions.order_by("started_at")]
    assert numbers == [1, 2]


@pytest.mark.parametrize(("outcome", "facts"), [("partial", ("partial", False)), ("inpatient", ("complete", True))])
def test_day_sheet_row_partial_or_inpatient(client, coder, machine, outcome, facts):
    course = plan(machine)

    save_row(client, course, machine, outcome=outcome)

    session = course.sessions.get()
    assert (session.completion, session.is_inpatient) == facts
    assert row_of(course, machine).outcome == outcome


def test_day_sheet_row_missed_says_why_and_can_be_treated_after_all(client, coder, machine):
    course = plan(machine)

    save_row(client, course, machine, outcome="missed", start="", missed_reason="Machine down")
    missed = ScheduledFraction.objects.get().missed_reason
    save_row(client, course, machine)

    assert missed == "Machine down"
    assert ScheduledFraction.objects.get().missed_reason == ""
    assert course.sessions.count() == 1


def test_day_sheet_row_review_goes_to_the_sessions_that_had_begun(client, coder, machine):
    course = plan(machine)

    save_row(
        client,
        course,
        machine,
        outcome="twice",
        start="7:00 AM",
        second_start="9:30 AM",
        guidance="cbct",
        review="8:00 AM",
    )

    first, second = course.sessions.order_by("started_at")
    assert (first.image_review_signed_at is None, second.image_review_signed_at is None) == (False, True)


def test_day_sheet_row_amended_leaves_what_it_does_not_show(client, coder, machine):
    course = plan(machine)
    signed_at = datetime(2026, 11, 24, 13, tzinfo=UTC)
    session = make_session(
        course,
        fraction=1,
        machine=machine,
        started_at=datetime(2026, 11, 23, 14, 4, 33, tzinfo=UTC),
        ended_at=datetime(2026, 11, 23, 14, 20, tzinfo=UTC),
        image_review_signed_at=signed_at,
        has_resident=True,
    )

    save_row(client, course, machine, guidance="stereoscopic")

    session.refresh_from_db()
    assert (session.guidance, session.image_review_signed_at, session.has_resident) == ("stereoscopic", signed_at, True)
    assert (session.started_at.second, session.revision) == (33, 2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"outcome": ""}, "Choose what happened"),
        ({"start": ""}, "Start: enter a time"),
        ({"start": "half nine"}, "Start must be a time"),
        ({"outcome": "twice"}, "Second start: enter a time"),
        ({"outcome": "twice", "second_start": "8:00 AM"}, "must come after the first"),
        ({"outcome": "missed"}, "Say why it was missed"),
        ({"review": "8:00 AM"}, "signed before the session began"),
        ({"outcome": "flown"}, "flown is not one of the available choices"),
    ],
)
def test_day_sheet_row_refused_says_so_and_keeps_what_was_typed(client, coder, machine, changes, message):
    course = plan(machine)

    response = save_row(client, course, machine, guidance="ultrasound", **changes)

    assert response.status_code == 422
    assert message in response.content.decode()
    assert b'value="ultrasound" selected' in response.content
    assert not TreatmentSession.objects.exists()


def test_day_sheet_row_changed_meanwhile_is_refused_once(client, coder, machine):
    course = plan(machine)
    stale = entry(course, machine, start="9:30 AM")
    save_row(client, course, machine)

    refused = post(client, "day-sheet-row", machine, stale, row=course.pk)
    (view,) = refused.context["page"].views
    again = post(client, "day-sheet-row", machine, stale | {f"row-{course.pk}-mark": view.shown["mark"]}, row=course.pk)

    assert refused.status_code == 422
    assert b"Somebody changed this row meanwhile; it now says: Treated, 9:04 AM" in refused.content
    assert b'value="9:30 AM"' in refused.content
    assert again.status_code == 302
    assert course.sessions.get().local_start.minute == 30


def test_day_sheet_row_two_recorded_sessions_are_not_left_out(client, coder, machine):
    course = plan(machine)
    save_row(client, course, machine, outcome="twice", start="7:00 AM", second_start="9:30 AM")

    response = save_row(client, course, machine, outcome="treated", start="7:00 AM")

    assert b"Two sessions are recorded" in response.content
    assert course.sessions.standing().count() == 2


def test_day_sheet_row_planned_again_elsewhere(client, coder, machine):
    course = plan(machine, missed_reason="Patient unwell")
    plan(machine, course=course, day=date(2026, 11, 25))

    response = save_row(client, course, machine)

    assert b"Fraction 1 was planned again on 11/25/2026" in response.content
    assert not course.sessions.exists()


def test_day_sheet_row_beyond_the_sheet_is_amended_by_its_own_form(client, coder, machine):
    course = plan(machine)
    session = make_session(
        course, machine=machine, started_at=datetime(2026, 11, 23, 14, tzinfo=UTC), completion="not_started"
    )

    (view,) = client.get(sheet_url(machine)).context["page"].views

    assert view.shown == {}
    assert view.links[0].url == reverse("session-detail", args=[session.pk])


def test_day_sheet_row_without_script_comes_back_to_the_row(client, coder, machine):
    course = plan(machine)

    response = post(client, "day-sheet-row", machine, entry(course, machine), row=course.pk)

    assert response.url.endswith(f"#row-{course.pk}")


def test_day_sheet_row_without_script_keeps_what_was_typed_in_other_rows(client, coder, machine):
    first, other = plan(machine), plan(machine)

    response = post(
        client,
        "day-sheet-row",
        machine,
        entry(first, machine),
        entry(other, machine, start="9:17 AM"),
        row=first.pk,
    )

    assert (first.sessions.count(), other.sessions.count()) == (1, 0)
    assert b'value="9:17 AM"' in response.content


def test_day_sheet_save_takes_every_row_but_the_one_that_fails(client, coder, machine):
    good, wrong, untouched = plan(machine), plan(machine), plan(machine)
    left = entry(untouched, machine, outcome="", start="9:00 AM")

    response = post(client, "day-sheet-save", machine, entry(good, machine), entry(wrong, machine, start="25:00"), left)

    assert response.status_code == 422
    assert [view.pk for view in response.context["page"].failed] == [wrong.pk]
    assert b'value="25:00"' in response.content
    assert (good.sessions.count(), wrong.sessions.count(), untouched.sessions.count()) == (1, 0, 0)


def test_day_sheet_save_of_nothing_typed(client, coder, machine):
    course = plan(machine)

    response = post(client, "day-sheet-save", machine, entry(course, machine, outcome="", start="9:00 AM"))

    assert response.url == sheet_url(machine)
    assert not TreatmentSession.objects.exists()


def test_day_sheet_ahead_of_today_is_not_entered(client, coder, machine):
    plan(machine, day=date(2026, 11, 25))

    page = client.get(sheet_url(machine, date(2026, 11, 25))).context["page"]
    refused = client.post(reverse("day-sheet-save"), {"machine": machine.pk, "date": "2026-11-25"})

    assert (page.may_enter, page.views[0].shown, refused.status_code) == (False, {}, 404)


def test_day_sheet_tells_similar_names_and_missing_documentation(client, coder, machine):
    course, other = plan(machine), plan(machine)
    course.patient.family_name = other.patient.family_name
    course.patient.save()
    course.prescriptions.update(motion_management="active", motion_documentation="")

    page = client.get(sheet_url(machine)).context["page"]
    view = next(view for view in page.views if view.pk == course.pk)

    assert view.warnings == ["Motion management is not documented"]
    assert view.notes == ["Another patient here has a similar name"]


def test_day_sheet_tells_of_a_session_on_another_machine(client, coder, machine):
    course = plan(machine)
    other = make_machine(machine.department, name="Aurora 9")
    make_session(course, machine=other, started_at=datetime(2026, 11, 23, 14, tzinfo=UTC))

    (view,) = client.get(sheet_url(machine)).context["page"].views

    assert view.warnings == ["Recorded on Aurora 9 at 9:00 AM"]
    assert [link.label for link in view.links] == ["Session of 9:00 AM"]


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "01/01/1900"])
def test_day_sheet_of_no_day_shows_today(client, coder, machine, text):
    response = client.get(reverse("day-sheet"), {"machine": machine.pk, "date": text})

    assert response.context["page"].day == date(2026, 11, 24)
    assert b"not a day the portal keeps" in response.content


@pytest.mark.parametrize("query", ["?machine=x", "?machine=999999999", "?department=x", "?machine=²"])
def test_day_sheet_of_no_machine(client, coder, machine, query):
    assert client.get(reverse("day-sheet") + query).status_code == 404


def test_day_sheet_before_there_is_a_machine(client, coder):
    response = client.get(reverse("day-sheet"))

    assert b"No machine yet" in response.content


def test_day_sheet_of_another_organization(client, coder):
    stranger = make_machine(make_department(make_organization()))

    sheet = client.get(sheet_url(stranger))
    saved = client.post(reverse("day-sheet-save"), {"machine": stranger.pk, "date": DAY.isoformat()})

    assert (sheet.status_code, saved.status_code) == (404, 404)


def test_day_sheet_is_read_by_an_auditor_and_not_written(client, organization, machine):
    course = plan(machine)
    client.force_login(make_user(organization, role="auditor"))

    page = client.get(sheet_url(machine)).context["page"]
    refused = post(client, "day-sheet-row", machine, entry(course, machine), row=course.pk)

    assert (page.views[0].shown, refused.status_code) == ({}, 403)


def test_day_sheet_query_count_does_not_grow_with_its_rows(client, coder, machine):
    fill(machine, rows=5, by=coder)
    with CaptureQueriesContext(
        connection,
    ) as few:
        client.get(sheet_url(machine))
    fill(machine, rows=35, by=coder)
    with CaptureQueriesContext(connection) as many:
        client.get(sheet_url(machine))

    assert len(many) == len(few)
