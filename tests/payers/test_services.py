"""A policy version from draft to retirement, and what each step refuses."""

from datetime import UTC, date, datetime

import pytest
from django.db import IntegrityError, transaction

from coding.engine.terms import PolicyTerms
from coding.models import SessionRuling
from coding.services import capture_charges, recapture_for_policy
from payers.draft_services import (
    DraftExists,
    NotADraft,
    amend_draft,
    cite_clause,
    discard_draft,
    draft_version,
    leave_to_house,
    remove_clause,
    set_term,
)
from payers.models import PolicyVersion, VersionStatus
from payers.pack_services import install_packs
from payers.policy_files import Clause
from payers.services import (
    NotReady,
    mark_published,
    publish_version,
    reasons_against_publishing,
    reasons_against_review,
    record_review,
    retire_version,
    send_back,
    submit_version,
)
from portal.models import AuditEvent, Organization, User
from tests.builders import (
    make_organization,
    make_payer,
    make_policy_version,
    make_session,
    make_treated_course,
    make_user,
)

NOW = datetime(2026, 11, 24, 15, tzinfo=UTC)
WORDS = Clause(topic="second_session", summary="Four hours apart.", title="Manual", section="3", confidence="high")
pytestmark = pytest.mark.django_db


@pytest.fixture
def organization() -> Organization:
    return make_organization()


@pytest.fixture
def author(organization) -> User:
    return make_user(organization)


@pytest.fixture
def policy(organization):
    """A policy whose first version, from 2015, asks for 300 minutes between sessions."""
    payer = make_payer(organization)
    make_policy_version(payer, terms={"min_gap": 300})
    return payer.policy


@pytest.fixture
def draft(policy, author) -> PolicyVersion:
    return draft_version(policy=policy, effective_from=date(2026, 6, 1), by=author)


def ready(draft: PolicyVersion, author: User) -> PolicyVersion:
    """The draft with everything that its review needs."""
    return amend_draft(
        version=draft,
        effective_from=draft.effective_from,
        reviewed_on=date(2026, 11, 20),
        summary="Sessions four hours apart.",
        by=author,
    )


def in_review(draft: PolicyVersion, author: User) -> PolicyVersion:
    """The draft, complete and submitted by its author."""
    return submit_version(version=ready(draft, author), at=NOW, by=author)


def test_install_packs_gives_nine_payers_with_versions_in_force(organization, author):
    install_packs(organization=organization, by=author)

    in_force = [payer.policy.versions.in_force(on=date(2015, 1, 1)).first() for payer in organization.payers.all()]
    assert len(in_force) == 9
    assert all(in_force)


def test_install_packs_again_adds_nothing(organization, author):
    first = install_packs(organization=organization, by=author)
    again = install_packs(organization=organization, by=author)

    assert len(first) == 19
    assert again == []
    assert AuditEvent.objects.filter(action="install_version").count() == 19


def test_install_packs_publishes_no_version_before_it_was_drafted(organization, author):
    versions = install_packs(organization=organization, by=author)

    assert all(version.published_at >= version.drafted_at for version in versions)


def test_install_packs_leaves_what_an_organization_has_published(organization, author):
    payer = make_payer(organization, slug="aetna", name="Aetna of ours")
    own = make_policy_version(payer, terms={"min_gap": 240})

    install_packs(organization=organization, by=author)

    payer.refresh_from_db()
    assert payer.name == "Aetna of ours"
    assert payer.policy.versions.in_force(on=date(2025, 12, 31)).first() == own
    assert payer.policy.versions.in_force(on=date(2026, 1, 1)).first() != own


def test_draft_version_starts_from_the_version_in_force(policy, author):
    draft = draft_version(policy=policy, effective_from=date(2026, 6, 1), by=author)

    assert draft.terms == {"min_gap": 300}
    assert [clause.term for clause in draft.clauses.all()] == ["min_gap"]
    assert draft.reviewed_on is None
    assert draft.status == VersionStatus.DRAFT


def test_draft_version_before_the_first_begins_empty(policy, author):
    draft = draft_version(policy=policy, effective_from=date(2014, 12, 31), by=author)

    assert draft.terms == {}
    assert not draft.clauses.exists()


