"""Patterns: fractions laid out on days, planned, recorded as delivered, and taken back."""

from datetime import UTC, date, datetime, time

import pytest
from django.urls import reverse

from coding.models import ChargeLine, LineState
from coding.services import mark_exported
from portal.forms.day_fields import read_day
from portal.models import AuditEvent, ScheduledFraction, TreatmentSession
from portal.services.clinic import amend_prescription, miss_fraction
from portal.services.closed_days import close_days
from portal.services.patterns import (
    FractionDelivered,
    Pattern,
    PatternChanged,
    PlannedFraction,
    SkippedDay,
    fill_pattern,
    fractions_left_to_plan,
    last_pattern,
    lay_out_pattern,
    undo_pattern,
)
from tests.builders import (
    make_department,
    make_machine,
    make_organization,
    make_scheduled_fraction,
    make_session,
    make_treated_course,
    make_user,
)

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 24)
NOW = datetime(2026, 11, 24, 15, tzinfo=UTC)
WORKDAYS = frozenset(range(5))
FIRST, SECOND = time(7, 40), time(14, 5)


@pytest.fixture
def organization(roles):
    return make_organization()


@pytest.fixture
def coder(organization, client):
    person = make_user(organization, role="coder")
    client.force_login(person)
    return person


@pytest.fixture
def prescription(organization):
    return make_treated_course(organization).prescriptions.get()


@pytest.fixture
def machine(prescription):
    return prescription.course.department.machines.get()


# Reading days


@pytest.mark.parametrize(
    ("typed", "day"),
    [
        ("11/23/2026", date(2026, 11, 23)),
        ("11/23/26", date(2026, 11, 23)),
        ("112326", date(2026, 11, 23)),
        ("11232026", date(2026, 11, 23)),
        ("2026-11-23", date(2026, 11, 23)),
        ("1/2", date(2027, 1, 2)),
        ("6/30", date(2026, 6, 30)),
        ("t", TODAY),
        ("T-1", date(2026, 11, 23)),
        ("t+7", date(2026, 12, 1)),
        ("m", date(2026, 11, 1)),
        ("１１/23", date(2026, 11, 23)),
    ],
)
def test_read_day_as_coders_type_it(typed, day):
    assert read_day(typed, today=TODAY) == day


@pytest.mark.parametrize("typed", ["13/1/2026", "2/30", "soon", "1", "t--1", "0/0/2026"])
def test_read_day_that_is_none(typed):
    with pytest.raises(ValueError, match=r".*"):
        read_day(typed, today=TODAY)


@pytest.mark.parametrize("typed", ["t", "11/23"])
def test_read_day_that_needs_a_today(typed):
    with pytest.raises(ValueError, match=r".*"):
        read_day(typed)


def test_read_day_without_a_year_is_the_next_one_from_a_day_on():
    assert read_day("1/9", today=TODAY, not_before=date(2025, 12, 1)) == date(2026, 1, 9)


# Laying out


def pattern(**changes) -> Pattern:
    return Pattern(**{"numbers": (1, 2, 3), "first_day": date(2025, 12, 24), "weekdays": WORKDAYS} | changes)


def days(layout) -> list[tuple[int, int]]:
    return [(fraction.fraction_number, fraction.planned_on.day) for fraction in layout.fractions]


def test_lay_out_pattern_goes_around_weekends_and_closed_and_skipped_days():
    layout = lay_out_pattern(
        pattern(closed={date(2025, 12, 25): "Christmas Day"}, skipped=frozenset({date(2025, 12, 26)}))
    )

    assert days(layout) == [(1, 24), (2, 29), (3, 30)]
    assert layout.skipped == (SkippedDay(date(2025, 12, 25), "Christmas Day"), SkippedDay(date(2025, 12, 26)))


def test_lay_out_pattern_puts_two_fractions_on_a_double_day():
    layout = lay_out_pattern(pattern(double_days=frozenset({date(2025, 12, 24)}), starts=(FIRST, SECOND)))

    assert days(layout) == [(1, 24), (2, 24), (3, 25)]
    assert [fraction.planned_time for fraction in layout.fractions] == [FIRST, SECOND, FIRST]


def test_lay_out_pattern_twice_a_day():
    assert days(lay_out_pattern(pattern(a_day=2))) == [(1, 24), (2, 24), (3, 25)]


def test_lay_out_pattern_three_times_a_day_is_not_cut_by_a_double_day():
    layout = lay_out_pattern(pattern(a_day=3, double_days=frozenset({date(2025, 12, 24)}), starts=(FIRST,)))

    assert days(layout) == [(1, 24), (2, 24), (3, 24)]
    assert [fraction.planned_time for fraction in layout.fractions] == [FIRST, None, None]


