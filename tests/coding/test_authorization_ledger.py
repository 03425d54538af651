"""Authorizations across courses: what is used by code, what is left, and what becomes of those for old codes."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from coding.presenters import authorization_ledger as presenter
from coding.services import capture_from
from payers.models import Authorization, Coverage
from tests.builders import (
    make_authorization,
    make_organization,
    make_payer,
    make_policy_version,
    make_session,
    make_treated_course,
    make_user,
)

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 24)


@pytest.fixture
def organization(roles):
    return make_organization()


@pytest.fixture
def coder(organization):
    return make_user(organization, role="coder")


@pytest.fixture
def rows(client, coder):
    def asked(query: str = "show=all"):
        client.force_login(coder)
        return client.get(f"{reverse('authorization-ledger')}?{query}").context["page"].rows

    return asked


def authorized(organization, *, terms=None, sessions=0, **changes):
    """A course of a payer that asks for an authorization, with sessions on the days around the turn of 2026."""
    payer = make_payer(organization)
    make_policy_version(payer, terms={"authorization_required": True} | (terms or {}))
    course = make_treated_course(organization, payer=payer)
    authorization = make_authorization(course, payer, **{"codes": ["77386"], "units": 5} | changes)
    for number in range(sessions):
        started_at = datetime(2025, 12, 31, 15, tzinfo=UTC) + timedelta(days=number)
        make_session(course, started_at=started_at, fraction=number + 1)
    capture_from(patient=course.patient, day=date(2025, 12, 31), by=None)
    return authorization


def test_authorizations_tell_what_is_used_by_code_and_left(organization, rows) -> None:
    authorized(organization, sessions=3)

    (row,) = rows()

    assert row.by_code == [("77386", 1), ("77407", 2)]
    assert (row.bar.used, row.bar.left) == (3, 2)


def test_authorizations_count_no_visit_after_their_end(organization, rows) -> None:
    authorized(organization, sessions=3, ends_on=date(2025, 12, 31))

    (row,) = rows()

    assert row.by_code == [("77386", 1)]
    assert row.bar.used == 1


def test_authorizations_warn_of_the_last_three(organization, rows) -> None:
    authorized(organization, sessions=2)

    (row,) = rows()

    assert row.bar.warnings == ("3 sessions left, 31 to be delivered.",)


def test_authorizations_warn_ten_days_before_the_end(organization, rows) -> None:
    authorized(organization, units=None, ends_on=TODAY + timedelta(days=10))

    (row,) = rows()

    assert row.bar.warnings == ("It ends in 10 days, on 12/04/2026.",)


def test_authorizations_for_old_codes_count_where_the_policy_says_so_with_its_clause(organization, rows) -> None:
    authorized(organization, terms={"authorization_converts": True})

    (row,) = rows()

    assert not row.crosswalk.is_held
    assert row.crosswalk.clause_url.endswith("#term-authorization_converts")
    assert [citation.title for citation in row.crosswalk.citations] == ["Test manual"]


@pytest.mark.parametrize("terms", [{}, {"authorization_converts": False}])
def test_authorizations_for_old_codes_are_held_where_the_policy_does_not_say_so(organization, rows, terms) -> None:
    authorized(organization, terms=terms)

    (row,) = rows()

    assert row.crosswalk.is_held
    assert "sessions are held" in row.crosswalk.sentence


def test_authorizations_for_old_codes_that_need_none_are_not_held(organization, rows) -> None:
    authorized(organization, terms={"authorization_required": False})

    (row,) = rows()

    assert not row.crosswalk.is_held
    assert "asks for no authorization" in row.crosswalk.sentence


@pytest.mark.parametrize(
    "changes", [{"codes": []}, {"codes": ["77386", "77407"]}, {"ends_on": date(2025, 12, 31)}, {"codes": ["77407"]}]
)
def test_authorizations_without_old_codes_after_their_end_have_no_crosswalk(organization, rows, changes) -> None:
    authorized(organization, **changes)

    (row,) = rows()

    assert row.crosswalk is None


def test_authorizations_for_old_codes_that_end_on_the_first_day_of_the_new_have_one(organization, rows) -> None:
    authorized(organization, ends_on=date(2026, 1, 1))

    (row,) = rows()

    assert row.crosswalk is not None


@pytest.mark.parametrize(
    ("show", "ends"),
    [
        ("holding", [0, 10, 11, None]),
        ("ending", [0, 10]),
        ("over", [-1]),
        ("all", [-1, 0, 10, 11, None]),
    ],
)
def test_authorizations_are_shown_by_their_last_day_the_soonest_first(organization, rows, show, ends) -> None:
    last_days = {days: TODAY + timedelta(days=days) for days in (11, -1, 10, 0)} | {None: None}
    for last_day in last_days.values():
        authorized(organization, ends_on=last_day)

    shown = [row.bar.ends_on for row in rows(f"show={show}")]

    assert shown == [last_days[days] for days in ends]


def test_authorizations_page_after_page_are_each_shown_once(client, organization, coder, monkeypatch) -> None:
    monkeypatch.setattr(presenter, "ENTRIES_A_PAGE", 2)
    numbers = {authorized(organization, ends_on=day).number for day in (TODAY, None, None)}
    client.force_login(coder)
    address = reverse("authorization-ledger")

    first = client.get(address).context["page"]
    second = client.get(address + first.next_url).context["page"]

    shown = [row.bar.number for row in [*first.rows, *second.rows]]
    assert (set(shown), len(shown), second.next_url) == (numbers, 3, "")


def test_authorizations_of_another_organization_are_not_shown(rows) -> None:
    authorized(make_organization())

    assert rows() == []


def test_authorizations_ask_as_often_for_many_courses(client, organization, coder) -> None:
    client.force_login(coder)
    address = reverse("authorization-ledger")
    authorized(organization, sessions=1)
    client.get(address)
    with CaptureQueriesContext(connection) as few:
        client.get(address)
    authorized(organization, sessions=2)
    authorized(organization, sessions=2)

    with CaptureQueriesContext(connection) as many:
        client.get(address)

    assert len(many) == len(few)


# What is narrowed to, and what the queries count


@pytest.mark.parametrize(
    ("left", "units"), [("none", [1, 2]), ("few", [3, 5]), ("more", [6, None]), ("", [1, 2, 3, 5, 6, None])]
)
def test_authorizations_are_shown_by_the_units_left(organization, rows, left, units) -> None:
    for approved in (1, 2, 3, 5, 6, None):
        authorized(organization, units=approved, sessions=2)

    shown = [row.bar.units for row in rows(f"left={left}")]

    assert shown == units


@pytest.mark.parametrize(("courses", "shown"), [("", ["planned", "active"]), ("over", ["completed"])])
def test_authorizations_of_courses_that_are_over_are_shown_on_demand(organization, rows, courses, shown) -> None:
    for status in ("planned", "active", "completed"):
        course = authorized(organization).course
        course.status = status
        course.save()

    assert [row.course.status for row in rows(f"courses={courses}")] == shown


@pytest.fixture
def without(client, coder):
    def asked(query: str = ""):
        client.force_login(coder)
        page = client.get(f"{reverse('authorization-ledger')}?show=none&{query}").context["page"]
        return [row.course for row in page.courses]

    return asked


def test_courses_without_authorization_are_those_whose_payer_asks_and_has_none_on_file(organization, without) -> None:
    authorized(organization)
    lacking = authorized(organization)
    lacking.delete()
    authorized(organization, terms={"authorization_required": False}).delete()

    assert without() == [lacking.course]


def test_courses_without_authorization_count_one_of_another_payer_as_none(organization, without) -> None:
    authorization = authorized(organization)
    authorization.payer = make_payer(organization)
    authorization.save()

    assert without() == [authorization.course]


@pytest.mark.parametrize(("ends_on", "number"), [(TODAY, 1), (TODAY - timedelta(days=1), 0)])
def test_courses_without_authorization_ask_the_payer_of_today(organization, without, ends_on, number) -> None:
    authorization = authorized(organization)
    Coverage.objects.update(ends_on=ends_on)
    authorization.delete()

    assert len(without()) == number


@pytest.mark.parametrize(("kind", "number"), [("medicare", 0), ("commercial", 1)])
def test_courses_without_authorization_ask_the_house_where_the_payer_says_nothing(
    organization, without, kind, number
) -> None:
    payers = [make_payer(organization, kind=kind) for _number in range(2)]
    make_policy_version(payers[0])
    courses = [make_treated_course(organization, payer=payer) for payer in payers]

    assert without() == courses * number


def test_courses_without_authorization_ask_the_correction_of_the_version_in_force(organization, without) -> None:
    lacking = authorized(organization)
    payer = lacking.payer
    lacking.delete()
    make_policy_version(payer, terms={"authorization_required": False}, revision=2)
    make_policy_version(payer, terms={"authorization_required": True}, effective_from=TODAY + timedelta(days=1))

    assert without() == []


def test_courses_without_authorization_are_narrowed_by_payer_and_department(organization, without) -> None:
    here, there = (authorized(organization) for _number in range(2))
    for authorization in (here, there):
        authorization.delete()

    assert without(f"payer={here.payer.slug}") == [here.course]
    assert without(f"department={there.course.department_id}") == [there.course]


def test_courses_without_authorization_page_after_page_are_each_shown_once(
    client, organization, coder, monkeypatch
) -> None:
    monkeypatch.setattr(presenter, "ENTRIES_A_PAGE", 2)
    courses = {authorized(organization).course for _number in range(3)}
    Authorization.objects.all().delete()
    client.force_login(coder)
    address = reverse("authorization-ledger")

    first = client.get(f"{address}?show=none").context["page"]
    second = client.get(address + first.next_url).context["page"]

    assert {row.course for row in [*first.courses, *second.courses]} == courses
    assert (len(first.courses), len(second.courses), second.next_url) == (2, 1, "")


def test_courses_without_authorization_ask_as_often_for_many(client, organization, coder) -> None:
    client.force_login(coder)
    address = f"{reverse('authorization-ledger')}?show=none"
    authorized(organization, sessions=1)
    Authorization.objects.all().delete()
    client.get(address)
    with CaptureQueriesContext(connection) as few:
        client.get(address)
    for _number in range(2):
        authorized(organization, sessions=2)
    Authorization.objects.all().delete()

    with CaptureQueriesContext(connection) as many:
        client.get(address)

    assert len(many) == len(few)
