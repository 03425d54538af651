"""The pages of reconciliation: numbers that open exactly their rows, gaps with their fix, and days to sign."""

import csv
import re
from datetime import UTC, date, datetime, timedelta
from html import unescape
from io import StringIO

import pytest
from django.urls import reverse

from coding.services import capture_from
from portal import clock
from portal.models import DaySignOff, GapReason
from tests.builders import make_organization, make_scheduled_fraction, make_session, make_treated_course, make_user

pytestmark = pytest.mark.django_db
DAY = date(2025, 12, 1)
START = datetime(2025, 12, 1, 15, tzinfo=UTC)
WINDOW = "start=2025-11-24&end=2025-12-07"
NUMBER = re.compile(r'href="([^"]*reconciliation/visits/[^"]*)"[^>]*>(?:[^<]*<[^a][^>]*>)*?[^<0-9]*(\d+)\s*<')


@pytest.fixture
def course(roles):
    """Fraction 1 delivered and charged as planned; 2 delivered and not charged; 3 planned, and nobody came."""
    course = make_treated_course(make_organization())
    prescription, machine = course.prescriptions.get(), course.department.machines.first()
    make_session(course, started_at=START, fraction=1)
    capture_from(patient=course.patient, day=DAY, by=None)
    make_session(course, started_at=START + timedelta(days=1), fraction=2)
    for number in (1, 2, 3):
        planned_on = DAY + timedelta(days=number - 1)
        make_scheduled_fraction(prescription, fraction_number=number, planned_on=planned_on, machine=machine)
    return course


@pytest.fixture
def manager(course):
    return make_user(course.organization, role="manager")


@pytest.fixture
def shown(client, manager):
    """Ask for a page as a manager; its text."""
    client.force_login(manager)

    def asked(address: str, status: int = 200) -> str:
        response = client.get(address)
        assert response.status_code == status
        return unescape(response.getvalue().decode())

    return asked


def of(name: str, query: str = WINDOW) -> str:
    return f"{reverse(name)}?{query}"


def day_of(course, day=DAY) -> str:
    return f"{reverse('reconciliation-day', args=[course.department_id])}?day={day}"


def rows_in(text: str) -> int:
    return text.count("<tr>") - 1


@pytest.mark.parametrize("tab", ["day", "course"])
def test_reconciliation_every_number_opens_exactly_its_rows(shown, tab):
    found = NUMBER.findall(shown(of("reconciliation", f"{WINDOW}&by={tab}")))

    assert len(found) >= 10
    assert [rows_in(shown(address)) for address, _number in found] == [int(number) for _address, number in found]


def test_reconciliation_without_days_shows_the_last_fourteen(shown):
    text = shown(reverse("reconciliation"))

    assert "No visit in these days" in text


def test_reconciliation_of_more_visits_than_fit_asks_for_fewer(shown, monkeypatch):
    monkeypatch.setattr("coding.forms.reconciliation.MOST_VISITS", 1)

    page = shown(of("reconciliation"), status=422)

    assert "Choose a department, or fewer days: 1 fit on a page." in page


def test_reconciliation_without_days_shows_the_last_one_where_fourteen_have_too_many_visits(shown, course, monkeypatch):
    make_session(course, started_at=clock.now() - timedelta(days=3), fraction=3)
    usual = shown(reverse("reconciliation"))
    monkeypatch.setattr("coding.forms.reconciliation.MOST_VISITS_UNASKED", 0)

    fewer = shown(reverse("reconciliation"))

    assert "No visit in these days" not in usual
    assert "No visit in these days" in fewer


def test_reconciliation_says_what_is_not_known_yet(shown):
    text = shown(of("reconciliation"))

    assert re.search(r"not known yet</span></span\s*><span\s+class=\"stat-label\"\s*>Exported, not acknowledged", text)


def test_reconciliation_narrowed_to_a_kind_of_gap(shown):
    text = shown(of("reconciliation", f"{WINDOW}&kind=delivered_not_charged"))

    assert "12/02/2025" in text
    assert "12/03/2025" not in text


@pytest.mark.parametrize("query", ["start=2025-12-07&end=2025-12-01", "start=2020-01-01&end=2025-01-01", "kind=none"])
def test_reconciliation_filters_that_cannot_be_read_are_named(shown, query):
    text = shown(of("reconciliation", query), status=422)

    assert 'class="table reconciliation-table"' not in text


def test_reconciliation_csv_has_the_rows_of_the_page(shown):
    rows = list(csv.reader(StringIO(shown(of("reconciliation-csv")).lstrip("\ufeff"))))

    head = next(place for place, row in enumerate(rows) if row and row[0] == "Date of service")
    found = [dict(zip(rows[head], row, strict=True)) for row in rows[head + 1 :]]
    assert [row["Date of service"] for row in found] == ["12/03/2025", "12/02/2025", "12/01/2025"]
    assert [row["Delivered, not charged"] for row in found] == ["0", "1", "0"]
    assert {row["Paid"] for row in found} == {"not known yet"}


def test_reconciliation_visits_csv_has_a_row_for_each_visit(shown, course):
    text = shown(of("reconciliation-visits-csv", f"{WINDOW}&of=any_gap"))

    assert text.count(course.account_number) == 2
    assert course.patient.family_name not in text


