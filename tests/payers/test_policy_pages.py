"""The policy editor in the browser's terms: who may, what each form keeps and refuses, what publishing does."""

import csv
import re
from datetime import date
from io import StringIO

import pytest
from django.contrib.messages.storage.fallback import FallbackStorage
from django.test import Client
from django.urls import reverse

from payers.draft_services import NotADraft, draft_version
from payers.models import PolicyVersion, VersionStatus
from payers.views.drafts import told_when_frozen
from portal.models import Organization
from tests.builders import (
    make_organization,
    make_payer,
    make_policy_version,
    make_user,
)

pytestmark = pytest.mark.django_db
CITED = {
    "summary": "Four hours apart.",
    "title": "Provider manual",
    "url": "",
    "published": "2026-05",
    "section": "3.2",
    "confidence": "high",
}


@pytest.fixture
def organization() -> Organization:
    return make_organization()


@pytest.fixture
def payer(organization):
    payer = make_payer(organization, slug="sample", name="Sample Health")
    make_policy_version(payer, terms={"min_gap": 300})
    return payer


@pytest.fixture
def admin(organization, roles, client) -> Client:
    client.force_login(make_user(organization, role="admin"))
    return client


@pytest.fixture
def draft(payer, roles) -> PolicyVersion:
    return draft_version(
        policy=payer.policy, effective_from=date(2026, 6, 1), by=make_user(payer.organization, role="admin")
    )


def words_of(response) -> str:
    """The page as people read it: no tags, single spaces."""
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def test_policy_list_shows_what_is_in_force_next_and_drafted(admin, payer):
    make_policy_version(payer, effective_from=date(2027, 1, 1))
    draft = draft_version(policy=payer.policy, effective_from=date(2026, 6, 1), by=make_user(payer.organization))

    response = admin.get(reverse("policy-list"))

    (row,) = response.context["rows"]
    assert row["current"].effective_from == date(2015, 1, 1)
    assert row["next"].effective_from == date(2027, 1, 1)
    assert row["unpublished"] == draft


def test_policy_list_marks_a_review_that_is_overdue(admin, organization):
    make_policy_version(make_payer(organization), reviewed_on=date(2025, 11, 23))

    assert "review overdue" in words_of(admin.get(reverse("policy-list")))


def test_policy_list_says_that_a_payer_without_a_version_is_held(admin, organization):
    make_payer(organization)

    assert "none: its sessions are held" in words_of(admin.get(reverse("policy-list")))


def test_policy_list_asks_the_same_number_of_queries_however_many_payers(
    admin, payer, organization, django_assert_max_num_queries
):
    with django_assert_max_num_queries(20) as captured:
        admin.get(reverse("policy-list"))
    few = len(captured)
    make_policy_version(make_payer(organization))
    make_policy_version(make_payer(organization))

    with django_assert_max_num_queries(few):
        response = admin.get(reverse("policy-list"))

    assert len(response.context["rows"]) == 3


def test_policy_file_has_the_rows_of_the_list(admin, payer, organization):
    make_policy_version(payer, effective_from=date(2027, 1, 1))
    draft_version(policy=payer.policy, effective_from=date(2026, 6, 1), by=make_user(payer.organization))
    make_policy_version(make_payer(organization, name="=Overdue"), reviewed_on=date(2025, 11, 23))
    make_payer(organization, name="Without", is_active=False)

    page = admin.get(reverse("policy-list"))
    response = admin.get(reverse("policy-list-csv"))
    rows = list(csv.reader(StringIO(b"".join(response.streaming_content).decode("utf-8-sig"))))

    assert [row[0].removeprefix("'") for row in rows[3:]] == [row["payer"].name for row in page.context["rows"]]
    assert rows[:2] == [["In force on", "11/24/2026"], []]
    found = {row[0]: row[1:] for row in rows[3:]}
    assert found["Sample Health"] == ["Yes", "2015-01-01", "2027-01-01", "Draft", "2026-06-01", "2026-11-24", "No"]
    assert found["'=Overdue"] == ["Yes", "2015-01-01", "", "", "", "2025-11-23", "Yes"]
    assert found["Without"] == ["No", "none: its sessions are held", "", "", "", "", "No"]
    assert response.headers["Cache-Control"].endswith("no-store")
    assert reverse("policy-list-csv") in page.text


