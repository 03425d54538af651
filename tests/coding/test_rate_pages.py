"""Contract rates on their pages: listed, typed, brought in as a schedule that is shown first, and taken out."""

import csv
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import StringIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from coding.jobs import KINDS
from coding.models import ChargeLine, ContractRate
from coding.rate_services import CAPTURE_RATES, CAPTURED_AT_ONCE, save_rate
from coding.services import capture_from, mark_exported
from portal.models import AuditEvent, Job
from portal.services.jobs import work_off
from tests.builders import (
    make_job,
    make_organization,
    make_payer,
    make_policy_version,
    make_session,
    make_treated_course,
    make_user,
)

pytestmark = pytest.mark.django_db
HEADING = "payer,code,modifier,setting,effective_from,amount,source"
START = datetime(2025, 11, 3, 15, tzinfo=UTC)


@pytest.fixture
def organization(roles):
    return make_organization()


@pytest.fixture
def admin(organization, client):
    """Signed in."""
    user = make_user(organization, role="admin")
    client.force_login(user)
    return user


@pytest.fixture
def payer(organization):
    payer = make_payer(organization, slug="harbor", name="Harbor Health", kind="commercial")
    make_policy_version(payer, terms={"authorization_required": False})
    return payer


def make_rate(payer, **changes) -> ContractRate:
    rate = {"code": "77386", "effective_from": date(2025, 1, 1), "amount": "1000.00", "source": "Contract of 2025"}
    return ContractRate.objects.create(organization=payer.organization, payer=payer, **rate | changes)


def captured(payer, by, days: int = 1):
    course = make_treated_course(payer.organization, payer=payer)
    for day in range(days):
        make_session(course, fraction=day + 1, started_at=START + timedelta(days=day))
    capture_from(patient=course.patient, day=START.date(), by=by)
    return course


def sent(client, *rows: str, heading: str = HEADING):
    """The answer to a schedule that is sent to be looked at."""
    content = "\n".join((heading, *rows)).encode()
    return client.post(reverse("rate-import"), {"file": SimpleUploadedFile("schedule.csv", content)})


def confirmed(client, preview, **fields):
    return client.post(reverse("rate-bring-in"), {"kept": preview.context["kept"], **fields})


# The list


def test_list_says_of_each_rate_until_when_it_holds(admin, client, payer):
    make_rate(payer)
    make_rate(payer, effective_from=date(2026, 1, 1), amount="1100.00")
    make_rate(payer, effective_from=date(2027, 1, 1), amount="1200.00")

    rows = client.get(reverse("rate-list")).context["page"].rows

    assert [(row.rate.amount, row.through, row.standing) for row in rows] == [
        (Decimal("1200.00"), None, "begins later"),
        (Decimal("1100.00"), date(2026, 12, 31), "holds today"),
        (Decimal("1000.00"), date(2025, 12, 31), "ended"),
    ]


def test_list_is_narrowed_to_payer_and_code(admin, client, payer, organization):
    make_rate(payer)
    make_rate(payer, code="G6015")
    make_rate(make_payer(organization))

    rows = client.get(reverse("rate-list"), {"payer": "harbor", "code": "773"}).context["page"].rows

    assert [(row.rate.payer, row.rate.code) for row in rows] == [(payer, "77386")]


def test_list_asks_the_same_number_of_queries_for_many_rates(admin, client, payer):
    make_rate(payer)
    with CaptureQueriesContext(connection) as of_one:
        client.get(reverse("rate-list"))
    for day in range(2, 29):
        make_rate(payer, effective_from=date(2025, 1, day))

    with CaptureQueriesContext(connection) as of_many:
        client.get(reverse("rate-list"))

    assert len(of_many) == len(of_one)


def test_list_has_pages(admin, client, payer):
    for day in range(101):
        make_rate(payer, effective_from=date(2025, 1, 1) + timedelta(days=day))

    first = client.get(reverse("rate-list")).context["page"]
    second = client.get(reverse("rate-list") + first.older_url.partition("/setup/rates/")[2]).context["page"]

    assert (len(first.rows), first.count_text, len(second.rows)) == (100, "101 rates", 1)