def test_draft_version_with_an_existing_start_is_the_next_revision(policy, author):
    draft = draft_version(policy=policy, effective_from=date(2015, 1, 1), by=author)

    assert draft.revision == 2


def test_draft_version_refuses_a_second_draft(policy, draft, author):
    with pytest.raises(DraftExists):
        draft_version(policy=policy, effective_from=date(2027, 1, 1), by=author)


def test_draft_is_never_in_force(policy, draft):
    found = policy.versions.in_force(on=date(2026, 12, 1)).first()

    assert found != draft


def test_amend_draft_to_an_existing_start_becomes_a_correction(draft, author):
    amended = amend_draft(version=draft, effective_from=date(2015, 1, 1), reviewed_on=None, summary="x", by=author)

    assert amended.revision == 2


def test_amend_draft_without_a_change_leaves_no_trail(draft, author):
    before = AuditEvent.objects.count()

    amend_draft(version=draft, effective_from=draft.effective_from, reviewed_on=None, summary="", by=author)

    assert AuditEvent.objects.count() == before


def test_set_term_replaces_value_and_clause(draft, author):
    set_term(version=draft, key="min_gap", value=240, clause=WORDS, by=author)

    draft.refresh_from_db()
    assert draft.terms == {"min_gap": 240}
    assert [clause.summary for clause in draft.clauses.filter(term="min_gap")] == ["Four hours apart."]
    event = AuditEvent.objects.about(draft).first()
    assert event.changes == {"min_gap": [300, 240]}


def test_set_term_keeps_a_day_as_text(draft, author):
    set_term(version=draft, key="payer_ready", value=date(2026, 3, 1), clause=WORDS, by=author)

    draft.refresh_from_db()
    assert draft.terms["payer_ready"] == "2026-03-01"
    assert draft.as_terms().payer_ready == date(2026, 3, 1)


def test_set_term_refuses_what_is_no_term(draft, author):
    with pytest.raises(KeyError):
        set_term(version=draft, key="gap", value=1, clause=WORDS, by=author)


def test_leave_to_house_takes_the_term_and_its_clause(draft, author):
    leave_to_house(version=draft, key="min_gap", by=author)

    draft.refresh_from_db()
    assert draft.terms == {}
    assert not draft.clauses.exists()


def test_cite_clause_adds_and_rewords(draft, author):
    added = cite_clause(version=draft, clause=WORDS, by=author)

    reworded = cite_clause(
        version=draft,
        clause=Clause(topic="short", summary="In other words.", title="Manual"),
        existing=added,
        by=author,
    )

    assert reworded.pk == added.pk
    assert draft.clauses.get(pk=added.pk).summary == "In other words."


def test_remove_clause_refuses_the_clause_of_a_term(draft, author):
    with pytest.raises(ValueError, match="min_gap"):
        remove_clause(clause=draft.clauses.get(term="min_gap"), by=author)


def test_remove_clause_takes_a_statement(draft, author):
    added = cite_clause(version=draft, clause=WORDS, by=author)

    remove_clause(clause=added, by=author)

    assert not draft.clauses.filter(term="").exists()


def test_submit_version_names_every_reason_against_it(draft, author):
    draft.clauses.all().delete()

    with pytest.raises(NotReady) as refused:
        submit_version(version=draft, at=NOW, by=author)

    assert len(refused.value.reasons) == 3
    assert "The term min_gap has no citation." in refused.value.reasons


def test_publish_version_puts_it_in_force_from_its_day(policy, draft, author):
    published = publish_version(version=in_review(draft, author), at=NOW, by=author)

    assert policy.versions.in_force(on=date(2026, 5, 31)).first().effective_from == date(2015, 1, 1)
    assert policy.versions.in_force(on=date(2026, 6, 1)).first() == published
    assert policy.versions.in_force(on=date(2099, 12, 31)).first() == published
    assert published.published_by == author


def test_publish_version_of_a_correction_stands_before_what_it_corrects(policy, author):
    correction = draft_version(policy=policy, effective_from=date(2015, 1, 1), by=author)

    publish_version(version=in_review(correction, author), at=NOW, by=author)

    assert policy.versions.in_force(on=date(2020, 1, 1)).first() == correction
    assert policy.versions.count() == 2


