"""Holds: the worklist with its filters and order, one hold, its release with a note, and taking a release back."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from coding.hold_services import assign_hold, note_hold, release_hold
from coding.models import ChargeLine, SessionHold
from coding.services import capture_from
from portal.models import AuditEvent
from portal.presenters.keyset import ROWS_A_PAGE
from tests.builders import (
    TODAY,
    make_department,
    make_organization,
    make_payer,
    make_policy_version,
    make_prescription,
    make_session,
    make_treated_course,
    make_user,
)

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


def assigned(hold, *, owner=None, due_on=None, by):
    return assign_hold(hold=hold, owner=owner, due_on=due_on, by=by)


@pytest.mark.parametrize(
    ("filters", "number"),
    [
        ({"owner": "me"}, 1),
        ({"owner": "nobody"}, 2),
        ({"due": "overdue"}, 1),
        ({"due": "today"}, 1),
        ({"due": "week"}, 1),
        ({"due": "none"}, 1),
        ({"owner": "me", "due": "today"}, 0),
    ],
)
def test_hold_list_filters_by_owner_and_due_day(coder, client, course, filters, number):
    soft_hold(course, days=3)
    first, second, _third = SessionHold.objects.order_by("pk")
    assigned(first, owner=coder, due_on=TODAY - timedelta(days=1), by=coder)
    assigned(second, due_on=TODAY, by=coder)

    assert len(names_shown(client, **filters)) == number


def test_hold_list_filters_by_a_person_machine_and_physician(coder, client, course):
    hold = soft_hold(course)
    colleague = make_user(course.organization, role="coder")
    assigned(hold, owner=colleague, by=coder)
    machine = course.department.machines.get()

    assert len(names_shown(client, owner=colleague.pk, physician=course.physician_id)) == 1
    assert names_shown(client, machine=machine.pk) == []


@pytest.mark.parametrize(("days", "filters"), [(0, {"age_most": 3}), (4, {"age": 4, "age_most": 7}), (31, {"age": 31})])
def test_hold_list_counts_by_age_and_leads_to_each(coder, client, course, settings, days, filters):
    soft_hold(course)
    settings.NOW = timezone.now() + timedelta(days=days, minutes=5)

    ages = client.get(reverse("hold-list")).context["ages"]

    assert sum(age.number == "1" for age in ages) == 1
    assert names_shown(client, **filters) == ["PARTIAL_REVIEW"]


def test_hold_list_in_order_of_days_left_then_age(coder, client, organization):
    later, sooner, unknown = (with_days_to_file(organization, days) for days in (400, 380, None))

    page = client.get(reverse("hold-list"), {"reason": "PARTIAL_REVIEW"}).context["page"]
    shown = [row.hold.course_id for row in page.rows]

    assert shown == [sooner.pk, later.pk, unknown.pk]


def with_days_to_file(organization, days):
    """A held course whose payer takes claims for so many days; without a number nobody has said."""
    payer = make_payer(organization)
    make_policy_version(payer, terms={} if days is None else {"timely_days": days})
    course = make_treated_course(organization, payer=payer)
    soft_hold(course)
    return course


def test_hold_list_tells_the_deadline_and_filters_by_it(coder, client, organization):
    sooner = with_days_to_file(organization, 360)
    with_days_to_file(organization, 400)

    row = client.get(reverse("hold-list"), {"filing": "7", "reason": "PARTIAL_REVIEW"}).context["page"].rows[0]

    assert (row.hold.course_id, row.hold.file_by, row.deadline) == (sooner.pk, date(2026, 11, 28), "4 days left")


def test_hold_list_says_for_how_long_a_deadline_has_passed(coder, client, organization):
    with_days_to_file(organization, 354)

    row = client.get(reverse("hold-list"), {"filing": "passed", "reason": "PARTIAL_REVIEW"}).context["page"].rows[0]

    assert (row.hold.file_by, row.deadline) == (date(2026, 11, 22), "2 days over")


def test_hold_list_in_order_of_due_days(coder, client, course):
    soft_hold(course, days=3)
    first, second, third = SessionHold.objects.order_by("pk")
    assigned(second, due_on=TODAY, by=coder)
    assigned(third, due_on=TODAY - timedelta(days=1), by=coder)

    shown = [row.hold.pk for row in client.get(reverse("hold-list"), {"order": "due"}).context["page"].rows]

    assert shown == [third.pk, second.pk, first.pk]


@pytest.mark.parametrize("order", ["", "age", "due"])
def test_hold_list_pages_follow_each_order(coder, client, course, monkeypatch, order):
    monkeypatch.setattr("coding.presenters.holds.ROWS_A_PAGE", 2)
    soft_hold(course, days=5)
    first = client.get(reverse("hold-list"), {"order": order}).context["page"]

    second = client.get(reverse("hold-list") + first.next_url).context["page"]
    third = client.get(reverse("hold-list") + second.next_url).context["page"]

    shown = [row.hold.pk for page in (first, second, third) for row in page.rows]
    assert shown == list(SessionHold.objects.order_by("opened_at", "pk").values_list("pk", flat=True))
    assert third.next_url == ""


@pytest.mark.parametrize(
    "after", ["x", "2025-01-01,now,1", "2025-01-01,2025-01-01T00:00:00,1", f"2025-01-01,x,{'9' * 30}"]
)
def test_hold_list_with_an_unreadable_key_shows_the_first_page(coder, client, course, after):
    soft_hold(course)

    assert names_shown(client, after=after) == ["PARTIAL_REVIEW"]


def test_hold_list_names_ages_that_cannot_be(coder, client):
    response = client.get(reverse("hold-list"), {"age": "5", "age_most": "3"})

    assert response.status_code == 422
    assert "age_most" in response.context["form"].errors


def test_hold_row_tells_line_owner_and_next_step(coder, client, course):
    hold = assigned(hard_hold(course), owner=coder, due_on=TODAY - timedelta(days=1), by=coder)

    row = client.get(reverse("hold-list")).context["page"].rows[0]

    assert (row.hold.pk, row.is_overdue, row.step) == (hold.pk, True, "Record the sign-off")
    assert [line.code for line in row.lines] == ["77014"]


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


def test_hold_page_needs_as_many_queries_for_many_lines_and_notes_as_for_one(coder, client, course):
    hold = soft_hold(course)
    note_hold(hold=hold, text="First", at=NOW, by=coder)
    with CaptureQueriesContext(connection) as one:
        client.get(reverse("hold-detail", args=[hold.pk]))
    note_hold(hold=hold, text="Second", at=NOW, by=coder)
    captured(make_treated_course(course.organization), days=3, completion="partial")

    with CaptureQueriesContext(connection) as many:
        client.get(reverse("hold-detail", args=[hold.pk]))

    assert len(many) == len(one)


def test_hold_says_under_which_policy_version_it_was_found(coder, client, course):
    view = client.get(reverse("hold-detail", args=[hard_hold(course).pk])).context["view"]

    assert view.policy == course.patient.coverages.get().payer.policy.versions.get().label
    assert view.citations


def test_hold_beside_the_list_is_the_same_without_the_frame(coder, client, course):
    response = client.get(reverse("hold-detail", args=[hard_hold(course).pk]), headers={"HX-Request": "true"})

    assert "What clears it" in text_of(response)
    assert "<html" not in text_of(response)


def test_missing_technique_is_asked_for_on_the_prescription(coder, client, course):
    course.prescriptions.update(technique="")
    captured(course)

    act = client.get(reverse("hold-detail", args=[SessionHold.objects.get().pk])).context["view"].act

    assert (act.name, [field.name for field in act.parts[0].fields]) == ("technique", ["technique"])


def test_missing_isocenters_are_asked_for_on_the_session(coder, client, course):
    make_prescription(course)
    make_session(course, fraction=1, started_at=datetime(2026, 1, 5, 15, tzinfo=UTC))
    capture_from(patient=course.patient, day=date(2015, 1, 1), by=None)
    hold = SessionHold.objects.get(name="FACT_MISSING")

    act = client.get(reverse("hold-detail", args=[hold.pk])).context["view"].act

    assert [field.name for field in act.parts[0].fields] == ["isocenters", "motion_management"]


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
