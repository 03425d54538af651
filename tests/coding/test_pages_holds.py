"""Holds: the worklist with its filters and order, one hold, its release with a note, and taking a release back."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from coding.hold_services import release_hold
from coding.models import ChargeLine, SessionHold
from coding.services import capture_from
from portal.models import AuditEvent
from portal.presenters.keyset import ROWS_A_PAGE
from tests.builders import make_department, make_organization, make_session, make_treated_course, make_user

pytestmark = pytest.mark.django_db
FIRST_START = datetime(2025, 12, 3, 15, tzinfo=UTC)
NOW = datetime(2026, 11, 24, 15, tzinfo=UTC)
NOTE = {"note": "The record shows the second sitting."}


@pytest.fixture
def organization(roles):
    return make_organization()


@pytest.fixture
def coder(organization, client):
    """Signed in."""
    user = make_user(organization, role="coder")
    client.force_login(user)
    return user


@pytest.fixture
def course(organization):
    return make_treated_course(organization)


def captured(course, *, days=1, **facts):
    """The course with a session on each of some days, charges captured."""
    for day in range(days):
        make_session(course, fraction=day + 1, started_at=FIRST_START + timedelta(days=day), **facts)
    capture_from(patient=course.patient, day=date(2015, 1, 1), by=None)
    return course


def soft_hold(course, *, days=1):
    """The oldest hold of sessions that ended early, which a note may release."""
    captured(course, days=days, completion="partial")
    return SessionHold.objects.filter(name="PARTIAL_REVIEW").first()


def hard_hold(course):
    captured(course, image_review_signed_at=None)
    return SessionHold.objects.get(name="IMAGE_UNSIGNED")


def names_shown(client, **filters):
    page = client.get(reverse("hold-list"), filters).context["page"]
    return [row.hold.name for row in page.rows]


def text_of(response):
    return " ".join(response.content.decode().split())


# The list


def test_hold_list_without_holds_says_so(coder, client):
    assert "Nothing is held" in text_of(client.get(reverse("hold-list")))


def test_hold_list_groups_by_reason_with_count_and_age(coder, client, course):
    soft_hold(course, days=2)

    reasons = client.get(reverse("hold-list"), {"group": "reason"}).context["reasons"]

    assert [(group.name, group.number, group.is_hard) for group in reasons] == [("PARTIAL_REVIEW", 2, False)]


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({"reason": "IMAGE_UNSIGNED"}, ["IMAGE_UNSIGNED"]),
        ({"kind": "hard"}, ["IMAGE_UNSIGNED"]),
        ({"kind": "soft"}, ["PARTIAL_REVIEW"]),
        ({"kind": "soft", "reason": "IMAGE_UNSIGNED"}, []),
        ({"start": "2025-12-04"}, []),
        ({"end": "2025-12-03", "kind": "hard"}, ["IMAGE_UNSIGNED"]),
        ({"show": "released"}, []),
    ],
)
def test_hold_list_filters_combine(coder, client, course, filters, names):
    captured(course, completion="partial", image_review_signed_at=None)

    assert names_shown(client, **filters) == names


def test_hold_list_filters_by_payer_and_department(coder, client, organization):
    here = make_treated_course(organization)
    soft_hold(here)
    soft_hold(make_treated_course(organization, setting="freestanding"))
    payer = here.patient.coverages.get().payer

    assert names_shown(client, payer=payer.slug, department=here.department_id) == ["PARTIAL_REVIEW"]
    assert len(names_shown(client)) == 2


def test_hold_list_names_a_filter_that_cannot_be_read(coder, client):
    response = client.get(reverse("hold-list"), {"start": "soon"})

    assert response.status_code == 422
    assert "start" in response.context["form"].errors


def test_hold_list_shows_every_hold_on_one_page_or_the_next(coder, client, course):
    soft_hold(course, days=2)
    hold = SessionHold.objects.first()
    copies = [
        SessionHold(
            organization_id=hold.organization_id,
            session_id=hold.session_id,
            ruling_id=hold.ruling_id,
            name=hold.name,
            is_hard=False,
            sentence=hold.sentence,
            remedy=hold.remedy,
            grounds_digest=f"{number:064d}",
        )
        for number in range(ROWS_A_PAGE)
    ]
    SessionHold.objects.bulk_create(copies)
    first = client.get(reverse("hold-list")).context["page"]

    second = client.get(reverse("hold-list") + first.next_url).context["page"]

    shown = {row.hold.pk for row in [*first.rows, *second.rows]}
    assert len(shown) == SessionHold.objects.count()
    assert second.next_url == ""


def test_hold_list_needs_as_many_queries_for_many_holds_as_for_one(coder, client, course):
    soft_hold(course)
    with CaptureQueriesContext(connection) as one:
        client.get(reverse("hold-list"))
    soft_hold(make_treated_course(course.organization), days=5)

    with CaptureQueriesContext(connection) as many:
        client.get(reverse("hold-list"))

    assert len(many) == len(one)


def test_hold_list_hides_other_organizations_and_departments(coder, client, course):
    soft_hold(course)
    soft_hold(make_treated_course(make_organization()))
    coder.sees_all_departments = False
    coder.save()
    coder.departments.add(make_department(course.organization))

    assert names_shown(client) == []


# One hold


def test_hold_says_what_is_wrong_what_clears_it_and_where(coder, client, course):
    hold = hard_hold(course)

    view = client.get(reverse("hold-detail", args=[hold.pk])).context["view"]

    assert view.title == "Images not signed"
    assert view.remedy.url == reverse("session-amend", args=[hold.session_id]) + "#id_image_review_signed_at"
    assert [line.role for line in view.lines] == ["guidance"]


def test_hold_is_not_found_in_another_organization(coder, client):
    hold = soft_hold(make_treated_course(make_organization()))

    assert client.get(reverse("hold-detail", args=[hold.pk])).status_code == 404
    assert client.post(reverse("hold-release", args=[hold.pk]), NOTE).status_code == 404
    assert client.post(reverse("hold-reopen", args=[hold.pk])).status_code == 404


def test_release_with_a_note_lets_the_line_go(coder, client, course):
    hold = soft_hold(course)

    response = client.post(reverse("hold-release", args=[hold.pk]), NOTE)

    assert response.url == reverse("hold-detail", args=[hold.pk])
    hold.refresh_from_db()
    assert (hold.released_by, hold.release_note) == (coder, NOTE["note"])
    assert ChargeLine.objects.live().get(role="delivery").state == "ready"
    assert AuditEvent.objects.filter(action="release_hold", by=coder).exists()


def test_release_without_a_note_is_refused_at_the_field(coder, client, course):
    hold = soft_hold(course)

    response = client.post(reverse("hold-release", args=[hold.pk]), {"note": "  "})

    assert response.status_code == 422
    assert "note" in response.context["refused"].errors
    hold.refresh_from_db()
    assert hold.is_open


def test_release_with_too_long_a_note_keeps_what_was_typed(coder, client, course):
    hold = soft_hold(course)

    response = client.post(reverse("hold-release", args=[hold.pk]), {"note": "n" * 501})

    assert response.status_code == 422
    assert "n" * 501 in response.content.decode()


def test_release_of_a_hard_hold_is_refused(coder, client, course):
    hold = hard_hold(course)

    response = client.post(reverse("hold-release", args=[hold.pk]), NOTE)

    assert response.status_code == 422
    assert "No role releases this hold" in text_of(response)
    hold.refresh_from_db()
    assert hold.is_open


def test_release_of_a_released_hold_says_that_it_is_not_open(coder, client, course):
    hold = release_hold(hold=soft_hold(course), note="First", at=NOW, by=coder)

    response = client.post(reverse("hold-release", args=[hold.pk]), NOTE)

    assert response.status_code == 422
    hold.refresh_from_db()
    assert hold.release_note == "First"


def test_reopen_takes_a_release_back(coder, client, course):
    hold = release_hold(hold=soft_hold(course), note="First", at=NOW, by=coder)

    response = client.post(reverse("hold-reopen", args=[hold.pk]))

    reopened = SessionHold.objects.open().get()
    assert response.url == reverse("hold-detail", args=[reopened.pk])
    assert ChargeLine.objects.live().get(role="delivery").state == "held"


def test_reopen_of_an_open_hold_changes_nothing(coder, client, course):
    hold = soft_hold(course)

    client.post(reverse("hold-reopen", args=[hold.pk]))

    assert SessionHold.objects.open().get() == hold


@pytest.mark.parametrize("page", ["hold-release", "hold-reopen"])
def test_release_and_reopen_are_refused_to_an_auditor_and_to_get(organization, client, course, page):
    hold = soft_hold(course)
    client.force_login(make_user(organization, role="auditor"))

    assert client.post(reverse(page, args=[hold.pk]), NOTE).status_code == 403
    assert client.get(reverse(page, args=[hold.pk])).status_code == 405
