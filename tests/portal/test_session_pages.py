"""Entering, amending and voiding a session, with its charge lines and their reason at once."""

from datetime import UTC, datetime

import pytest
from django.urls import reverse

from coding.models import ChargeLine
from coding.services import capture_from
from portal.models import AuditEvent, TreatmentSession
from portal.services.sessions import amend_session
from tests.builders import make_department, make_organization, make_session, make_treated_course, make_user
from tests.portal.test_session_forms import typed

pytestmark = pytest.mark.django_db
START = datetime(2025, 12, 3, 15, tzinfo=UTC)


@pytest.fixture
def organization(roles):
    return make_organization()


@pytest.fixture
def coder(organization):
    return make_user(organization, role="coder", first_name="Cody", last_name="Coder")


@pytest.fixture
def manager(organization):
    return make_user(organization, role="manager")


@pytest.fixture
def course(organization):
    return make_treated_course(organization)


@pytest.fixture
def session(course, coder):
    session = make_session(course, fraction=1, machine=course.department.machines.get(), recorded_by=coder)
    capture_from(patient=course.patient, day=session.date_of_service, by=coder)
    return session


def create_url(course):
    return f"{reverse('session-create')}?course={course.pk}"


def amendment(session, /, **changes):
    return typed(session.course, date_of_service="12/03/2025", start="10:00 AM", guidance="cbct") | {
        "image_review_signed_at": "12/03/2025 10:00 AM",
        "revision": session.revision,
        "reason": "The record says otherwise.",
        **changes,
    }


def test_session_amend_wants_a_reason_and_keeps_it(client, coder, session):
    client.force_login(coder)

    refused = client.post(reverse("session-amend", args=[session.pk]), amendment(session, reason=""))
    client.post(reverse("session-amend", args=[session.pk]), amendment(session, completion="partial"))

    assert refused.status_code == 422
    assert "Say why the session is amended." in refused.text
    amended = AuditEvent.objects.about(session).get(action="amend_session")
    assert amended.sentence.endswith("amended: The record says otherwise.")


def test_session_create_suggests_the_next_fraction(client, coder, course, session):
    client.force_login(coder)

    response = client.get(create_url(course))

    initial = response.context["form"].initial
    assert initial[f"fraction_{course.prescriptions.get().pk}"] == 2
    assert initial["guidance"] == "cbct"
    assert initial["physician"] == course.physician_id


def test_session_create_after_another_is_the_next_treatment_day(client, coder, course):
    friday = make_session(course, started_at=datetime(2025, 12, 5, 15, tzinfo=UTC))
    client.force_login(coder)

    response = client.get(f"{create_url(course)}&after={friday.pk}")

    assert f"{response.context['form'].initial['date_of_service']:%a %m/%d}" == "Mon 12/08"


@pytest.mark.parametrize(("day", "code"), [("12/30/2025", "77386"), ("01/05/2026", "77407")])
def test_session_create_shows_the_line_with_its_reason(client, coder, course, day, code):
    client.force_login(coder)

    response = client.post(create_url(course), typed(course, date_of_service=day), follow=True)

    (line,) = response.context["page"].ruling.lines
    assert (line.code, line.state) == (code, "ready")
    assert code in line.sentence


def test_session_create_for_a_motion_that_is_not_documented_is_held_with_its_remedy(client, coder, course):
    course.prescriptions.update(motion_management="active", motion_documentation="")
    client.force_login(coder)

    response = client.post(create_url(course), typed(course, date_of_service="01/05/2026"), follow=True)

    page = response.context["page"]
    assert [(line.code, line.state) for line in page.ruling.lines] == [("77412", "held")]
    remedies = {view.finding["name"]: view.remedy.url for view in page.ruling.findings}
    form = reverse("prescription-amend", args=[course.prescriptions.get().pk])
    assert remedies["LEVEL3_DOCUMENTATION"] == f"{form}#id_motion_documentation"


def test_session_create_refused_keeps_what_was_typed(client, coder, course):
    client.force_login(coder)

    response = client.post(create_url(course), typed(course, start="half nine", requested_modifiers="765"))

    assert response.status_code == 422
    assert b'value="half nine"' in response.content
    assert b'value="765"' in response.content
    assert b"There is a problem" in response.content
    assert not TreatmentSession.objects.exists()


def test_session_create_in_a_course_of_another_organization(client, coder):
    stranger = make_treated_course(make_organization())
    client.force_login(coder)

    assert client.get(create_url(stranger)).status_code == 404


@pytest.mark.parametrize("query", ["", "?course=", "?course=x", "?course=99999999999999999999"])
def test_session_create_without_a_course(client, coder, query):
    client.force_login(coder)

    assert client.get(reverse("session-create") + query).status_code == 404


def test_session_preview_tells_the_lines_and_keeps_nothing(client, coder, course):
    client.force_login(coder)

    response = client.post(reverse("session-preview"), typed(course, course=course.pk))

    assert b"77386" in response.content
    assert not TreatmentSession.objects.exists()
    assert not ChargeLine.objects.exists()


