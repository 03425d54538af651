"""Saved reports that come to an inbox: on which day, with which rows, once, and what is said where they cannot."""

import csv
import logging
import subprocess
import sys
import threading
import zipfile
from datetime import UTC, date, datetime, timedelta
from io import BytesIO, StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from coding.presenters.report_files import scheduled_report
from coding.services import capture_from
from portal.models import AuditEvent, InboxMessage, ReportSchedule
from portal.roles import install_roles
from portal.services.inbox import MadeReport, deliver_due, delivery_days, period_days
from portal.services.views import remove_view, save_view
from tests.builders import (
    TODAY,
    make_department,
    make_organization,
    make_report_schedule,
    make_session,
    make_treated_course,
    make_user,
)
from tests.coding.test_capture_concurrency import environment

ROOT = Path(__file__).resolve().parent.parent.parent
NOW = datetime(2026, 11, 24, 15, tzinfo=UTC)
BY_DEPARTMENT = "report=levels&by=department&start=2025-01-01"


@pytest.fixture
def organization(roles):
    return make_organization()


@pytest.fixture
def manager(organization):
    return make_user(organization, role="manager", first_name="Mara", last_name="Manager")


@pytest.fixture
def treated(organization, manager):
    """Two departments with a captured session each, in October 2026."""
    courses = [make_treated_course(organization), make_treated_course(organization, setting="freestanding")]
    for course in courses:
        make_session(course, fraction=1, started_at=datetime(2026, 10, 6, 15, tzinfo=UTC), motion_management="none")
        capture_from(patient=course.patient, day=date(2026, 1, 1), by=manager)
    return courses


def view_of(person, query=BY_DEPARTMENT, **changes):
    terms = {"place": "reports", "name": "Levels by department", "query": query, "is_shared": False, "by": person}
    return save_view(**(terms | changes))


def deliver(at=NOW) -> int:
    return deliver_due(at=at, make=scheduled_report)


def with_change(pk: int, **changes) -> None:
    """A schedule that takes values past forms and services."""
    with transaction.atomic():
        ReportSchedule.objects.filter(pk=pk).update(**changes)


def made(schedule, delivery_on) -> MadeReport:
    return MadeReport("Made.", [], "/reports/", "report.csv", b"a,b")


def rows(content: bytes) -> list[list[str]]:
    return list(csv.reader(StringIO(content.decode("utf-8-sig"))))


def sheet_of(book: bytes) -> tuple[bytes, bytes]:
    """The cells of a workbook and their words, without the instant at which it was made."""
    files = zipfile.ZipFile(BytesIO(book))
    return files.read("xl/worksheets/sheet1.xml"), files.read("xl/sharedStrings.xml")


# Days


@pytest.mark.parametrize(
    ("rhythm", "first_on", "on", "last", "following"),
    [
        ("daily", date(2026, 11, 24), date(2026, 11, 24), date(2026, 11, 24), date(2026, 11, 25)),
        ("daily", date(2026, 11, 1), date(2026, 11, 24), date(2026, 11, 24), date(2026, 11, 25)),
        ("weekly", date(2026, 11, 2), date(2026, 11, 8), date(2026, 11, 2), date(2026, 11, 9)),
        ("weekly", date(2026, 11, 2), date(2026, 11, 9), date(2026, 11, 9), date(2026, 11, 16)),
        ("monthly", date(2026, 11, 1), date(2026, 11, 30), date(2026, 11, 1), date(2026, 12, 1)),
        ("monthly", date(2026, 12, 15), date(2027, 1, 14), date(2026, 12, 15), date(2027, 1, 15)),
        ("monthly", date(2027, 1, 31), date(2027, 2, 28), date(2027, 2, 28), date(2027, 3, 31)),
        ("monthly", date(2027, 1, 31), date(2027, 3, 30), date(2027, 2, 28), date(2027, 3, 31)),
        ("monthly", date(2028, 1, 31), date(2028, 2, 29), date(2028, 2, 29), date(2028, 3, 31)),
    ],
)
def test_due_days_are_the_last_of_the_rhythm_and_the_next(rhythm, first_on, on, last, following) -> None:
    assert delivery_days(rhythm, first_on, on=on) == (last, following)