def test_lay_out_pattern_ends_with_the_calendar():
    layout = lay_out_pattern(pattern(first_day=date(2099, 12, 31), weekdays=frozenset(range(7))))

    assert [fraction.planned_on for fraction in layout.fractions] == [date(2099, 12, 31)]


def test_lay_out_pattern_without_a_weekday():
    with pytest.raises(ValueError, match="at least one weekday"):
        lay_out_pattern(pattern(weekdays=frozenset()))


# Filling and undoing


def filled(prescription, by, *days_of_december):
    """Fractions from number 1 on, one on each day of December 2025."""
    fractions = [PlannedFraction(n, date(2025, 12, day), FIRST) for n, day in enumerate(days_of_december, start=1)]
    machine = prescription.course.department.machines.get()
    return fill_pattern(prescription=prescription, fractions=fractions, machine=machine, today=TODAY, by=by)


def undo(made, prescription, by):
    return undo_pattern(event=made.event, prescription=prescription, reason="Pattern undone", at=NOW, by=by)


def test_fill_pattern_puts_fractions_on_the_machine(prescription, machine, coder):
    made = filled(prescription, coder, 1, 2)

    assert [(f.fraction_number, f.planned_on.day, f.planned_time, f.machine) for f in made.fractions] == [
        (1, 1, FIRST, machine),
        (2, 2, FIRST, machine),
    ]
    assert made.event.sentence.endswith(f"planned on {machine}, 12/01/2025 to 12/02/2025")


def test_fill_pattern_refuses_a_delivered_fraction(prescription, coder):
    make_session(prescription.course, fraction=1)

    with pytest.raises(FractionDelivered):
        filled(prescription, coder, 1)


def test_undo_pattern_puts_back_what_it_moved(prescription, coder):
    filled(prescription, coder, 1, 2)
    made = filled(prescription, coder, 3)

    undo(made, prescription, coder)

    planned = prescription.scheduled_fractions.values_list("fraction_number", "planned_on", "planned_time")
    assert list(planned) == [(1, date(2025, 12, 1), FIRST), (2, date(2025, 12, 2), FIRST)]
    assert AuditEvent.objects.about(prescription).first().action == "undo_pattern"


def test_undo_pattern_after_a_fraction_was_missed(prescription, coder):
    made = filled(prescription, coder, 1, 2)
    miss_fraction(fraction=made.fractions[0], reason="Machine down", by=coder)

    with pytest.raises(PatternChanged):
        undo(made, prescription, coder)

    assert prescription.scheduled_fractions.count() == 2


def test_undo_pattern_after_a_fraction_was_delivered(prescription, coder):
    made = filled(prescription, coder, 1, 2)
    make_session(prescription.course, fraction=1)

    with pytest.raises(PatternChanged):
        undo(made, prescription, coder)


def test_undo_pattern_twice(prescription, coder):
    made = filled(prescription, coder, 1)
    undo(made, prescription, coder)

    with pytest.raises(PatternChanged):
        undo(made, prescription, coder)


def test_last_pattern_is_gone_once_undone(prescription, coder):
    made = filled(prescription, coder, 1)

    before = last_pattern(prescription=prescription)
    undo(made, prescription, coder)

    assert before.event == made.event
    assert last_pattern(prescription=prescription) is None


def test_fractions_left_to_plan_counts_missed_ones_and_not_delivered_ones(prescription, coder):
    amend_prescription(prescription=prescription, fractions=4, by=coder)
    prescription.refresh_from_db()
    make_session(prescription.course, fraction=1)
    make_scheduled_fraction(prescription, fraction_number=2, missed_reason="Machine down")
    make_scheduled_fraction(prescription, fraction_number=3)

    assert fractions_left_to_plan(prescription=prescription) == [2, 4]


def test_fractions_left_to_plan_with_those_that_move(prescription, coder):
    amend_prescription(prescription=prescription, fractions=3, by=coder)
    prescription.refresh_from_db()
    make_scheduled_fraction(prescription, fraction_number=1)
    make_scheduled_fraction(prescription, fraction_number=2, planned_on=date(2025, 12, 2))

    assert fractions_left_to_plan(prescription=prescription, moves_from=date(2025, 12, 2)) == [2, 3]


# The page


def data(machine, **changes) -> dict:
    """Four fractions over the turn of 2025, one each weekday at 7:40 AM."""
    return {
        "first_day": "12/29/2025",
        "count": "4",
        "start": "740",
        "machine": machine.pk,
        "weekdays": ["0", "1", "2", "3", "4"],
        "a_day": "1",
    } | changes


