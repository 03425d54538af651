"""Charge review at length: pages come from the index in their order, and counts stop where going on tells nothing."""

from datetime import date

import pytest
from django.db import connection
from django.urls import reverse

from coding.models import ChargeLine
from coding.reports import ChargeFilters, charge_lines
from coding.services import capture_from
from tests.builders import make_organization, make_session, make_treated_course, make_user

pytestmark = pytest.mark.django_db
LINES = 20_000
# One session, one ruling and one ready line for each number, all like the first; a session each day for 5,000 days.
MANY = [
    """INSERT INTO portal_treatmentsession ({columns}) SELECT {values}
       FROM portal_treatmentsession AS one, generate_series(1, {lines}) AS n WHERE one.id = {id}""",
    """INSERT INTO coding_sessionruling ({columns}) SELECT {values}
       FROM coding_sessionruling AS one, portal_treatmentsession AS session
       WHERE one.id = {id} AND session.id > one.session_id""",
    """INSERT INTO coding_chargeline ({columns}) SELECT {values}
       FROM coding_chargeline AS one, portal_treatmentsession AS session
       JOIN coding_sessionruling AS ruling ON ruling.session_id = session.id
       WHERE one.id = {id} AND session.id > one.session_id""",
]


@pytest.fixture
def manager(roles, client):
    """Signed in, in an organization with as many lines as a department writes in some years."""
    organization = make_organization()
    user = make_user(organization, role="manager")
    client.force_login(user)
    course = make_treated_course(organization)
    session = make_session(course, fraction=1)
    capture_from(patient=course.patient, day=date(2015, 1, 1), by=user)
    line = ChargeLine.objects.get(role="delivery")
    day = "DATE '2012-01-01' + n % 5000"
    copy(session, MANY[0], date_of_service=day, started_at=f"({day})::timestamptz + n * interval '1 second'")
    copy(line.ruling, MANY[1], session_id="session.id")
    copy(line, MANY[2], session_id="session.id", ruling_id="ruling.id", date_of_service="session.date_of_service")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE portal_treatmentsession, coding_sessionruling, coding_chargeline")
    return user


def copy(record, statement, **changes):
    """Copies of a record, all equal but for the changed columns."""
    columns = [field.column for field in record._meta.concrete_fields if field.column != "id"]
    values = [changes.get(column, f"one.{column}") for column in columns]
    with connection.cursor() as cursor:
        cursor.execute(
            statement.format(columns=", ".join(columns), values=", ".join(values), id=record.pk, lines=LINES)
        )


def explained(statement):
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN " + statement)
        return "\n".join(row[0] for row in cursor.fetchall())


def plan_of(user, **filters):
    page = charge_lines(user=user, filters=ChargeFilters(**filters)).order_by("-date_of_service", "-id")[:51]
    return page.explain()


def test_pages_come_in_order_from_the_index(manager, client, django_assert_max_num_queries):
    older = client.get(reverse("charge-review")).context["page"].pages.older_url
    with django_assert_max_num_queries(40) as asked:
        client.get(reverse("charge-review") + older)
    page = next(query["sql"] for query in asked.captured_queries if "LIMIT 51" in query["sql"])

    plans = {
        "first": plan_of(manager),
        "of one state": plan_of(manager, state="ready"),
        "of some years": plan_of(manager, start=date(2013, 1, 1), end=date(2024, 12, 31)),
        "older, with all that its rows tell": explained(page),
    }

    assert {name for name, plan in plans.items() if "Sort" in plan} == set()
    assert {name for name, plan in plans.items() if "line_by_" not in plan} == set()


def test_counts_stop_at_ten_thousand(manager, client):
    context = client.get(reverse("charge-review")).context

    assert context["page"].pages.count_text == "10,000+"
    assert [(count.name, count.number) for count in context["states"]] == [("ready", "10,000+")]