def test_empty_list_says_what_to_do(admin, client):
    page = client.get(reverse("rate-list")).content.decode()

    assert "No contract rate is entered" in page
    assert reverse("rate-import") in page


def test_auditor_reads_the_rates_and_what_they_were_and_is_offered_no_change(client, organization, payer):
    rate = make_rate(payer)
    rate.source = "Contract of 2025, page 4"
    save_rate(rate=rate, organization=organization, by=make_user(organization, role="admin"))
    client.force_login(make_user(organization, role="auditor"))

    page = client.get(reverse("rate-list")).content.decode()

    assert "$1,000.00" in page
    assert reverse("rate-import") not in page
    trail = reverse("audit-object", args=["coding.contractrate", rate.pk])
    assert trail in page
    assert "Contract of 2025, page 4" in client.get(trail).content.decode()


def test_file_of_the_list_has_the_rates_that_the_filters_leave(admin, client, payer, organization):
    make_rate(payer, modifier="26", setting="freestanding")
    make_rate(make_payer(organization))

    response = client.get(reverse("rate-list-csv"), {"payer": "harbor"})

    rows = list(csv.reader(StringIO(b"".join(response.streaming_content).decode("utf-8-sig"))))
    assert rows[-2:] == [
        HEADING.split(","),
        ["harbor", "77386", "26", "freestanding", "2025-01-01", "1000.00", "Contract of 2025"],
    ]


# One rate


def test_typed_rate_is_followed_by_unsent_lines(admin, client, payer):
    captured(payer, admin)
    typed = {"payer": payer.pk, "code": "77386", "effective_from": "2025-01-01", "amount": "990", "source": "Page 4"}

    response = client.post(reverse("rate-create"), typed, follow=True)

    assert "Rate saved. 1 session has a new ruling." in response.content.decode()
    assert ChargeLine.objects.live().get(code="77386").expected_amount == Decimal("990.00")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"amount": "-1"}, "amount"),
        ({"source": ""}, "source"),
        ({"code": "7738"}, "code"),
        ({"modifier": "59"}, "modifier"),
        ({"effective_from": "1999-01-01"}, "effective_from"),
        ({}, "__all__"),
    ],
    ids=["amount", "source", "code", "modifier", "day", "the same start twice"],
)
def test_rate_that_is_refused_keeps_what_was_typed(admin, client, payer, wrong, field):
    make_rate(payer)
    typed = {"payer": payer.pk, "code": "77386", "effective_from": "2025-01-01", "amount": "990", "source": "Page 4"}

    response = client.post(reverse("rate-create"), typed | wrong)

    assert response.status_code == 422
    assert field in response.context["form"].errors
    assert 'value="990"' in response.content.decode() or "amount" in wrong
    assert ContractRate.objects.count() == 1


@pytest.mark.parametrize("amended", [False, True], ids=["a new one", "an amended one"])
def test_rate_that_somebody_else_saved_first_is_refused_at_its_day(admin, client, payer, monkeypatch, amended):
    """The other one is saved after the form was found valid: only the database can tell."""

    def save_second(**asked):
        make_rate(payer)
        return save_rate(**asked)

    page = reverse("rate-amend", args=[make_rate(payer, code="77385").pk]) if amended else reverse("rate-create")
    typed = {"payer": payer.pk, "code": "77386", "effective_from": "2025-01-01", "amount": "990", "source": "Page 4"}
    monkeypatch.setattr("coding.views.rates.save_rate", save_second)

    response = client.post(page, typed)

    assert response.status_code == 422
    assert "Somebody has just saved a rate" in response.context["form"].errors["effective_from"][0]
    assert 'value="990"' in response.text
    assert 'value="Page 4"' in response.text
    assert ContractRate.objects.get(code="77386").amount == 1000