def fill(client, prescription, machine, **changes):
    return client.post(reverse("fractions-plan", args=[prescription.pk]), data(machine, **changes))


def preview(client, prescription, machine, **changes):
    url = reverse("fractions-plan", args=[prescription.pk])
    return client.post(url, data(machine, preview="1", **changes), headers={"HX-Request": "true"})


def take_back(client, prescription):
    event = AuditEvent.objects.about(prescription).filter(action="fill_pattern").first()
    url = reverse("fractions-plan-undo", args=[prescription.pk])
    return client.post(url, {"event": event.pk}, follow=True)


def told(response) -> str:
    """The last message of a page: that of an earlier page may stand before it."""
    return [str(message) for message in response.context["messages"]][-1]


def test_fractions_plan_begins_with_what_is_left_and_the_only_machine(prescription, machine, coder, client):
    make_scheduled_fraction(prescription, machine=machine, planned_time=FIRST)

    form = client.get(reverse("fractions-plan", args=[prescription.pk])).context["form"]

    assert (form.initial["count"], form.initial["machine"], form.initial["start"]) == (32, machine.pk, FIRST)


def test_fractions_plan_with_nothing_left_says_how_to_plan_anew(prescription, machine, coder, client):
    fill(client, prescription, machine, count="33")

    page = client.get(reverse("fractions-plan", args=[prescription.pk]))

    assert page.context["form"].initial["count"] == 33
    assert "Every fraction is planned or delivered." in page.text


def test_preview_says_the_plan_in_one_sentence_and_saves_nothing(prescription, machine, coder, client):
    holiday = {date(2026, 1, 1): "New Year's Day"}
    close_days(department=machine.department, machine=None, reasons=holiday, by=coder)

    shown = preview(client, prescription, machine, skipped="1/2").context["preview"]

    assert shown.sentence == "4 fractions, 12/29/2025 to 01/05/2026, skipping 01/01 (New Year's Day), 01/02."
    assert shown.codes == (
        "3 before 01/01/2026, 1 from then on, "
        "where 77407 or 77412 stands in place of 77386 by the facts of each session."
    )
    assert not ScheduledFraction.objects.exists()


def test_preview_marks_the_square_where_the_code_set_begins(prescription, machine, coder, client):
    shown = preview(client, prescription, machine).context["preview"]

    assert [square.day for week in shown.weeks for square in week.squares if square.begins_code_set] == [
        date(2026, 1, 1)
    ]


def test_preview_of_a_freestanding_owner_names_the_codes_of_its_payer(organization, coder, client):
    course = make_treated_course(organization, setting="freestanding")

    shown = preview(client, course.prescriptions.get(), course.department.machines.get()).context["preview"]

    assert "in place of G6015" in shown.codes


def test_preview_warns_of_starts_that_lie_too_close(prescription, machine, coder, client):
    shown = preview(client, prescription, machine, double_days="12/30", later_starts="12:00 PM").context["preview"]

    assert shown.warnings == (
        "The two starts are 4 h 20 min apart; this payer asks for 6 h (house default, the payer's policy is silent).",
    )


def test_preview_names_days_that_are_skipped_anyway(prescription, machine, coder, client):
    shown = preview(client, prescription, machine, skipped="1/3").context["preview"]

    assert shown.warnings == ("Not a day of this pattern, so skipped anyway: 01/03/2026.",)


def test_preview_without_script_shows_the_page_with_its_days(prescription, machine, coder, client):
    response = fill(client, prescription, machine, preview="1")

    assert (response.status_code, response.context["preview"].count) == (200, 4)
    assert not ScheduledFraction.objects.exists()


def test_fractions_plan_saves_a_double_day_with_its_second_start(prescription, machine, coder, client):
    fill(client, prescription, machine, double_days="12/30", later_starts="205p")

    planned = ScheduledFraction.objects.values_list("fraction_number", "planned_on", "planned_time")
    assert list(planned) == [
        (1, date(2025, 12, 29), FIRST),
        (2, date(2025, 12, 30), FIRST),
        (3, date(2025, 12, 30), SECOND),
        (4, date(2025, 12, 31), FIRST),
    ]


def test_fractions_plan_skips_a_stretch_of_days(prescription, machine, coder, client):
    fill(client, prescription, machine, skipped="12/30-1/2")

    planned = ScheduledFraction.objects.values_list("planned_on", flat=True)
    assert [f"{day:%m/%d}" for day in planned] == ["12/29", "01/05", "01/06", "01/07"]


