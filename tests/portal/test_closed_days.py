"""Closed days: the federal calendar, and what administrators close and open again."""

from datetime import date

import pytest
from django.urls import reverse

from portal.models import AuditEvent, ClosedDay
from portal.services.closed_days import close_days, closed_days_from, federal_holidays
from tests.builders import (
    make_department,
    make_machine,
    make_organization,
    make_scheduled_fraction,
    make_treated_course,
    make_user,
)

pytestmark = pytest.mark.django_db
CHRISTMAS = date(2026, 12, 25)


@pytest.fixture
def organization(roles):
    return make_organization()


@pytest.fixture
def admin(organization, client):
    person = make_user(organization, role="admin")
    client.force_login(person)
    return person


@pytest.fixture
def department(organization):
    return make_department(organization)


@pytest.fixture
def machine(department):
    return make_machine(department)


def told(response) -> str:
    return [str(message) for message in response.context["messages"]][-1]


# The federal calendar, as the Office of Personnel Management publishes it


def test_federal_holidays_of_2026():
    days = [f"{holiday.day:%m/%d}" for holiday in federal_holidays(2026)]

    # Independence Day falls on a Saturday.
    assert days == [
        "01/01",
        "01/19",
        "02/16",
        "05/25",
        "06/19",
        "07/03",
        "09/07",
        "10/12",
        "11/11",
        "11/26",
        "12/25",
    ]


@pytest.mark.parametrize(
    ("year", "name", "day"),
    [
        (2021, "Christmas Day", date(2021, 12, 24)),
        (2022, "New Year's Day", date(2021, 12, 31)),
        (2022, "Juneteenth National Independence Day", date(2022, 6, 20)),
        (2023, "New Year's Day", date(2023, 1, 2)),
        (2027, "Independence Day", date(2027, 7, 5)),
        (2027, "Memorial Day", date(2027, 5, 31)),
        (2025, "Thanksgiving Day", date(2025, 11, 27)),
    ],
)
def test_federal_holidays_are_observed_on_a_weekday(year, name, day):
    assert {holiday.name: holiday.day for holiday in federal_holidays(year)}[name] == day


@pytest.mark.parametrize(("year", "count"), [(2020, 10), (2021, 11)])
def test_federal_holidays_have_juneteenth_since_2021(year, count):
    assert len(federal_holidays(year)) == count


# Services


def test_close_days_leaves_what_is_closed_already(department, admin):
    close_days(department=department, machine=None, reasons={CHRISTMAS: "Christmas Day"}, by=admin)

    closed = close_days(
        department=department, machine=None, reasons={CHRISTMAS: "Holiday", date(2026, 12, 24): "Staff day"}, by=admin
    )

    assert [(row.day.day, row.reason) for row in closed] == [(24, "Staff day")]
    assert ClosedDay.objects.get(day=CHRISTMAS).reason == "Christmas Day"
    assert AuditEvent.objects.about(department).first().sentence == f"{department} closed on 12/24/2026 (Staff day)"


def test_close_days_tells_a_long_stretch_by_its_ends(machine, admin):
    reasons = {date(2026, 12, day): "Service" for day in range(1, 15)}

    close_days(department=machine.department, machine=machine, reasons=reasons, by=admin)

    sentence = AuditEvent.objects.about(machine.department).get().sentence
    assert sentence == f"{machine} closed on 14 days, 12/01/2026 to 12/14/2026: Service"


def test_closed_days_from_are_those_of_the_machine_and_of_its_department(machine, admin):
    department, other = machine.department, make_machine(machine.department)
    close_days(department=department, machine=None, reasons={CHRISTMAS: "Christmas Day"}, by=admin)
    close_days(department=department, machine=machine, reasons={date(2026, 12, 28): "Service"}, by=admin)
    close_days(department=department, machine=machine, reasons={CHRISTMAS: "Service"}, by=admin)
    close_days(department=department, machine=other, reasons={date(2026, 12, 29): "Service"}, by=admin)

    closed = closed_days_from(machine=machine, first_day=date(2026, 12, 1))

    assert closed == {CHRISTMAS: "Christmas Day", date(2026, 12, 28): "Service"}


def test_closed_days_from_leaves_earlier_days_out(machine, admin):
    close_days(department=machine.department, machine=None, reasons={CHRISTMAS: "Christmas Day"}, by=admin)

    assert closed_days_from(machine=machine, first_day=date(2026, 12, 26)) == {}


# Pages


def test_list_shows_the_days_of_a_year(department, admin, client):
    reasons = {CHRISTMAS: "Christmas Day", date(2027, 1, 1): "New Year's Day"}
    close_days(department=department, machine=None, reasons=reasons, by=admin)

    this_year = client.get(reverse("closed-day-list")).context["closed"]
    next_year = client.get(reverse("closed-day-list"), {"department": department.pk, "year": 2027}).context["closed"]

    assert [row.day for row in this_year] == [CHRISTMAS]
    assert [row.reason for row in next_year] == ["New Year's Day"]


@pytest.mark.parametrize("query", [{"year": "1999"}, {"year": "x"}, {"department": "x"}, {"department": "0"}])
def test_list_of_a_year_or_department_that_is_not_there(department, admin, client, query):
    assert client.get(reverse("closed-day-list"), query).status_code == 404


