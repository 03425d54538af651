"""Two versions beside each other: what changed, in words, and any two of a policy on one page."""

from datetime import date

import pytest
from django.test import Client
from django.urls import reverse

from payers.draft_services import cite_clause, draft_version, set_term, write_guidance
from payers.example_services import add_example
from payers.models import PolicyClause, PolicyVersion
from payers.policy_files import Clause, Example
from payers.presenters.comparison import Difference, differences
from payers.presenters.examples import example_differences, facts_in_words
from tests.builders import make_organization, make_payer, make_policy_version, make_user

pytestmark = pytest.mark.django_db
CITED = Clause(topic="second_session", summary="Own line.", title="Manual")
FACTS = {"date_of_service": "2026-06-02", "setting": "freestanding", "claim": "global", "technique": "imrt_complex"}


@pytest.fixture
def organization():
    return make_organization()


@pytest.fixture
def published(organization) -> PolicyVersion:
    version = make_policy_version(
        make_payer(organization, slug="sample", name="Sample Health"), terms={"bid": "units"}, publish=True
    )
    return PolicyVersion.objects.with_terms().get(pk=version.pk)


@pytest.fixture
def author(organization, roles):
    return make_user(organization, role="admin")


@pytest.fixture
def draft(published, author) -> PolicyVersion:
    return draft_version(policy=published.policy, effective_from=date(2026, 6, 1), by=author)


@pytest.fixture
def admin(author, client) -> Client:
    client.force_login(author)
    return client


def as_it_stands(version: PolicyVersion) -> PolicyVersion:
    return PolicyVersion.objects.with_terms().get(pk=version.pk)


def statement(version: PolicyVersion, author, summary: str, **changes) -> PolicyClause:
    clause = Clause(**{"topic": "appeals", "summary": summary, "title": "Manual"} | changes)
    return cite_clause(version=version, clause=clause, by=author)


def test_differences_tell_a_term_in_words(published, draft, author):
    set_term(version=draft, key="bid", value="76", clause=CITED, by=author)

    first = differences(published, as_it_stands(draft))[0]

    assert first.sentence == (
        "A second session of the day: a line of its own with 76, or 77 under another physician "
        "instead of one line a day, its units counted up"
    )
    assert first.group == "Terms"


def test_differences_of_a_copy_are_none(published, draft):
    assert differences(published, as_it_stands(draft)) == []


def test_differences_stand_terms_first_then_statements_then_free_text(published, draft, author):
    write_guidance(version=draft, text="Call first.", by=author)
    statement(draft, author, "Sixty days to appeal.")
    set_term(version=draft, key="min_gap", value=240, clause=CITED, by=author)

    groups = [difference.group for difference in differences(published, as_it_stands(draft))]

    assert list(dict.fromkeys(groups)) == ["Terms", "Statements", "Free text"]


def test_differences_set_the_clause_of_a_term_beside_the_one_it_replaces(published, draft, author):
    set_term(version=draft, key="bid", value="units", clause=CITED, by=author)

    found = differences(published, as_it_stands(draft))

    assert [(bool(difference.before), bool(difference.after)) for difference in found] == [(True, False), (False, True)]


def test_differences_set_a_reworded_statement_beside_what_it_was(organization, author):
    payer = make_payer(organization)
    first = make_policy_version(payer, publish=False)
    statement(first, author, "An appeal is taken for sixty days after the first denial.")
    statement(first, author, "Nothing else.")
    earlier = as_it_stands(first)
    first.clauses.all().delete()
    statement(first, author, "Wholly other words stand here.")
    statement(first, author, "An appeal is taken for ninety days after the first denial.")

    found = differences(earlier, as_it_stands(first))

    reworded = next(difference for difference in found if "ninety" in difference.after)
    assert "sixty" in reworded.before
    assert [text for text, is_new in reworded.parts_after if is_new] == ["ninety"]
    assert [text for text, is_gone in reworded.parts_before if is_gone] == ["sixty"]


def test_differences_spell_out_a_link_where_nothing_else_differs(published, draft, author):
    clause = draft.clauses.get(term="bid")
    clause.citation_url = "https://example.org/manual"
    clause.save()

    (found,) = differences(published, as_it_stands(draft))

    assert [text for text, is_gone in found.parts_before if is_gone] == ["no link"]
    assert [text for text, is_new in found.parts_after if is_new] == ["https://example.org/manual"]