def test_fractions_plan_goes_around_days_on_which_its_machine_is_down(prescription, machine, coder, client):
    other = make_machine(machine.department)
    for down, day in ((machine, 30), (other, 31)):
        close_days(department=machine.department, machine=down, reasons={date(2025, 12, day): "Down"}, by=coder)

    fill(client, prescription, machine)

    assert [f"{s.planned_on:%m/%d}" for s in ScheduledFraction.objects.all()] == ["12/29", "12/31", "01/01", "01/02"]


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"count": "34"}, "count", "33 of 33 fractions are left to plan. Enter a number up to 33."),
        ({"skipped": "13/45"}, "skipped", "13/45 must be a real date, like 12/25."),
        ({"skipped": "1/2-12/30/2025"}, "skipped", "1/2-12/30/2025 must be a real date, like 12/25."),
        ({"skipped": "12/01/2025"}, "skipped", "12/01/2025: before the first day."),
        ({"weekdays": []}, "weekdays", "This field is required."),
        ({"first_day": "12/29/1999"}, "first_day", "Enter a day from 01/01/2000 to 12/31/2099."),
        ({"first_day": "soon"}, "first_day", "First day must be a real date, like 11/23/2026."),
        ({"start": "early"}, "start", "Usual start must be a time, like 9:30 AM or 1430."),
        ({"later_starts": "9p, early"}, "later_starts", "Second start must be a time, like 9:30 AM or 1430."),
        ({"later_starts": "7:30 AM"}, "later_starts", "The second start must be later than the usual one."),
        ({"start": "", "later_starts": "205p"}, "start", "Enter the usual start too: the second one follows it."),
        (
            {"first_day": "12/31/2099"},
            "first_day",
            "Not every fraction has a day before the calendar of the portal ends.",
        ),
        ({"double_days": "1/3"}, "double_days", "01/03/2026 is a Saturday, which is not ticked below."),
        ({"double_days": "12/30", "skipped": "12/30"}, "double_days", "12/30/2025 is also a day to skip."),
        ({"double_days": "1/30"}, "double_days", "01/30/2026 is after the last fraction."),
    ],
)
def test_fractions_plan_refuses_at_the_field(prescription, machine, coder, client, changes, field, sentence):
    response = fill(client, prescription, machine, **changes)

    assert response.status_code == 422
    assert response.context["form"].errors == {field: [sentence]}


def test_fractions_plan_refuses_a_double_day_that_is_closed(prescription, machine, coder, client):
    close_days(department=machine.department, machine=None, reasons={date(2026, 1, 1): "New Year's Day"}, by=coder)

    response = fill(client, prescription, machine, double_days="1/1")

    assert response.context["form"].errors == {"double_days": ["01/01/2026 is closed: New Year's Day."]}


def test_fractions_plan_moves_those_planned_later(prescription, machine, coder, client):
    make_scheduled_fraction(prescription, machine=machine)
    make_scheduled_fraction(prescription, machine=machine, fraction_number=2, planned_on=date(2026, 1, 5))

    fill(client, prescription, machine, count="1", moves_planned="on")

    assert prescription.scheduled_fractions.get(fraction_number=2).planned_on == date(2025, 12, 29)


def test_undo_takes_planned_fractions_back(prescription, machine, coder, client):
    fill(client, prescription, machine)

    response = take_back(client, prescription)

    assert told(response) == "4 planned fractions taken back."
    assert not ScheduledFraction.objects.exists()


def test_undo_says_why_it_cannot(prescription, machine, coder, client):
    fill(client, prescription, machine)
    miss_fraction(fraction=ScheduledFraction.objects.first(), reason="Ill", by=coder)

    response = take_back(client, prescription)

    assert told(response).startswith("Not undone: a fraction of the pattern was delivered, missed or moved since")


@pytest.mark.parametrize("event", ["", "x", "0", "9" * 30])
def test_undo_of_no_pattern_changes_nothing(prescription, coder, client, event):
    url = reverse("fractions-plan-undo", args=[prescription.pk])

    response = client.post(url, {"event": event}, follow=True)

    assert told(response) == "That pattern is not found. Nothing was changed."


def test_page_offers_to_undo_the_last_pattern(prescription, machine, coder, client):
    fill(client, prescription, machine)

    last = client.get(reverse("fractions-plan", args=[prescription.pk])).context["last"]

    assert last.sentence.startswith(f"4 fractions of course {prescription.course} planned on {machine}")


def test_page_asks_as_much_of_the_database_for_many_fractions(
    prescription, machine, coder, client, django_assert_max_num_queries
):
    with django_assert_max_num_queries(45) as few:
        preview(client, prescription, machine)
    with django_assert_max_num_queries(45) as many:
        preview(client, prescription, machine, count="33")

    assert len(few) == len(many)


