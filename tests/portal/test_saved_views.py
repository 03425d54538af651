"""Saved views over charge review: whose they are, what they count, rename, remove and take back; the last filters."""

from urllib.parse import quote

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from coding.services import capture_from
from portal.models import AuditEvent, SavedView
from portal.services.views import save_view
from tests.builders import TODAY, make_organization, make_session, make_treated_course, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def organization(roles):
    return make_organization()


@pytest.fixture
def coder(organization, client):
    """Signed in."""
    user = make_user(organization, role="coder")
    client.force_login(user)
    return user


def view_of(person, name="Held ones", query="state=held", **changes):
    return save_view(**{"place": "charges", "name": name, "query": query, "is_shared": False, "by": person} | changes)


def strip(client, query="", **headers):
    return client.get(reverse("charge-review") + query, **headers).context["strip"]


def tabs(client, query=""):
    return {tab.label: tab for tab in strip(client, query).tabs}


def numbers(client):
    asked = {"HX-Request": "true", "HX-Target": "view-tabs"}
    return {tab.label: tab.count for tab in strip(client, headers=asked).tabs}


def test_save_keeps_the_filters_under_a_name(coder, client):
    posted = {"place": "charges", "name": "Held ones", "query": "state=held", "is_shared": "on"}

    response = client.post(reverse("saved-view-save"), posted)

    assert response.url == reverse("charge-review") + "?state=held"
    assert SavedView.objects.filter(owner=coder, name="Held ones", is_shared=True).exists()
    assert AuditEvent.objects.filter(action="save_view", by=coder).count() == 1


def test_save_without_a_name_is_refused_at_the_field(coder, client):
    response = client.post(reverse("saved-view-save"), {"place": "charges", "name": " ", "query": "state=held"})

    assert response.status_code == 422
    assert "name" in response.context["form"].errors
    assert 'value="state=held"' in response.content.decode()


def test_tabs_show_own_views_and_those_that_others_share(coder, client, organization):
    colleague = make_user(organization, role="coder")
    view_of(coder, "Mine alone")
    view_of(colleague, "Of everyone", is_shared=True)
    view_of(colleague, "Of the colleague")
    view_of(make_user(make_organization()), "Elsewhere", is_shared=True)

    shown = tabs(client)

    assert {"Mine alone", "Of everyone"} <= set(shown)
    assert set(shown).isdisjoint({"Of the colleague", "Elsewhere"})
    assert (shown["Mine alone"].is_own, shown["Of everyone"].is_own) == (True, False)


def test_tabs_count_what_each_view_leaves(coder, client, organization):
    course = make_treated_course(organization)
    make_session(course, fraction=1, image_review_signed_at=None)
    capture_from(patient=course.patient, day=TODAY.replace(year=2015), by=coder)
    view_of(coder)

    shown = numbers(client)

    assert [shown[label] for label in ("All", "Held ones", "Mine")] == ["2", "1", "0"]


def test_page_of_a_list_counts_no_view_and_its_tabs_ask_for_their_numbers(coder, client):
    page = client.get(reverse("charge-review") + "?state=held")

    assert {tab.count for tab in page.context["strip"].tabs} == {""}
    assert 'hx-get="/charges/?state=held"' in page.content.decode()


def test_tab_whose_filters_cannot_be_read_any_more_stays_without_a_number(coder, client):
    view_of(coder, query="payer=gone")

    assert numbers(client)["Held ones"] == ""


def test_tab_of_the_shown_filters_is_current(coder, client):
    view_of(coder, "File soon", "filing=30&state=ready")

    current = [tab.label for tab in strip(client, "?state=ready&filing=30").tabs if tab.is_current]

    assert current == ["File soon"]


def test_filters_without_a_tab_may_be_saved(coder, client):
    assert strip(client, "?state=draft").may_be_saved
    assert not strip(client, "?state=held").may_be_saved
    assert not strip(client).may_be_saved


def test_tabs_need_as_many_queries_for_many_views_as_for_one(coder, client):
    view_of(coder)
    with CaptureQueriesContext(connection) as one:
        numbers(client)
    for n in range(4):
        view_of(coder, f"View {n}", f"age={n}")

    with CaptureQueriesContext(connection) as many:
        numbers(client)

    assert len(many) == len(one)


def test_rename_gives_another_name(coder, client):
    view = view_of(coder)

    client.post(reverse("saved-view-rename", args=[view.pk]), {"name": "Kept back"})

    view.refresh_from_db()
    assert view.name == "Kept back"


@pytest.mark.parametrize("name", ["", "Taken"])
def test_rename_to_nothing_or_to_a_name_in_use_is_refused_at_the_field(coder, client, name):
    view = view_of(coder)
    view_of(coder, "Taken")

    response = client.post(reverse("saved-view-rename", args=[view.pk]), {"name": name})

    assert response.status_code == 422
    assert "name" in response.context["form"].errors


@pytest.mark.parametrize("page", ["saved-view-rename", "saved-view-remove"])
def test_shared_view_of_another_person_is_not_theirs_to_change(coder, client, organization, page):
    view = view_of(make_user(organization, role="coder"), is_shared=True)

    assert client.post(reverse(page, args=[view.pk]), {"name": "Other"}).status_code == 404


def test_removed_view_can_be_taken_back(coder, client):
    view = view_of(coder, is_shared=True)

    response = client.post(reverse("saved-view-remove", args=[view.pk]))
    offered = client.get(response.url).context["strip"].removed_name
    client.post(reverse("saved-view-restore"))

    assert offered == "Held ones"
    assert SavedView.objects.filter(owner=coder, name="Held ones", query="state=held", is_shared=True).exists()


def test_restore_without_a_removed_view_says_so(coder, client):
    response = client.post(reverse("saved-view-restore"), follow=True)

    assert "There is no removed view" in response.content.decode()


def test_last_filters_are_offered_from_the_cookie(coder, client):
    client.cookies["last_charges"] = quote("state=held&code=77386", safe="")

    assert strip(client).last_query == "state=held&code=77386"
    assert strip(client, "?state=ready").last_query == ""


@pytest.mark.parametrize("kept", ["", "code=1", "no such filter", "patient=Smith", "%%%"])
def test_last_filters_that_cannot_be_read_are_not_offered(coder, client, kept):
    client.cookies["last_charges"] = quote(kept, safe="")

    assert strip(client).last_query == ""
