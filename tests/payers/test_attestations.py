"""The pages of reading and attesting: what waits for a person, in the session too, and who has read what."""

import csv
import io
import re
from datetime import UTC, date, datetime

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from coding.services import capture_from
from payers.models import Attestation, PolicyVersion
from payers.reading_services import ask_readers, attest, remind
from portal.context import navigation
from portal.models import Organization, TreatmentSession, User
from tests.builders import (
    make_machine,
    make_organization,
    make_payer,
    make_policy_version,
    make_session,
    make_treated_course,
    make_user,
)

ASKED = datetime(2026, 11, 20, 13, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def organization(roles) -> Organization:
    return make_organization()


@pytest.fixture
def coder(organization) -> User:
    return make_user(organization, role="coder", first_name="Casey", last_name="Coder")


@pytest.fixture
def manager(organization) -> User:
    return make_user(organization, role="manager", first_name="Morgan", last_name="Manager")


@pytest.fixture
def changed(organization, coder) -> PolicyVersion:
    """A second version whose readers were asked: the coder, and whoever else was there."""
    return changed_policy(organization, name="Example Health")


def changed_policy(organization, **changes) -> PolicyVersion:
    payer = make_payer(organization, **changes)
    make_policy_version(payer, terms={"bid": "76"})
    version = make_policy_version(payer, terms={"bid": "59"}, effective_from=date(2025, 6, 1), summary="59 from June.")
    ask_readers(version=version, at=ASKED)
    return version


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def words_of(response) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def test_attestation_list_tells_what_changed_in_words(coder, changed):
    response = signed_in(coder).get(reverse("attestation-list"))

    said = words_of(response)
    assert "59 from June." in said
    assert "a line of its own with 76, or 77 under another physician" in said
    assert "a line of its own with 59" in said
    assert "Asked on 11/20/2026." in said


def test_attestation_list_without_anything_to_read_says_so(coder):
    assert "Nothing to read" in words_of(signed_in(coder).get(reverse("attestation-list")))


def test_attestation_list_asks_the_same_number_of_queries_however_much_waits(organization, coder, changed):
    client = signed_in(coder)
    with CaptureQueriesContext(
        connection,
    ) as few:
        client.get(reverse("attestation-list"))
    changed_policy(organization)
    changed_policy(organization)

    with CaptureQueriesContext(connection) as many:
        response = client.get(reverse("attestation-list"))

    assert len(response.context["page"]["waiting"]) == 3
    assert len(many) == len(few)


def test_attestation_list_shows_who_reminded(coder, manager, changed):
    remind(attestations=Attestation.objects.all(), version=changed, at=ASKED, by=manager)

    assert "Morgan Manager reminded you on 11/20/2026." in words_of(signed_in(coder).get(reverse("attestation-list")))


def test_attestation_is_counted_in_the_menu_and_on_the_home_page(coder, changed):
    response = signed_in(coder).get(reverse("dashboard-needs"))

    counted = {number.label: number.count for number in response.context["content"]["numbers"]}
    places = {p["label"]: p["count"] for group in navigation(response.wsgi_request) for p in group["places"]}
    assert (counted["Policy changes to read"], places["To read"]) == (1, "1")


def test_attest_takes_it_off_the_list_and_says_so(coder, changed):
    client = signed_in(coder)

    response = client.post(reverse("attestation-attest", args=[coder.attestations.get().pk]), follow=True)

    said = words_of(response)
    assert f"Read: {changed.label}." in said
    assert "Nothing to read" in said
    assert coder.attestations.get().attested_at is not None


def test_attest_goes_back_to_the_page_that_asked(coder, changed):
    address = reverse("attestation-attest", args=[coder.attestations.get().pk])

    response = signed_in(coder).post(address, {"next": "/sessions/7/"})

    assert response.url == "/sessions/7/"


@pytest.mark.parametrize("elsewhere", ["https://elsewhere.example/", "//elsewhere.example/", "javascript:alert(1)"])
def test_attest_never_leads_to_another_host(coder, changed, elsewhere):
    address = reverse("attestation-attest", args=[coder.attestations.get().pk])

    response = signed_in(coder).post(address, {"next": elsewhere})

    assert response.url == reverse("attestation-list")


def test_attest_in_place_answers_with_a_fragment(coder, changed):
    address = reverse("attestation-attest", args=[coder.attestations.get().pk])

    response = signed_in(coder).post(address, headers={"HX-Request": "true"})

    assert "<html" not in response.content.decode()
    assert "You have read what changed" in words_of(response)


def test_attestation_of_another_person_is_not_found(coder, manager, changed):
    address = reverse("attestation-attest", args=[coder.attestations.get().pk])

    response = signed_in(manager).post(address)

    assert response.status_code == 404
    assert coder.attestations.get().attested_at is None


def test_attestation_page_after_it_was_read_says_when(coder, changed):
    attestation = coder.attestations.get()
    attest(attestation=attestation, at=ASKED, by=coder)

    response = signed_in(coder).get(reverse("attestation-detail", args=[attestation.pk]))

    said = words_of(response)
    assert "You read it on 11/20/2026." in said
    assert "I have read it" not in said


def test_attestation_fragment_is_the_changes_alone(coder, changed):
    address = reverse("attestation-detail", args=[coder.attestations.get().pk])

    response = signed_in(coder).get(address, headers={"HX-Request": "true"})

    assert "<html" not in response.content.decode()
    assert "a line of its own with 59" in words_of(response)


# In the session


def session_under(version: PolicyVersion):
    course = make_treated_course(version.policy.payer.organization, payer=version.policy.payer)
    session = make_session(course, fraction=1)
    capture_from(patient=course.patient, day=session.date_of_service, by=None)
    return session


def test_session_under_an_unread_version_shows_what_changed(coder, changed):
    session = session_under(changed)

    response = signed_in(coder).get(reverse("session-detail", args=[session.pk]))

    said = words_of(response)
    assert "Example Health changed what applies here" in said
    assert "I have read it" in said
    assert f'hx-get="{reverse("attestation-detail", args=[coder.attestations.get().pk])}"' in response.content.decode()


def test_session_after_reading_shows_no_notice(coder, changed):
    session = session_under(changed)
    attest(attestation=coder.attestations.get(), at=ASKED, by=coder)

    response = signed_in(coder).get(reverse("session-detail", args=[session.pk]))

    assert "changed what applies here" not in words_of(response)


def test_session_under_an_earlier_version_shows_no_notice(coder, changed):
    course = make_treated_course(changed.policy.payer.organization, payer=changed.policy.payer)
    session = make_session(course, fraction=1, started_at=datetime(2025, 5, 30, 15, tzinfo=UTC))
    capture_from(patient=course.patient, day=session.date_of_service, by=None)

    response = signed_in(coder).get(reverse("session-detail", args=[session.pk]))

    assert "changed what applies here" not in words_of(response)


def test_day_sheet_with_a_session_under_an_unread_version_offers_what_changed(coder, changed):
    session = session_under(changed)
    machine = make_machine(session.department)
    TreatmentSession.objects.filter(pk=session.pk).update(machine=machine)
    address = reverse("day-sheet")

    unread = signed_in(coder).get(address, {"machine": machine.pk, "date": "2025-12-03"})
    attest(attestation=coder.attestations.get(), at=ASKED, by=coder)
    read = signed_in(coder).get(address, {"machine": machine.pk, "date": "2025-12-03"})

    assert "Example Health changed what applies to sessions of this sheet" in words_of(unread)
    assert "changed what applies" not in words_of(read)


# Readers


def test_reader_list_counts_who_has_read(organization, coder, manager):
    make_user(organization, role="coder")
    gone = make_user(organization, role="coder")
    version = changed_policy(organization)
    attest(attestation=manager.attestations.get(), at=ASKED, by=manager)
    User.objects.filter(pk=gone.pk).update(is_active=False)

    rows = signed_in(manager).get(reverse("reader-list")).context["rows"]

    assert [(row["version"], row["read"], row["asked"], row["waiting"], row["days_open"]) for row in rows] == [
        (version, 1, 3, 2, 4)
    ]


def test_reader_list_without_anybody_asked_says_so(manager):
    assert "Nobody was asked yet" in words_of(signed_in(manager).get(reverse("reader-list")))


def test_reader_list_asks_the_same_number_of_queries_however_many_versions(organization, coder, manager, changed):
    client = signed_in(manager)
    with CaptureQueriesContext(connection) as few:
        client.get(reverse("reader-list"))
    changed_policy(organization)
    changed_policy(organization)

    with CaptureQueriesContext(connection) as many:
        client.get(reverse("reader-list"))

    assert len(many) == len(few)


def test_readers_tells_who_has_and_who_has_not(coder, manager, changed):
    attest(attestation=coder.attestations.get(), at=ASKED, by=coder)
    waiting = make_user(coder.organization, role="coder", first_name="Wren", last_name="Waiting")
    ask_readers(version=changed, at=ASKED)

    page = signed_in(manager).get(reverse("reader-detail", args=[changed.pk])).context["page"]

    assert [reader.name for reader in page["read"]] == ["Casey Coder"]
    assert waiting.shown_name in [reader.name for reader in page["waiting"]]


def test_readers_asks_the_same_number_of_queries_however_many_readers(organization, manager, changed):
    client = signed_in(manager)
    address = reverse("reader-detail", args=[changed.pk])
    with CaptureQueriesContext(connection) as few:
        client.get(address)
    make_user(organization, role="coder")
    make_user(organization, role="coder")
    ask_readers(version=changed, at=ASKED)

    with CaptureQueriesContext(connection) as many:
        client.get(address)

    assert len(many) == len(few)


def test_remind_one_reader_leaves_the_others(organization, coder, manager):
    other = make_user(organization, role="coder")
    version = changed_policy(organization)
    address = reverse("reader-remind", args=[version.pk])

    response = signed_in(manager).post(address, {"attestation": coder.attestations.get().pk}, follow=True)

    assert "1 person was reminded." in words_of(response)
    assert coder.attestations.get().reminded_by == manager
    assert other.attestations.get().reminded_at is None


def test_remind_all_who_have_not_read(organization, coder, manager):
    make_user(organization, role="coder")
    version = changed_policy(organization)

    response = signed_in(manager).post(reverse("reader-remind", args=[version.pk]), follow=True)

    assert "3 people were reminded." in words_of(response)


def test_remind_nobody_left_says_so(coder, changed, manager):
    attest(attestation=coder.attestations.get(), at=ASKED, by=coder)

    response = signed_in(manager).post(reverse("reader-remind", args=[changed.pk]), follow=True)

    assert "Nobody was left to remind." in words_of(response)


def test_auditor_sees_the_readers_and_reminds_nobody(organization, coder, changed):
    auditor = signed_in(make_user(organization, role="auditor"))

    shown = auditor.get(reverse("reader-detail", args=[changed.pk]))
    refused = auditor.post(reverse("reader-remind", args=[changed.pk]))

    assert "Casey Coder" in words_of(shown)
    assert "Remind all" not in words_of(shown)
    assert refused.status_code == 403


def test_readers_as_csv(coder, changed, manager):
    attest(attestation=coder.attestations.get(), at=ASKED, by=coder)

    response = signed_in(manager).get(reverse("reader-csv", args=[changed.pk]))

    rows = list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))
    assert rows == [
        ["Version", "Reader", "Asked", "Read", "Reminded", "Reminded by"],
        [changed.label, "Casey Coder", "11/20/2026", "11/20/2026", "", ""],
    ]