# Delivered as planned


def test_delivered_pattern_records_sessions_with_their_lines(prescription, machine, coder, client):
    fill(client, prescription, machine, is_delivered="on", guidance="cbct")

    sessions = TreatmentSession.objects.order_by("started_at")
    assert [(f"{s.local_start:%m/%d %H:%M}", s.machine, s.guidance) for s in sessions] == [
        ("12/29 07:40", machine, "cbct"),
        ("12/30 07:40", machine, "cbct"),
        ("12/31 07:40", machine, "cbct"),
        ("01/01 07:40", machine, "cbct"),
    ]
    assert sorted(ChargeLine.objects.filter(state=LineState.READY).values_list("code", flat=True)) == [
        "77386",
        "77386",
        "77386",
        "77407",
    ]
    assert ScheduledFraction.objects.count() == 4


def test_preview_of_a_delivered_pattern_says_which_lines(prescription, machine, coder, client):
    shown = preview(client, prescription, machine, is_delivered="on").context["preview"]

    assert shown.sessions == "4 sessions recorded: 3 × 77386 ready, 1 × 77407 ready."
    assert not TreatmentSession.objects.exists()


def test_delivered_pattern_records_days_up_to_now_only(prescription, machine, coder, client):
    fill(client, prescription, machine, first_day="11/23/2026", start="9:30 AM", is_delivered="on")

    assert [f"{s.date_of_service:%m/%d}" for s in TreatmentSession.objects.order_by("pk")] == ["11/23", "11/24"]
    assert ScheduledFraction.objects.count() == 4


def test_delivered_pattern_leaves_out_a_start_that_lies_ahead_today(prescription, machine, coder, client):
    fill(client, prescription, machine, first_day="11/23/2026", start="4:00 PM", is_delivered="on")

    assert [f"{s.date_of_service:%m/%d}" for s in TreatmentSession.objects.all()] == ["11/23"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"start": ""}, "start"),
        ({"double_days": "12/30"}, "later_starts"),
        ({"first_day": "11/25/2026"}, "is_delivered"),
        ({"first_day": "11/01/2025", "weekdays": ["6"], "start": "1:30 AM"}, "start"),
    ],
)
def test_delivered_pattern_refuses_at_the_field(prescription, machine, coder, client, changes, field):
    response = fill(client, prescription, machine, is_delivered="on", **changes)

    assert list(response.context["form"].errors) == [field]
    assert not TreatmentSession.objects.exists()


def test_delivered_pattern_refuses_days_that_have_sessions(prescription, machine, coder, client):
    make_session(prescription.course, started_at=datetime(2025, 12, 30, 15, tzinfo=UTC))

    response = fill(client, prescription, machine, is_delivered="on")

    assert response.context["form"].errors == {
        "is_delivered": ["Sessions of this patient are recorded already on 12/30/2025. Skip these days."]
    }


def test_undo_voids_the_sessions_of_a_delivered_pattern(prescription, machine, coder, client):
    fill(client, prescription, machine, is_delivered="on")

    response = take_back(client, prescription)

    assert told(response) == "4 planned fractions taken back. 4 sessions voided."
    assert set(TreatmentSession.objects.values_list("void_reason", flat=True)) == {"Pattern undone"}
    assert not ChargeLine.objects.standing().exists()


def test_undo_is_refused_once_a_line_is_exported(prescription, machine, coder, client):
    fill(client, prescription, machine, is_delivered="on")
    mark_exported(lines=[ChargeLine.objects.filter(state=LineState.READY).first()], by=coder)

    response = take_back(client, prescription)

    assert told(response).startswith("Not undone: a charge line of these sessions is exported.")
    assert ScheduledFraction.objects.count() == 4


def test_undo_of_somebody_elses_sessions_needs_the_right_to_void(organization, prescription, machine, coder, client):
    fill(client, prescription, machine, is_delivered="on")
    client.force_login(make_user(organization, role="coder"))

    refused = take_back(client, prescription)
    client.force_login(make_user(organization, role="manager"))
    done = take_back(client, prescription)

    assert told(refused).startswith("Somebody else recorded these sessions.")
    assert told(done) == "4 planned fractions taken back. 4 sessions voided."


def test_page_of_another_department_is_not_there(organization, prescription, client):
    person = make_user(organization, role="coder", sees_all_departments=False)
    person.departments.set([make_department(organization)])
    client.force_login(person)

    assert client.get(reverse("fractions-plan", args=[prescription.pk])).status_code == 404