def test_difference_marks_a_text_that_is_all_new_as_one_piece():
    difference = Difference("Codes", "one line a day", "with 76")

    assert difference.parts_after == [("with 76", True)]


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ("", "with 76", "Codes: new, with 76"),
        ("with 76", "", "Codes: gone, it was with 76"),
        ("with 59", "with 76", "Codes: with 76 instead of with 59"),
        ("silent: house default", "with 76", "Codes: with 76, where the payer was silent"),
        ("with 59", "silent: house default", "Codes: silent now, where it was with 59"),
    ],
)
def test_difference_sentence(before, after, sentence):
    assert Difference("Codes", before, after).sentence == sentence


def test_differences_say_from_when_an_alert_is_shown(published, draft, author):
    statement(draft, author, "New address.", topic="alerts", alert_from=date(2026, 6, 1), alert_until=date(2026, 7, 1))

    (found,) = differences(published, as_it_stands(draft))

    assert found.after.endswith("shown from 06/01/2026 through 07/01/2026")


def test_example_differences_know_an_example_by_its_title(published, draft, author):
    add_example(version=draft, example=Example("First session", FACTS, "G6015 x1 pos 11"), by=author)

    (found,) = example_differences(published, draft)

    assert (found.label, found.before) == ("First session", "")
    assert found.after == ("06/02/2026, Freestanding center, global claim, IMRT, complex: G6015 x1 pos 11")


def test_differences_of_free_text_are_told_as_it_reads(published, draft, author):
    write_guidance(version=draft, text="## Filing\n\n- **Call** first", by=author)

    (difference,) = differences(published, as_it_stands(draft))

    assert (difference.before, difference.after) == ("", "Filing\n• Call first")


def test_differences_of_emphasis_alone_are_told_as_typed(author, organization):
    version = make_policy_version(make_payer(organization), guidance="Call first.")
    draft = draft_version(policy=version.policy, effective_from=date(2026, 6, 1), by=author)
    write_guidance(version=draft, text="**Call** first.", by=author)

    (difference,) = differences(as_it_stands(version), as_it_stands(draft))

    assert (difference.before, difference.after) == ("Call first.", "**Call** first.")


def test_facts_in_words_leave_out_what_is_usual():
    facts = FACTS | {"session_of_day": "2", "minutes_since_previous": "480", "isocenters": "single", "guidance": "cbct"}

    assert facts_in_words(facts) == (
        "06/02/2026, Freestanding center, global claim, IMRT, complex, second session of the day, "
        "480 minutes after the previous one, cone-beam CT"
    )


def test_version_compare_stands_beside_what_it_takes_over_from(admin, published, draft, author):
    set_term(version=draft, key="bid", value="76", clause=CITED, by=author)

    response = admin.get(reverse("version-compare", args=[draft.pk]))

    assert response.context["before"] == published
    assert response.context["sentences"][0].startswith("A second session of the day: a line of its own with 76")


def test_version_compare_of_any_two_sets_the_earlier_first(admin, published):
    between = make_policy_version(published.policy.payer, effective_from=date(2026, 1, 1), terms={"bid": "59"})

    response = admin.get(reverse("version-compare", args=[published.pk]), {"with": between.pk})

    assert (response.context["before"], response.context["after"]) == (published, between)
    assert response.context["form"].fields["with"].choices[1:] == [(between.pk, f"{between.label} (Published)")]


def test_version_compare_with_nothing_shows_all_of_it(admin, published):
    response = admin.get(reverse("version-compare", args=[published.pk]), {"with": ""})

    assert response.context["before"] is None
    assert [change.label for change in response.context["changes"]] == ["A second session of the day", "Modifiers"]


def test_version_compare_refuses_a_version_of_another_policy(admin, published):
    theirs = make_policy_version(make_payer(published.policy.payer.organization))

    response = admin.get(reverse("version-compare", args=[published.pk]), {"with": theirs.pk})

    assert response.status_code == 422
    assert "with" in response.context["form"].errors


def test_version_compare_asks_the_same_number_of_queries_however_much_differs(
    admin, draft, author, django_assert_max_num_queries
):
    with django_assert_max_num_queries(30) as captured:
        admin.get(reverse("version-compare", args=[draft.pk]))
    few = len(captured)
    statement(draft, author, "Sixty days.")
    add_example(version=draft, example=Example("First session", FACTS), by=author)
    add_example(version=draft, example=Example("Another one", FACTS), by=author)

    with django_assert_max_num_queries(few):
        admin.get(reverse("version-compare", args=[draft.pk]))