def test_reconciliation_visits_offer_the_fix_of_each_gap(shown, course):
    text = shown(of("reconciliation-visits", f"{WINDOW}&of=any_gap"))

    session = course.sessions.get(date_of_service=DAY + timedelta(days=1))
    fraction = course.prescriptions.get().scheduled_fractions.get(fraction_number=3)
    assert reverse("session-detail", args=[session.pk]) in text
    assert f"{reverse('session-create')}?course={course.pk}&date=2025-12-03" in text
    assert reverse("fraction-missed", args=[fraction.pk]) in text


def test_session_entered_from_a_gap_is_that_of_its_day(shown, course):
    text = shown(f"{reverse('session-create')}?course={course.pk}&date=2025-12-03")

    assert 'value="12/03/2025"' in text


def test_auditor_reads_gaps_and_is_offered_no_fix_that_they_may_not_do(client, course):
    client.force_login(make_user(course.organization, role="auditor"))

    text = client.get(of("reconciliation-visits", f"{WINDOW}&of=any_gap")).content.decode()

    assert "Open session" in text
    assert "Enter session" not in text


def test_days_to_sign_are_past_days_that_nobody_signed(shown, course, manager):
    DaySignOff.objects.create(
        organization=course.organization, department=course.department, day=DAY, signed_by=manager, signed_at=START
    )

    text = shown(of("reconciliation", f"{WINDOW}&by=to-sign"))

    assert "12/01/2025" not in text
    assert "12/02/2025" in text


def test_day_that_was_signed_stands_among_those_to_sign_once_a_gap_came_up(shown, course, manager):
    DaySignOff.objects.create(
        organization=course.organization,
        department=course.department,
        day=DAY + timedelta(days=1),
        signed_by=manager,
        signed_at=START,
    )

    text = shown(of("reconciliation", f"{WINDOW}&by=to-sign"))

    assert "Signed off; gaps came up since" in text


def test_day_without_a_gap_is_signed_off_and_withdrawn(client, shown, course):
    department = course.department_id

    assert "Sign off the day" in shown(day_of(course))
    signed = client.post(reverse("reconciliation-sign-off", args=[department]), {"day": DAY.isoformat()}, follow=True)
    assert "is signed off." in signed.content.decode()
    again = client.post(reverse("reconciliation-withdraw", args=[department]), {"day": DAY.isoformat()}, follow=True)
    assert "12/01/2025 is open again." in again.content.decode()
    assert not DaySignOff.objects.exists()


def test_day_signed_off_in_the_list_leads_back_to_the_list(client, shown, course):
    shown(of("reconciliation", f"{WINDOW}&by=to-sign"))
    sent = {"day": DAY.isoformat(), "list": f"{WINDOW}&by=to-sign"}

    answer = client.post(reverse("reconciliation-sign-off", args=[course.department_id]), sent)

    assert answer.url == of("reconciliation", f"{WINDOW}&by=to-sign")


def test_day_with_a_gap_is_not_signed_off(client, shown, course):
    day = DAY + timedelta(days=2)

    assert "Sign off the day" not in shown(day_of(course, day))
    answer = client.post(
        reverse("reconciliation-sign-off", args=[course.department_id]), {"day": day.isoformat()}, follow=True
    )
    assert "Not signed off: 1 gap is neither fixed nor has a reason." in answer.content.decode()
    assert not DaySignOff.objects.exists()


def test_reason_is_kept_and_taken_back(client, shown, course):
    day = DAY + timedelta(days=2)
    named = {"day": day.isoformat(), "kind": "missed_without_reason", "course": course.pk, "session": ""}
    shown(day_of(course, day))

    given = client.post(
        reverse("reconciliation-reason", args=[course.department_id]), named | {"reason": "Moved away"}, follow=True
    )
    assert "Moved away" in given.content.decode()
    assert "Sign off the day" in given.content.decode()
    client.post(reverse("reconciliation-reason-back", args=[GapReason.objects.get().pk]))
    assert not GapReason.objects.exists()


def test_reason_without_words_is_refused_at_its_gap(client, shown, course):
    day = DAY + timedelta(days=2)
    named = {"day": day.isoformat(), "kind": "missed_without_reason", "course": course.pk, "session": "", "reason": ""}
    shown(day_of(course, day))

    answer = client.post(reverse("reconciliation-reason", args=[course.department_id]), named)

    assert answer.status_code == 422
    assert answer.content.decode().count("Say why this is no gap") == 2
    assert not GapReason.objects.exists()


def test_day_that_cannot_be_read_is_not_found(shown, course):
    shown(f"{reverse('reconciliation-day', args=[course.department_id])}?day=someday", status=404)


def test_reconciliation_needs_as_many_queries_for_many_days_as_for_few(
    shown, course, django_assert_max_num_queries, django_assert_num_queries
):
    shown(of("reconciliation"))
    with django_assert_max_num_queries(45) as counted:
        shown(of("reconciliation"))
    for number in range(4, 7):
        make_session(course, started_at=START + timedelta(days=number), fraction=number)

    with django_assert_num_queries(len(counted)):
        shown(of("reconciliation"))
