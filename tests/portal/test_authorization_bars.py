"""The bar of an authorization: used and left as capture counts them, and the warnings before the last unit and day."""

from datetime import UTC, date, datetime, timedelta

import pytest

from coding.ledger import course_ledger
from coding.services import capture_from
from portal.presenters.authorizations import authorization_bars, authorization_shortage
from tests.builders import make_authorization, make_organization, make_prescription, make_session, make_treated_course

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 24)
MONDAY = datetime(2026, 11, 2, 15, tzinfo=UTC)


@pytest.fixture
def course(roles):
    """Ten fractions prescribed, six of them delivered."""
    course = make_treated_course(make_organization())
    course.prescriptions.update(fractions=10)
    deliver(course, 6)
    return course


def deliver(course, count):
    starts = [MONDAY + timedelta(days=n) for n in range(count)]
    sessions = [make_session(course, started_at=at, fraction=n) for n, at in enumerate(starts, start=1)]
    capture_from(patient=course.patient, day=date(2015, 1, 1), by=None)
    return sessions


def authorize(course, **changes):
    return make_authorization(course, course.patient.coverages.get().payer, **changes)


def bars(course):
    return authorization_bars(course_ledger(course, today=TODAY), TODAY)


def shortage(course):
    return authorization_shortage(course_ledger(course, today=TODAY))


def test_authorization_bars_count_as_capture_does(course):
    authorize(course, units=10)
    (last,) = [row for row in course_ledger(course, today=TODAY).rows if row.fractions[0].number == 6]

    (bar,) = bars(course)

    assert (bar.used, bar.left) == (last.authorization.used + 1, 4)


def test_authorization_bars_four_left_are_no_warning(course):
    authorize(course, units=10)

    (bar,) = bars(course)

    assert bar.warnings == ()


def test_authorization_bars_warn_of_the_last_three(course):
    authorize(course, units=9)

    (bar,) = bars(course)

    assert bar.warnings == ("3 sessions left, 4 to be delivered.",)


def test_authorization_bars_warn_no_more_once_all_is_delivered(course):
    authorize(course, units=6)
    course.prescriptions.update(fractions=6)

    (bar,) = bars(course)

    assert (bar.left, bar.warnings) == (0, ())


def test_authorization_bars_eleven_days_before_the_end(course):
    authorize(course, units=20, ends_on=TODAY + timedelta(days=11))

    (bar,) = bars(course)

    assert bar.warnings == ()


def test_authorization_bars_warn_ten_days_before_the_end(course):
    authorize(course, units=20, ends_on=TODAY + timedelta(days=10))

    (bar,) = bars(course)

    assert bar.warnings == ("It ends in 10 days, on 12/04/2026.",)


def test_authorization_bars_on_the_last_day(course):
    authorize(course, units=20, ends_on=TODAY)

    (bar,) = bars(course)

    assert (bar.is_over, bar.warnings) == (False, ("It ends in 0 days, on 11/24/2026.",))


def test_authorization_bars_the_day_after_the_last(course):
    authorize(course, units=20, ends_on=TODAY - timedelta(days=1))

    (bar,) = bars(course)

    assert (bar.is_over, bar.warnings) == (True, ())


def test_authorization_bars_warn_not_where_another_takes_over(course):
    authorize(course, units=6)
    authorize(course, units=20, starts_on=TODAY)

    assert [bar.warnings for bar in bars(course)] == [(), ()]


def test_authorization_bars_of_more_sessions_than_authorized(course):
    authorize(course, units=5)

    (bar,) = bars(course)

    assert bar.warnings[0] == "1 session more than authorized. Ask the payer to extend."
    assert bar.shown_used == 5


def test_authorization_shortage_names_the_first_fraction_without_a_unit(course):
    authorize(course, units=8)

    assert shortage(course) == "Fraction 9 of 10: 8 authorized. Ask the payer to extend."


def test_authorization_shortage_nothing_where_just_enough_is_left(course):
    authorize(course, units=10)

    assert shortage(course) == ""


def test_authorization_shortage_nothing_where_units_are_not_counted(course):
    authorize(course)

    assert shortage(course) == ""


def test_authorization_shortage_of_several_prescriptions_counts_visits(course):
    make_prescription(course, fractions=10)
    authorize(course, units=14)

    assert shortage(course) == "2 sessions more are prescribed than authorized. Ask the payer to extend."
