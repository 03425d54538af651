"""Every number of the home page, for every role: the list behind it has exactly so many rows, and so has its file."""

import csv
import html
import re
from datetime import timedelta
from decimal import Decimal
from functools import cache
from io import StringIO
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.urls import resolve, reverse
from django.utils import timezone

from coding.dashboards import median_of
from coding.hold_services import assign_hold, release_hold
from coding.models import ChargeLine, ContractRate, RecaptureItem, SessionHold
from coding.services import capture_from, mark_exported
from portal.presenters.dashboards import PANELS
from portal.services.imports import import_treatment_log
from portal.services.sessions import record_session, void_session
from tests.builders import (
    make_department,
    make_machine,
    make_organization,
    make_payer,
    make_policy_version,
    make_scheduled_fraction,
    make_session,
    make_treated_course,
    make_user,
)
from tests.portal.treatment_logs import make_log, treatment

pytestmark = pytest.mark.django_db
ROLES = ("coder", "manager", "admin", "auditor")
NUMBER = re.compile(r'<a\s+href="([^"]+)"\s+data-number="(\d+)"')
AMOUNT = re.compile(r'<a\s+href="([^"]+)"\s+data-amount="([\d.]+)"')
PAGER = re.compile(r'class="pager-count"\s*>\s*([\d,]+)')
# A row of a list that says no count; a policy is shown as a panel to read.
ROW = re.compile(r'<tr data-row|<section class="panel asked"|<th scope="row">\s*<a href="/policies/')
# The lists that have a file; the others have none.
FILE_OF = {
    "charge-review": "charge-review-csv",
    "hold-list": "hold-list-csv",
    "session-list": "session-list-csv",
    "filing-clock": "filing-clock-csv",
    "filing-sunset": "filing-sunset-csv",
    "reconciliation-visits": "reconciliation-visits-csv",
    "audit-list": "audit-csv",
}
WITHOUT_FILE = {
    *("sessions-without-line", "recapture-list", "attestation-list", "candidate-list", "import-list"),
    *("import-refused", "dashboard-imports", "dashboard-references", "policy-review-list", "user-list"),
}


class Clinic:
    """Two departments that have something of everything that the home page counts, on days up to today."""

    def __init__(self) -> None:
        self.now = timezone.now()
        self.organization = make_organization()
        self.coder = make_user(self.organization, role="coder", first_name="Casey")
        self.payer = make_payer(self.organization, kind="medicare")
        self.version = make_policy_version(self.payer, reviewed_on=self.now.date())
        overdue = make_policy_version(make_payer(self.organization), reviewed_on=self.now.date() - timedelta(days=900))
        ContractRate.objects.create(
            organization=self.organization,
            payer=self.payer,
            code="77387",
            modifier="26",
            effective_from=overdue.effective_from,
            amount=31,
            source="Example contract, page 3",
        )
        make_user(self.organization, is_active=False)
        self.departments = [self.fill("hospital_on_campus"), self.fill("hospital_off_campus_nonexcepted")]
        rows = (treatment(1), treatment(2, "15:00:00"), treatment(3, WasBeamOn="perhaps"))
        import_treatment_log(organization=self.organization, log=make_log(*rows), by=self.coder)

    def fill(self, setting: str):
        department = make_department(self.organization, setting)
        charged, late, held, sent, refused, bare, missed, void = (
            make_treated_course(self.organization, department=department, payer=payer)
            for payer in (self.payer, None, self.payer, self.payer, None, self.payer, None, self.payer)
        )
        held.prescriptions.update(signed_at=None, signed_by=None)
        self.deliver(charged, days=1)
        self.deliver(late, days=20)
        self.deliver(make_treated_course(self.organization, department=department), days=350)
        hold = self.deliver(held, days=2).holds.first()
        assign_hold(hold=hold, owner=self.coder, due_on=self.now.date() - timedelta(days=1), by=self.coder)
        mark_exported(lines=list(self.deliver(sent, days=3).charge_lines.all()), by=self.coder)
        self.deliver(refused, days=4, completion="not_started")
        self.deliver(bare, days=5, is_captured=False)
        make_scheduled_fraction(
            missed.prescriptions.get(),
            planned_on=(self.now - timedelta(days=2)).date(),
            machine=make_machine(department, source_name="61" if setting == "hospital_on_campus" else ""),
        )
        voided = self.deliver(void, days=6)
        void_session(session=voided, reason="Entered for another patient", at=self.now, by=self.coder)
        record_session(course=charged, started_at=self.now - timedelta(hours=1), today=self.now.date(), by=self.coder)
        self.release_one(department)
        return department

    def deliver(self, course, *, days: int, is_captured: bool = True, **changes):
        started_at = self.now - timedelta(days=days)
        session = make_session(course, fraction=1, started_at=started_at, recorded_by=self.coder, **changes)
        if is_captured:
            capture_from(patient=course.patient, day=session.date_of_service, by=self.coder)
        return session

    def release_one(self, department) -> None:
        course = make_treated_course(self.organization, department=department, payer=self.payer)
        session = self.deliver(course, days=2, completion="partial")
        RecaptureItem.objects.create(version=self.version, session=session, lines_before="a", lines_after="b")
        hold = session.holds.get(name="PARTIAL_REVIEW")
        release_hold(hold=hold, note="The record shows it.", at=self.now, by=self.coder)

    def person(self, role: str, *, is_of_one_department: bool):
        person = make_user(self.organization, role=role, sees_all_departments=not is_of_one_department)
        self.version.attestations.create(user=person, asked_at=self.now)
        SessionHold.objects.open().filter(owner=self.coder).update(owner=person)
        if is_of_one_department:
            person.departments.add(self.departments[0])
        return person


