"""The editor of a draft: its parts on one page, each changed in its place or on a page of its own."""

import html
import re
from datetime import date

import pytest
from django.contrib.messages.storage.fallback import FallbackStorage
from django.test import Client
from django.urls import reverse

from payers.draft_requests import told_when_frozen
from payers.draft_services import NotADraft, cite_clause, draft_version, set_term, write_guidance
from payers.models import PolicyClause, PolicyVersion
from payers.policy_files import Clause
from portal.models import AuditEvent
from tests.builders import make_organization, make_payer, make_policy_version, make_user

pytestmark = pytest.mark.django_db
CITED = {
    "summary": "Sixty days.",
    "title": "Provider manual",
    "url": "",
    "published": "2026-05",
    "section": "3.2",
    "confidence": "high",
    "reviewed_on": "2026-11-02",
}
EDITOR = {"HX-Request": "true"}
CASE = {
    "date_of_service": "2026-06-02",
    "coded_on": "2026-06-03",
    "setting": "hospital_on_campus",
    "technique": "imrt_complex",
    "isocenters": "single",
    "motion": "none",
    "guidance": "cbct",
    "completion": "complete",
    "session_of_day": "2",
    "minutes_since_previous": "480",
    "physician": "same",
    "authorization": "on_file",
    "diagnoses": "C02.1",
}


@pytest.fixture
def author(roles):
    return make_user(make_organization(), role="admin")


@pytest.fixture
def draft(author) -> PolicyVersion:
    payer = make_payer(author.organization, slug="sample", name="Sample Health")
    make_policy_version(payer, terms={"bid": "76"}, guidance="Call first.")
    return draft_version(policy=payer.policy, effective_from=date(2026, 6, 1), by=author)


@pytest.fixture
def admin(author, client) -> Client:
    client.force_login(author)
    return client


def statement(draft: PolicyVersion, author, **changes) -> PolicyClause:
    clause = Clause(**{"topic": "appeals", "summary": "Sixty days.", "title": "Manual"} | changes)
    return cite_clause(version=draft, clause=clause, by=author)


def test_editor_stands_under_every_heading_of_a_biller(admin, draft):
    response = admin.get(reverse("version-edit", args=[draft.pk]))

    groups = {group.topic: [row["key"] for row in group.terms] for group in response.context["groups"]}
    assert groups["second_session"] == ["bid", "min_gap"]
    assert groups["diagnoses"] == []
    assert list(groups)[:3] == ["short", "codes", "modifiers"]


def test_editor_asks_the_same_number_of_queries_however_much_the_draft_says(
    admin, draft, author, django_assert_max_num_queries
):
    with django_assert_max_num_queries(40) as captured:
        admin.get(reverse("version-edit", args=[draft.pk]))
    statement(draft, author)
    statement(draft, author, topic="alerts")
    draft.examples.create(title="One", facts={"date_of_service": "2026-06-02"})
    draft.examples.create(title="Two", facts={"date_of_service": "2026-06-02"})

    with django_assert_max_num_queries(len(captured)):
        admin.get(reverse("version-edit", args=[draft.pk]))


def test_draft_has_the_free_text_of_what_it_takes_over_from(draft):
    assert draft.guidance == "Call first."


def test_term_is_changed_on_a_page_of_its_own_without_script(admin, draft):
    response = admin.get(reverse("version-term", args=[draft.pk, "bid"]))

    page = response.content.decode()
    assert 'id="term-bid"' in page
    assert 'hx-select="#term-bid"' not in page


def test_term_is_changed_in_its_place_in_the_editor(admin, draft):
    response = admin.get(reverse("version-term", args=[draft.pk, "bid"]), headers=EDITOR)

    assert 'hx-select="#term-bid"' in response.content.decode()


def test_term_keeps_the_day_on_which_it_was_compared(admin, draft):
    data = {"stance": "says", "value": "59"} | CITED

    response = admin.post(reverse("version-term", args=[draft.pk, "bid"]), data)

    assert response.url.endswith("#term-bid")
    assert draft.clauses.get(term="bid").reviewed_on == date(2026, 11, 2)


def test_term_refuses_a_day_that_has_not_come(admin, draft):
    data = {"stance": "says", "value": "59"} | CITED | {"reviewed_on": "2026-11-25"}

    response = admin.post(reverse("version-term", args=[draft.pk, "bid"]), data)

    assert response.status_code == 422
    assert response.context["form"].errors["reviewed_on"] == ["This day has not come yet."]


def test_statement_added_in_the_editor_comes_with_the_way_to_add_another(admin, draft):
    address = reverse("clause-create", args=[draft.pk]) + "?topic=appeals"

    response = admin.post(address, CITED | {"topic": "appeals"}, headers=EDITOR)

    saved = draft.clauses.get(topic="appeals")
    assert response.status_code == 200
    assert response["HX-Reselect"] == f"#clause-{saved.pk}, #add-appeals"
    assert f'id="clause-{saved.pk}"' in response.content.decode()


def test_statement_under_another_heading_takes_the_whole_page_there(admin, draft):
    address = reverse("clause-create", args=[draft.pk]) + "?topic=appeals"

    response = admin.post(address, CITED | {"topic": "plans"}, headers=EDITOR)

    saved = draft.clauses.get(topic="plans")
    assert response["HX-Redirect"] == reverse("version-edit", args=[draft.pk]) + f"#clause-{saved.pk}"


def test_statement_moved_to_another_heading_takes_the_whole_page_there(admin, draft, author):
    clause = statement(draft, author)

    response = admin.post(reverse("clause-amend", args=[clause.pk]), CITED | {"topic": "plans"}, headers=EDITOR)

    assert response["HX-Redirect"].endswith(f"#clause-{clause.pk}")