@pytest.mark.parametrize(
    ("period", "delivery_on", "days"),
    [
        ("as_saved", date(2026, 11, 24), None),
        ("day_before", date(2026, 11, 1), (date(2026, 10, 31), date(2026, 10, 31))),
        ("last_7_days", date(2026, 11, 24), (date(2026, 11, 17), date(2026, 11, 23))),
        ("month_to_date", date(2026, 11, 24), (date(2026, 11, 1), date(2026, 11, 23))),
        ("month_to_date", date(2026, 11, 1), (date(2026, 10, 1), date(2026, 10, 31))),
        ("last_month", date(2026, 11, 30), (date(2026, 10, 1), date(2026, 10, 31))),
        ("last_month", date(2026, 1, 1), (date(2025, 12, 1), date(2025, 12, 31))),
    ],
)
def test_period_ends_before_the_day_on_which_it_is_delivered(period, delivery_on, days) -> None:
    assert period_days(period, delivery_on=delivery_on) == days


@pytest.mark.django_db
def test_day_begins_where_the_person_works(roles) -> None:
    for name, zone in (("East", "America/New_York"), ("West", "America/Los_Angeles")):
        organization = make_organization(name=name)
        make_department(organization, time_zone=zone)
        person = make_user(organization, role="manager", username=name)
        make_report_schedule(view_of(person), person)

    deliver(at=datetime(2026, 11, 24, 6, tzinfo=UTC))
    early = list(InboxMessage.objects.values_list("user__username", flat=True))
    deliver(at=datetime(2026, 11, 24, 8, tzinfo=UTC))

    assert early == ["East"]
    assert InboxMessage.objects.count() == 2


@pytest.mark.django_db
def test_day_of_a_person_of_one_department_is_that_departments(organization) -> None:
    make_department(organization, name="A", time_zone="America/New_York")
    west = make_department(organization, name="B", time_zone="America/Los_Angeles")
    person = make_user(organization, role="manager", sees_all_departments=False)
    person.departments.set([west])
    make_report_schedule(view_of(person), person)

    assert deliver(at=datetime(2026, 11, 24, 6, tzinfo=UTC)) == 0
    assert deliver(at=datetime(2026, 11, 24, 8, tzinfo=UTC)) == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"rhythm": "hourly"}, "report_rhythm_known"),
        ({"period": "ever"}, "report_period_known"),
        ({"file_format": "pdf"}, "report_format_known"),
        ({"next_on": TODAY - timedelta(days=1)}, "report_schedule_date_bounded"),
    ],
)
def test_schedule_keeps_to_what_is_known(manager, changes, name) -> None:
    schedule = make_report_schedule(view_of(manager), manager)

    with pytest.raises(IntegrityError, match=name):
        with_change(schedule.pk, **changes)


@pytest.mark.django_db
def test_person_has_one_schedule_of_a_saved_report(manager) -> None:
    view = view_of(manager)
    make_report_schedule(view, manager)

    with pytest.raises(IntegrityError, match="report_scheduled_once"), transaction.atomic():
        make_report_schedule(view, manager, rhythm="weekly")


