"""Words are found in the guidance of the own organization's payers, marked safely, and linked to where they stand."""

import re
from datetime import UTC, date, datetime

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from payers.guidance_search import MARK_BEGINS, MARK_ENDS, SearchedWords, find_in_guidance, in_words_of_statements
from payers.models import Payer, PolicyClause, PolicyVersion
from payers.presenters.guidance import marked
from payers.services import mark_published
from portal.models import Organization
from tests.builders import make_organization, make_payer, make_policy_version, make_user

ON = date(2026, 1, 5)
pytestmark = pytest.mark.django_db


@pytest.fixture
def organization(roles) -> Organization:
    return make_organization()


@pytest.fixture
def payer(organization) -> Payer:
    return make_payer(organization, slug="example", name="Example Health")


@pytest.fixture
def coder(organization) -> Client:
    client = Client()
    client.force_login(make_user(organization, role="coder"))
    return client


def policy_that_says(payer: Payer, summary: str, *, topic: str = "appeals", start=date(2015, 1, 1), **clause):
    """A published version from a day on with one statement of its own."""
    version = make_policy_version(payer, effective_from=start, publish=False)
    said = version.clauses.create(**{"topic": topic, "summary": summary, "citation_title": "Manual"} | clause)
    mark_published(version, at=datetime(2026, 11, 24, 12, tzinfo=UTC), by=None)
    return said


def clauses_found(organization, words, **asked):
    return [found.clause for found in find_in_guidance(organization=organization, words=words, **{"on": ON} | asked)]


def words_of(response) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


@pytest.mark.parametrize(
    ("words", "is_found"),
    [
        ("appeal", True),
        ("APPEALS sixty", True),
        ("appealing", True),
        ('"sixty days"', True),
        ('"days sixty"', False),
        ("appeal lawyer", False),
        ("lawyer or appeal", True),
        ("appeal -sixty", False),
        ("manual", True),
        ("page 7", True),
        ("the", False),
        ("!!! & | :*", False),
    ],
)
def test_find_in_guidance_by_words(organization, payer, words, is_found):
    said = policy_that_says(payer, "An appeal is made within sixty days.", citation_section="page 7")

    assert (said in clauses_found(organization, words)) is is_found


def test_find_in_guidance_takes_the_version_in_force_on_the_date(organization, payer):
    old = policy_that_says(payer, "Appeals by letter.")
    new = policy_that_says(payer, "Appeals by portal.", start=date(2026, 1, 1))

    assert clauses_found(organization, "appeals", on=date(2025, 12, 31)) == [old]
    assert clauses_found(organization, "appeals", on=date(2026, 1, 1)) == [new]


def test_find_in_guidance_of_all_versions_leaves_out_what_was_corrected(organization, payer):
    old = policy_that_says(payer, "Appeals by letter.")
    policy_that_says(payer, "Appeals by fax.", start=date(2026, 1, 1))
    correction = make_policy_version(payer, effective_from=date(2026, 1, 1), revision=2, publish=False)
    corrected = correction.clauses.create(topic="appeals", summary="Appeals by portal.", citation_title="Manual")
    mark_published(correction, at=datetime(2026, 11, 24, 12, tzinfo=UTC), by=None)

    assert set(clauses_found(organization, "appeals", on=None)) == {old, corrected}


def test_find_in_guidance_leaves_out_drafts_and_other_organizations(organization, payer):
    draft = make_policy_version(payer, publish=False)
    draft.clauses.create(topic="appeals", summary="Appeals by fax.", citation_title="Manual")
    policy_that_says(make_payer(make_organization()), "Appeals by letter.")

    assert clauses_found(organization, "appeals", on=None) == []


def test_find_in_guidance_narrowed_to_a_payer_and_a_topic(organization, payer):
    own = policy_that_says(payer, "Appeals by letter.")
    other = make_payer(organization)
    policy_that_says(other, "Appeals by portal.")

    assert clauses_found(organization, "appeals", payer=payer) == [own]
    assert clauses_found(organization, "appeals", payer=payer, topic="filing") == []
    assert clauses_found(organization, "appeals", payer=payer, topic="appeals") == [own]


def test_find_in_guidance_leaves_out_an_alert_whose_days_are_over(organization, payer):
    said = policy_that_says(payer, "Portal closed.", topic="alerts", alert_until=date(2026, 1, 4))

    assert clauses_found(organization, "portal", on=date(2026, 1, 4)) == [said]
    assert clauses_found(organization, "portal", on=date(2026, 1, 5)) == []


def test_find_in_guidance_finds_the_free_text(organization, payer):
    version = make_policy_version(payer, guidance="Call the *utilization* desk first.")

    found = find_in_guidance(organization=organization, words="utilization", on=ON)

    assert [(one.version, one.clause) for one in found] == [(version, None)]
    assert f"{MARK_BEGINS}utilization{MARK_ENDS}" in found[0].marked