def test_payer_of_another_organization_is_no_choice(admin, client, payer):
    other = make_payer(make_organization())
    typed = {"payer": other.pk, "code": "77386", "effective_from": "2025-01-01", "amount": "990", "source": "Page 4"}

    response = client.post(reverse("rate-create"), typed)

    assert "payer" in response.context["form"].errors


# A schedule


def test_schedule_is_shown_before_anything_is_kept(admin, client, payer):
    make_rate(payer)
    make_rate(payer, code="77385")

    preview = sent(
        client,
        "harbor,77386,,,2025-01-01,1100.00,Contract of 2025",
        "harbor,77385,,,2025-01-01,1000.00,Contract of 2025",
        "harbor,77412,,,2026-01-01,1450.00,Contract of 2026",
        "nobody,77412,,,2026-01-01,1450.00,Contract of 2026",
    )

    plan = preview.context["plan"]
    assert [row.code for row in plan.new] == ["77412"]
    assert [(change.rate.amount, change.row.amount) for change in plan.changed] == [(Decimal("1000"), Decimal("1100"))]
    assert [row.code for row in plan.same] == ["77385"]
    assert [row.number for row in plan.refused] == [5]
    assert "No payer of yours is called “nobody”" in preview.content.decode()
    assert ContractRate.objects.count() == 2


def test_schedule_is_brought_in_as_it_was_shown(admin, client, payer):
    rate = make_rate(payer)
    captured(payer, admin)
    preview = sent(
        client, "harbor,77386,,,2025-01-01,1100.00,Page 5", "harbor,77412,,,2026-01-01,1450.00,Contract of 2026"
    )

    response = confirmed(client, preview)

    assert response.url == reverse("rate-list")
    rate.refresh_from_db()
    assert (rate.amount, rate.source) == (Decimal("1100.00"), "Page 5")
    assert ContractRate.objects.get(code="77412").organization == admin.organization
    assert ChargeLine.objects.live().get(code="77386").expected_amount == Decimal("1100.00")
    amended = AuditEvent.objects.about(rate).get(action="amend_contractrate", by=admin)
    assert amended.changes == {"amount": ["1000.00", "1100.00"], "source": ["Contract of 2025", "Page 5"]}
    assert AuditEvent.objects.about(ContractRate.objects.get(code="77412")).filter(action="add_contractrate").exists()
    whole = AuditEvent.objects.get(action="import_contract_rates")
    assert whole.sentence == "Contract rates imported: 1 added, 1 amended, 0 as they were, 0 rows refused"


def test_rates_that_a_schedule_does_not_name_stay(admin, client, payer):
    kept = make_rate(payer, code="77385")

    confirmed(client, sent(client, "harbor,77386,,,2025-01-01,1100.00,Page 5"))

    assert set(ContractRate.objects.values_list("code", flat=True)) == {"77385", "77386"}
    assert ContractRate.objects.filter(pk=kept.pk, amount="1000.00").exists()


def test_refused_rows_are_left_out_only_where_a_person_says_so(admin, client, payer):
    preview = sent(client, "harbor,77386,,,2025-01-01,1100.00,Page 5", "harbor,77386,,,soon,1100.00,Page 5")

    refused = confirmed(client, preview)
    brought_in = confirmed(client, refused, without_refused="on")

    assert refused.status_code == 422
    assert "Tick the box" in refused.content.decode()
    assert brought_in.status_code == 302
    assert ContractRate.objects.count() == 1


def test_rates_changed_since_the_preview_are_shown_anew(admin, client, payer):
    rate = make_rate(payer)
    preview = sent(client, "harbor,77386,,,2025-01-01,1100.00,Page 5")
    ContractRate.objects.filter(pk=rate.pk).update(amount="1050.00")

    again = confirmed(client, preview)

    assert again.status_code == 422
    assert "Rates were changed meanwhile" in again.content.decode()
    assert [change.rate.amount for change in again.context["plan"].changed] == [Decimal("1050.00")]
    assert ContractRate.objects.get().amount == Decimal("1050.00")
    assert confirmed(client, again).status_code == 302