@pytest.fixture
def clinic(roles, settings):
    """As it stands a minute after its rows were made, which is now: their own clock cannot be set."""
    clinic = Clinic()
    settings.NOW = clinic.now + timedelta(minutes=1)
    return clinic


class Visitor:
    """A person who opens what the home page shows."""

    def __init__(self, person) -> None:
        self.client = Client()
        self.client.force_login(person)
        self.panels = [panel for panel in PANELS if person.has_perm(panel.permission)]
        self.rows_of = cache(self._rows_of)
        self.rows_in_file = cache(self._rows_in_file)

    def numbers(self, **asked: str) -> dict[str, int]:
        """Each number by the address that it leads to."""
        return {html.unescape(url): int(number) for url, number in NUMBER.findall(self._shown(asked))}

    def amounts(self, **asked: str) -> dict[str, Decimal]:
        return {html.unescape(url): Decimal(amount) for url, amount in AMOUNT.findall(self._shown(asked))}

    def _shown(self, asked: dict[str, str]) -> str:
        answers = [
            self.client.get(reverse(panel.url_name), asked, headers={"HX-Request": "true"}) for panel in self.panels
        ]
        assert {answer.status_code for answer in answers} == {200}
        return "".join(answer.content.decode() for answer in answers)

    def _rows_of(self, url: str) -> int:
        """How many rows the list says it has, or shows where it says nothing."""
        answer = self.client.get(url)
        assert answer.status_code == 200, url
        page = answer.content.decode()
        told = PAGER.search(page)
        if told:
            return int(told[1].replace(",", ""))
        return len(ROW.findall(page))

    def _rows_in_file(self, url: str) -> int:
        return len(self.file_of(url))

    def file_of(self, url: str) -> list[dict[str, str]]:
        """The rows of the file of a list: filters, an empty line, headings, rows."""
        asked = urlsplit(url)
        answer = self.client.get(f"{reverse(FILE_OF[name_of(url)])}?{asked.query}")
        rows = list(csv.reader(StringIO(b"".join(answer.streaming_content).decode().removeprefix("\ufeff"))))
        headings, *found = rows[rows.index([]) + 1 :]
        return [dict(zip(headings, row, strict=True)) for row in found]


def name_of(url: str) -> str:
    return resolve(urlsplit(url).path).url_name


@pytest.mark.parametrize("is_of_one_department", [False, True])
@pytest.mark.parametrize("role", ROLES)
def test_every_number_is_the_number_of_its_rows(clinic, role, is_of_one_department):
    visitor = Visitor(clinic.person(role, is_of_one_department=is_of_one_department))

    numbers = visitor.numbers(period="90-days")

    assert {url: visitor.rows_of(url) for url in numbers} == numbers
    assert {name_of(url) for url in numbers} <= set(FILE_OF) | WITHOUT_FILE
    filed = {url: number for url, number in numbers.items() if name_of(url) in FILE_OF}
    assert {url: visitor.rows_in_file(url) for url in filed} == filed