def test_publish_version_by_the_author_is_refused_where_two_are_wanted(organization, draft, author):
    organization.publishing_needs_second_person = True
    organization.save()

    with pytest.raises(NotReady, match="second person"):
        publish_version(version=in_review(draft, author), at=NOW, by=author)


def test_publish_version_by_a_second_person_who_changed_it_is_refused(organization, draft, author):
    organization.publishing_needs_second_person = True
    organization.save()
    second = make_user(organization)
    set_term(version=draft, key="min_gap", value=240, clause=WORDS, by=second)

    with pytest.raises(NotReady, match="drafted, changed or submitted"):
        publish_version(version=in_review(draft, author), at=NOW, by=second)


def test_publish_version_by_whoever_submitted_it_is_refused(organization, draft, author):
    organization.publishing_needs_second_person = True
    organization.save()
    second = make_user(organization)
    submitted = submit_version(version=ready(draft, author), at=NOW, by=second)

    with pytest.raises(NotReady, match="second person"):
        publish_version(version=submitted, at=NOW, by=second)


def test_publish_version_by_the_author_of_what_was_sent_back_is_refused(organization, draft, author):
    organization.publishing_needs_second_person = True
    organization.save()
    second = make_user(organization)
    send_back(version=in_review(draft, author), reason="Say which plans.", by=second)

    published = publish_version(version=submit_version(version=draft, at=NOW, by=author), at=NOW, by=second)

    assert published.published_by == second


def test_publish_version_of_a_draft_is_refused(draft, author):
    with pytest.raises(NotReady, match="not in review"):
        publish_version(version=ready(draft, author), at=NOW, by=author)


@pytest.mark.parametrize(("key", "value"), [("technical_modifier", "TC"), ("keep_until", date(2026, 12, 31))])
def test_publish_version_against_a_national_rule_takes_two_people_whatever_the_setting(draft, author, key, value):
    set_term(version=draft, key=key, value=value, clause=WORDS, by=author)

    with pytest.raises(NotReady, match="against a national rule"):
        publish_version(version=in_review(draft, author), at=NOW, by=author)


def test_publish_version_against_a_national_rule_by_a_second_person(organization, draft, author):
    set_term(version=draft, key="technical_modifier", value="TC", clause=WORDS, by=author)

    published = publish_version(version=in_review(draft, author), at=NOW, by=make_user(organization))

    assert published.status == VersionStatus.PUBLISHED


def test_publish_version_with_a_term_set_to_none_is_no_override(draft, author):
    set_term(version=draft, key="technical_modifier", value="none", clause=WORDS, by=author)

    published = publish_version(version=in_review(draft, author), at=NOW, by=author)

    assert published.status == VersionStatus.PUBLISHED


def test_publish_version_by_a_second_person(organization, draft, author):
    organization.publishing_needs_second_person = True
    organization.save()
    second = make_user(organization)

    published = publish_version(version=in_review(draft, author), at=NOW, by=second)

    assert (published.drafted_by, published.published_by) == (author, second)


def test_reasons_against_a_complete_version_are_none(draft, author):
    assert reasons_against_review(ready(draft, author)) == []
    assert reasons_against_publishing(in_review(draft, author), author) == []


def test_submit_version_names_who_handed_it_in(draft, author):
    submitted = in_review(draft, author)

    assert (submitted.status, submitted.submitted_by, submitted.submitted_at) == ("in_review", author, NOW)
    assert AuditEvent.objects.about(submitted).first().action == "submit_version"


def test_version_in_review_refuses_every_change(draft, author):
    in_review(draft, author)

    with pytest.raises(NotADraft):
        set_term(version=draft, key="min_gap", value=240, clause=WORDS, by=author)
    with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
        PolicyVersion.objects.filter(pk=draft.pk).update(summary="x")


def test_send_back_makes_a_draft_with_a_reason(draft, author):
    returned = send_back(version=in_review(draft, author), reason="Say which plans.", by=author)

    assert (returned.status, returned.submitted_by, returned.submitted_at) == ("draft", None, None)
    assert AuditEvent.objects.about(returned).first().changes == {"reason": ["", "Say which plans."]}


def test_send_back_refuses_a_draft(draft, author):
    with pytest.raises(NotReady):
        send_back(version=draft, reason="x", by=author)