# What is delivered


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("query", "address"),
    [
        (BY_DEPARTMENT, "report-levels-csv"),
        ("report=charges&by=payer&by=month&start=2025-01-01", "report-charges-csv"),
        ("report=holds&by=reason", "report-holds-csv"),
    ],
)
def test_file_is_the_persons_own_download(treated, manager, client, query, address) -> None:
    make_report_schedule(view_of(manager, query), manager)
    client.force_login(manager)

    deliver()

    downloaded = client.get(reverse(address) + "?" + query.partition("&")[2])
    assert bytes(InboxMessage.objects.get().file) == b"".join(downloaded.streaming_content)


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["charges", "levels"])
def test_workbook_is_the_persons_own_download(treated, manager, client, name) -> None:
    make_report_schedule(view_of(manager, f"report={name}&start=2025-01-01"), manager, file_format="xlsx")
    client.force_login(manager)

    deliver()

    downloaded = client.get(reverse(f"report-{name}-xlsx") + "?start=2025-01-01")
    message = InboxMessage.objects.get()
    assert sheet_of(bytes(message.file)) == sheet_of(downloaded.content)
    assert message.file_name == f"{name}-2026-11-24.xlsx"


@pytest.mark.django_db
def test_shared_report_holds_only_the_departments_of_who_receives_it(treated, manager, organization) -> None:
    view = view_of(manager, is_shared=True)
    of_one = make_user(organization, role="auditor", sees_all_departments=False)
    of_one.departments.set([treated[0].department])
    for person in (manager, of_one):
        make_report_schedule(view, person)

    deliver()

    named = {person: rows(bytes(person.inbox.get().file)) for person in (manager, of_one)}
    own, other = (course.department.name for course in treated)
    assert [row[0] for row in named[of_one][-2:]] == [own, "All"]
    assert [row[0] for row in named[manager][-3:]] == [*sorted([own, other]), "All"]


@pytest.mark.django_db
def test_period_sets_the_days_and_the_message_says_them(treated, manager) -> None:
    make_report_schedule(view_of(manager), manager, period="last_month")

    deliver()

    message = InboxMessage.objects.get()
    assert message.subject == "Levels by department"
    assert message.text == "Level mix, 10/01/2026 through 10/31/2026 (last full month)."
    assert ["Date of service from", "10/01/2026"] in message.filters
    assert ["Group by", "Department"] in message.filters
    assert message.link == reverse("report-levels") + "?start=2026-10-01&end=2026-10-31&by=department"
    assert rows(bytes(message.file))[:2] == [
        ["Date of service from", "10/01/2026"],
        ["Date of service through", "10/31/2026"],
    ]


@pytest.mark.django_db
def test_report_without_days_takes_no_period(manager) -> None:
    view = view_of(manager, "report=authorizations")
    make_report_schedule(view, manager, period="last_month")

    deliver()

    assert InboxMessage.objects.get().text == "Authorizations, with the filters as saved."


@pytest.mark.django_db
def test_what_a_report_does_not_know_is_not_carried_on(manager) -> None:
    make_report_schedule(view_of(manager, f"report=levels&by=month&{'漢' * 500}=1"), manager)

    deliver()

    assert InboxMessage.objects.get().link == reverse("report-levels") + "?by=month"


@pytest.mark.django_db
def test_message_that_cannot_be_kept_is_told_as_a_failure(manager) -> None:
    make_report_schedule(view_of(manager), manager)

    deliver_due(at=NOW, make=lambda schedule, day: MadeReport("Made.", [], "/" * 3000, "report.csv", b""))

    assert InboxMessage.objects.get().subject == "Levels by department: not delivered"


@pytest.mark.django_db
def test_delivery_is_recorded_without_a_person(manager) -> None:
    schedule = make_report_schedule(view_of(manager), manager)

    deliver()

    event = AuditEvent.objects.about(schedule).get()
    assert (event.action, event.by) == ("deliver_report", None)
    assert event.sentence == f"Saved report Levels by department delivered to {manager.username}"


# Once, and on the next day again


@pytest.mark.django_db
def test_report_comes_once_a_day(manager) -> None:
    schedule = make_report_schedule(view_of(manager), manager)

    sent = [deliver(), deliver(), deliver(at=NOW + timedelta(days=1))]

    schedule.refresh_from_db()
    assert sent == [1, 0, 1]
    assert schedule.next_on == TODAY + timedelta(days=2)


