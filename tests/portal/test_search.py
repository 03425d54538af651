"""What the search page and the command bar find, in which order, and the courses opened last."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from portal.models import RecentCourse
from portal.presenters.search import HITS_IN_BAR
from portal.services.recent_courses import KEPT, note_opened
from tests.builders import (
    make_course,
    make_department,
    make_machine,
    make_organization,
    make_patient,
    make_payer,
    make_treated_course,
    make_user,
)

pytestmark = pytest.mark.django_db
MORNING = datetime(2026, 11, 24, 14, tzinfo=UTC)


@pytest.fixture
def organization(roles):
    return make_organization()


@pytest.fixture
def department(organization):
    return make_department(organization)


@pytest.fixture
def coder(client, organization):
    coder = make_user(organization, role="coder")
    client.force_login(coder)
    return coder


def search(client, text):
    groups = client.post(reverse("search"), {"q": text}).context["groups"]
    return {group.title: [hit.label for hit in group.hits] for group in groups}


@pytest.fixture
def searched(coder, organization, department):
    """A course whose patient, account, payer and machine a coder looks for."""
    course = make_treated_course(
        organization, department=department, payer=make_payer(organization, name="Northlake"), account_number="Z-900"
    )
    course.patient.family_name, course.patient.given_name, course.patient.number = "Grieg", "Solveig Ann", "ZZ-77"
    course.patient.save()
    make_machine(department, name="TrueBeam West")
    return course


@pytest.mark.parametrize("text", ["grie", "Solv", "Grieg, Solveig", "solveig ann grieg", "zz-77", "  ZZ-7 "])
def test_search_finds_a_patient_by_the_beginning_of_name_or_number(client, searched, text):
    assert search(client, text)["Patients"] == ["Grieg, Solveig Ann"]


@pytest.mark.parametrize(
    ("text", "title", "label"),
    [
        ("z-9", "Courses", "Z-900"),
        ("northl", "Payers", "Northlake"),
        ("patients cou", "Pages", "Patients and courses"),
        ("g60", "Codes", "G6001"),
        ("truebeam", "Day sheets", "Day sheet of TrueBeam West"),
        ("７７３８６", "Codes", "77386"),
    ],
)
def test_search_finds_what_can_be_opened(client, searched, text, title, label):
    assert label in search(client, text)[title]


@pytest.mark.parametrize("text", ["", "   ", "\0", "nobody", "%", ",", "'; --", "x" * 5000])
def test_search_that_finds_nothing(client, searched, text):
    assert search(client, text) == {}


def test_search_of_another_organization_finds_nothing_of_this_one(client, searched, roles):
    client.force_login(make_user(make_organization(), role="coder"))

    assert search(client, "grieg") == {}
    assert search(client, "northl") == {}


def test_search_does_not_read_what_stands_in_an_address(client, searched):
    response = client.get(reverse("search"), {"q": "grieg"})

    assert response.context["groups"] == []


# The command bar


def bar(client, text=""):
    """The bar's hits by group, in the order in which they are shown."""
    response = client.post(reverse("search"), {"q": text}, headers={"HX-Request": "true"})
    return {group.title: [hit.label for hit in group.hits] for group in response.context["groups"]}


def test_bar_puts_the_number_itself_before_numbers_that_begin_with_it(client, coder, organization, department):
    for number in ("A-7700", "A-77", "A-770"):
        make_course(make_patient(organization), department, account_number=number)

    assert bar(client, "a-77")["Courses"] == ["A-77", "A-770", "A-7700"]


def test_bar_puts_the_group_with_the_number_itself_first(client, coder, organization, department):
    make_course(make_patient(organization, family_name="Ash", number="A-7700"), department, account_number="A-77")

    assert list(bar(client, "a-77"))[:2] == ["Courses", "Patients"]


def test_bar_shows_no_more_hits_than_can_be_read_at_a_glance(client, coder, organization, department):
    for number in range(20):
        make_course(make_patient(organization, family_name="Aune", number=f"AU-{number}"), department)
        make_machine(department, name=f"Au {number}")
        make_payer(organization, name=f"Aulis {number}")

    found = bar(client, "au")

    assert sum(len(labels) for labels in found.values()) <= HITS_IN_BAR
    assert list(found) == ["Patients", "Payers", "Day sheets"]


def test_bar_with_nothing_typed_offers_recent_courses_pages_and_actions(client, coder, organization, department):
    course = make_course(make_patient(organization), department)
    note_opened(course=course, at=MORNING, by=coder)

    found = bar(client)

    assert list(found) == ["Recent courses", "Pages", "Actions"]
    assert found["Recent courses"] == [course.account_number]
    assert found["Actions"][0] == f"New session of {course.account_number}"


def test_bar_offers_only_what_the_person_may_do(client, organization, department):
    auditor = make_user(organization, role="auditor")
    note_opened(course=make_course(make_patient(organization), department), at=MORNING, by=auditor)
    client.force_login(auditor)

    assert bar(client)["Actions"] == ["Search the guidance of all payers", "Switch theme", "Help on keys"]
    assert bar(client, "audit")["Pages"] == ["Audit trail"]


def test_bar_of_a_coder_has_no_page_of_the_set_up(client, coder):
    assert bar(client, "set-up") == {}


def test_bar_is_a_list_of_options_that_lead_somewhere(client, searched):
    response = client.post(reverse("search"), {"q": "z-900"}, headers={"HX-Request": "true"})

    assert f'href="{reverse("course-detail", args=[searched.pk])}"' in response.content.decode()
    assert 'role="listbox"' in response.content.decode()
    assert "<html" not in response.content.decode()


def test_bar_asks_a_constant_number_of_queries(client, coder, organization, department):
    make_course(make_patient(organization, family_name="Aune"), department)
    with CaptureQueriesContext(connection) as few:
        bar(client, "au")
    for number in range(10):
        make_course(make_patient(organization, family_name="Aune", number=f"AU-{number}"), department)

    with CaptureQueriesContext(connection) as many:
        bar(client, "au")

    assert len(many) == len(few)


# Courses opened last


def test_course_opened_is_remembered_once_with_its_last_time(client, coder, organization, department):
    course = make_course(make_patient(organization), department)

    client.post(reverse("course-opened", args=[course.pk]))
    client.post(reverse("course-opened", args=[course.pk]))

    assert RecentCourse.objects.filter(user=coder).count() == 1


def test_note_opened_forgets_the_oldest(coder, organization, department):
    courses = [make_course(make_patient(organization), department) for _ in range(KEPT + 1)]

    for place, course in enumerate(courses):
        note_opened(course=course, at=MORNING + timedelta(minutes=place), by=coder)

    assert [row.course for row in RecentCourse.objects.filter(user=coder)] == courses[:0:-1]


def test_recent_course_of_a_department_no_longer_seen_is_not_shown(client, coder, organization, department):
    note_opened(course=make_course(make_patient(organization), department), at=MORNING, by=coder)
    coder.sees_all_departments = False
    coder.save()

    assert "Recent courses" not in bar(client)
