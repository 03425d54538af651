"""The course page: calendar, table, authorizations, and what it says of each session."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.urls import reverse

from coding.services import capture_from, void_charge_line
from portal.models import ClosedDay, ScheduledFraction
from portal.presenters.course import course_page
from portal.services.sessions import void_session
from tests.builders import (
    make_authorization,
    make_machine,
    make_organization,
    make_payer,
    make_policy_version,
    make_prescription,
    make_session,
    make_treated_course,
    make_user,
)

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 24)
MONDAY = datetime(2025, 12, 1, 15, tzinfo=UTC)


@pytest.fixture
def organization(roles):
    return make_organization()


@pytest.fixture
def coder(organization):
    return make_user(organization, role="coder")


@pytest.fixture
def course(organization):
    return make_treated_course(organization)


def deliver(course, *starts):
    """A captured session at each start, the fractions numbered from 1."""
    sessions = [make_session(course, started_at=at, fraction=n) for n, at in enumerate(starts, start=1)]
    capture_from(patient=course.patient, day=date(2015, 1, 1), by=None)
    return sessions


def plan(course, day, **changes):
    return ScheduledFraction.objects.create(
        **{
            "prescription": course.prescriptions.get(),
            "fraction_number": 1,
            "planned_on": day,
            "machine": make_machine(course.department),
        }
        | changes
    )


def page_of(course, user):
    return course_page(course, user=user, today=TODAY, is_table=False)


def test_course_page_shows_a_session_with_its_line(course, coder):
    deliver(course, MONDAY)

    (cell,) = page_of(course, coder).cells

    assert (cell.fraction, cell.line.code, cell.state) == ("1", "77386", "ready")
    assert cell.in_words == "Monday, December 1, 2025, fraction 1"


def test_course_page_puts_two_sessions_of_a_day_into_one_square_with_their_times(course, coder):
    course.prescriptions.update(sessions_a_day=2)
    deliver(course, MONDAY, MONDAY + timedelta(hours=7))

    (week,) = page_of(course, coder).weeks

    assert [(cell.time, cell.fraction) for cell in week.days[0].cells] == [("10:00 AM", "1"), ("5:00 PM", "2")]


def test_course_page_tells_usual_modifiers_from_the_unusual_one(organization, coder):
    course = make_treated_course(organization, setting="hospital_off_campus_excepted")
    course.prescriptions.update(sessions_a_day=2)
    deliver(course, MONDAY, MONDAY + timedelta(hours=7))

    page = page_of(course, coder)

    assert page.usual_modifiers == ("PO",)
    assert [cell.line.usual for cell in page.cells] == [("PO",), ("PO",)]
    assert "PO" not in page.cells[1].line.unusual


def test_course_page_says_in_the_cell_why_a_session_has_no_line(course, coder):
    make_session(course, started_at=MONDAY, fraction=1, completion="not_started")
    capture_from(patient=course.patient, day=MONDAY.date(), by=None)

    (cell,) = page_of(course, coder).cells

    assert (cell.state, cell.line, cell.reason) == ("no-line", None, "Beam never on")


def test_course_page_names_the_open_hold(course, coder):
    course.prescriptions.update(signed_at=None, signed_by=None)
    deliver(course, MONDAY)

    page = page_of(course, coder)

    assert (page.cells[0].state, page.first_problem) == ("held", page.cells[0])
    assert page.cells[0].reason


def test_course_page_session_that_was_not_ruled_on(course, coder):
    make_session(course, started_at=MONDAY)

    (cell,) = page_of(course, coder).cells

    assert (cell.state_label, cell.reason) == ("No line", "Not ruled on yet")


def test_course_page_keeps_a_voided_session_with_its_reason(course, coder):
    (session,) = deliver(course, MONDAY)
    void_session(session=session, reason="Entered for the wrong patient", at=MONDAY, by=coder)
    capture_from(patient=course.patient, day=MONDAY.date(), by=coder)

    (cell,) = page_of(course, coder).cells

    assert (cell.state_label, cell.reason, cell.actions) == ("Voided", "Entered for the wrong patient", ())


def test_course_page_shows_a_voided_line_where_nothing_took_its_place(course, coder):
    (session,) = deliver(course, MONDAY)
    void_charge_line(line=session.charge_lines.get(role="delivery"), reason="Paid by a study", by=coder)

    (cell,) = page_of(course, coder).cells

    assert "void" in {line.state for line in cell.lines}


def test_course_page_draws_the_seam_before_the_first_day_of_other_codes(course, coder):
    deliver(course, datetime(2025, 12, 31, 15, tzinfo=UTC), datetime(2026, 1, 2, 15, tzinfo=UTC))

    (week,) = page_of(course, coder).weeks

    assert week.seam.day == date(2026, 1, 1)
    assert week.seam.begun == ("77407", "77412")
    assert [day.seam_side for day in week.days] == ["before", "before", "before", "at", "after"]


def test_course_page_draws_no_seam_within_one_code_set(course, coder):
    deliver(course, MONDAY, MONDAY + timedelta(days=1))

    assert [week.seam for week in page_of(course, coder).weeks] == [None]


def test_course_page_shows_the_weekend_only_where_it_is_used(course, coder):
    deliver(course, MONDAY, MONDAY + timedelta(days=5))

    assert page_of(course, coder).weekdays == ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]


def test_course_page_leaves_long_gaps_out(course, coder):
    deliver(course, MONDAY, MONDAY + timedelta(weeks=10))

    weeks = page_of(course, coder).weeks

    assert [(week.number, week.empty_before) for week in weeks] == [(1, 0), (5, 3), (11, 5)]


def test_course_page_shows_planned_and_missed_fractions_with_why(course, coder):
    plan(course, date(2025, 12, 1), missed_reason="Machine down")
    plan(course, TODAY)

    missed, planned = page_of(course, coder).cells

    assert (missed.state, missed.reason, missed.actions[0].label) == ("missed", "Machine down", "Undo missed")
    assert (planned.state, planned.actions[0].label) == ("planned", "Missed")


def test_course_page_session_covers_the_fraction_planned_for_its_day(course, coder):
    plan(course, MONDAY.date(), fraction_number=5)
    deliver(course, MONDAY)

    assert [cell.kind for cell in page_of(course, coder).cells] == ["session"]


def test_course_page_offers_void_only_to_those_who_may(organization, course, coder):
    deliver(course, MONDAY)
    manager = make_user(organization, role="manager")

    of_coder, of_manager = page_of(course, coder).cells[0], page_of(course, manager).cells[0]

    assert [action.label for action in of_coder.actions] == ["Amend"]
    assert [action.label for action in of_manager.actions] == ["Amend", "Void"]


def test_course_page_counts_used_and_left_of_an_authorization(course, coder):
    payer = course.patient.coverages.get().payer
    make_authorization(course, payer, units=3, starts_on=MONDAY.date(), ends_on=date(2025, 12, 31))
    before_it, resumed = MONDAY - timedelta(days=3), MONDAY + timedelta(minutes=40)
    deliver(course, before_it, MONDAY, resumed, MONDAY + timedelta(days=1))

    (bar,) = page_of(course, coder).authorizations

    assert (bar.used, bar.left, bar.is_over) == (2, 1, True)


def test_course_page_authorization_that_does_not_count(course, coder):
    make_authorization(course, course.patient.coverages.get().payer)
    deliver(course, MONDAY)

    (bar,) = page_of(course, coder).authorizations

    assert (bar.used, bar.left) == (1, None)


def test_course_page_says_first_what_holds_every_line_and_where_it_is_cleared(course, coder):
    prescription = course.prescriptions.get()
    course.prescriptions.update(signed_at=None, signed_by=None, motion_management="active")
    course.patient.coverages.all().delete()

    notices = page_of(course, coder).notices

    assert [notice.text for notice in notices] == [
        "Tongue, 66 Gy in 33: not signed, motion management not documented.",
        "No payer covers this patient; sessions are held until one does.",
    ]
    assert notices[0].action.url == reverse("prescription-amend", args=[prescription.pk])


def test_course_page_offers_an_auditor_no_action(organization, course):
    course.prescriptions.update(signed_at=None, signed_by=None)

    (notice,) = page_of(course, make_user(organization, role="auditor")).notices

    assert notice.action is None


def test_course_page_asks_as_often_for_44_sessions_as_for_10(
    organization, course, coder, client, django_assert_num_queries, django_assert_max_num_queries
):
    long_course = make_treated_course(organization)
    deliver(course, *(MONDAY + timedelta(days=n * 4) for n in range(10)))
    deliver(long_course, *(MONDAY + timedelta(days=n) for n in range(44)))
    client.force_login(coder)
    with django_assert_max_num_queries(20) as of_ten:
        client.get(reverse("course-detail", args=[course.pk]))

    with django_assert_num_queries(len(of_ten)):
        response = client.get(reverse("course-detail", args=[long_course.pk]))

    assert response.status_code == 200


def test_course_page_and_its_table_tell_the_same(course, coder, client):
    deliver(course, MONDAY)
    client.force_login(coder)
    url = reverse("course-detail", args=[course.pk])

    calendar, table = client.get(url), client.get(url, {"view": "table"})

    assert calendar.context["page"].cells == table.context["page"].cells
    assert "fraction-calendar" in calendar.content.decode()
    assert "fraction-calendar" not in table.content.decode()


def test_course_page_title_carries_no_name(course, coder, client):
    client.force_login(coder)

    content = client.get(reverse("course-detail", args=[course.pk])).content.decode()

    title = content.partition("<title>")[2].partition("</title>")[0]
    assert course.account_number in title
    assert course.patient.family_name not in title


def test_course_page_of_another_organization_is_not_there(course, roles, client):
    client.force_login(make_user(make_organization(), role="admin"))

    assert client.get(reverse("course-detail", args=[course.pk])).status_code == 404


def test_course_page_of_a_department_that_the_person_does_not_see(organization, course, client):
    client.force_login(make_user(organization, role="coder", sees_all_departments=False))

    assert client.get(reverse("course-detail", args=[course.pk])).status_code == 404


def number_of(page, key):
    return next(number for number in page.numbers if number.key == key)


def test_course_page_numbers_of_the_ledger_lead_to_their_cells(course, coder):
    deliver(course, MONDAY, MONDAY + timedelta(days=1))

    page = page_of(course, coder)

    assert number_of(page, "prescribed").value == "33"
    assert number_of(page, "charged").value == "4"
    assert number_of(page, "charged").url.endswith(f"/courses/{course.pk}/?show=charged")
    assert (number_of(page, "held").value, number_of(page, "held").url) == ("0", "")


def test_course_page_says_that_payments_are_not_known(course, coder):
    deliver(course, MONDAY)

    page = page_of(course, coder)

    assert [(number.label, number.value) for number in page.numbers if not number.key] == [("Paid", "not known yet")]
    assert page.cells[0].paid == "not known"


def test_course_page_show_narrows_the_table_and_the_number_leads_back(course, coder):
    plan(course, TODAY, fraction_number=2)
    deliver(course, MONDAY)

    page = course_page(course, user=coder, today=TODAY, is_table=True, show="planned")

    assert [cell.kind for cell in page.rows] == ["planned"]
    assert page.showing.sentence == "Planned: 1 of 2 entries are shown."
    assert number_of(page, "planned").url.endswith("?view=table")


def test_course_page_show_that_is_not_known_shows_everything(course, coder):
    deliver(course, MONDAY)

    page = course_page(course, user=coder, today=TODAY, is_table=True, show="nonsense")

    assert (page.showing, len(page.rows)) == (None, 1)


def test_course_page_names_the_columns_that_disagree(course, coder):
    plan(course, date(2025, 11, 28), fraction_number=1)
    deliver(course, MONDAY, MONDAY + timedelta(days=1))

    planned, first, second = page_of(course, coder).cells

    assert (planned.state, planned.badges[0].words) == ("moved", "planned here, delivered 12/01")
    assert first.badges == ()
    assert second.badges[0].words == "extra: delivered, not planned"


def test_course_page_duplicate_and_extra_stand_out_in_words(course, coder):
    course.prescriptions.update(fractions=1)
    make_session(course, started_at=MONDAY, fraction=1)
    make_session(course, started_at=MONDAY + timedelta(days=1), fraction=1)
    make_session(course, started_at=MONDAY + timedelta(days=2), fraction=2)
    capture_from(patient=course.patient, day=MONDAY.date(), by=None)

    once, again, beyond = page_of(course, coder).cells

    assert (once.badges, once.is_problem) == ((), False)
    assert [badge.words for badge in again.badges] == ["duplicate: fraction 1 was delivered 12/01"]
    assert [badge.words for badge in beyond.badges] == ["extra: fraction 2 of 1"]
    assert beyond.prescribed == "2, beyond 1"


def test_course_page_says_why_a_day_was_closed(course, coder):
    other_machine = make_machine(course.department)
    ClosedDay.objects.create(department=course.department, day=date(2025, 12, 2), reason="Snow")
    ClosedDay.objects.create(department=course.department, machine=other_machine, day=date(2025, 12, 3), reason="Down")
    deliver(course, MONDAY, MONDAY + timedelta(days=4))

    (week,) = page_of(course, coder).weeks

    assert [day.closed for day in week.days] == ["", "Snow", "", "", ""]


def test_course_page_session_of_a_closed_day_is_shown_instead(course, coder):
    ClosedDay.objects.create(department=course.department, day=MONDAY.date(), reason="Snow")
    deliver(course, MONDAY)

    (week,) = page_of(course, coder).weeks

    assert week.days[0].closed == ""


def test_course_page_tells_the_next_filing_deadline(organization, coder):
    payer = make_payer(organization)
    make_policy_version(payer, terms={"timely_days": 368})
    course = make_treated_course(organization, payer=payer)
    deliver(course, MONDAY, MONDAY + timedelta(days=1))

    (notice,) = page_of(course, coder).notices

    assert notice.text == (
        "12/01/2025 must be filed by 12/04/2026, in 10 days. 1 more session is at its limit or close."
    )


def test_course_page_with_two_prescriptions_asks_as_often_for_44_sessions(
    organization, course, coder, client, django_assert_num_queries, django_assert_max_num_queries
):
    long_course = make_treated_course(organization)
    make_prescription(course, fractions=44)
    make_prescription(long_course, fractions=44)
    deliver(course, *(MONDAY + timedelta(days=n * 10) for n in range(5)))
    deliver(long_course, *(MONDAY + timedelta(days=n) for n in range(44)))
    client.force_login(coder)
    with django_assert_max_num_queries(20) as of_five:
        client.get(reverse("course-detail", args=[course.pk]))

    with django_assert_num_queries(len(of_five)):
        response = client.get(reverse("course-detail", args=[long_course.pk]))

    assert len(response.context["page"].cells) == 44


def test_course_page_warns_above_the_calendar_before_the_last_authorized_unit(course, coder):
    make_authorization(course, course.patient.coverages.get().payer, number="AU-1", units=3)
    deliver(course, MONDAY)

    notice = page_of(course, coder).notices[0]

    assert notice.text == (
        "AU-1: 2 sessions left, 32 to be delivered. Fraction 4 of 33: 3 authorized. Ask the payer to extend."
    )
    assert notice.action.url == reverse("authorization-create", args=[course.pk])