def test_statement_that_was_removed_is_put_back_as_it_was(admin, draft, author):
    clause = statement(draft, author, topic="alerts", alert_from=date(2026, 6, 1), section="3 & 4")
    response = admin.post(reverse("clause-remove", args=[clause.pk]), follow=True)
    (message,) = response.context["messages"]
    way_back = html.unescape(re.search('href="([^"]+)"', str(message))[1])

    beginning = admin.get(way_back).context["form"].initial
    admin.post(way_back, beginning)

    saved = draft.clauses.get(topic="alerts")
    assert (saved.summary, saved.citation_section, saved.alert_from) == ("Sixty days.", "3 & 4", date(2026, 6, 1))


def test_alert_keeps_its_days(admin, draft):
    days = {"topic": "alerts", "alert_from": "2026-06-01", "alert_until": "2026-07-01"}

    admin.post(reverse("clause-create", args=[draft.pk]), CITED | days)

    alert = draft.clauses.get(topic="alerts")
    assert (alert.alert_from, alert.alert_until) == (date(2026, 6, 1), date(2026, 7, 1))


@pytest.mark.parametrize(
    ("days", "field"),
    [
        ({"topic": "appeals", "alert_from": "2026-06-01"}, "alert_from"),
        ({"topic": "appeals", "alert_until": "2026-06-01"}, "alert_until"),
        ({"topic": "alerts", "alert_from": "2026-07-01", "alert_until": "2026-06-01"}, "alert_until"),
    ],
)
def test_statement_refuses_days_that_mean_nothing(admin, draft, days, field):
    response = admin.post(reverse("clause-create", args=[draft.pk]), CITED | days)

    assert response.status_code == 422
    assert list(response.context["form"].errors) == [field]


def test_free_text_is_kept_with_its_lines(admin, draft):
    admin.post(reverse("version-free-text", args=[draft.pk]), {"guidance": "# Filing\r\n\r\n- by mail\r\n"})

    draft.refresh_from_db()
    assert draft.guidance == "# Filing\n\n- by mail"
    assert AuditEvent.objects.about(draft).filter(action="write_guidance").count() == 1


def test_free_text_preview_saves_nothing(admin, draft):
    data = {"guidance": "by **mail** <script>x</script>", "preview": "yes"}

    response = admin.post(reverse("version-free-text", args=[draft.pk]), data)

    draft.refresh_from_db()
    assert response.context["preview"] == "<p>by <strong>mail</strong> &lt;script&gt;x&lt;/script&gt;</p>\n"
    assert draft.guidance == "Call first."


def test_write_guidance_refuses_what_is_no_draft(draft, author):
    published = draft.policy.versions.published().get()

    with pytest.raises(NotADraft):
        write_guidance(version=published, text="Other words.", by=author)


def test_case_stands_beside_the_version_in_force(admin, draft, author):
    clause = Clause(topic="second_session", summary="Distinct.", title="Manual")
    set_term(version=draft, key="bid", value="59", clause=clause, by=author)

    response = admin.get(reverse("version-try", args=[draft.pk]), CASE)

    case = response.context["case"]
    assert [(label, row.lines[0].modifiers) for _, label, row in case["answers"]] == [
        ("Sample Health from 06/01/2026", ("59",)),
        ("Sample Health from 01/01/2015", ("76",)),
    ]
    assert not case["is_same"]


def test_case_of_a_day_before_the_draft_is_told(admin, draft):
    response = admin.get(reverse("version-try", args=[draft.pk]), CASE | {"date_of_service": "2026-05-31"})

    assert response.context["case"]["is_before_draft"]
    assert "The draft begins on 06/01/2026" in " ".join(response.content.decode().split())


def test_case_that_is_half_told_is_no_failure_in_the_editor(admin, draft):
    asked = CASE | {"minutes_since_previous": ""}
    address = reverse("version-try", args=[draft.pk])

    in_place, on_its_page = admin.get(address, asked, headers=EDITOR), admin.get(address, asked)

    assert (in_place.status_code, on_its_page.status_code) == (200, 422)
    assert "Say how long after the previous session it started." in in_place.content.decode()


def test_case_changes_nothing(admin, draft):
    before = (AuditEvent.objects.count(), draft.examples.count())

    admin.get(reverse("version-try", args=[draft.pk]), CASE)

    assert (AuditEvent.objects.count(), draft.examples.count()) == before


def test_editor_sends_the_whole_page_away_from_a_draft_that_is_gone(rf, draft, author):
    request = rf.post("/", headers=EDITOR)
    request.user, request.session = author, {}
    request._messages = FallbackStorage(request)

    response = frozen_meanwhile(request, pk=draft.pk)

    assert response["HX-Redirect"] == reverse("policy-list")


@told_when_frozen
def frozen_meanwhile(request, pk):
    raise NotADraft(str(pk))


def test_editor_shows_codes_by_setting_and_by_the_days_on_which_they_change(admin, draft):
    early = make_policy_version(
        make_payer(draft.policy.payer.organization), publish=False, effective_from=date(2025, 6, 1)
    )

    codes = admin.get(reverse("version-edit", args=[early.pk])).context["codes"]

    assert codes["days"] == [date(2025, 6, 1), date(2026, 1, 1)]
    on_campus = codes["rows"][0][1]
    assert [row.lines[0].code for row in on_campus] == ["77386", "77407"]


def test_editor_shows_codes_only_for_the_days_that_the_draft_holds(admin, draft):
    payer = make_payer(draft.policy.payer.organization)
    make_policy_version(payer, effective_from=date(2026, 1, 1))
    early = make_policy_version(payer, publish=False, effective_from=date(2025, 6, 1))

    codes = admin.get(reverse("version-edit", args=[early.pk])).context["codes"]

    assert codes["days"] == [date(2025, 6, 1)]
