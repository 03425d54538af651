"""Reports that are one table: what each tells, and the list of all of them with those that people saved."""

from datetime import date, timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from coding.models import ChargeLine, RollupMark, SessionHold
from coding.presenters.report_tables import TABLE_REPORTS
from coding.services import capture_from
from portal.models import SavedView
from tests.builders import (
    make_authorization,
    make_department,
    make_organization,
    make_payer,
    make_session,
    make_treated_course,
    make_user,
)
from tests.coding.report_samples import AFTER, make_authorized, make_worked

pytestmark = pytest.mark.django_db


@pytest.fixture
def organization(roles):
    return make_organization()


@pytest.fixture
def manager(organization, client):
    """Signed in."""
    user = make_user(organization, role="manager", first_name="Mara", last_name="Manager")
    client.force_login(user)
    return user


@pytest.fixture
def worked(organization, manager):
    return make_worked(organization, manager)


def table_of(client, name, **asked):
    return client.get(reverse(f"report-{name}"), asked).context["table"]


def texts(table):
    return [[cell.text for cell in row] for row in table.rows]


def test_holds_report_counts_ages_in_bands(worked, client, settings):
    settings.NOW = SessionHold.objects.earliest("opened_at").opened_at + timedelta(days=10)
    total = table_of(client, "holds").total

    opened = [client.get(cell.url).context["page"].count_text for cell in total if cell.url]
    assert sum(cell.value for cell in total[3:]) == total[1].value == SessionHold.objects.open().count()
    assert [cell.value for cell in total[5:]] == [0, 0]
    assert total[4].value > 0
    assert opened == [cell.text for cell in total if cell.url]


def test_levels_report_says_the_share_of_the_highest_level(worked, client):
    table = table_of(client, "levels", by="month")

    assert [row[0].text for row in table.rows] == ["2025-12", "2026-01"]
    assert table.rows[0][-1].text == "100.0"
    assert table.rows[0][-2].text == "—"


def test_seam_report_shows_no_line_on_the_wrong_side(worked, client):
    table = table_of(client, "seam")

    assert table.total[-1].value == 0
    assert table.total[2].value > 0
    assert table.total[3].value > 0


def test_seam_report_opens_exactly_the_lines_whose_code_does_not_hold(worked, client):
    deleted = ChargeLine.objects.live().filter(code="77386").first()
    fields = {
        field.attname: getattr(deleted, field.attname)
        for field in ChargeLine._meta.concrete_fields
        if field.name != "id"
    }
    session = deleted.session.course.sessions.latest("started_at")
    ChargeLine.objects.filter(session=session).update(state="void", void_reason="Another code was sent")
    ChargeLine.objects.create(**fields | {"session_id": session.pk, "date_of_service": session.date_of_service})

    wrong = [row[-1] for row in table_of(client, "seam").rows if row[-1].value]

    assert [cell.value for cell in wrong] == [1]
    assert [row.line.code for row in client.get(wrong[0].url).context["page"].rows] == ["77386"]


def test_denials_report_says_that_nothing_is_known_and_no_zero(worked, client):
    table = table_of(client, "denials")

    assert {cell.text for cell in table.rows[0][1:]} == {"not known yet"}
    assert "That is not zero" in client.get(reverse("report-denials")).content.decode()


def test_authorizations_report_tells_what_each_waits_for(worked, manager, client):
    make_authorized([course.department for course in worked], manager)

    table = table_of(client, "authorizations", by="waiting")

    assert texts(table) == [
        ["Over", "1", "1", "5", "2", "0", "0"],
        ["Used up", "1", "1", "2", "2", "0", "0"],
        ["1 to 3 units left", "1", "1", "5", "2", "3", "0"],
        ["Ends within 10 days", "1", "1", "30", "2", "28", "0"],
        ["Nothing waits", "1", "1", "0", "2", "0", "1"],
        ["None on file", "0", "1", "0", "0", "0", "0"],
    ]
    assert [cell.text for cell in table.total] == ["All", "5", "6", "42", "10", "31", "1"]


def test_authorizations_report_leaves_out_courses_that_are_over_until_asked(worked, manager, client):
    make_authorized([course.department for course in worked], manager)

    over = table_of(client, "authorizations", courses="over")

    assert [cell.value for cell in over.total[1:6]] == [1, 1, 1, 2, 0]
    assert ("Courses", "Planned or begun") in client.get(reverse("report-authorizations")).context["form"].printed


def test_authorizations_report_has_a_course_of_two_authorizations_once_in_its_total(manager, client, organization):
    [course, *_others] = make_authorized([make_department(organization)], manager)
    make_authorization(course, make_payer(organization))

    table = table_of(client, "authorizations")

    assert sum(row[2].value for row in table.rows) == table.total[2].value + 1


