"""The examples of a draft: added, changed, removed, copied with the version, and run on every view."""

import html
import re
from datetime import date

import pytest
from django.test import Client
from django.urls import reverse

from coding.case_files import DOCUMENTS
from payers.draft_services import NotADraft, draft_version, set_term
from payers.example_services import ExampleExists, add_example, amend_example, remove_example
from payers.models import PolicyVersion
from payers.policy_files import Clause, Example
from payers.presenters.examples import DOCUMENTS_IN_WORDS, facts_in_words
from portal.models import AuditEvent
from tests.builders import make_organization, make_payer, make_policy_version, make_user

pytestmark = pytest.mark.django_db
FACTS = {
    "date_of_service": "2026-06-02",
    "setting": "hospital_on_campus",
    "claim": "institutional",
    "technique": "imrt_complex",
    "session_of_day": "2",
    "minutes_since_previous": "480",
    "diagnoses": "C02.1",
}
SECOND = Example("Second session takes 76", FACTS, "77407-76 x1 rev 0333")
TYPED = {"title": SECOND.title, "expected_lines": SECOND.expected_lines, "expected_findings": ""} | FACTS


@pytest.fixture
def author(roles):
    return make_user(make_organization(), role="admin")


@pytest.fixture
def draft(author) -> PolicyVersion:
    payer = make_payer(author.organization, slug="sample", name="Sample Health")
    make_policy_version(payer, terms={"bid": "76"})
    return draft_version(policy=payer.policy, effective_from=date(2026, 6, 1), by=author)


@pytest.fixture
def admin(author, client) -> Client:
    client.force_login(author)
    return client


def outcomes(admin: Client, draft: PolicyVersion) -> list[tuple[str, str, bool]]:
    response = admin.get(reverse("version-edit", args=[draft.pk]))
    return [(example.title, example.got, example.is_as_expected) for example in response.context["examples"]]


def test_add_example_stands_last_and_in_the_trail(draft, author):
    add_example(version=draft, example=SECOND, by=author)

    last = add_example(version=draft, example=Example("Another one", FACTS), by=author)

    assert last.position == 2
    assert AuditEvent.objects.about(draft).filter(action="add_example").count() == 2


def test_add_example_refuses_a_title_twice(draft, author):
    add_example(version=draft, example=SECOND, by=author)

    with pytest.raises(ExampleExists):
        add_example(version=draft, example=SECOND, by=author)


def test_amend_example_tells_the_trail_what_changed(draft, author):
    example = add_example(version=draft, example=SECOND, by=author)

    amend_example(example=example, content=Example(SECOND.title, FACTS, "77407-59 x1 rev 0333"), by=author)

    event = AuditEvent.objects.about(draft).get(action="amend_example")
    assert event.changes == {"expected_lines": ["77407-76 x1 rev 0333", "77407-59 x1 rev 0333"]}


def test_amend_example_without_a_change_leaves_no_trail(draft, author):
    example = add_example(version=draft, example=SECOND, by=author)

    amend_example(example=example, content=SECOND, by=author)

    assert not AuditEvent.objects.about(draft).filter(action="amend_example").exists()


def test_remove_example_leaves_a_trail(draft, author):
    example = add_example(version=draft, example=SECOND, by=author)

    remove_example(example=example, by=author)

    assert draft.examples.count() == 0
    assert AuditEvent.objects.about(draft).filter(action="remove_example").count() == 1


def test_examples_of_a_published_version_are_refused(draft, author):
    published = draft.policy.versions.published().get()

    with pytest.raises(NotADraft):
        add_example(version=published, example=SECOND, by=author)


def test_draft_version_copies_examples_and_moves_what_lies_before_it(author):
    payer = make_payer(author.organization)
    first = make_policy_version(payer, publish=False, effective_from=date(2026, 1, 1))
    add_example(version=first, example=Example("Before", FACTS | {"date_of_service": "2026-02-03"}), by=author)
    add_example(version=first, example=Example("After", FACTS | {"coded_on": "2026-06-09"}), by=author)
    first.status, first.submitted_at = "in_review", first.drafted_at
    first.save()
    first.status, first.published_at = "published", first.drafted_at
    first.save()

    copied = draft_version(policy=payer.policy, effective_from=date(2026, 6, 1), by=author)

    days = {example.title: example.facts["date_of_service"] for example in copied.examples.all()}
    assert days == {"Before": "2026-06-01", "After": "2026-06-02"}
    assert copied.examples.get(title="After").facts["coded_on"] == "2026-06-09"


def test_example_passes_until_the_term_changes(admin, draft, author):
    add_example(version=draft, example=SECOND, by=author)
    before = outcomes(admin, draft)

    clause = Clause(topic="second_session", summary="Distinct.", title="Manual")
    set_term(version=draft, key="bid", value="59", clause=clause, by=author)

    assert before == [(SECOND.title, "77407-76 x1 rev 0333", True)]
    assert outcomes(admin, draft) == [(SECOND.title, "77407-59 x1 rev 0333", False)]


def test_example_create_begins_with_the_draft_s_own_answer(admin, draft):
    response = admin.get(reverse("example-create", args=[draft.pk]), FACTS)

    initial = response.context["form"].initial
    assert initial["expected_lines"] == "77407-76 x1 rev 0333"
    assert initial["title"].startswith("Hospital, on campus, institutional claim, IMRT, complex, second session")


