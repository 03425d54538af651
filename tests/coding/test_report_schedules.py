"""Having a saved report delivered: the form, its refusals, a change, a stop with its way back, and the list."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from portal.models import AuditEvent, ReportSchedule
from portal.services.views import save_view
from tests.builders import TODAY, make_organization, make_report_schedule, make_user

pytestmark = pytest.mark.django_db
MONTHLY = {"rhythm": "monthly", "first_on": "12/01/2026", "period": "last_month", "file_format": "xlsx"}


@pytest.fixture
def organization(roles):
    return make_organization()


@pytest.fixture
def manager(organization, client):
    """Signed in."""
    user = make_user(organization, role="manager")
    client.force_login(user)
    return user


def view_of(person, name="Levels", query="report=levels&by=month", **changes):
    return save_view(**{"place": "reports", "name": name, "query": query, "is_shared": False, "by": person} | changes)


def address(view):
    return reverse("report-schedule", args=[view.pk])


def page(client):
    return client.get(reverse("report-list"))


# Begin, change, stop


def test_saved_report_comes_from_a_day_on(manager, client):
    view = view_of(manager)

    response = client.post(address(view), MONTHLY, follow=True)

    schedule = ReportSchedule.objects.get()
    assert (schedule.owner, schedule.view, schedule.rhythm, schedule.period) == (manager, view, "monthly", "last_month")
    assert f"{schedule.next_on:%m/%d/%Y}" == "12/01/2026"
    assert "“Levels” comes to your inbox, next on 12/01/2026." in response.content.decode()
    assert AuditEvent.objects.about(schedule).get().by == manager


def test_form_offers_today(manager, client):
    form = client.get(address(view_of(manager))).context["form"]

    assert form.initial["first_on"] == TODAY
    assert "period" in form.fields


def test_report_without_days_is_asked_for_no_period(manager, client):
    view = view_of(manager, query="report=authorizations")

    client.post(address(view), MONTHLY)

    assert "period" not in client.get(address(view)).context["form"].fields
    assert ReportSchedule.objects.get().period == "as_saved"


@pytest.mark.parametrize(
    ("first_on", "said"),
    [
        ("11/23/2026", "Must not lie before today, 11/24/2026."),
        ("12/01/2028", "Must lie within a year from today."),
        ("soon", "must be a real date"),
    ],
)
def test_first_day_that_cannot_be_is_refused_at_the_field(manager, client, first_on, said):
    response = client.post(address(view_of(manager)), MONTHLY | {"first_on": first_on})

    assert response.status_code == 422
    assert said in str(response.context["form"].errors["first_on"])
    assert not ReportSchedule.objects.exists()


def test_unknown_rhythm_is_refused_at_the_field(manager, client):
    response = client.post(address(view_of(manager)), MONTHLY | {"rhythm": "hourly"})

    assert (response.status_code, list(response.context["form"].errors)) == (422, ["rhythm"])


def test_change_takes_the_new_terms_and_says_what_was(manager, client):
    view = view_of(manager)
    schedule = make_report_schedule(view, manager)

    client.post(address(view), MONTHLY)

    schedule.refresh_from_db()
    assert (schedule.rhythm, schedule.file_format, f"{schedule.first_on:%m/%d}") == ("monthly", "xlsx", "12/01")
    assert AuditEvent.objects.about(schedule).get().changes["rhythm"] == ["daily", "monthly"]


def test_change_that_leaves_the_next_day_keeps_the_day_of_the_month(manager, client):
    view = view_of(manager)
    february = TODAY.replace(year=2027, month=2, day=28)
    schedule = make_report_schedule(
        view, manager, rhythm="monthly", first_on=TODAY.replace(month=10, day=31), next_on=february
    )

    client.post(address(view), MONTHLY | {"first_on": "02/28/2027"})

    schedule.refresh_from_db()
    assert (schedule.first_on.day, schedule.next_on, schedule.file_format) == (31, february, "xlsx")


def test_stopped_delivery_can_be_taken_back(manager, client):
    view = view_of(manager)
    schedule = make_report_schedule(view, manager, period="last_7_days", next_on=TODAY + timedelta(days=1))

    told = client.post(reverse("report-schedule-stop", args=[schedule.pk]), follow=True)
    stopped = not ReportSchedule.objects.exists()
    way_back = {"rhythm": "daily", "first_on": "11/25/2026", "period": "last_7_days", "file_format": "csv"}
    shown = told.content.decode()
    client.post(address(view), way_back)

    assert stopped
    assert all(f'name="{name}" value="{value}"' in shown for name, value in way_back.items())
    again = ReportSchedule.objects.get()
    assert (again.next_on, again.period) == (TODAY + timedelta(days=1), "last_7_days")


# Whose


def test_report_that_another_shares_comes_to_ones_own_inbox(manager, client, organization):
    view = view_of(make_user(organization, role="auditor"), is_shared=True)

    client.post(address(view), MONTHLY)

    assert ReportSchedule.objects.get().owner == manager


@pytest.mark.parametrize("changes", [{"is_shared": False}, {"is_shared": True, "place": "holds"}])
def test_view_that_is_not_shared_or_no_report_is_not_found(manager, client, organization, changes):
    view = view_of(make_user(organization, role="auditor"), **changes)

    assert client.get(address(view)).status_code == 404


def test_report_that_is_gone_is_not_found(manager, client):
    assert client.get(address(view_of(manager, query="report=gone"))).status_code == 404


def test_delivery_of_another_person_is_not_theirs_to_stop(manager, client, organization):
    other = make_user(organization, role="manager")
    schedule = make_report_schedule(view_of(other, is_shared=True), other)

    assert client.post(reverse("report-schedule-stop", args=[schedule.pk])).status_code == 404


# The list of reports


def test_list_says_when_each_comes_next_to_the_person_alone(manager, client, organization):
    other = make_user(organization, role="manager")
    shared = view_of(other, is_shared=True)
    make_report_schedule(shared, other, rhythm="monthly")
    make_report_schedule(view_of(manager, "Mine"), manager, rhythm="weekly", period="last_7_days")

    shown = page(client)

    schedules = {view.name: view.schedule for view in shown.context["saved"]}
    words = " ".join(shown.content.decode().split())
    assert schedules["Levels"] is None
    assert "To your inbox: every week, next on 11/24/2026 (last 7 days, CSV)" in words
    assert "every month" not in words


def test_list_says_that_a_late_report_waits_for_the_worker(manager, client):
    yesterday = TODAY - timedelta(days=1)
    make_report_schedule(view_of(manager), manager, first_on=yesterday, next_on=yesterday)

    assert "due since 11/23/2026 and waiting for the worker" in " ".join(page(client).content.decode().split())


def test_removed_report_comes_back_with_its_delivery(manager, client):
    view = view_of(manager)
    make_report_schedule(view, manager, rhythm="weekly", period="last_7_days", next_on=TODAY + timedelta(days=3))

    told = client.post(reverse("saved-view-remove", args=[view.pk]), follow=True)
    left = ReportSchedule.objects.count()
    client.post(reverse("saved-view-restore"))

    assert f'action="{reverse("saved-view-restore")}"' in told.content.decode()
    assert left == 0
    schedule = ReportSchedule.objects.get()
    assert (schedule.view.name, schedule.rhythm, schedule.period) == ("Levels", "weekly", "last_7_days")
    assert schedule.next_on == TODAY + timedelta(days=3)


def test_view_without_a_delivery_comes_back_without_one(manager, client):
    removed_before, view = view_of(manager, "Delivered"), view_of(manager)
    make_report_schedule(removed_before, manager)

    client.post(reverse("saved-view-remove", args=[removed_before.pk]))
    client.post(reverse("saved-view-remove", args=[view.pk]))
    client.post(reverse("saved-view-restore"))

    assert not ReportSchedule.objects.exists()


def test_list_needs_as_many_queries_for_many_saved_reports_as_for_one(manager, client):
    make_report_schedule(view_of(manager), manager)
    with CaptureQueriesContext(connection) as one:
        page(client)
    for number in range(4):
        make_report_schedule(view_of(manager, f"Report {number}"), manager)

    with CaptureQueriesContext(connection) as many:
        page(client)

    assert len(many) == len(one)