def test_policy_page_derives_how_each_version_stands(admin, payer):
    make_policy_version(payer, revision=2)
    make_policy_version(payer, effective_from=date(2026, 1, 1))
    make_policy_version(payer, effective_from=date(2027, 1, 1))
    draft_version(policy=payer.policy, effective_from=date(2026, 6, 1), by=make_user(payer.organization))

    response = admin.get(reverse("policy-detail", args=["sample"]))

    found = {
        (row["version"].effective_from, row["version"].revision): row["standing"]
        for row in response.context["versions"]
    }
    assert found == {
        (date(2015, 1, 1), 1): "Corrected",
        (date(2015, 1, 1), 2): "Superseded",
        (date(2026, 1, 1), 1): "In force",
        (date(2026, 6, 1), 1): "Draft",
        (date(2027, 1, 1), 1): "Scheduled",
    }


@pytest.mark.parametrize("role", ["coder", "manager", "auditor"])
def test_policy_pages_are_read_by_every_role_and_edited_by_none_but_admins(organization, payer, draft, roles, role):
    client = Client()
    client.force_login(make_user(organization, role=role))

    assert client.get(reverse("policy-list")).status_code == 200
    assert client.get(reverse("policy-detail", args=["sample"])).status_code == 200
    assert client.get(reverse("version-detail", args=[draft.pk])).status_code == 200
    assert client.get(reverse("version-compare", args=[draft.pk])).status_code == 200
    assert client.get(reverse("version-edit", args=[draft.pk])).status_code == 403
    assert client.post(reverse("version-draft", args=["sample"])).status_code == 403
    assert client.get(reverse("version-term", args=[draft.pk, "bid"])).status_code == 403
    assert client.post(reverse("version-submit", args=[draft.pk])).status_code == 403
    assert client.post(reverse("version-publish", args=[draft.pk])).status_code == 403
    assert client.post(reverse("version-send-back", args=[draft.pk])).status_code == 403
    assert client.post(reverse("version-discard", args=[draft.pk])).status_code == 403


@pytest.mark.parametrize(
    "name", ["version-detail", "version-edit", "version-compare", "version-submit", "clause-create"]
)
def test_policy_pages_of_another_organization_are_not_found(admin, name):
    theirs = make_policy_version(make_payer(make_organization()), publish=False)

    assert admin.get(reverse(name, args=[theirs.pk])).status_code == 404


def test_version_draft_begins_one_and_opens_it(admin, payer):
    response = admin.post(reverse("version-draft", args=["sample"]), {"effective_from": "2026-06-01"})

    draft = PolicyVersion.objects.get(status=VersionStatus.DRAFT)
    assert response.url == reverse("version-edit", args=[draft.pk])
    assert draft.terms == {"min_gap": 300}


def test_version_draft_says_that_there_is_one(admin, draft):
    response = admin.post(reverse("version-draft", args=["sample"]), {"effective_from": "2027-06-01"})

    assert response.status_code == 422
    assert "There is a draft of this policy already" in words_of(response)
    assert 'value="2027-06-01"' in response.content.decode()


@pytest.mark.parametrize("day", ["", "1999-12-31", "2100-01-01", "soon"])
def test_version_draft_refuses_a_date_out_of_bounds(admin, payer, day):
    response = admin.post(reverse("version-draft", args=["sample"]), {"effective_from": day})

    assert response.status_code == 422
    assert not PolicyVersion.objects.filter(status=VersionStatus.DRAFT).exists()


def test_version_edit_shows_silence_as_the_house_default(admin, draft):
    response = admin.get(reverse("version-edit", args=[draft.pk]))

    assert "The payer is silent: house default, with 26" in words_of(response)
    assert "300 minutes" in words_of(response)


def test_version_edit_refuses_a_review_that_has_not_happened(admin, draft):
    response = admin.post(
        reverse("version-edit", args=[draft.pk]),
        {"effective_from": "2026-06-01", "reviewed_on": "2026-11-25", "summary": "Typed, and kept"},
    )

    assert response.status_code == 422
    assert "This day has not come yet." in words_of(response)
    assert "Typed, and kept" in words_of(response)


def test_version_term_sets_value_and_citation(admin, draft):
    response = admin.post(
        reverse("version-term", args=[draft.pk, "min_gap"]), {"stance": "says", "value": "240", **CITED}
    )

    draft.refresh_from_db()
    assert response.url.endswith("#term-min_gap")
    assert draft.terms == {"min_gap": 240}
    assert draft.clauses.get(term="min_gap").citation_section == "3.2"


def test_version_term_silent_needs_no_citation(admin, draft):
    admin.post(reverse("version-term", args=[draft.pk, "min_gap"]), {"stance": "silent"})

    draft.refresh_from_db()
    assert draft.terms == {}


