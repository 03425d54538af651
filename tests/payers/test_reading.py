"""Who is asked to read what a version changes, who attests, who is reminded, and what a person read last."""

from datetime import UTC, date, datetime

import pytest

from payers.models import Attestation, GuidanceReading, PolicyVersion
from payers.reading_services import (
    ask_readers,
    attest,
    changes_what_is_said,
    is_news,
    predecessor,
    record_reading,
    remind,
    to_read,
)
from payers.services import publish_version, retire_version, submit_version
from portal.models import AuditEvent, Organization
from tests.builders import make_organization, make_payer, make_policy_version, make_user

ASKED = datetime(2026, 11, 24, 13, tzinfo=UTC)
LATER = datetime(2026, 11, 25, 13, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def organization(roles) -> Organization:
    return make_organization()


@pytest.fixture
def payer(organization):
    payer = make_payer(organization)
    make_policy_version(payer, terms={"bid": "76"})
    return payer


@pytest.fixture
def changed(payer) -> PolicyVersion:
    return make_policy_version(payer, terms={"bid": "59"}, effective_from=date(2026, 1, 1))


@pytest.fixture
def coder(organization):
    return make_user(organization, role="coder")


def test_predecessor_is_the_version_that_would_hold_without_it(payer, changed):
    first = predecessor(changed)

    assert first.effective_from == date(2015, 1, 1)
    assert predecessor(first) is None


def test_predecessor_of_a_correction_is_what_it_corrects(payer, changed):
    correction = make_policy_version(payer, terms={"bid": "76"}, effective_from=date(2026, 1, 1), revision=2)

    assert predecessor(correction) == changed


def test_changes_what_is_said_by_a_term(payer, changed):
    assert changes_what_is_said(predecessor(changed), changed)


def test_changes_what_is_said_by_the_free_text(payer):
    later = make_policy_version(payer, terms={"bid": "76"}, effective_from=date(2026, 1, 1), guidance="Call first.")

    assert changes_what_is_said(predecessor(later), later)


def test_changes_what_is_said_by_a_statement(payer):
    later = make_policy_version(payer, terms={"bid": "76"}, effective_from=date(2026, 1, 1), publish=False)
    later.clauses.create(topic="appeals", summary="Sixty days.", citation_title="Manual")

    assert changes_what_is_said(predecessor(later), later)


def test_changes_what_is_said_not_by_a_new_comparison_with_the_sources(payer):
    later = make_policy_version(payer, terms={"bid": "76"}, effective_from=date(2026, 1, 1), publish=False)
    later.clauses.update(reviewed_on=date(2026, 11, 20), position=7)

    assert not changes_what_is_said(predecessor(later), later)


def test_ask_readers_asks_those_who_enter_charges(organization, changed, coder):
    manager, admin = make_user(organization, role="manager"), make_user(organization, role="admin")
    make_user(organization, role="auditor")
    make_user(organization, role="coder", is_active=False)
    make_user(organization)
    make_user(make_organization(), role="coder")

    asked = ask_readers(version=changed, at=ASKED)

    assert {attestation.user for attestation in asked} == {coder, manager, admin}
    assert {attestation.asked_at for attestation in asked} == {ASKED}


def test_ask_readers_spares_the_authors(organization, payer, coder):
    writer, submitter = make_user(organization, role="admin"), make_user(organization, role="admin")
    version = make_policy_version(
        payer, terms={"bid": "59"}, effective_from=date(2026, 1, 1), drafted_by=writer, submitted_by=submitter
    )
    hand = make_user(organization, role="admin")
    AuditEvent.objects.create(
        organization=organization,
        by=hand,
        action="cite_clause",
        subject_kind="payers.policyversion",
        subject_id=version.pk,
        sentence="Clause added",
    )

    asked = ask_readers(version=version, at=ASKED)

    assert [attestation.user for attestation in asked] == [coder]


def test_ask_readers_asks_nobody_where_nothing_changes(payer, coder):
    same = make_policy_version(payer, terms={"bid": "76"}, effective_from=date(2026, 1, 1))

    assert ask_readers(version=same, at=ASKED) == []


def test_ask_readers_again_asks_only_who_came_since(organization, changed, coder):
    ask_readers(version=changed, at=ASKED)
    newcomer = make_user(organization, role="coder")

    asked = ask_readers(version=changed, at=LATER)

    assert [attestation.user for attestation in asked] == [newcomer]
    assert Attestation.objects.get(user=coder).asked_at == ASKED


def test_publishing_asks_the_readers_and_neither_author_nor_reviewer(organization, payer, coder):
    writer, reviewer = make_user(organization, role="admin"), make_user(organization, role="admin")
    draft = make_policy_version(
        payer,
        terms={"bid": "59"},
        effective_from=date(2026, 1, 1),
        summary="59 for a second session.",
        drafted_by=writer,
        publish=False,
    )
    submitted = submit_version(version=draft, at=ASKED, by=writer)

    published = publish_version(version=submitted, at=ASKED, by=reviewer)

    assert [(asked.user, asked.asked_at) for asked in published.attestations.all()] == [(coder, ASKED)]


def test_attest_says_when_and_leaves_an_event(changed, coder):
    attestation = ask_readers(version=changed, at=ASKED)[0]

    attest(attestation=attestation, at=LATER, by=coder)

    assert Attestation.objects.get().attested_at == LATER
    assert AuditEvent.objects.about(changed).get().action == "attest_reading"
    assert GuidanceReading.objects.get(user=coder).version == changed


def test_attest_twice_keeps_the_first_time(changed, coder):
    attestation = ask_readers(version=changed, at=ASKED)[0]
    attest(attestation=attestation, at=ASKED, by=coder)

    attest(attestation=attestation, at=LATER, by=coder)

    assert Attestation.objects.get().attested_at == ASKED
    assert AuditEvent.objects.about(changed).count() == 1


def test_attest_for_another_person_is_refused(organization, changed, coder):
    attestation = ask_readers(version=changed, at=ASKED)[0]

    with pytest.raises(ValueError, match="asks another person"):
        attest(attestation=attestation, at=LATER, by=make_user(organization, role="manager"))

    assert Attestation.objects.get().attested_at is None


def test_remind_marks_who_has_not_read(organization, changed, coder):
    other, manager = make_user(organization, role="coder"), make_user(organization, role="manager")
    ask_readers(version=changed, at=ASKED)
    attest(attestation=other.attestations.get(), at=ASKED, by=other)
    attest(attestation=manager.attestations.get(), at=ASKED, by=manager)

    number = remind(attestations=Attestation.objects.all(), version=changed, at=LATER, by=manager)

    reminded = coder.attestations.get()
    assert (number, reminded.reminded_at, reminded.reminded_by) == (1, LATER, manager)
    assert other.attestations.get().reminded_at is None
    assert coder.username in AuditEvent.objects.about(changed).get(action="remind_readers").sentence


def test_remind_nobody_leaves_no_event(organization, changed):
    manager = make_user(organization, role="manager")

    number = remind(attestations=Attestation.objects.all(), version=changed, at=LATER, by=manager)

    assert number == 0
    assert not AuditEvent.objects.about(changed).exists()


def test_to_read_forgets_a_retired_version(organization, changed, coder):
    ask_readers(version=changed, at=ASKED)
    retire_version(version=changed, reason="Withdrawn", at=LATER, by=make_user(organization, role="admin"))

    assert not to_read(coder).exists()


def test_record_reading_moves_on_to_a_later_version(payer, changed, coder):
    record_reading(version=predecessor(changed), at=ASKED, by=coder)

    record_reading(version=changed, at=LATER, by=coder)

    reading = GuidanceReading.objects.get()
    assert (reading.version, reading.read_at) == (changed, LATER)


def test_record_reading_of_an_older_version_keeps_the_later(changed, coder):
    record_reading(version=changed, at=ASKED, by=coder)

    record_reading(version=predecessor(changed), at=LATER, by=coder)

    assert GuidanceReading.objects.get().version == changed


def test_is_news_where_the_version_read_was_retired(organization, changed):
    first = predecessor(changed)
    retired = retire_version(version=changed, reason="Withdrawn", at=LATER, by=make_user(organization, role="admin"))

    assert is_news(first, retired)
    assert not is_news(first, first)
