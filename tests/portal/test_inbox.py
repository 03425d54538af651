"""A person's inbox: what lies in it, what was read, the files, removal with its way back, and what is let go of."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from portal.context import navigation
from portal.models import AuditEvent, InboxMessage
from portal.services.inbox import KEPT_FOR, REMOVED_FOR, forget_old_messages, remove_message
from tests.builders import make_message, make_organization, make_user

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 24, 15, tzinfo=UTC)


@pytest.fixture
def organization(roles):
    return make_organization()


@pytest.fixture
def auditor(organization, client):
    """Signed in; the role that only reads has an inbox too."""
    user = make_user(organization, role="auditor")
    client.force_login(user)
    return user


def shown(client, query=""):
    return [one.message.subject for one in client.get(reverse("inbox") + query).context["shown"]]


def words(response) -> str:
    return " ".join(response.content.decode().split())


def post(client, name, message, **headers):
    return client.post(reverse(name, args=[message.pk]), headers=headers)


def count_in_menu(client) -> str:
    request = client.get(reverse("home")).wsgi_request
    return next(
        place["count"] for group in navigation(request) for place in group["places"] if place["label"] == "Inbox"
    )


# The list


def test_messages_stand_newest_first_and_are_the_persons_own(auditor, client, organization):
    for day in (22, 24, 23):
        make_message(auditor, subject=f"Of the {day}th", sent_at=datetime(2026, 11, day, 11, tzinfo=UTC))
    make_message(make_user(organization, role="auditor"), subject="Of somebody else")

    assert shown(client) == ["Of the 24th", "Of the 23th", "Of the 22th"]


def test_list_tells_in_words_what_is_unread(auditor, client):
    make_message(auditor)
    make_message(auditor, read_at=NOW)

    page = words(client.get(reverse("inbox")))

    assert "1 unread" in page
    assert page.count("Unread</strong>") == 1
    assert page.count("Read</span>") == 1


def test_list_says_when_on_the_clock_of_the_place(auditor, client):
    make_message(auditor, sent_at=datetime(2026, 11, 24, 5, 7, tzinfo=UTC))

    page = words(client.get(reverse("inbox")))

    assert "11/24/2026 12:07 AM" in page
    assert "Times of America/New_York" in page


def test_long_inbox_is_read_page_by_page(auditor, client):
    for number in range(53):
        make_message(auditor, subject=f"{number}", sent_at=NOW - timedelta(hours=number))

    first = client.get(reverse("inbox")).context["pages"]

    assert first.count_text == "53"
    assert shown(client, first.older_url) == ["50", "51", "52"]


def test_empty_inbox_says_how_reports_come_to_it(auditor, client):
    page = words(client.get(reverse("inbox")))

    assert "No messages" in page
    assert "Save a report with its filters" in page
    assert "Mark all as read" not in page


def test_inbox_needs_as_many_queries_for_many_messages_as_for_one_and_reads_no_file(auditor, client):
    make_message(auditor)
    with CaptureQueriesContext(connection) as one:
        client.get(reverse("inbox"))
    for _ in range(5):
        make_message(auditor)

    with CaptureQueriesContext(connection) as many:
        client.get(reverse("inbox"))

    assert len(many) == len(one)
    assert not [query for query in many.captured_queries if '"file"' in query["sql"]]


# One message


def test_message_shows_its_filters_its_file_and_the_way_to_the_report(auditor, client):
    message = make_message(auditor, filters=[["Payer", "Medicare"], ["Group by", "Month"]])

    page = words(client.get(reverse("inbox-message", args=[message.pk])))

    assert "<dt>Payer</dt> <dd> Medicare </dd>" in page
    assert "levels-2026-11-24.csv (CSV, 11" in page
    assert 'href="/reports/levels/?by=month"' in page


def test_message_without_a_file_leads_to_the_saved_reports(auditor, client):
    message = make_message(auditor, file_name="", file=b"", link="", filters=[], text="The report could not be made.")

    response = client.get(reverse("inbox-message", args=[message.pk]))

    assert "The report could not be made." in words(response)
    assert reverse("report-list") + "#saved-reports" in words(response)
    assert "Download" not in words(response)
    assert client.get(reverse("inbox-file", args=[message.pk])).status_code == 404


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("levels.csv", "text/csv"),
        ("levels.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ],
)
def test_file_is_downloaded_as_it_was_delivered(auditor, client, name, kind):
    message = make_message(auditor, file_name=name, file=b"\x00\xffas delivered")

    response = client.get(reverse("inbox-file", args=[message.pk]))

    assert b"".join(response.streaming_content) == b"\x00\xffas delivered"
    assert response.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    assert response.headers["Content-Type"] == kind
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_title_of_the_page_names_no_report(auditor, client):
    message = make_message(auditor, subject="A name that somebody gave")

    page = words(client.get(reverse("inbox-message", args=[message.pk])))

    assert "<title>Message · Beamledger</title>" in page


# Read and unread


def test_looking_marks_nothing(auditor, client):
    message = make_message(auditor)

    for name in ("inbox-message", "inbox-file"):
        client.get(reverse(name, args=[message.pk]))

    message.refresh_from_db()
    assert message.read_at is None


def test_message_that_is_unread_tells_that_it_is_read_once_its_page_stands(auditor, client):
    message = make_message(auditor)

    page = words(client.get(reverse("inbox-message", args=[message.pk])))

    assert f'hx-post="{reverse("inbox-read", args=[message.pk])}" hx-trigger="load"' in page
    assert "Mark as read" in page


def test_reading_counts_down_in_the_menu(auditor, client):
    message = make_message(auditor)
    make_message(auditor)
    before = count_in_menu(client)

    answer = post(client, "inbox-read", message, HX_Request="true")

    assert (before, count_in_menu(client)) == ("2", "1")
    assert 'id="count-inbox" class="count" hx-swap-oob="true">1<' in words(answer)


def test_reading_the_last_one_takes_the_number_out_of_the_menu(auditor, client):
    message = make_message(auditor)

    answer = post(client, "inbox-read", message, HX_Request="true")

    assert '<span id="count-inbox" hx-swap-oob="delete">' in words(answer)
    assert count_in_menu(client) == ""


def test_reading_without_script_leads_back_to_the_message(auditor, client):
    message = make_message(auditor)

    response = post(client, "inbox-read", message)

    message.refresh_from_db()
    assert response.url == reverse("inbox-message", args=[message.pk])
    assert message.read_at == NOW


def test_reading_again_keeps_the_first_time(auditor, client):
    earlier = NOW - timedelta(days=1)
    message = make_message(auditor, read_at=earlier)

    post(client, "inbox-read", message)

    message.refresh_from_db()
    assert message.read_at == earlier


def test_message_is_marked_as_unread_again(auditor, client):
    message = make_message(auditor, read_at=NOW)

    response = post(client, "inbox-unread", message)

    message.refresh_from_db()
    assert (response.url, message.read_at) == (reverse("inbox"), None)


def test_all_of_the_person_are_marked_as_read_and_nobody_elses(auditor, client, organization):
    other = make_message(make_user(organization, role="auditor"))
    make_message(auditor)
    make_message(auditor)

    response = client.post(reverse("inbox-read-all"), follow=True)

    other.refresh_from_db()
    assert "2 messages marked as read." in words(response)
    assert not InboxMessage.objects.of(auditor).unread().exists()
    assert other.read_at is None


# Removed, brought back, let go of


def test_removed_message_is_gone_and_comes_back(auditor, client):
    message = make_message(auditor)

    told = client.post(reverse("inbox-remove", args=[message.pk]), follow=True)
    gone = shown(client), count_in_menu(client), client.get(reverse("inbox-message", args=[message.pk])).status_code
    post(client, "inbox-restore", message)

    assert f'action="{reverse("inbox-restore", args=[message.pk])}"' in words(told)
    assert gone == ([], "", 404)
    assert shown(client) == ["Levels by month"]
    actions = list(AuditEvent.objects.about(message).values_list("action", flat=True))
    assert actions == ["restore_message", "remove_message"]


def test_removed_message_of_another_person_is_not_brought_back(auditor, client, organization):
    message = make_message(make_user(organization, role="auditor"), removed_at=NOW)

    assert post(client, "inbox-restore", message).status_code == 404


def test_messages_are_let_go_of_past_their_time_and_removed_ones_a_day_later(auditor):
    kept = make_message(auditor, sent_at=NOW - KEPT_FOR)
    make_message(auditor, sent_at=NOW - KEPT_FOR - timedelta(seconds=1))
    removed = make_message(auditor, sent_at=NOW)
    remove_message(message=removed, at=NOW, by=auditor)
    on_the_day = forget_old_messages(at=NOW)

    a_day_later = forget_old_messages(at=NOW + REMOVED_FOR + timedelta(seconds=1))

    assert (on_the_day, a_day_later) == (1, 2)
    assert kept.pk and not InboxMessage.objects.exists()


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"link": "https://elsewhere.example/"}, "inbox_link_is_ours"),
        ({"link": "//elsewhere.example/"}, "inbox_link_is_ours"),
        ({"subject": ""}, "inbox_message_has_a_subject"),
    ],
)
def test_message_has_a_subject_and_leads_nowhere_else(auditor, changes, name):
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        make_message(auditor, **changes)