@pytest.mark.parametrize("kept", ["", "forged:1:x"])
def test_preview_that_was_not_shown_brings_nothing_in(admin, client, kept):
    response = client.post(reverse("rate-bring-in"), {"kept": kept}, follow=True)

    assert "That preview is too old" in response.content.decode()
    assert ContractRate.objects.count() == 0


def test_preview_of_another_organization_brings_nothing_in(admin, client, payer):
    preview = sent(client, "harbor,77386,,,2025-01-01,1100.00,Page 5")
    other = make_organization()
    make_payer(other, slug="harbor")
    client.force_login(make_user(other, role="admin"))

    confirmed(client, preview)

    assert ContractRate.objects.count() == 0


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "The file is empty"),
        (b"\xff\xfep\x00a\x00", "This is no text"),
        (b"code,amount\n1,2", "No row names the columns"),
    ],
    ids=["empty", "not text", "another table"],
)
def test_file_that_cannot_be_read_says_why(admin, client, content, reason):
    response = client.post(reverse("rate-import"), {"file": SimpleUploadedFile("schedule.csv", content)})

    assert response.status_code == 422
    assert reason in response.content.decode()


def test_file_that_a_spreadsheet_saved_in_its_own_letters_is_read(admin, client, payer):
    content = f"{HEADING}\nharbor,77386,,,2025-01-01,5,Contract – page 4".encode("cp1252")

    preview = client.post(reverse("rate-import"), {"file": SimpleUploadedFile("schedule.csv", content)})

    assert preview.context["plan"].new[0].source == "Contract – page 4"


def test_schedule_that_brings_nothing_offers_no_button(admin, client, payer):
    make_rate(payer)

    page = sent(client, "harbor,77386,,,2025-01-01,1000.00,Contract of 2025").content.decode()

    assert "Nothing here is new" in page
    assert "Bring 0 rates in" not in page


def test_exported_lines_keep_their_amount_through_a_schedule(admin, client, payer):
    captured(payer, admin)
    line = ChargeLine.objects.get(code="77386")
    mark_exported(lines=[line], by=admin)

    confirmed(client, sent(client, "harbor,77386,,,2025-01-01,1100.00,Page 5"))

    line.refresh_from_db()
    assert line.expected_from == "OPPS 2025"
    assert not ChargeLine.objects.filter(corrects=line).exists()


def test_many_lines_follow_beside_the_pages_and_the_list_tells_how_far(admin, client, payer):
    captured(payer, admin, days=CAPTURED_AT_ONCE + 1)

    response = client.post(
        reverse("rate-bring-in"),
        {"kept": sent(client, "harbor,77386,,,2025-01-01,1100.00,Page 5").context["kept"]},
        follow=True,
    )
    part = client.get(reverse("rate-list"), headers={"HX-Request": "true", "HX-Target": "rate-jobs"})
    work_off(kinds=KINDS)
    after = client.get(reverse("rate-list"), headers={"HX-Request": "true", "HX-Target": "rate-jobs"})

    assert "follow beside the pages" in response.content.decode()
    assert "patient by patient" in part.content.decode() or "No worker is heard" in part.content.decode()
    assert "The lines have followed the changed rates" in after.content.decode()
    assert not ChargeLine.objects.live().filter(code="77386").exclude(expected_amount="1100.00").exists()


def test_captures_that_failed_are_asked_for_once_more(admin, client):
    job = make_job(admin, kind=CAPTURE_RATES, state="failed", problem="Not done.", arguments={"touched": []})

    page = client.get(reverse("rate-list")).content.decode()
    client.post(reverse("rate-follow-again", args=[job.pk]))

    assert "Not every line could follow the changed rates" in page
    assert Job.objects.going_on().get(kind=CAPTURE_RATES).arguments == {"touched": []}
    assert client.post(reverse("rate-follow-again", args=[job.pk])).status_code == 404
