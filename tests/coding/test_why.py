"""Why a line is as it is: its grounds, what is absent, the payer's clause, what would change it, its history."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from coding.hold_services import place_hold, release_hold
from coding.models import ChargeLine, SessionHold
from coding.services import capture_from, mark_exported, void_charge_line
from portal.services.sessions import void_session
from tests.builders import (
    make_organization,
    make_payer,
    make_policy_version,
    make_session,
    make_treated_course,
    make_user,
)

pytestmark = pytest.mark.django_db
FIRST_START = datetime(2025, 12, 3, 15, tzinfo=UTC)
NOW = datetime(2026, 11, 24, 15, tzinfo=UTC)


@pytest.fixture
def organization(roles):
    return make_organization()


@pytest.fixture
def manager(organization, client):
    """Signed in."""
    user = make_user(organization, role="manager")
    client.force_login(user)
    return user


@pytest.fixture
def course(organization):
    return make_treated_course(organization)


def captured(course, **facts):
    """The course with one session, charges captured."""
    make_session(course, fraction=1, started_at=FIRST_START, **facts)
    return recaptured(course)


def captured_twice(course):
    """The course with two sessions of a day, seven hours apart, charges captured."""
    make_session(course, fraction=1, started_at=FIRST_START)
    make_session(course, fraction=2, started_at=FIRST_START + timedelta(hours=7))
    return recaptured(course)


def recaptured(course, by=None):
    capture_from(patient=course.patient, day=date(2015, 1, 1), by=by)
    return course


def why_of(client, line):
    return client.get(reverse("line-why", args=[line.pk])).context["why"]


def line_of(role, **known):
    return ChargeLine.objects.live().get(role=role, **known)


def absent(why):
    """What is said of each modifier that is not on the line."""
    return {code: view.words for view in why.modifiers if not view.is_applied for code in view.codes}


def changes(why):
    """What would change the line, as words: the code and modifiers then, or nothing."""
    return {
        change.words: " ".join([change.charge.code, *change.charge.modifiers]) if change.charge else ""
        for change in why.changes
    }


def text_of(response):
    return " ".join(response.content.decode().split())


def test_why_names_the_code_and_what_does_not_apply(manager, client, course):
    captured(course)
    line = ChargeLine.objects.get(role="delivery")

    why = client.get(reverse("line-why", args=[line.pk])).context["why"]

    assert "77386" in why.sentence
    assert "delivery_code" in [view.step["rule"] for view in why.steps]
    assert {"26", "TC", "76"} <= {code for view in why.modifiers if not view.is_applied for code in view.codes}


def test_why_shows_only_what_concerns_the_line(manager, client, course):
    captured(course, image_review_signed_at=None)
    delivery = ChargeLine.objects.get(role="delivery")

    why = client.get(reverse("line-why", args=[delivery.pk])).context["why"]

    assert {view.step["role"] for view in why.steps} <= {"", "delivery"}
    assert why.findings == []
    assert [line.role for line in why.other_lines] == ["guidance"]


def test_why_leads_to_the_payers_clause_of_the_version_in_force(manager, client, organization):
    payer = make_payer(organization, kind="commercial")
    version = make_policy_version(payer, terms={"bid": "76"})
    course = make_treated_course(organization, payer=payer)
    make_session(course, fraction=1, started_at=FIRST_START)
    make_session(course, fraction=2, started_at=FIRST_START + timedelta(hours=7))
    capture_from(patient=course.patient, day=date(2015, 1, 1), by=None)
    second = ChargeLine.objects.live().filter(modifiers__contains=["76"]).first()

    why = client.get(reverse("line-why", args=[second.pk])).context["why"]

    step = next(view for view in why.steps if view.step["clause"] == "bid")
    assert step.clause_url.endswith("?on=2025-12-03#term-bid")
    assert step.clause_words == version.label


def test_why_says_house_default_where_the_policy_is_silent(manager, client, course):
    captured(course)
    line = ChargeLine.objects.get(role="delivery")

    text = text_of(client.get(reverse("line-why", args=[line.pk])))

    assert "house default" in text


def test_why_offers_what_clears_a_hold_and_tells_its_release(manager, client, course):
    captured(course, image_review_signed_at=None)
    line = ChargeLine.objects.get(role="guidance")

    why = client.get(reverse("line-why", args=[line.pk])).context["why"]

    assert [view.finding["name"] for view in why.findings] == ["IMAGE_UNSIGNED"]
    form = reverse("session-amend", args=[line.session_id])
    assert why.findings[0].remedy.url == f"{form}#id_image_review_signed_at"


def test_why_for_htmx_is_the_panel_alone(manager, client, course):
    captured(course)
    line = ChargeLine.objects.first()

    panel = client.get(reverse("line-why", args=[line.pk]), headers={"HX-Request": "true"})

    assert "<html" not in panel.content.decode()
    assert "Why this charge line?" in text_of(panel)


def test_why_of_a_replaced_line_leads_to_what_stands(manager, client, course):
    captured(course)
    line = ChargeLine.objects.get(role="delivery")
    course.prescriptions.update(technique="imrt_simple")
    capture_from(patient=course.patient, day=date(2015, 1, 1), by=manager)

    why = client.get(reverse("line-why", args=[line.pk])).context["why"]

    assert "77386" in why.sentence
    assert why.successor.code == "77385"
    assert not why.may_be_voided


def test_why_history_is_told_on_the_departments_clock(manager, client, course):
    captured(course)
    line = ChargeLine.objects.first()

    why = client.get(reverse("line-why", args=[line.pk])).context["why"]

    assert why.session_time == "12/03/2025 10:00 AM EST (UTC-05:00)"
    assert [row.sentence for row in why.history] == ["Ruling 1 created the line: 77386 x1"]


def test_why_title_names_no_patient(manager, client, course):
    captured(course)

    html = client.get(reverse("line-why", args=[ChargeLine.objects.first().pk])).content.decode()

    assert course.patient.family_name not in html[html.index("<title>") : html.index("</title>")]


def test_session_why_tells_why_there_is_no_line(manager, client, course):
    captured(course, completion="not_started")

    why = client.get(reverse("session-why", args=[course.sessions.get().pk])).context["why"]

    assert why.sentence.startswith("This session owes no line as it stands.")
    assert [view.finding["name"] for view in why.findings] == ["NOT_DELIVERED"]


def test_session_why_before_any_ruling(manager, client, course):
    session = make_session(course)

    response = client.get(reverse("session-why", args=[session.pk]))

    assert "No ruling has been made" in response.context["why"].sentence


def test_line_of_another_organization_is_not_found(manager, client):
    captured(make_treated_course(make_organization()))

    response = client.get(reverse("line-why", args=[ChargeLine.objects.first().pk]))

    assert response.status_code == 404


def test_session_of_another_organization_is_not_found(manager, client):
    session = make_session(make_treated_course(make_organization()))

    response = client.get(reverse("session-why", args=[session.pk]))

    assert response.status_code == 404


# Each kind of line


def test_why_tells_each_modifier_of_a_first_session_with_its_reason(manager, client, course):
    captured(course)

    why = why_of(client, line_of("delivery"))

    assert set(absent(why)) == {"26", "TC", "59", "76", "77", "PO", "PN", "52"}
    assert absent(why)["76"] == "It is the first session of the day, nothing is repeated."
    assert absent(why)["PO"] == absent(why)["PN"] == "The department is not off campus."
    assert [view.codes for view in why.modifiers][2] == ("59", "76", "77")


def test_why_of_a_second_session_tells_the_modifier_on_it_and_the_other_two(manager, client, course):
    captured_twice(course)

    why = why_of(client, line_of("delivery", modifiers=["76"]))

    assert why.sentence.startswith("Second session of 12/03/2025, 7 h after the first, complex IMRT at an on-campus")
    assert [view.codes for view in why.modifiers if view.is_applied] == [("76",)]
    assert absent(why)["77"] == "The session is under the same responsible physician."
    assert absent(why)["59"].startswith("This payer does not ask for it")


def test_why_of_a_guidance_line_tells_the_review_and_its_modifier(manager, client, course):
    captured(course)

    why = why_of(client, line_of("guidance"))

    assert "review of cone-beam CT guidance" in why.sentence
    assert [view.codes for view in why.modifiers if view.is_applied] == [("26",)]
    assert [line.role for line in why.other_lines] == ["delivery"]


def test_why_of_a_held_line_tells_the_hold_and_what_would_let_it_go(manager, client, course):
    captured(course, image_review_signed_at=None)

    why = why_of(client, line_of("guidance"))

    assert [view.finding["name"] for view in why.findings] == ["IMAGE_UNSIGNED"]
    assert why.changes[0].words == "With the image review signed"
    assert why.changes[0].consequences == ["no longer: images not signed"]
    assert why.history[0].sentence.startswith("Held: IMAGE_UNSIGNED. ")


def test_why_of_a_line_that_an_error_refuses_names_the_error(manager, client, course):
    captured(course, requested_code="77385")
    line = line_of("delivery")

    why = why_of(client, line)

    assert line.state == "draft"
    assert [view.finding["severity"] for view in why.findings] == ["error"]
    assert why.findings[0].remedy is not None


def test_why_of_a_voided_line_tells_who_voided_it_and_why_and_asks_nothing_more(manager, client, course):
    captured(course)
    line = line_of("delivery")
    void_charge_line(line=line, reason="Billed elsewhere", by=manager)

    response = client.get(reverse("line-why", args=[line.pk]))

    why = response.context["why"]
    assert f"Voided by {manager.shown_name}: Billed elsewhere" in text_of(response)
    assert (why.changes, why.may_be_voided, why.successor) == ([], False, None)
    assert why.history[0].who == manager.shown_name
    assert "Billed elsewhere" in why.history[0].sentence


def test_why_of_a_replaced_line_keeps_its_grounds_and_shows_what_changed(manager, client, course):
    captured(course)
    line = line_of("delivery")
    course.prescriptions.update(technique="imrt_simple")
    recaptured(course, by=manager)

    why = why_of(client, line)

    assert "complex IMRT" in why.sentence
    assert why.changes == []
    assert why.history[0].sentence == "Ruling 2 replaced 77386 x1 with 77385 x1"
    assert why.history[0].who == manager.shown_name
    assert ("77386", "77385") in [(change.before, change.after) for change in why.history[0].changes]


def test_why_of_an_exported_line_tells_its_correction(manager, client, course):
    captured(course)
    line = line_of("delivery")
    mark_exported(lines=[line], by=manager)
    course.prescriptions.update(technique="imrt_simple")
    recaptured(course, by=manager)

    why = why_of(client, line)

    assert changes(why) == {"Captured again, with what is recorded today": "77385"}
    assert why.history[0].sentence == "Ruling 2 drafted a correction of the exported line: 77385 x1"


def test_why_tells_a_hold_by_hand_and_its_release(manager, client, course):
    captured(course)
    line = line_of("delivery")
    hold = place_hold(line=line, reason="Dose is asked for.", at=NOW, by=manager)
    release_hold(hold=hold, note="Dose agrees.", at=NOW, by=manager)

    why = why_of(client, line)

    told = [row.sentence for row in why.history]
    assert any("Dose is asked for." in sentence for sentence in told)
    assert any("Dose agrees." in sentence for sentence in told)
    assert SessionHold.objects.open().count() == 0


def test_why_leaves_out_what_happened_to_another_line_of_the_session(manager, client, course):
    captured(course, image_review_signed_at=None)

    why = why_of(client, line_of("delivery"))

    assert [row.sentence for row in why.history] == ["Ruling 1 created the line: 77386 x1"]


# The payer's clause


def test_why_quotes_the_clause_with_the_days_on_which_its_version_is_in_force(manager, client, organization):
    payer = make_payer(organization)
    make_policy_version(payer, terms={"bid": "76"})
    make_policy_version(payer, terms={"bid": "59"}, effective_from=date(2026, 1, 1))
    captured_twice(make_treated_course(organization, payer=payer))

    why = why_of(client, line_of("delivery", modifiers=["76"]))

    (view,) = why.clauses
    assert view.clause.summary == "Sets bid"
    assert view.days == "in force from 01/01/2015 through 12/31/2025"
    assert view.url.endswith("?on=2025-12-03#term-bid")


def test_why_of_a_silent_policy_quotes_no_clause(manager, client, course):
    captured(course)

    response = client.get(reverse("line-why", args=[line_of("delivery").pk]))

    assert response.context["why"].clauses == []
    assert "It is silent on what was decided here" in text_of(response)


# What would change it


def test_why_asks_the_engine_for_each_other_fact_and_tells_only_what_differs(manager, client, course):
    captured(course)

    found = changes(why_of(client, line_of("delivery")))

    assert found["As the second session of the day, 8 h after the first"] == "77386 76"
    assert found["Date of service 01/01/2026 or later"] == "77407"
    assert found["Delivered at: excepted off-campus hospital department"] == "77386 PO"
    assert found["Patient admitted as an inpatient"] == ""
    assert "With several isocenters" not in found


def test_why_asks_for_the_day_on_which_the_payers_next_version_begins(manager, client, organization):
    payer = make_payer(organization)
    make_policy_version(payer, terms={"bid": "76"})
    make_policy_version(payer, terms={"bid": "59"}, effective_from=date(2025, 12, 20))
    captured_twice(make_treated_course(organization, payer=payer))

    found = changes(why_of(client, line_of("delivery", modifiers=["76"])))

    assert found["Date of service 12/20/2025 or later"] == "77386 59"


def test_why_says_that_capturing_again_changes_the_line_where_its_facts_have_changed(manager, client, course):
    captured(course)
    course.prescriptions.update(technique="imrt_simple")

    why = why_of(client, line_of("delivery"))

    assert changes(why) == {"Captured again, with what is recorded today": "77385"}
    assert "complex IMRT" in why.sentence


def test_why_stores_nothing(manager, client, course):
    captured(course)
    line = line_of("delivery")
    why_of(client, line)

    with CaptureQueriesContext(connection) as queries:
        why_of(client, line)

    assert [
        query["sql"] for query in queries if "coding_" in query["sql"] and query["sql"].lstrip("(")[:6] != "SELECT"
    ] == []


# Panel and page


def test_why_names_each_source_once_with_its_address(manager, client, course):
    captured(course)

    why = why_of(client, line_of("delivery"))

    addresses = [source["url"] for source in why.sources]
    assert addresses
    assert len(addresses) == len(set(addresses))
    assert all(address.startswith("https://") for address in addresses)


def test_why_needs_as_many_queries_for_a_long_history_as_for_a_short_one(manager, client, course):
    captured(course)
    line = line_of("delivery")
    with CaptureQueriesContext(connection) as short:
        why_of(client, line)
    hold = place_hold(line=line, reason="Dose is asked for.", at=NOW, by=manager)
    release_hold(hold=hold, note="Dose agrees.", at=NOW, by=manager)
    place_hold(line=line, reason="Asked again.", at=NOW, by=manager)

    with CaptureQueriesContext(connection) as long:
        why_of(client, line)

    assert len(long) == len(short)


def test_session_why_of_a_voided_session_tells_the_reason(manager, client, course):
    captured(course)
    session = course.sessions.get()
    void_session(session=session, reason="Entered twice", at=NOW, by=manager)
    recaptured(course, by=manager)

    why = client.get(reverse("session-why", args=[session.pk])).context["why"]

    assert why.sentence == "This session was voided: Entered twice"
    assert why.other_lines == []
    assert any("Entered twice" in row.sentence for row in why.history)


def test_session_why_for_htmx_is_the_panel_alone(manager, client, course):
    captured(course, completion="not_started")

    panel = client.get(reverse("session-why", args=[course.sessions.get().pk]), headers={"HX-Request": "true"})

    assert "<html" not in panel.content.decode()
    assert "Why this ruling?" in text_of(panel)