@pytest.mark.django_db
def test_missed_days_are_made_up_for_once(manager) -> None:
    monday = TODAY - timedelta(days=22)
    schedule = make_report_schedule(
        view_of(manager), manager, rhythm="weekly", first_on=monday, next_on=monday, period="last_7_days"
    )

    sent = [deliver(), deliver()]

    schedule.refresh_from_db()
    assert sent == [1, 0]
    assert schedule.next_on == monday + timedelta(days=28)
    assert "11/16/2026 through 11/22/2026" in InboxMessage.objects.get().text


@pytest.mark.django_db(transaction=True)
def test_two_workers_never_deliver_one_report_twice() -> None:
    install_roles()
    person = make_user(make_organization(), role="manager")
    for number in range(6):
        make_report_schedule(view_of(person, name=f"Report {number}"), person)
    both_at_work = threading.Barrier(2, timeout=20)

    def at_once(schedule, delivery_on) -> MadeReport:
        both_at_work.wait()
        return made(schedule, delivery_on)

    def worker() -> None:
        deliver_due(at=NOW, make=at_once)
        connection.close()

    threads = [threading.Thread(target=worker) for _ in range(2)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]

    subjects = sorted(InboxMessage.objects.values_list("subject", flat=True))
    assert subjects == [f"Report {number}" for number in range(6)]


