"""The life of a version on its pages: handed in, sent back, published by a second person, compared again, retired."""

import re
from datetime import UTC, date, datetime

import pytest
from django.test import Client
from django.urls import reverse

from coding.models import SessionRuling
from coding.recapture_services import LIST_RECAPTURE
from coding.services import capture_charges
from payers.draft_services import amend_draft, draft_version, set_term
from payers.models import PolicyVersion, VersionStatus
from payers.policy_files import Clause
from payers.services import submit_version
from portal.models import Job, Organization, User
from tests.builders import (
    make_organization,
    make_payer,
    make_policy_version,
    make_session,
    make_treated_course,
    make_user,
)

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 24, 15, tzinfo=UTC)
WORDS = Clause(topic="modifiers", summary="As the contract says.", title="Contract", section="3", confidence="high")


@pytest.fixture
def organization() -> Organization:
    return make_organization(publishing_needs_second_person=True)


@pytest.fixture
def payer(organization):
    payer = make_payer(organization, slug="sample", name="Sample Health")
    make_policy_version(payer, terms={"min_gap": 300})
    return payer


@pytest.fixture
def author(organization, roles) -> User:
    return make_user(organization, role="admin")


@pytest.fixture
def authors_page(author) -> Client:
    client = Client()
    client.force_login(author)
    return client


@pytest.fixture
def reviewer(organization, roles, client) -> Client:
    client.force_login(make_user(organization, role="admin"))
    return client


@pytest.fixture
def draft(payer, author) -> PolicyVersion:
    """A complete draft from June 2026."""
    begun = draft_version(policy=payer.policy, effective_from=date(2026, 6, 1), by=author)
    return amend_draft(
        version=begun,
        effective_from=begun.effective_from,
        reviewed_on=date(2026, 11, 20),
        summary="Sessions four hours apart.",
        by=author,
    )


@pytest.fixture
def in_review(draft, author) -> PolicyVersion:
    return submit_version(version=draft, at=NOW, by=author)


def words_of(response) -> str:
    """The page as people read it: no tags, single spaces."""
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def add_failing_example(version: PolicyVersion) -> None:
    version.examples.create(
        title="Usual session",
        facts={
            "date_of_service": "2026-06-01",
            "setting": "hospital_on_campus",
            "claim": "institutional",
            "technique": "imrt_complex",
            "diagnoses": "C02.1",
        },
        expected_lines="77412 x1 rev 0333",
    )


def status_of(version: PolicyVersion) -> str:
    return PolicyVersion.objects.get(pk=version.pk).status


def test_version_submit_shows_examples_and_what_differs(authors_page, draft, author):
    set_term(version=draft, key="min_gap", value=240, clause=WORDS, by=author)
    add_failing_example(draft)

    response = authors_page.get(reverse("version-submit", args=[draft.pk]))

    assert "300 minutes" in words_of(response)
    assert "77407 x1 rev 0333" in words_of(response)
    assert "Differs" in words_of(response)


def test_version_submit_hands_it_in(authors_page, draft, author):
    response = authors_page.post(reverse("version-submit", args=[draft.pk]))

    assert response.url == reverse("version-detail", args=[draft.pk])
    assert PolicyVersion.objects.get(pk=draft.pk).submitted_by == author
    assert authors_page.get(reverse("version-edit", args=[draft.pk])).status_code == 404


def test_version_submit_says_what_is_missing(authors_page, payer, author):
    draft = draft_version(policy=payer.policy, effective_from=date(2026, 6, 1), by=author)

    response = authors_page.post(reverse("version-submit", args=[draft.pk]))

    assert response.status_code == 422
    assert "compared with its sources" in words_of(response)
    assert status_of(draft) == VersionStatus.DRAFT


def test_version_submit_with_a_failing_example_is_refused(authors_page, draft):
    add_failing_example(draft)

    response = authors_page.post(reverse("version-submit", args=[draft.pk]))

    assert response.status_code == 422
    assert "is answered with 77407 x1 rev 0333, not 77412 x1 rev 0333" in words_of(response)
    assert status_of(draft) == VersionStatus.DRAFT


def test_version_publish_by_its_author_is_refused(authors_page, in_review):
    response = authors_page.post(reverse("version-publish", args=[in_review.pk]))

    assert response.status_code == 422
    assert "A second person publishes in this organization" in words_of(response)
    assert status_of(in_review) == VersionStatus.IN_REVIEW


def test_version_publish_with_a_failing_example_is_refused(reviewer, draft, author):
    add_failing_example(draft)
    submit_version(version=draft, at=NOW, by=author)

    response = reviewer.post(reverse("version-publish", args=[draft.pk]))

    assert response.status_code == 422
    assert "The example “Usual session”" in words_of(response)


def test_version_publish_of_a_draft_has_no_page(reviewer, draft):
    assert reviewer.get(reverse("version-publish", args=[draft.pk])).status_code == 404


def test_version_publish_asks_for_the_list_of_what_it_answers_otherwise(reviewer, in_review):
    response = reviewer.post(reverse("version-publish", args=[in_review.pk]), follow=True)

    assert status_of(in_review) == VersionStatus.PUBLISHED
    assert Job.objects.get(kind=LIST_RECAPTURE).arguments == {"version": in_review.pk}
    assert "is being listed under To capture again" in words_of(response)


def test_version_publish_that_is_refused_asks_for_no_list(authors_page, in_review):
    authors_page.post(reverse("version-publish", args=[in_review.pk]))

    assert not Job.objects.exists()