def test_list_without_a_department_says_what_to_do(admin, client):
    assert "No department yet" in client.get(reverse("closed-day-list")).text


def test_list_asks_as_much_of_the_database_for_many_days(department, admin, client, django_assert_max_num_queries):
    with django_assert_max_num_queries(20) as few:
        client.get(reverse("closed-day-list"), {"department": department.pk, "year": 2026})
    reasons = {holiday.day: holiday.name for holiday in federal_holidays(2026)}
    close_days(department=department, machine=make_machine(department), reasons=reasons, by=admin)
    with django_assert_max_num_queries(20) as many:
        client.get(reverse("closed-day-list"), {"department": department.pk, "year": 2026})

    assert len(few) == len(many)


@pytest.mark.parametrize("role", ["coder", "manager", "auditor"])
def test_list_is_read_by_others_who_change_nothing(organization, department, client, role):
    client.force_login(make_user(organization, role=role))

    page = client.get(reverse("closed-day-list"))

    assert page.status_code == 200
    assert reverse("closed-day-create") not in page.text
    assert client.post(reverse("closed-day-create")).status_code == 403


def test_close_days_by_a_stretch(machine, admin, client):
    answer = client.post(
        reverse("closed-day-create"),
        {"place": f"m{machine.pk}", "first_day": "12/28/2026", "last_day": "12/29", "reason": "Service"},
        follow=True,
    )

    assert told(answer) == "2 days closed."
    assert list(ClosedDay.objects.values_list("machine", "day", "reason")) == [
        (machine.pk, date(2026, 12, 28), "Service"),
        (machine.pk, date(2026, 12, 29), "Service"),
    ]


def test_close_days_that_are_closed_says_so(department, admin, client):
    close_days(department=department, machine=None, reasons={CHRISTMAS: "Christmas Day"}, by=admin)

    answer = client.post(
        reverse("closed-day-create"),
        {"place": f"d{department.pk}", "first_day": "12/25/2026", "reason": "Holiday"},
        follow=True,
    )

    assert told(answer) == "These days are closed already. Nothing was changed."


def test_close_days_is_previewed_with_what_is_planned_there(organization, admin, client):
    course = make_treated_course(organization)
    make_scheduled_fraction(course.prescriptions.get(), planned_on=CHRISTMAS)

    answer = client.post(
        reverse("closed-day-create"),
        {"place": f"d{course.department_id}", "first_day": "12/25/2026", "reason": "Christmas Day", "preview": "1"},
        headers={"HX-Request": "true"},
    )

    assert "1 fraction is planned there" in answer.text
    assert not ClosedDay.objects.exists()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"last_day": "12/24/2026"}, "last_day"),
        ({"last_day": "12/25/2027"}, "last_day"),
        ({"first_day": "12/25/1999"}, "first_day"),
        ({"reason": " "}, "reason"),
        ({"place": "d0"}, "place"),
    ],
)
def test_close_days_refuses_at_the_field(department, admin, client, changes, field):
    answer = client.post(
        reverse("closed-day-create"),
        {"place": f"d{department.pk}", "first_day": "12/25/2026", "reason": "Holiday"} | changes,
    )

    assert (answer.status_code, list(answer.context["form"].errors)) == (422, [field])


def test_holidays_that_are_ticked_are_closed(department, admin, client):
    close_days(department=department, machine=None, reasons={CHRISTMAS: "Christmas Day"}, by=admin)
    address = f"{reverse('closed-day-holidays')}?department={department.pk}&year=2026"
    offered = client.get(address).context["form"].offered

    answer = client.post(address, {"days": ["2026-01-01", "2026-07-03"]}, follow=True)

    assert len(offered) == 10
    assert told(answer) == "2 days closed."
    assert [f"{row.day:%m/%d} {row.reason}" for row in ClosedDay.objects.order_by("day")] == [
        "01/01 New Year's Day",
        "07/03 Independence Day",
        "12/25 Christmas Day",
    ]


@pytest.mark.parametrize("days", [[], ["2026-01-02"]])
def test_holidays_refuses_what_is_no_holiday(department, admin, client, days):
    address = f"{reverse('closed-day-holidays')}?department={department.pk}&year=2026"

    answer = client.post(address, {"days": days})

    assert (answer.status_code, list(answer.context["form"].errors)) == (422, ["days"])


def test_removed_day_comes_back_by_the_button_of_the_message(machine, admin, client):
    reasons = {CHRISTMAS: "Service"}
    (closed,) = close_days(department=machine.department, machine=machine, reasons=reasons, by=admin)

    removed = client.post(reverse("closed-day-remove", args=[closed.pk]), follow=True)
    kept = told(removed).partition('name="kept" value="')[2].partition('"')[0]
    gone = not ClosedDay.objects.exists()
    client.post(reverse("closed-day-restore"), {"kept": kept})

    restored = ClosedDay.objects.get()
    assert gone
    assert (restored.machine, restored.day, restored.reason) == (machine, CHRISTMAS, "Service")


def test_restore_of_what_nobody_signed(department, admin, client):
    answer = client.post(reverse("closed-day-restore"), {"kept": "[1]"}, follow=True)

    assert told(answer) == "That day is not known any more. Close it again by hand."