def test_find_in_guidance_in_two_queries(organization, payer, django_assert_num_queries):
    policy_that_says(payer, "Appeals by letter.")
    policy_that_says(make_payer(organization), "Appeals by portal.")

    with django_assert_num_queries(2):
        found = find_in_guidance(organization=organization, words="appeals", on=ON)
        names = {one.version.policy.payer.name for one in found}

    assert len(names) == 2


@pytest.mark.parametrize(
    ("model", "columns", "index"),
    [
        (PolicyClause, ("summary", "citation_title", "citation_section"), "policy_clause_words"),
        (PolicyVersion, ("summary", "guidance"), "policy_version_words"),
    ],
)
def test_searched_words_are_those_of_the_index(model, columns, index):
    rows = model.objects.annotate(words=SearchedWords(*columns)).filter(words="appeal").order_by()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")

    assert index in rows.explain()


def test_marked_escapes_everything_but_its_marks():
    text = f"<b>An {MARK_BEGINS}appeal & more{MARK_ENDS}</b> {MARK_ENDS}"

    html = marked(text)

    assert html.startswith("&lt;b&gt;An <mark>appeal &amp; more</mark>&lt;/b&gt;")


# The page


def test_guidance_search_leads_to_the_statement(coder, payer):
    said = policy_that_says(payer, "An appeal is made within sixty days.")

    response = coder.get(reverse("guidance-search"), {"q": "appeal", "on": "2026-01-05"})

    page = response.content.decode()
    assert f'href="{reverse("guidance-detail", args=["example"])}?on=2026-01-05#clause-{said.pk}"' in page
    assert "An <mark>appeal</mark> is made" in page
    assert "1 statement for “appeal”, in force on 01/05/2026" in words_of(response)


def test_guidance_search_leads_to_the_term_that_a_statement_sets(coder, payer):
    make_policy_version(payer, terms={"bid": "59"})

    page = coder.get(reverse("guidance-search"), {"q": "sets", "on": "2026-01-05"}).content.decode()

    assert "#term-bid" in page


def test_guidance_search_of_all_versions_says_from_when_each_is(coder, payer):
    policy_that_says(payer, "Appeals by letter.")
    policy_that_says(payer, "Appeals by portal.", start=date(2026, 3, 1))

    response = coder.get(reverse("guidance-search"), {"q": "appeals", "every_version": "on"})

    said = words_of(response)
    assert "from 01/01/2015" in said
    assert "from 03/01/2026" in said
    assert "?on=2026-03-01#clause-" in response.content.decode()


def test_guidance_search_without_words_says_how_to_search(coder):
    assert "All words must stand in a statement." in words_of(coder.get(reverse("guidance-search")))


def test_guidance_search_that_finds_nothing_says_what_to_try(coder, payer):
    said = words_of(coder.get(reverse("guidance-search"), {"q": "nonesuch"}))

    assert "Nothing found" in said
    assert "Try fewer words" in said


def test_guidance_search_of_a_date_that_is_none_keeps_the_words(coder):
    response = coder.get(reverse("guidance-search"), {"q": "appeal", "on": "yesterday"})

    assert response.status_code == 422
    assert 'value="appeal"' in response.content.decode()


def test_guidance_search_escapes_what_was_typed(coder):
    page = coder.get(reverse("guidance-search"), {"q": "<script>alert(1)</script>"}).content.decode()

    assert "<script>alert(1)</script>" not in page


def test_guidance_search_takes_a_null_character_for_no_word(coder):
    response = coder.get(reverse("guidance-search"), {"q": "app\0eal"})

    assert response.status_code == 422


def test_guidance_search_fragment_has_no_frame(coder):
    response = coder.get(reverse("guidance-search"), {"q": "appeal"}, headers={"HX-Request": "true"})

    assert "<html" not in response.content.decode()


def test_command_bar_finds_statements_of_the_guidance(coder, payer):
    said = policy_that_says(payer, "An appeal is made within sixty days.")

    response = coder.post(reverse("search"), {"q": "appeal sixty"}, headers={"HX-Request": "true"})

    assert f"#clause-{said.pk}" in response.content.decode()
    assert "q=appeal" not in response.content.decode()


def test_search_offers_the_word_of_the_statements_and_keeps_the_filters(coder, payer):
    policy_that_says(payer, "Active motion management is documented in each record.")

    response = coder.get(f"{reverse('guidance-search')}?q=gating+record&payer=example&on=2026-01-05")

    ((said, address),) = response.context["page"]["instead"]
    assert said == "motion management"
    assert response.context["page"]["hits"] == []
    assert len(coder.get(reverse("guidance-search") + address).context["page"]["hits"]) == 1
    assert "payer=example" in address


@pytest.mark.parametrize("words", ["motion management", "positive", "investigating", "prior authorization"])
def test_search_offers_nothing_for_words_of_the_statements(words):
    assert in_words_of_statements(words) == []
