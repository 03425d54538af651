"""What the session form reads: tolerant times, clocks that change, machines of a department, codes keyed by hand."""

from datetime import UTC, date, datetime, time

import pytest
from django import forms

from portal.forms.clock_fields import ClockField, RepeatedTime, SkippedTime, instant_on
from portal.forms.sessions import SessionForm
from tests.builders import make_department, make_machine, make_organization, make_treated_course, make_user

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 24)
NOW = datetime(2026, 11, 24, 15, tzinfo=UTC)


@pytest.fixture
def organization():
    return make_organization()


@pytest.fixture
def coder(organization):
    return make_user(organization)


@pytest.fixture
def course(organization):
    return make_treated_course(organization)


def typed(course, /, **changes):
    """What a coder types for a plain session of the course's first prescription."""
    prescription = course.prescriptions.get()
    return {
        "date_of_service": "12/30/2025",
        "start": "9:30 AM",
        "end": "",
        "department": course.department_id,
        "machine": course.department.machines.get().pk,
        "physician": course.physician_id,
        "completion": "complete",
        "guidance": "none",
        "has_treatment_record": "on",
        "is_supervision_documented": "on",
        f"delivered_{prescription.pk}": "on",
        f"fraction_{prescription.pk}": "1",
    } | changes


def form_of(course, user, **changes):
    return SessionForm(
        typed(course, **changes),
        user=user,
        course=course,
        prescriptions=list(course.prescriptions.all()),
        today=TODAY,
        now=NOW,
    )


@pytest.mark.parametrize(
    ("text", "clock"),
    [
        ("9:30", time(9, 30)),
        ("0930", time(9, 30)),
        ("930", time(9, 30)),
        ("9:30 PM", time(21, 30)),
        ("9.30 p.m.", time(21, 30)),
        ("930p", time(21, 30)),
        ("9am", time(9)),
        ("12:05 AM", time(0, 5)),
        ("12 pm", time(12)),
        ("14:05", time(14, 5)),
        ("１４０５", time(14, 5)),
        ("", None),
    ],
)
def test_clock_field_reads_what_coders_type(text, clock):
    field = ClockField(label="Start", required=False)

    assert field.clean(text) == clock


@pytest.mark.parametrize("text", ["25:00", "9:60", "9", "13 PM", "noon", "0:30 PM"])
def test_clock_field_refuses_what_no_clock_shows(text):
    field = ClockField(label="Start")

    with pytest.raises(forms.ValidationError, match="Start must be a time"):
        field.clean(text)


def test_instant_on_the_day_the_clock_goes_forward(course):
    zone = course.department.zone

    with pytest.raises(SkippedTime):
        instant_on(date(2026, 3, 8), time(2, 30), zone)


def test_instant_on_the_day_the_clock_goes_back(course):
    zone = course.department.zone

    with pytest.raises(RepeatedTime):
        instant_on(date(2026, 11, 1), time(1, 30), zone)
    first, second = (instant_on(date(2026, 11, 1), time(1, 30), zone, which) for which in "01")

    assert (second.astimezone(UTC) - first.astimezone(UTC)).total_seconds() == 3600


def test_session_form_plain(course, coder):
    form = form_of(course, coder)

    assert form.is_valid(), form.errors
    assert form.facts["started_at"] == datetime(2025, 12, 30, 14, 30, tzinfo=UTC)
    assert form.fractions == [(course.prescriptions.get(), 1)]


def test_session_form_start_that_the_clock_skipped(course, coder):
    form = form_of(course, coder, date_of_service="03/08/2026", start="2:30 AM")

    assert "never showed this time" in form.errors["start"][0]


def test_session_form_start_that_the_clock_showed_twice_is_asked_for(course, coder):
    form = form_of(course, coder, date_of_service="11/01/2026", start="1:30 AM")

    assert "showed this time twice" in form.errors["start_which"][0]
    assert form["start_which"] in form.when


def test_session_form_start_that_the_clock_showed_twice_and_was_answered(course, coder):
    form = form_of(course, coder, date_of_service="11/01/2026", start="1:30 AM", start_which="1")

    assert form.is_valid(), form.errors
    assert form.facts["started_at"].astimezone(UTC) == datetime(2026, 11, 1, 6, 30, tzinfo=UTC)


def test_session_form_end_after_midnight_is_the_next_day(course, coder):
    form = form_of(course, coder, start="11:50 PM", end="12:10 AM")

    assert form.is_valid(), form.errors
    assert (form.facts["ended_at"] - form.facts["started_at"]).total_seconds() == 20 * 60


def test_session_form_end_before_start(course, coder):
    form = form_of(course, coder, start="9:30 AM", end="9:10 AM")

    assert form.errors["end"] == ["The end lies before the start. Check both times."]


def test_session_form_day_after_today(course, coder):
    form = form_of(course, coder, date_of_service="11/25/2026")

    assert form.errors["date_of_service"] == ["11/25/2026 is after today. Enter a date up to 11/24/2026."]


def test_session_form_machine_of_another_department(organization, course, coder):
    elsewhere = make_machine(make_department(organization))

    form = form_of(course, coder, machine=elsewhere.pk)

    assert "is not a machine of" in form.errors["machine"][0]


def test_session_form_department_of_another_organization(course, coder):
    stranger = make_department(make_organization())

    form = form_of(course, coder, department=stranger.pk)

    assert "department" in form.errors


def test_session_form_time_is_on_the_clock_of_the_department_that_is_chosen(organization, course, coder):
    west = make_department(organization, time_zone="America/Los_Angeles")

    form = form_of(course, coder, department=west.pk, machine="")

    assert form.is_valid(), form.errors
    assert form.facts["started_at"] == datetime(2025, 12, 30, 17, 30, tzinfo=UTC)


def test_session_form_nothing_delivered_although_the_beam_was_on(course, coder):
    name = f"delivered_{course.prescriptions.get().pk}"

    form = form_of(course, coder, **{name: ""})

    assert name in form.errors


def test_session_form_nothing_delivered_because_the_beam_never_went_on(course, coder):
    form = form_of(course, coder, completion="not_started", **{f"delivered_{course.prescriptions.get().pk}": ""})

    assert form.is_valid(), form.errors


def test_session_form_codes_keyed_by_hand_are_read_in_any_width(course, coder):
    form = form_of(
        course, coder, requested_code="７７３８６", requested_modifiers="７６， po", other_codes_same_day="77336"
    )

    assert form.is_valid(), form.errors
    assert form.facts["requested_code"] == "77386"
    assert form.facts["requested_modifiers"] == ["76", "PO"]


@pytest.mark.parametrize(
    ("field", "text"),
    [("requested_code", "7738"), ("requested_modifiers", "765"), ("other_codes_same_day", "ABCDE")],
)
def test_session_form_codes_keyed_by_hand_of_a_wrong_shape(course, coder, field, text):
    form = form_of(course, coder, **{field: text})

    assert list(form.errors) == [field]


def test_session_form_review_signed_ahead_of_now(course, coder):
    form = form_of(course, coder, guidance="cbct", image_review_signed_at="11/24/2026 11:00 PM")

    assert "lies ahead" in form.errors["image_review_signed_at"][0]