def test_version_retire_captures_the_days_that_it_can_change(reviewer, payer):
    version = make_policy_version(payer, effective_from=date(2026, 6, 1), terms={"igrt_pc_modifier": "none"})
    course = make_treated_course(payer.organization, payer=payer)
    day = date(2026, 6, 1)
    make_session(course, started_at=datetime(2026, 6, 1, 15, tzinfo=UTC), coded_on=day)
    capture_charges(patient=course.patient, date_of_service=day, by=None)

    response = reviewer.post(reverse("version-retire", args=[version.pk]), {"reason": "Read wrongly"}, follow=True)

    assert "Retired. 1 session has a new ruling." in words_of(response)
    assert SessionRuling.objects.current().get().policy_version_id != version.pk


def test_version_page_says_how_it_stands_and_that_its_review_is_overdue(reviewer, overdue):
    page = words_of(reviewer.get(reverse("version-detail", args=[overdue.pk])))

    assert "In force" in page
    assert "review overdue" in page


def test_version_publish_says_where_one_person_may_do_it_alone(authors_page, organization, in_review):
    organization.publishing_needs_second_person = False
    organization.save()

    page = words_of(authors_page.get(reverse("version-publish", args=[in_review.pk])))

    assert "In this organization one person may publish their own draft" in page


def test_version_publish_says_that_an_override_takes_two(authors_page, organization, draft, author):
    organization.publishing_needs_second_person = False
    organization.save()
    set_term(version=draft, key="technical_modifier", value="TC", clause=WORDS, by=author)
    submit_version(version=draft, at=NOW, by=author)

    response = authors_page.post(reverse("version-publish", args=[draft.pk]))

    assert response.status_code == 422
    assert "This version stands against a national rule" in words_of(response)
    assert "A second person publishes a term against a national rule" in words_of(response)


def test_version_send_back_tells_its_author_why(reviewer, authors_page, in_review):
    response = reviewer.post(reverse("version-send-back", args=[in_review.pk]), {"reason": "Say which plans."})

    page = words_of(authors_page.get(reverse("version-edit", args=[in_review.pk])))
    assert response.url == reverse("version-detail", args=[in_review.pk])
    assert "Sent back by" in page
    assert "Say which plans." in page


def test_version_send_back_needs_a_reason(reviewer, in_review):
    response = reviewer.post(reverse("version-send-back", args=[in_review.pk]), {"reason": ""})

    assert response.status_code == 422
    assert "What is to change: This field is required." in words_of(response)
    assert status_of(in_review) == VersionStatus.IN_REVIEW


def test_policy_page_leads_to_the_review(reviewer, in_review):
    page = reviewer.get(reverse("policy-detail", args=["sample"])).content.decode()

    assert reverse("version-publish", args=[in_review.pk]) in page
    assert reverse("version-edit", args=[in_review.pk]) not in page


def test_policy_list_shows_what_is_in_review(reviewer, in_review):
    assert "In review, from 06/01/2026" in words_of(reviewer.get(reverse("policy-list")))


def test_version_retire_needs_a_reason(reviewer, payer):
    version = payer.policy.versions.get()

    response = reviewer.post(reverse("version-retire", args=[version.pk]), {"reason": ""})

    assert response.status_code == 422
    assert status_of(version) == VersionStatus.PUBLISHED


def test_version_retire_shows_the_reason_in_the_history(reviewer, payer):
    version = payer.policy.versions.get()

    response = reviewer.post(reverse("version-retire", args=[version.pk]), {"reason": "Read wrongly"}, follow=True)

    assert "Retired: Read wrongly" in words_of(response)
    assert "No version is in force today" in words_of(response)


def test_version_retire_of_a_draft_is_not_found(reviewer, draft):
    assert reviewer.get(reverse("version-retire", args=[draft.pk])).status_code == 404


@pytest.fixture
def overdue(organization) -> PolicyVersion:
    """A version in force that was compared 20 days more than a year ago."""
    return make_policy_version(make_payer(organization, name="Late Health"), reviewed_on=date(2025, 11, 4))


def test_policy_review_list_names_what_is_overdue_and_by_how_long(reviewer, payer, overdue):
    response = reviewer.get(reverse("policy-review-list"))

    assert [(row["version"], row["days_over"]) for row in response.context["rows"]] == [(overdue, 20)]


def test_policy_review_list_is_empty_where_nothing_is(reviewer, payer):
    assert "Nothing is overdue" in words_of(reviewer.get(reverse("policy-review-list")))


def test_policy_review_list_asks_the_same_number_of_queries_however_many(
    reviewer, organization, overdue, django_assert_max_num_queries
):
    with django_assert_max_num_queries(25) as captured:
        reviewer.get(reverse("policy-review-list"))
    few = len(captured)
    make_policy_version(make_payer(organization), reviewed_on=date(2024, 11, 4))
    make_policy_version(make_payer(organization), reviewed_on=date(2024, 11, 4))

    with django_assert_max_num_queries(few):
        response = reviewer.get(reverse("policy-review-list"))

    assert len(response.context["rows"]) == 3


def test_version_review_takes_it_off_the_list(reviewer, overdue):
    response = reviewer.post(
        reverse("version-review", args=[overdue.pk]),
        {"reviewed_on": "2026-11-24", "note": "Manual of May."},
        follow=True,
    )

    assert response.context["rows"] == []
    assert "Manual of May." in words_of(reviewer.get(reverse("version-detail", args=[overdue.pk])))


@pytest.mark.parametrize(
    ("day", "said"),
    [
        ("2026-11-25", "This day has not come yet."),
        ("2025-11-03", "It was compared with its sources later than this day."),
        ("", "This field is required."),
    ],
)
def test_version_review_refuses_a_day_that_cannot_be(reviewer, overdue, day, said):
    response = reviewer.post(reverse("version-review", args=[overdue.pk]), {"reviewed_on": day, "note": "kept words"})

    assert response.status_code == 422
    assert said in words_of(response)
    assert "kept words" in words_of(response)
    assert not overdue.reviews.exists()