def test_session_preview_of_what_is_not_right_yet(client, coder, course):
    client.force_login(coder)

    response = client.post(reverse("session-preview"), typed(course, course=course.pk, start=""))

    assert response.status_code == 200
    assert b"The lines appear once these are right" in response.content


def test_session_preview_of_an_amendment_leaves_the_session(client, coder, session):
    client.force_login(coder)
    data = amendment(session, session=session.pk, completion="not_started")

    response = client.post(reverse("session-preview"), data)

    session.refresh_from_db()
    assert b"No charge line" in response.content
    assert (session.completion, session.revision) == ("complete", 1)


def test_session_amend_rules_again(client, coder, session):
    client.force_login(coder)

    response = client.post(
        reverse("session-amend", args=[session.pk]), amendment(session, completion="not_started"), follow=True
    )

    assert response.context["page"].ruling.lines == ()
    assert response.context["page"].ruling.findings[0].finding["name"] == "NOT_DELIVERED"


def test_session_amend_that_changes_nothing_keeps_the_seconds_of_the_record(client, coder, session):
    TreatmentSession.objects.filter(pk=session.pk).update(started_at=START.replace(second=42))
    client.force_login(coder)

    client.post(reverse("session-amend", args=[session.pk]), amendment(session))

    session.refresh_from_db()
    assert session.started_at.second == 42


def test_session_amend_after_somebody_else_shows_both(client, coder, manager, session):
    client.force_login(coder)
    stale = amendment(session, guidance="stereoscopic")
    amend_session(session=session, revision=1, today=session.coded_on, by=manager, is_inpatient=True)

    response = client.post(reverse("session-amend", args=[session.pk]), stale)

    assert response.status_code == 409
    told = {d.label: (d.saved, d.typed) for d in response.context["differences"]}
    assert told["Inpatient that day"] == ("Yes", "No")
    assert told["Image guidance"] == ("Cone-beam CT", "Stereoscopic X-ray")
    assert b'name="revision" value="2"' in response.content
    assert manager.shown_name.encode() in response.content


def test_session_amend_again_after_both_were_shown_replaces(client, coder, manager, session):
    client.force_login(coder)
    amend_session(session=session, revision=1, today=session.coded_on, by=manager, is_inpatient=True)

    client.post(reverse("session-amend", args=[session.pk]), amendment(session, revision=2))

    session.refresh_from_db()
    assert (session.is_inpatient, session.revision) == (False, 3)


def test_session_void_needs_a_reason(client, manager, session):
    client.force_login(manager)

    response = client.post(reverse("session-void", args=[session.pk]), {"reason": " "})

    assert response.status_code == 422
    assert not TreatmentSession.objects.filter(voided_at__isnull=False).exists()


def test_session_void_takes_the_lines_away(client, manager, session):
    client.force_login(manager)

    response = client.post(reverse("session-void", args=[session.pk]), {"reason": "Wrong patient"}, follow=True)

    assert not ChargeLine.objects.live().filter(session=session).exists()
    assert b"Wrong patient" in response.content


def test_session_that_is_void_is_neither_amended_nor_voided_again(client, manager, session):
    client.force_login(manager)
    client.post(reverse("session-void", args=[session.pk]), {"reason": "Wrong patient"})

    amend = client.post(reverse("session-amend", args=[session.pk]), amendment(session, revision=2))
    void = client.get(reverse("session-void", args=[session.pk]))

    assert amend.url == void.url == reverse("session-detail", args=[session.pk])


def test_session_void_is_refused_to_a_coder(client, coder, session):
    client.force_login(coder)

    assert client.post(reverse("session-void", args=[session.pk]), {"reason": "x"}).status_code == 403


@pytest.mark.parametrize("name", ["session-detail", "session-amend"])
def test_session_pages_refuse_a_stranger(client, roles, session, name):
    client.force_login(make_user(make_organization(), role="coder"))

    assert client.get(reverse(name, args=[session.pk])).status_code == 404


def test_session_detail_of_a_department_that_the_person_does_not_see(client, organization, session):
    restricted = make_user(organization, role="coder", sees_all_departments=False)
    restricted.departments.add(make_department(organization))
    client.force_login(restricted)

    assert client.get(reverse("session-detail", args=[session.pk])).status_code == 404


def test_session_titles_and_addresses_tell_no_name(client, coder, session):
    client.force_login(coder)

    page = client.get(reverse("session-detail", args=[session.pk])).content.decode()

    title = page.partition("<title>")[2].partition("</title>")[0]
    assert session.course.patient.family_name not in title


def test_session_detail_query_count_does_not_grow_with_history(
    client, coder, manager, session, django_assert_max_num_queries
):
    amend_session(session=session, revision=1, today=session.coded_on, by=manager, completion="partial")
    amend_session(session=session, revision=2, today=session.coded_on, by=manager, completion="complete")
    capture_from(patient=session.course.patient, day=session.date_of_service, by=manager)
    client.force_login(coder)

    with django_assert_max_num_queries(23):
        client.get(reverse("session-detail", args=[session.pk]))
