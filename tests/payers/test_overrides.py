"""The page of overrides: each with its dates, its clause, both people, and the lines that it touches."""

from datetime import UTC, date, datetime

import pytest
from django.urls import reverse

from coding.services import capture_charges
from payers.draft_services import set_term
from payers.models import PolicyVersion
from payers.policy_files import Clause
from payers.presenters.overrides import OverrideRow, override_groups
from payers.services import publish_version, submit_version
from tests.builders import (
    make_department,
    make_organization,
    make_payer,
    make_policy_version,
    make_session,
    make_treated_course,
    make_user,
)

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 24, 15, tzinfo=UTC)
TODAY = NOW.date()
WORDS = Clause(topic="modifiers", summary="As the contract says.", title="Contract", section="3", confidence="high")


@pytest.fixture
def organization():
    return make_organization()


@pytest.fixture
def person(organization, roles):
    return make_user(organization, role="admin")


def make_override(organization, person, key: str, value: object, effective_from: date) -> PolicyVersion:
    """A published version with one term against a national rule, submitted and published by two people."""
    payer = make_payer(organization, kind="workers_compensation")
    draft = make_policy_version(payer, publish=False, summary="By contract.", effective_from=effective_from)
    set_term(version=draft, key=key, value=value, clause=WORDS, by=person)
    submit_version(version=draft, at=NOW, by=person)
    return publish_version(version=draft, at=NOW, by=make_user(organization))


def groups_of(person) -> dict[str, list[OverrideRow]]:
    return {group["title"]: group["rows"] for group in override_groups(person, today=TODAY)}


def capture_on(version: PolicyVersion, day: date, **department) -> None:
    organization = version.policy.payer.organization
    course = make_treated_course(
        organization, payer=version.policy.payer, department=make_department(organization, **department)
    )
    make_session(course, started_at=datetime(day.year, day.month, day.day, 15, tzinfo=UTC), coded_on=day)
    capture_charges(patient=course.patient, date_of_service=day, by=None)


def test_override_in_force_has_its_clause_its_days_and_both_people(organization, person):
    version = make_override(organization, person, "keep_until", date(2026, 12, 31), date(2026, 1, 1))

    (row,) = groups_of(person)["In force"]

    assert (row.version, row.first, row.last) == (version, date(2026, 1, 1), date(2026, 12, 31))
    assert row.clause.summary == "As the contract says."
    assert row.version.submitted_by == person
    assert row.version.published_by != person


def test_override_that_has_ended_is_past(organization, person):
    make_override(organization, person, "keep_until", date(2026, 11, 23), date(2026, 1, 1))

    groups = groups_of(person)

    assert groups["In force"] == []
    assert len(groups["Past"]) == 1


def test_override_of_a_superseded_version_ends_with_it(organization, person):
    version = make_override(organization, person, "technical_modifier", "TC", date(2025, 1, 1))
    make_policy_version(version.policy.payer, effective_from=date(2026, 3, 1))

    (row,) = groups_of(person)["Past"]

    assert row.last == date(2026, 2, 28)


@pytest.mark.parametrize("publish", [True, False])
def test_override_that_is_scheduled_or_not_published_is_coming(organization, person, publish):
    make_policy_version(
        make_payer(organization), publish=publish, effective_from=date(2027, 1, 1), terms={"technical_modifier": "TC"}
    )

    assert len(groups_of(person)["Coming"]) == 1


def test_override_counts_the_lines_with_a_kept_code(organization, person):
    version = make_override(organization, person, "keep_until", date(2026, 12, 31), date(2025, 1, 1))
    capture_on(version, date(2026, 6, 1))
    capture_on(version, date(2025, 6, 2))

    (row,) = groups_of(person)["In force"]

    assert row.lines == 1
    assert row.lines_url == f"/charges/?payer={version.policy.payer.slug}&reason=POLICY_OVERRIDE_APPROVAL"


def test_term_set_to_none_is_no_override(organization, person):
    make_policy_version(make_payer(organization), terms={"technical_modifier": "none"})

    assert all(rows == [] for rows in groups_of(person).values())


def test_override_page_asks_the_same_number_of_queries_however_many(
    organization, person, client, django_assert_max_num_queries
):
    client.force_login(person)
    make_override(organization, person, "technical_modifier", "TC", date(2025, 1, 1))
    with django_assert_max_num_queries(25) as captured:
        client.get(reverse("policy-override-list"))
    few = len(captured)
    make_override(organization, person, "technical_modifier", "TC", date(2025, 1, 1))
    make_override(organization, person, "keep_until", date(2026, 12, 31), date(2025, 1, 1))

    with django_assert_max_num_queries(few):
        response = client.get(reverse("policy-override-list"))

    assert len(response.context["groups"][0]["rows"]) == 3


def test_override_page_shows_nothing_of_another_organization(organization, person):
    theirs = make_organization()
    make_policy_version(make_payer(theirs), terms={"technical_modifier": "TC"})

    assert all(rows == [] for rows in groups_of(person).values())