@pytest.fixture
def caught():
    """A worker that has made a report, and neither sent it nor moved its day."""
    install_roles()
    person = make_user(make_organization(), role="manager")
    long_ago = date(2025, 1, 1)
    make_report_schedule(view_of(person), person, first_on=long_ago, next_on=long_ago)
    program = [sys.executable, "-u", str(ROOT / "tests/coding/delivery_worker.py")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(program, cwd=ROOT, env=environment(), **pipes) as process:
        process.stdout.readline()
        yield process
        process.kill()


@pytest.mark.django_db(transaction=True)
def test_killed_worker_has_sent_nothing_and_the_next_one_sends_it_once(caught) -> None:
    caught.kill()
    caught.wait()
    with transaction.atomic():
        # The server lets go of what a dead worker held as soon as it hears that it is gone.
        left = ReportSchedule.objects.select_for_update().get()
    sent = InboxMessage.objects.count()

    deliver(at=timezone.now())

    assert (sent, left.next_on) == (0, date(2025, 1, 1))
    assert InboxMessage.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_report_that_another_worker_makes_is_left_to_it(caught) -> None:
    meanwhile = deliver(at=timezone.now())

    caught.communicate("\n", timeout=60)

    assert meanwhile == 0
    assert deliver(at=timezone.now()) == 0
    assert InboxMessage.objects.count() == 1


@pytest.mark.django_db
def test_worker_that_is_told_to_end_leaves_the_rest_to_the_next(manager) -> None:
    for number in range(2):
        make_report_schedule(view_of(manager, name=f"Report {number}"), manager)
    told_to_end = threading.Event()

    def told_meanwhile(schedule, delivery_on) -> MadeReport:
        told_to_end.set()
        return made(schedule, delivery_on)

    sent = deliver_due(at=NOW, make=told_meanwhile, is_stopping=told_to_end.is_set)

    assert (sent, deliver()) == (1, 1)


@pytest.mark.django_db
def test_command_delivers_what_is_due(manager) -> None:
    make_report_schedule(view_of(manager), manager)
    out = StringIO()

    call_command("work", "--once", stdout=out)

    assert out.getvalue() == "jobs: 0, reports: 1\n"
    assert manager.inbox.count() == 1


@pytest.mark.django_db
def test_looking_for_what_is_due_takes_one_query(manager) -> None:
    for number in range(3):
        tomorrow = TODAY + timedelta(days=1)
        make_report_schedule(view_of(manager, name=f"Report {number}"), manager, next_on=tomorrow)

    with CaptureQueriesContext(connection) as queries:
        deliver()

    assert len(queries) == 1


# Where it cannot be delivered


@pytest.mark.django_db
def test_filter_that_cannot_be_read_any_more_is_named_and_the_schedule_goes_on(manager) -> None:
    schedule = make_report_schedule(view_of(manager, "report=levels&payer=gone"), manager)

    deliver()

    schedule.refresh_from_db()
    message = InboxMessage.objects.get()
    assert message.subject == "Levels by department: not delivered"
    assert message.text == (
        "A filter of this saved report can no longer be read (Payer). Set it anew, and save the report. "
        "It is tried again on 11/25/2026."
    )
    assert (message.file_name, bytes(message.file)) == ("", b"")
    assert schedule.next_on == TODAY + timedelta(days=1)


@pytest.mark.django_db
def test_report_that_is_gone_is_told(manager) -> None:
    make_report_schedule(view_of(manager, "report=gone"), manager)

    deliver()

    assert InboxMessage.objects.get().text.startswith("There is no such report any more.")


@pytest.mark.django_db
def test_unforeseen_failure_is_told_without_its_values_and_the_next_report_is_delivered(manager, caplog) -> None:
    schedule = make_report_schedule(view_of(manager, name="Broken"), manager)
    make_report_schedule(view_of(manager, name="Sound"), manager)

    def broken_once(schedule, delivery_on) -> MadeReport:
        if schedule.view.name == "Broken":
            with connection.cursor() as cursor:
                cursor.execute("SELECT 'Sample, Alex'::int")
        return made(schedule, delivery_on)

    with caplog.at_level(logging.ERROR):
        deliver_due(at=NOW, make=broken_once)

    broken, sound = InboxMessage.objects.order_by("subject")
    assert broken.text == (
        "Something went wrong that was not foreseen; the log names it. It is tried again on 11/25/2026."
    )
    assert sound.file_name == "report.csv"
    assert [record.getMessage() for record in caplog.records] == [f"report schedule {schedule.pk} failed"]


@pytest.mark.django_db
def test_person_who_may_not_sign_in_receives_nothing_until_they_may_again(manager) -> None:
    schedule = make_report_schedule(view_of(manager), manager)
    manager.is_active = False
    manager.save()
    meanwhile = deliver()
    manager.is_active = True
    manager.save()

    later = deliver(at=NOW + timedelta(days=5))

    schedule.refresh_from_db()
    assert (meanwhile, later) == (0, 1)
    assert schedule.next_on == TODAY + timedelta(days=6)


@pytest.mark.django_db
def test_person_whose_role_reads_no_reports_any_more_receives_none(organization) -> None:
    coder = make_user(organization, role="coder")
    make_report_schedule(view_of(coder), coder)

    assert deliver() == 0


@pytest.mark.django_db
def test_report_that_is_shared_no_longer_is_delivered_no_more_and_says_so(manager, organization) -> None:
    view = view_of(manager, is_shared=True)
    auditor = make_user(organization, role="auditor")
    make_report_schedule(view, auditor)
    view_of(manager, is_shared=False)

    deliver()

    message = auditor.inbox.get()
    assert message.subject == "Levels by department: stopped"
    assert message.text.startswith("Mara Manager no longer shares this saved report.")
    assert not ReportSchedule.objects.exists()


@pytest.mark.django_db
def test_removing_a_shared_report_tells_those_to_whom_it_came(manager, organization) -> None:
    view = view_of(manager, is_shared=True)
    auditor = make_user(organization, role="auditor")
    for person in (manager, auditor):
        make_report_schedule(view, person)

    remove_view(view=view, at=NOW, by=manager)

    assert auditor.inbox.get().subject == "Levels by department: stopped"
    assert not manager.inbox.exists()
    assert not ReportSchedule.objects.exists()