def test_productivity_report_counts_what_the_person_did_in_the_week(worked, manager, client):
    table = table_of(client, "productivity")

    assert len(table.rows) == 1
    assert texts(table)[0][0] == "Mara Manager"
    assert [cell.value for cell in table.rows[0][2:5]] == [2, 2, 1]
    assert table.rows[0][5].value == ChargeLine.objects.filter(ruling__captured_by=manager).count()


def test_access_report_names_the_acts(worked, client):
    table = table_of(client, "access")

    assert ["Mara Manager", "Release hold", "1"] in texts(table)


def test_report_without_rows_says_so(manager, client):
    assert "Nothing to report" in client.get(reverse("report-levels")).content.decode()


@pytest.mark.parametrize("name", TABLE_REPORTS)
def test_report_names_a_filter_that_cannot_be_read(manager, client, name):
    field = TABLE_REPORTS[name].asks[-1]

    response = client.get(reverse(f"report-{name}"), {field: "soon"})

    assert response.status_code == 422
    assert field in response.context["form"].errors


def test_report_leaves_alone_a_filter_that_it_does_not_ask_for(worked, client):
    asked = table_of(client, "levels", state="held", reason="NONE", by="month")

    assert texts(asked) == texts(table_of(client, "levels", by="month"))


@pytest.mark.parametrize("name", TABLE_REPORTS)
def test_report_needs_as_many_queries_for_many_rows_as_for_one(manager, client, organization, name):
    course = make_treated_course(organization)
    make_session(course, fraction=1, image_review_signed_at=None)
    capture_from(patient=course.patient, day=date(2015, 1, 1), by=manager)
    with CaptureQueriesContext(connection) as one:
        client.get(reverse(f"report-{name}"))
    for setting in ("freestanding", "hospital_off_campus_excepted"):
        other = make_treated_course(organization, setting=setting)
        make_session(other, fraction=1, image_review_signed_at=None)
        make_session(other, fraction=2, started_at=AFTER, image_review_signed_at=None)
        capture_from(patient=other.patient, day=date(2015, 1, 1), by=manager)

    with CaptureQueriesContext(connection) as many:
        client.get(reverse(f"report-{name}"))

    assert len(many) == len(one)


# The list of reports, and the saved ones


def test_report_list_leads_to_every_report(manager, client):
    page = client.get(reverse("report-list"))

    assert [report.url for report in page.context["reports"]] == [
        reverse("report-charges"),
        *(reverse(f"report-{name}") for name in TABLE_REPORTS),
    ]


def test_saved_report_opens_with_its_filters(manager, client):
    page = client.get(reverse("report-levels"), {"by": "month", "start": "2026-01-01"})
    kept = {"place": "reports", "query": page.context["view"].query, "name": "Levels by month", "is_shared": "on"}
    client.post(reverse("saved-view-save"), kept)

    [saved] = client.get(reverse("report-list")).context["saved"]
    opened = client.get(saved.url, follow=True)

    assert (saved.name, saved.report, saved.is_own) == ("Levels by month", "Level mix", True)
    assert opened.redirect_chain[-1][0] == f"{reverse('report-levels')}?start=2026-01-01&by=month"


def test_saved_report_on_charges_keeps_every_grouping(manager, client):
    page = client.get(reverse("report-charges"), {"by": ["payer", "setting"], "code": "77386"})
    client.post(
        reverse("saved-view-save"), {"place": "reports", "query": page.context["view"].query, "name": "By setting"}
    )

    [saved] = client.get(reverse("report-list")).context["saved"]
    opened = client.get(saved.url, follow=True)

    assert opened.context["page"].headings == ["Payer", "Setting"]
    assert opened.context["form"].filters.code == "77386"


def test_shared_report_is_listed_for_others_and_an_unshared_one_is_not(manager, client, organization):
    other = make_user(organization, role="auditor", first_name="Aud", last_name="Auditor")
    for name, is_shared in (("Shared", True), ("Kept", False)):
        SavedView.objects.create(
            organization=organization, owner=other, place="reports", name=name, query="report=seam", is_shared=is_shared
        )

    saved = client.get(reverse("report-list")).context["saved"]

    assert [(one.name, one.is_own, one.owner) for one in saved] == [("Shared", False, "Aud Auditor")]


def test_removing_a_saved_report_leads_back_to_the_list(manager, client, organization):
    view = SavedView.objects.create(
        organization=organization, owner=manager, place="reports", name="Mine", query="report=seam"
    )

    response = client.post(reverse("saved-view-remove", args=[view.pk]))

    assert response.url.startswith(reverse("report-list"))
    assert not SavedView.objects.exists()


def test_worker_sums_the_months_that_changed(worked):
    call_command("work", "--once")

    assert not RollupMark.objects.exists()