@pytest.mark.parametrize(
    ("key", "value", "stored"),
    [
        ("bid", "units", "units"),
        ("po_pn", "yes", True),
        ("multi_isocenter_review", "no", False),
        ("payer_ready", "2026-07-01", "2026-07-01"),
        ("igrt_pc_code", "77387", "77387"),
        ("timely_days", "120", 120),
        ("technical_modifier", "TC", "TC"),
    ],
)
def test_version_term_reads_each_kind_of_value(admin, draft, key, value, stored):
    admin.post(reverse("version-term", args=[draft.pk, key]), {"stance": "says", "value": value, **CITED})

    draft.refresh_from_db()
    assert draft.terms[key] == stored


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"value": ""}, "This is needed where the payer says something."),
        ({"value": "four hours"}, "Allowed: whole minutes."),
        ({"title": ""}, "Source: This is needed"),
        ({"summary": ""}, "In your own words: This is needed"),
        ({"url": "not a link"}, "Link: Enter a valid URL."),
        ({"stance": ""}, "This field is required."),
    ],
)
def test_version_term_refuses_and_keeps_what_was_typed(admin, draft, changes, said):
    typed = {"stance": "says", "value": "240", **CITED, "section": "a section"} | changes

    response = admin.post(reverse("version-term", args=[draft.pk, "min_gap"]), typed)

    draft.refresh_from_db()
    assert response.status_code == 422
    assert said in words_of(response)
    assert 'value="a section"' in response.content.decode()
    assert draft.terms == {"min_gap": 300}


def test_version_term_that_is_none_is_not_found(admin, draft):
    assert admin.get(reverse("version-term", args=[draft.pk, "gap"])).status_code == 404


def test_statement_is_added_reworded_and_removed(admin, draft):
    admin.post(reverse("clause-create", args=[draft.pk]), {"topic": "alerts", **CITED})
    clause = draft.clauses.get(topic="alerts")

    admin.post(reverse("clause-amend", args=[clause.pk]), {"topic": "short", **CITED, "summary": "In other words."})
    reworded = draft.clauses.get(pk=clause.pk)
    admin.post(reverse("clause-remove", args=[clause.pk]))

    assert (reworded.topic, reworded.summary) == ("short", "In other words.")
    assert not draft.clauses.filter(pk=clause.pk).exists()


def test_statement_of_a_term_or_of_a_published_version_has_no_page(admin, payer, draft):
    of_term = draft.clauses.get(term="min_gap")
    of_published = payer.policy.versions.published().first().clauses.first()

    assert admin.get(reverse("clause-amend", args=[of_term.pk])).status_code == 404
    assert admin.post(reverse("clause-remove", args=[of_published.pk])).status_code == 404


def test_version_compare_shows_the_field_that_differs(admin, draft):
    admin.post(reverse("version-term", args=[draft.pk, "min_gap"]), {"stance": "says", "value": "240", **CITED})

    response = admin.get(reverse("version-compare", args=[draft.pk]))

    change = response.context["changes"][0]
    assert (change.label, change.before, change.after) == ("Least time between sessions", "300 minutes", "240 minutes")


def test_version_compare_of_a_correction_is_with_what_it_corrects(admin, payer):
    first = payer.policy.versions.get()
    correction = make_policy_version(payer, revision=2, terms={"min_gap": 240})

    response = admin.get(reverse("version-compare", args=[correction.pk]))

    assert response.context["before"] == first


def test_version_compare_of_the_first_has_nothing_before(admin, payer):
    response = admin.get(reverse("version-compare", args=[payer.policy.versions.get().pk]))

    assert response.context["before"] is None


def test_version_discard_drops_the_draft(admin, draft):
    response = admin.post(reverse("version-discard", args=[draft.pk]))

    assert response.url == reverse("policy-detail", args=["sample"])
    assert not PolicyVersion.objects.filter(pk=draft.pk).exists()


def test_version_discard_is_never_done_by_a_link(admin, draft):
    assert admin.get(reverse("version-discard", args=[draft.pk])).status_code == 405


def test_version_detail_tells_what_was_done_with_it(admin, draft):
    admin.post(reverse("version-term", args=[draft.pk, "bid"]), {"stance": "says", "value": "59", **CITED})

    response = admin.get(reverse("version-detail", args=[draft.pk]))

    assert "bid of Sample Health from 06/01/2026 set to 59" in words_of(response)
    assert "Provider manual" in words_of(response)


def test_told_when_frozen_changes_nothing_and_says_so(rf, admin, draft):
    request = rf.post("/")
    request.session = admin.session
    request._messages = FallbackStorage(request)

    def late(request):
        raise NotADraft(str(draft.pk))

    response = told_when_frozen(late)(request)

    assert response.url == reverse("policy-list")
    assert "published or discarded this draft meanwhile" in str(next(iter(request._messages)))