def test_every_kind_of_list_is_behind_some_number(clinic):
    visitor = Visitor(clinic.person("admin", is_of_one_department=False))

    numbers = visitor.numbers(period="90-days")

    # Services on deleted codes wait only in the year after the codes ended.
    assert {name_of(url) for url in numbers} | {"filing-sunset"} == set(FILE_OF) | WITHOUT_FILE


@pytest.mark.parametrize("period", ["", "last-month", "year"])
def test_numbers_of_a_period_and_department_are_those_of_their_rows(clinic, period):
    visitor = Visitor(clinic.person("manager", is_of_one_department=False))

    numbers = visitor.numbers(period=period, department=str(clinic.departments[1].pk))

    assert {url: visitor.rows_of(url) for url in numbers} == numbers


@pytest.mark.parametrize("is_of_one_department", [False, True])
def test_every_amount_is_the_sum_of_its_lines(clinic, is_of_one_department):
    visitor = Visitor(clinic.person("manager", is_of_one_department=is_of_one_department))

    amounts = visitor.amounts(period="90-days")

    sums = {
        url: sum(Decimal(row["Expected amount"]) for row in visitor.file_of(url) if row["Expected amount"] != "missing")
        for url in amounts
    }
    assert sums == amounts
    assert len(set(amounts.values())) > 2


def test_person_of_one_department_counts_less(clinic):
    one, all_of_them = (Visitor(clinic.person("manager", is_of_one_department=of_one)) for of_one in (True, False))

    asked = {"period": "90-days"}
    lines = [
        next(
            number
            for url, number in visitor.numbers(**asked).items()
            if name_of(url) == "session-list" and "start" in url
        )
        for visitor in (one, all_of_them)
    ]

    assert lines[0] * 2 == lines[1]


def panel(client, name, **asked):
    return client.get(reverse(f"dashboard-{name}"), asked).context["content"]


def test_lag_counts_lines_by_the_first_line_of_their_session(client, clinic):
    client.force_login(clinic.person("manager", is_of_one_department=False))
    days = [clinic.now.date() - timedelta(days=days) for days in (30, 15)]
    late = ChargeLine.objects.live().filter(session__date_of_service__range=days)
    before = late.count()
    course = late.first().session.course
    course.prescriptions.update(signed_at=None, signed_by=None)
    capture_from(patient=course.patient, day=late.first().date_of_service, by=clinic.coder)

    content = panel(client, "lag", period="90-days")

    found = {number.label: number.count for number in content["numbers"]}
    assert found["Later than 7 days"] == before > 0
    assert found["Within 7 days"] == ChargeLine.objects.live().filter(session__date_of_service__gt=days[1]).count()
    assert found["Within 1 day"] <= found["Within 3 days"] <= found["Within 7 days"]


@pytest.mark.parametrize(
    ("counts", "median"),
    [({}, None), ({3: 1}, 3), ({0: 2, 9: 1}, 0), ({0: 1, 9: 2}, 9), ({1: 1, 2: 1}, 1)],
)
def test_median_is_the_value_that_half_does_not_exceed(counts, median):
    assert median_of(counts) == median


def test_expected_names_whose_rates_and_counts_what_is_missing(client, clinic):
    client.force_login(clinic.person("manager", is_of_one_department=False))

    content = panel(client, "expected", period="90-days")

    by = {row.label: row for row in content["sources"]}
    assert set(by) == {"National rates", "Your own rates, by contract"}
    assert by["Your own rates, by contract"].detail == "Contract from 01/01/2015"
    lines, missing = content["total"].lines.count, content["total"].without.count
    assert sum(row.lines.count for row in by.values()) == lines - missing
    assert missing > 0
    assert [
        row.amount for table in content["tables"] for row in table.rows if row.without.count == row.lines.count
    ] == [None] * sum(row.without.count == row.lines.count for table in content["tables"] for row in table.rows)


def test_gaps_that_no_file_tells_are_not_known_yet(client, clinic):
    client.force_login(clinic.person("auditor", is_of_one_department=False))

    gaps = {number.label: number for number in panel(client, "gaps", period="90-days")["numbers"]}

    assert gaps["Delivered, not charged"].count > 0
    assert (gaps["Exported, not acknowledged"].count, gaps["Exported, not acknowledged"].text) == (
        None,
        "not known yet",
    )
    assert gaps["Paid less than expected"].url == ""