def test_record_review_keeps_day_person_and_note(policy, author):
    version = policy.versions.get()

    review = record_review(version=version, reviewed_on=date(2026, 11, 20), note="Manual of May.", at=NOW, by=author)

    assert list(version.reviews.values_list("reviewed_on", "note", "by")) == [
        (review.reviewed_on, "Manual of May.", author.pk)
    ]
    assert "nothing to change" in AuditEvent.objects.about(version).first().sentence


def test_record_review_refuses_a_draft(draft, author):
    with pytest.raises(NotReady):
        record_review(version=draft, reviewed_on=date(2026, 11, 20), note="", at=NOW, by=author)


def test_mark_published_refuses_a_term_against_a_national_rule(organization):
    draft = make_policy_version(make_payer(organization), publish=False, terms={"technical_modifier": "TC"})

    with pytest.raises(NotReady, match="two people"):
        mark_published(draft, at=NOW, by=None)


def test_published_version_refuses_every_service(draft, author):
    publish_version(version=in_review(draft, author), at=NOW, by=author)

    with pytest.raises(NotADraft):
        set_term(version=draft, key="min_gap", value=240, clause=WORDS, by=author)
    with pytest.raises(NotADraft):
        cite_clause(version=draft, clause=WORDS, by=author)
    with pytest.raises(NotADraft):
        discard_draft(version=draft, by=author)


def test_published_version_is_frozen_by_the_database(draft, author):
    publish_version(version=in_review(draft, author), at=NOW, by=author)

    with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
        PolicyVersion.objects.filter(pk=draft.pk).update(terms={"min_gap": 1})
    with pytest.raises(IntegrityError, match="never deleted"), transaction.atomic():
        PolicyVersion.objects.filter(pk=draft.pk)._raw_delete("default")


def test_published_clauses_are_frozen_by_the_database(draft, author):
    publish_version(version=in_review(draft, author), at=NOW, by=author)

    with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
        draft.clauses.update(summary="Something else")


def test_retire_version_lets_the_one_before_hold(policy, draft, author):
    published = publish_version(version=in_review(draft, author), at=NOW, by=author)

    retired = retire_version(version=published, reason="Read wrongly", at=NOW, by=author)

    assert retired.status == VersionStatus.RETIRED
    assert policy.versions.in_force(on=date(2026, 12, 1)).first().effective_from == date(2015, 1, 1)
    assert AuditEvent.objects.about(retired).first().sentence.endswith("retired: Read wrongly")


def test_retire_version_refuses_a_draft(draft, author):
    with pytest.raises(NotReady):
        retire_version(version=draft, reason="x", at=NOW, by=author)


def test_discard_draft_makes_room_for_another(policy, draft, author):
    discard_draft(version=draft, by=author)

    again = draft_version(policy=policy, effective_from=date(2026, 7, 1), by=author)
    assert again.pk != draft.pk
    assert AuditEvent.objects.filter(action="discard_draft").count() == 1


def test_as_terms_carries_the_clause_of_each_term(draft):
    terms = PolicyVersion.objects.with_terms().get(pk=draft.pk).as_terms()

    assert isinstance(terms, PolicyTerms)
    assert terms.clauses["min_gap"].title == "Test manual"


def test_new_version_changes_later_sessions_and_no_earlier_one(organization, author):
    payer = make_payer(organization, kind="medicare", slug="medicare")
    make_policy_version(payer)
    course = make_treated_course(organization, payer=payer)
    days = (date(2026, 5, 29), date(2026, 6, 1))
    for day in days:
        make_session(course, started_at=datetime(day.year, day.month, day.day, 15, tzinfo=UTC), coded_on=day)
        capture_charges(patient=course.patient, date_of_service=day, by=author)
    draft = draft_version(policy=payer.policy, effective_from=days[1], by=author)
    set_term(version=draft, key="igrt_pc_modifier", value="none", clause=WORDS, by=author)

    published = publish_version(version=in_review(draft, author), at=NOW, by=author)
    changed = recapture_for_policy(policy=payer.policy, since=published.effective_from, by=author)

    rulings = SessionRuling.objects.current().order_by("session__date_of_service")
    assert changed == 1
    assert [ruling.revision for ruling in rulings] == [1, 2]
    assert [ruling.session.charge_lines.get(replaced_in=None, role="guidance").modifiers for ruling in rulings] == [
        ["26"],
        [],
    ]