def test_example_create_keeps_what_was_typed(admin, draft):
    response = admin.post(reverse("example-create", args=[draft.pk]), TYPED)

    saved = draft.examples.get()
    assert response.url == reverse("version-edit", args=[draft.pk]) + "#examples"
    assert (saved.facts, saved.expected_lines) == (FACTS, "77407-76 x1 rev 0333")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"title": ""}, "title"),
        ({"expected_lines": "77407 twice"}, "expected_lines"),
        ({"expected_findings": "HOLD: NOT_A_FINDING"}, "expected_findings"),
        ({"date_of_service": ""}, "date_of_service"),
        ({"setting": ""}, "setting"),
        ({"authorization": "perhaps"}, "authorization"),
        ({"minutes_since_previous": "long"}, "minutes_since_previous"),
        ({"missing": "patience"}, "missing"),
        ({"requested_modifiers": "fifty-nine"}, "requested_modifiers"),
    ],
)
def test_example_create_refuses_at_the_field(admin, draft, changes, field):
    response = admin.post(reverse("example-create", args=[draft.pk]), TYPED | changes)

    assert response.status_code == 422
    assert list(response.context["form"].errors) == [field]
    assert draft.examples.count() == 0


def test_example_create_refuses_a_title_twice_at_the_field(admin, draft, author):
    add_example(version=draft, example=SECOND, by=author)

    response = admin.post(reverse("example-create", args=[draft.pk]), TYPED)

    assert response.status_code == 422
    assert response.context["form"].errors["title"] == ["Another example of this version has this title."]


def test_example_amend_changes_the_saved_one(admin, draft, author):
    example = add_example(version=draft, example=SECOND, by=author)

    admin.post(reverse("example-amend", args=[example.pk]), TYPED | {"expected_lines": "none"})

    example.refresh_from_db()
    assert example.expected_lines == ""


def test_example_amend_opens_with_what_is_saved(admin, draft, author):
    example = add_example(version=draft, example=Example("Held", FACTS | {"abn": "none"}), by=author)

    response = admin.get(reverse("example-amend", args=[example.pk]))

    form = response.context["form"]
    assert (form["title"].value(), form["abn"].value()) == ("Held", "none")
    assert form.has_further_facts()


def test_example_remove_takes_it_out(admin, draft, author):
    example = add_example(version=draft, example=SECOND, by=author)

    admin.post(reverse("example-remove", args=[example.pk]))

    assert outcomes(admin, draft) == []


def test_example_that_was_removed_is_put_back_as_it_was(admin, draft, author):
    example = add_example(version=draft, example=SECOND, by=author)
    response = admin.post(reverse("example-remove", args=[example.pk]), follow=True)
    (message,) = response.context["messages"]
    way_back = html.unescape(re.search('href="([^"]+)"', str(message))[1])

    beginning = admin.get(way_back).context["form"].initial
    admin.post(way_back, beginning)

    saved = draft.examples.get()
    assert (saved.title, saved.facts, saved.expected_lines) == (SECOND.title, FACTS, SECOND.expected_lines)


EARLY = FACTS | {"date_of_service": "2026-05-31", "coded_on": "2026-06-02"}


def test_example_before_the_draft_says_why_there_is_no_answer_and_what_to_do(admin, draft, author):
    add_example(version=draft, example=Example("Early", EARLY), by=author)

    response = admin.get(reverse("version-edit", args=[draft.pk]))

    (example,) = response.context["examples"]
    assert example.got == "Its date of service, 05/31/2026, is before this version starts on 06/01/2026: move it."
    assert "Move to 06/01/2026" in " ".join(response.content.decode().split())


def test_example_before_the_draft_is_moved_to_its_first_day(admin, draft, author):
    early = add_example(version=draft, example=Example("Early", EARLY, SECOND.expected_lines), by=author)
    other = add_example(version=draft, example=Example("Early too", EARLY), by=author)

    admin.post(reverse("example-move", args=[early.pk]))

    early.refresh_from_db()
    other.refresh_from_db()
    assert early.facts == FACTS | {"date_of_service": "2026-06-01"}
    assert other.facts == EARLY
    assert outcomes(admin, draft)[0] == ("Early", SECOND.expected_lines, True)
    assert AuditEvent.objects.about(draft).filter(action="move_example").count() == 1


def test_examples_before_the_draft_are_moved_at_once(admin, draft, author):
    add_example(version=draft, example=SECOND, by=author)
    add_example(version=draft, example=Example("Early", EARLY), by=author)
    add_example(version=draft, example=Example("Early too", EARLY), by=author)

    response = admin.post(reverse("example-move-all", args=[draft.pk]), follow=True)

    days = {example.title: example.facts["date_of_service"] for example in draft.examples.all()}
    assert days == {SECOND.title: "2026-06-02", "Early": "2026-06-01", "Early too": "2026-06-01"}
    assert "2 examples moved to 06/01/2026." in response.content.decode()


def test_example_keeps_the_documents_that_are_ticked(admin, draft):
    documents = ["image_signature", "bid_order"]
    admin.post(reverse("example-create", args=[draft.pk]), TYPED | {"missing": documents})

    saved = draft.examples.get()
    form = admin.get(reverse("example-amend", args=[saved.pk])).context["form"]
    assert saved.facts["missing"] == "image_signature bid_order"
    assert form["missing"].value() == documents


def test_example_tells_documents_and_authorization_in_words():
    facts = {
        "missing": "motion_documentation bid_order",
        "authorization": "units=30 used=29 ends=2026-06-01 code=77386",
    }

    assert facts_in_words(facts) == (
        "authorization (30 units, 29 used, until 06/01/2026, for 77386), "
        "missing: documentation of motion management and order of several sessions a day"
    )


def test_documents_of_case_files_have_words():
    assert set(DOCUMENTS_IN_WORDS) == set(DOCUMENTS)
