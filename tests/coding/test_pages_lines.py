"""Charge review, sessions without a line, and voiding a line."""

import csv
from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from coding.hold_services import assign_hold, place_hold
from coding.models import ChargeLine, FeeSchedule, LineState, SessionHold
from coding.services import capture_from, mark_exported, void_charge_line
from portal.presenters.keyset import ROWS_A_PAGE
from portal.services.sessions import void_session
from tests.builders import (
    TODAY,
    make_department,
    make_machine,
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


def captured(course, *, days=1, **facts):
    """The course with a session on each of some days, charges captured."""
    for day in range(days):
        make_session(course, fraction=day + 1, started_at=FIRST_START + timedelta(days=day), **facts)
    capture_from(patient=course.patient, day=date(2015, 1, 1), by=None)
    return course


def captured_with_deadline(organization, days_left):
    """A session whose payer takes the claim until so many days from today."""
    days = (TODAY - FIRST_START.date()).days + days_left
    payer = make_payer(organization, kind="medicare")
    make_policy_version(payer, terms={"timely_days": days})
    return captured(make_treated_course(organization, payer=payer))


def lines_shown(client, **filters):
    """The lines of the first page of charge review, as "code state"."""
    page = client.get(reverse("charge-review"), filters).context["page"]
    return [f"{row.line.code} {row.line.state}" for row in page.rows]


def text_of(response):
    return " ".join(response.content.decode().split())


# Charge review


def test_charge_review_without_lines_says_what_to_do(manager, client):
    response = client.get(reverse("charge-review"))

    assert response.status_code == 200
    assert "No charge line yet" in text_of(response)


def test_charge_review_shows_live_lines_newest_first(manager, client, course):
    captured(course, days=2)

    page = client.get(reverse("charge-review")).context["page"]

    assert [row.line.date_of_service.day for row in page.rows] == [4, 4, 3, 3]


def test_charge_review_leaves_replaced_and_void_lines_out(manager, client, course):
    captured(course)
    line = ChargeLine.objects.get(role="guidance")
    void_charge_line(line=line, reason="Billed elsewhere", by=manager)

    assert lines_shown(client) == ["77386 ready"]


def test_charge_review_shows_missing_amounts_as_missing(manager, client, course):
    captured(course)

    text = text_of(client.get(reverse("charge-review")))

    assert "missing" in text
    assert "$0.00" not in text


@pytest.mark.parametrize(
    ("filters", "shown"),
    [
        ({"code": "77386"}, 1),
        ({"code": " 77386 "}, 1),
        ({"code": "G6015"}, 0),
        ({"state": "ready"}, 1),
        ({"state": "held"}, 1),
        ({"reason": "IMAGE_UNSIGNED"}, 1),
        ({"reason": "RX_NOT_SIGNED"}, 0),
        ({"start": "2025-12-03", "end": "2025-12-03"}, 2),
        ({"start": "2025-12-04"}, 0),
        ({"end": "2025-12-02"}, 0),
        ({"missing": "charge"}, 2),
        ({"payer": "~none"}, 0),
        ({"state": "held", "code": "77386"}, 0),
        ({"owner": "nobody"}, 1),
        ({"owner": "me"}, 0),
        ({"owner": "nobody", "reason": "RX_NOT_SIGNED"}, 0),
    ],
)
def test_charge_review_filters_combine(manager, client, course, filters, shown):
    captured(course, image_review_signed_at=None)

    assert len(lines_shown(client, **filters)) == shown


def test_charge_review_filters_by_payer_and_department(manager, client, organization):
    here = captured(make_treated_course(organization))
    captured(make_treated_course(organization, setting="freestanding"))
    payer = here.patient.coverages.get().payer

    by_payer = lines_shown(client, payer=payer.slug)
    by_department = lines_shown(client, department=here.department_id)

    assert by_payer == by_department == lines_shown(client, payer=payer.slug, department=here.department_id)
    assert len(by_payer) == 2


def test_charge_review_filters_by_machine_and_physician(manager, client, organization):
    course = make_treated_course(organization)
    machine = make_machine(course.department)
    captured(course, machine=machine)
    captured(make_treated_course(organization))

    by_machine = lines_shown(client, machine=machine.pk)
    by_physician = lines_shown(client, physician=course.physician_id)

    assert len(by_machine) == len(by_physician) == 2
    assert len(lines_shown(client)) == 4


@pytest.mark.parametrize(
    ("filing", "days_left"),
    [("7", 0), ("7", 7), ("30", 8), ("30", 30), ("passed", -1), ("passed", -300)],
)
def test_charge_review_filters_by_filing_deadline(manager, client, organization, filing, days_left):
    captured_with_deadline(organization, days_left)

    assert len(lines_shown(client, filing=filing)) == 2


@pytest.mark.parametrize(("filing", "days_left"), [("7", -1), ("7", 8), ("30", 31), ("passed", 0)])
def test_charge_review_filing_deadline_out_of_reach_shows_nothing(manager, client, organization, filing, days_left):
    captured_with_deadline(organization, days_left)

    assert lines_shown(client, filing=filing) == []


def test_charge_review_filing_deadline_leaves_exported_lines_out(manager, client, organization):
    captured_with_deadline(organization, 0)
    mark_exported(lines=list(ChargeLine.objects.filter(code="77386")), by=manager)

    assert lines_shown(client, filing="7") == ["77014 ready"]


@pytest.mark.parametrize(("age", "shown"), [("9", 1), ("10", 1), ("11", 0)])
def test_charge_review_filters_by_days_held(manager, client, course, settings, age, shown):
    captured(course, image_review_signed_at=None)
    settings.NOW = SessionHold.objects.get().opened_at + timedelta(days=10)

    assert len(lines_shown(client, age=age)) == shown


def test_charge_review_owner_me_is_whoever_looks(manager, client, course):
    captured(course, image_review_signed_at=None)
    assign_hold(hold=SessionHold.objects.get(), owner=manager, due_on=TODAY - timedelta(days=1), by=manager)

    page = client.get(reverse("charge-review"), {"owner": "me"}).context["page"]

    reason = page.rows[0].reasons[0]
    assert (reason.owner, reason.due_on, reason.is_overdue) == (manager.shown_name, TODAY - timedelta(days=1), True)


def test_charge_review_hold_must_answer_to_reason_and_owner_alike(manager, client, course):
    captured(course, image_review_signed_at=None)
    line = ChargeLine.objects.get(role="guidance")
    placed = place_hold(line=line, reason="A query is open.", at=NOW, by=manager)
    assign_hold(hold=placed, owner=manager, due_on=None, by=manager)

    assert lines_shown(client, owner="me", reason="IMAGE_UNSIGNED") == []
    assert lines_shown(client, owner="me", reason="HELD_BY_HAND") == ["77014 held"]


def test_charge_review_says_who_held_a_line_and_why(manager, client, course):
    captured(course)
    place_hold(line=ChargeLine.objects.get(role="delivery"), reason="A query is open.", at=NOW, by=manager)

    assert f"Held by {manager.shown_name}: A query is open." in text_of(client.get(reverse("charge-review")))


def test_charge_review_chip_leads_to_the_list_without_its_filter(manager, client, course):
    captured(course)

    form = client.get(reverse("charge-review"), {"state": "ready", "code": "77386"}).context["form"]

    assert [(chip.label, chip.value, chip.url) for chip in form.chips] == [
        ("State", "Ready", "?code=77386"),
        ("Code", "77386", "?state=ready"),
    ]


def test_charge_review_counts_by_state_narrow_and_widen_the_list(manager, client, course):
    captured(course, image_review_signed_at=None)

    states = client.get(reverse("charge-review"), {"state": "held"}).context["states"]

    assert [(count.name, count.number, count.url) for count in states] == [
        ("held", "1", "?"),
        ("ready", "1", "?state=ready"),
    ]


def test_charge_review_counts_by_reason_count_lines_that_the_hold_keeps_back(manager, client, course):
    captured(course, days=2, image_review_signed_at=None)
    place_hold(line=ChargeLine.objects.filter(role="delivery").first(), reason="A query.", at=NOW, by=manager)

    reasons = client.get(reverse("charge-review")).context["reasons"]

    assert [(count.name, count.number) for count in reasons] == [("IMAGE_UNSIGNED", "2"), ("HELD_BY_HAND", "1")]


def test_charge_review_offers_nothing_to_do_to_one_who_only_reads(organization, client, course):
    captured(course)
    client.force_login(make_user(organization, role="auditor"))

    response = client.get(reverse("charge-review"))

    assert response.context["bulk"] is None
    assert 'type="checkbox" name="line"' not in text_of(response)


def test_charge_review_file_says_its_filters_and_holds_what_they_leave(manager, client, course):
    captured(course, image_review_signed_at=None)

    response = client.get(reverse("charge-review-csv"), {"state": "held"})

    text = b"".join(response.streaming_content).decode("utf-8-sig")
    rows = list(csv.reader(StringIO(text)))
    assert rows[0] == ["State", "Held"]
    assert [(row[0], row[6], row[9], row[10]) for row in rows[3:]] == [
        ("2025-12-03", "77014", "Held", "Images not signed")
    ]
    assert "attachment" in response.headers["Content-Disposition"]


def test_charge_review_file_of_unreadable_filters_is_refused(manager, client):
    assert client.get(reverse("charge-review-csv"), {"code": "1"}).status_code == 422


def test_charge_review_names_a_filter_that_cannot_be_read(manager, client, course):
    captured(course)

    response = client.get(reverse("charge-review"), {"start": "2025-13-01", "code": "1"})

    assert response.status_code == 422
    assert set(response.context["form"].errors) == {"start", "code"}
    assert "77386" not in text_of(response)


def test_charge_review_refuses_dates_in_the_wrong_order(manager, client):
    response = client.get(reverse("charge-review"), {"start": "2026-02-01", "end": "2026-01-31"})

    assert response.status_code == 422
    assert set(response.context["form"].errors) == {"end"}


def test_charge_review_shows_a_correction_beside_its_exported_line(manager, client, course):
    captured(course)
    mark_exported(lines=list(ChargeLine.objects.live()), by=manager)
    course.prescriptions.update(technique="imrt_simple")
    capture_from(patient=course.patient, day=date(2015, 1, 1), by=manager)

    page = client.get(reverse("charge-review"), {"code": "77386"}).context["page"]

    assert [row.line.state for row in page.rows] == ["exported"]
    assert [words for _pk, words in page.rows[0].corrections] == ["77385 x1"]


def test_charge_review_pages_meet_without_a_gap(manager, client, course):
    captured(course, days=ROWS_A_PAGE // 2 + 3)
    first = client.get(reverse("charge-review")).context["page"]

    second = client.get(reverse("charge-review") + first.pages.older_url).context["page"]
    back = client.get(reverse("charge-review") + second.pages.newer_url).context["page"]

    shown = [row.line.pk for row in [*first.rows, *second.rows]]
    assert len(shown) == len(set(shown)) == ChargeLine.objects.live().count()
    assert [row.line.pk for row in back.rows] == [row.line.pk for row in first.rows]
    assert back.pages.newer_url == ""
    assert second.pages.older_url == ""


def test_charge_review_pages_carry_the_filters_on(manager, client, course):
    captured(course, days=ROWS_A_PAGE // 2 + 1)

    page = client.get(reverse("charge-review"), {"start": "2025-12-01"}).context["page"]

    assert "start=2025-12-01" in page.pages.older_url


@pytest.mark.parametrize("key", ["x", "2025-12-03", "2025-13-03,1", "2025-12-03,99999999999999999999", "2025-12-03,²"])
def test_charge_review_unreadable_key_shows_the_newest_page(manager, client, course, key):
    captured(course)

    assert len(lines_shown(client, older=key)) == 2


def test_charge_review_needs_as_many_queries_for_many_lines_as_for_one(manager, client, course):
    captured(course)
    with CaptureQueriesContext(connection) as one:
        client.get(reverse("charge-review"))
    captured(make_treated_course(course.organization), days=5)

    with CaptureQueriesContext(connection) as many:
        client.get(reverse("charge-review"))

    assert len(many) == len(one)


def test_charge_review_hides_other_organizations(manager, client):
    captured(make_treated_course(make_organization()))

    assert lines_shown(client) == []


def test_charge_review_hides_departments_that_the_person_does_not_see(manager, client, course):
    captured(course)
    manager.sees_all_departments = False
    manager.save()
    manager.departments.add(make_department(course.organization))

    assert lines_shown(client) == []


def test_charge_review_is_refused_to_a_stranger(client):
    response = client.get(reverse("charge-review"))

    assert response.status_code in (302, 403)


# Sessions without a line


def test_session_without_line_stands_there_with_its_error(manager, client, course):
    captured(course, completion="not_started")

    page = client.get(reverse("sessions-without-line")).context["page"]

    assert [[reason.name for reason in row.reasons] for row in page.rows] == [["NOT_DELIVERED"]]


def test_session_without_line_is_found_by_its_error(manager, client, course):
    captured(course, completion="not_started")

    found = client.get(reverse("sessions-without-line"), {"reason": "NOT_DELIVERED"}).context["page"]
    others = client.get(reverse("sessions-without-line"), {"reason": "DUPLICATE"}).context["page"]

    assert len(found.rows) == 1
    assert others.rows == []


def test_session_whose_lines_a_person_voided_says_so(manager, client, course):
    captured(course, guidance="none")
    void_charge_line(line=ChargeLine.objects.get(), reason="Billed elsewhere", by=manager)

    page = client.get(reverse("sessions-without-line")).context["page"]

    assert "Billed elsewhere" in page.rows[0].reasons[0].title


def test_session_with_a_line_or_voided_is_not_among_those_without(manager, client, course):
    captured(course, days=2)
    session = course.sessions.last()
    void_session(session=session, reason="Entered twice", at=NOW, by=manager)
    capture_from(patient=course.patient, day=date(2015, 1, 1), by=manager)

    page = client.get(reverse("sessions-without-line")).context["page"]

    assert page.rows == []


def test_sessions_without_line_need_as_many_queries_for_many_as_for_one(manager, client, course):
    captured(course, completion="not_started")
    with CaptureQueriesContext(connection) as one:
        client.get(reverse("sessions-without-line"))
    captured(make_treated_course(course.organization), days=4, completion="not_started")

    with CaptureQueriesContext(connection) as many:
        client.get(reverse("sessions-without-line"))

    assert len(many) == len(one)


def without_policy(organization):
    """A course whose payer has no policy in force: its sessions are held, and have no line."""
    return make_treated_course(organization, payer=make_payer(organization))


def file_without_line(client, **asked):
    """The answer with the file, and its rows."""
    response = client.get(reverse("sessions-without-line-csv"), asked)
    return response, list(csv.reader(StringIO(b"".join(response.streaming_content).decode("utf-8-sig"))))


def test_file_of_sessions_without_line_has_every_row_of_the_list_in_its_order(manager, client, course):
    captured(course, days=3, completion="not_started")
    captured(make_treated_course(course.organization), days=2, completion="not_started")
    captured(without_policy(course.organization))

    shown = client.get(reverse("sessions-without-line"), {"reason": "NOT_DELIVERED"}).context["page"].rows
    response, rows = file_without_line(client, reason="NOT_DELIVERED")

    assert rows[:2] == [["Because of", "Beam never on"], []]
    assert len(shown) == 5
    assert [row[:6] for row in rows[3:]] == [
        [
            row.ruling.session.date_of_service.isoformat(),
            row.ruling.session.department.name,
            row.ruling.session.course.patient.number,
            row.ruling.session.course.account_number,
            row.payer,
            "; ".join(reason.title for reason in row.reasons),
        ]
        for row in shown
    ]
    assert response.headers["Cache-Control"].endswith("no-store")


def test_file_of_sessions_without_line_tells_whose_the_hold_is_and_by_when(manager, client, course):
    captured(without_policy(course.organization))
    first, second = SessionHold.objects.order_by("name")
    assign_hold(hold=first, owner=manager, due_on=TODAY, by=manager)
    assign_hold(hold=second, owner=manager, due_on=TODAY + timedelta(days=1), by=manager)

    _response, rows = file_without_line(client)

    assert rows[0] == ["Filters", "none: all sessions without a line"]
    assert "No policy in force" in rows[3][5]
    assert rows[3][6:] == [manager.shown_name, TODAY.isoformat()]


def test_file_of_sessions_without_line_runs_no_formula(manager, client, course):
    captured(course, completion="not_started")
    course.account_number = "=HYPERLINK(1)"
    course.save()

    _response, rows = file_without_line(client)

    assert rows[3][3] == "'=HYPERLINK(1)"


def test_file_of_sessions_without_line_of_unreadable_filters_is_refused(manager, client):
    assert client.get(reverse("sessions-without-line-csv"), {"start": "soon"}).status_code == 422


# Void


def test_void_of_a_line_of_another_organization_is_not_found(manager, client):
    captured(make_treated_course(make_organization()))

    response = client.get(reverse("line-void", args=[ChargeLine.objects.first().pk]))

    assert response.status_code == 404


def test_void_with_a_reason_voids_the_line(manager, client, course):
    captured(course)
    line = ChargeLine.objects.get(role="delivery")

    response = client.post(reverse("line-void", args=[line.pk]), {"reason": "Billed elsewhere"})

    assert response.url == reverse("line-why", args=[line.pk])
    line.refresh_from_db()
    assert (line.state, line.void_reason, line.voided_by) == (LineState.VOID, "Billed elsewhere", manager)


def test_void_without_a_reason_is_refused_at_the_field(manager, client, course):
    captured(course)
    line = ChargeLine.objects.get(role="delivery")

    response = client.post(reverse("line-void", args=[line.pk]), {"reason": " "})

    assert response.status_code == 422
    assert "reason" in response.context["form"].errors
    line.refresh_from_db()
    assert line.state == LineState.READY


def test_void_of_a_void_line_is_not_found(manager, client, course):
    captured(course)
    line = void_charge_line(line=ChargeLine.objects.get(role="delivery"), reason="Once", by=manager)

    assert client.post(reverse("line-void", args=[line.pk]), {"reason": "Twice"}).status_code == 404


def test_void_is_refused_to_a_coder(organization, client, course):
    captured(course)
    client.force_login(make_user(organization, role="coder"))

    response = client.post(reverse("line-void", args=[ChargeLine.objects.first().pk]), {"reason": "No"})

    assert response.status_code == 403


def test_charge_review_shows_the_organizations_price(manager, client, course):
    FeeSchedule.objects.create(
        organization=course.organization, code="77386", effective_from=date(2025, 1, 1), amount="1500.00"
    )
    captured(course)

    assert "$1,500.00" in text_of(client.get(reverse("charge-review"), {"code": "77386"}))
