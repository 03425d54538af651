"""Something done to many lines: what will and will not happen is said first, then done as for one, and taken back."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from coding.hold_services import assign_hold, place_hold, release_hold
from coding.line_actions import LineAction, Obstacle, carry_out, plan_lines
from coding.models import ChargeLine, HoldNote, SessionHold
from coding.presenters.review import with_reasons
from coding.services import capture_from, mark_exported
from tests.builders import TODAY, make_department, make_organization, make_session, make_treated_course, make_user

pytestmark = pytest.mark.django_db
FIRST_START = datetime(2025, 12, 3, 15, tzinfo=UTC)
NOW = datetime(2026, 11, 24, 15, tzinfo=UTC)


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


def soft(course, *, days=1):
    """The delivery lines of some days, each held by hand and so released with a note."""
    captured(course, days=days)
    by = course.organization.users.first()
    for line in ChargeLine.objects.filter(role="delivery", session__course=course):
        place_hold(line=line, reason="A query is open.", at=NOW, by=by)
    return list(ChargeLine.objects.filter(role="delivery", session__course=course).order_by("pk"))


def hard(course):
    """The guidance line of a session whose images nobody signed: only the signature clears it."""
    captured(course, image_review_signed_at=None)
    return ChargeLine.objects.get(role="guidance", session__course=course)


def planned(action, *lines):
    found = with_reasons(ChargeLine.objects.filter(pk__in=[line.pk for line in lines]).order_by("pk"))
    return plan_lines(action, found)


def states():
    return {f"{line.code} {line.date_of_service:%d}": line.state for line in ChargeLine.objects.live()}


def told(client, name, **posted):
    return client.post(reverse(name), posted, headers={"HX-Request": "true"})


# What will happen


def test_plan_release_takes_soft_holds_and_leaves_hard_ones(coder, course):
    line = hard(course)
    place_hold(line=line, reason="A query is open.", at=NOW, by=coder)

    plan = planned(LineAction.RELEASE, line)

    assert [hold.name for hold in plan[0].holds] == ["HELD_BY_HAND"]
    assert [hold.name for hold in plan[0].remaining] == ["IMAGE_UNSIGNED"]


@pytest.mark.parametrize(
    ("action", "obstacle"),
    [
        (LineAction.RELEASE, Obstacle.HARD),
        (LineAction.HOLD, Obstacle.HELD),
        (LineAction.ASSIGN, None),
        (LineAction.NOTE, None),
    ],
)
def test_plan_of_a_hard_hold(coder, course, action, obstacle):
    line = hard(course)

    assert [one.obstacle for one in planned(action, line)] == [obstacle]


@pytest.mark.parametrize(
    ("action", "obstacle"),
    [
        (LineAction.RELEASE, Obstacle.NOT_HELD),
        (LineAction.HOLD, None),
        (LineAction.ASSIGN, Obstacle.NO_HOLD),
        (LineAction.NOTE, Obstacle.NO_HOLD),
    ],
)
def test_plan_of_a_ready_line(coder, course, action, obstacle):
    captured(course)

    assert [one.obstacle for one in planned(action, ChargeLine.objects.get(role="delivery"))] == [obstacle]


@pytest.mark.parametrize("action", LineAction)
def test_plan_leaves_an_exported_line_alone(coder, course, action):
    captured(course)
    line = ChargeLine.objects.get(role="delivery")
    mark_exported(lines=[line], by=coder)

    assert [one.obstacle for one in planned(action, line)] == [Obstacle.EXPORTED]


@pytest.mark.parametrize("action", LineAction)
def test_plan_leaves_a_replaced_line_alone(coder, course, action):
    captured(course)
    line = ChargeLine.objects.get(role="delivery")
    course.prescriptions.update(technique="imrt_simple")
    capture_from(patient=course.patient, day=date(2015, 1, 1), by=coder)

    assert [one.obstacle for one in planned(action, line)] == [Obstacle.GONE]


# Carrying out


def test_carry_out_tells_a_failure_and_does_the_rest(coder, course):
    lines = soft(course, days=2)
    for line in lines:
        release_hold(hold=line.session.holds.get(), note="Answered.", at=NOW, by=coder)
    plan = planned(LineAction.HOLD, *lines)
    mark_exported(lines=lines[:1], by=coder)

    outcome = carry_out(action=LineAction.HOLD, plan=plan, at=NOW + timedelta(minutes=1), by=coder, note="Wait.")

    assert outcome.done == lines[1:]
    assert [line for line, _why in outcome.failed] == lines[:1]
    assert states()["77386 04"] == "held"


def test_carry_out_works_on_a_shared_hold_once(coder, course):
    captured(course)
    course.prescriptions.update(signed_at=None, signed_by=None)
    capture_from(patient=course.patient, day=date(2015, 1, 1), by=coder)
    lines = list(ChargeLine.objects.live())
    plan = planned(LineAction.NOTE, *lines)

    carry_out(action=LineAction.NOTE, plan=plan, at=NOW, by=coder, note="Asked the physician.")

    assert HoldNote.objects.filter(hold__name="RX_NOT_SIGNED").count() == 1


# Preview page


def test_preview_says_what_happens_to_whom_and_changes_nothing(coder, client, organization, course):
    line = soft(course)[0]
    other = hard(make_treated_course(organization))

    preview = told(client, "line-preview", action="release", line=[line.pk, other.pk]).context["preview"]

    assert [row.line for row in preview.will] == [line]
    assert [row.becomes for row in preview.will] == ["becomes ready"]
    assert [(group.reason, len(group.lines)) for group in preview.refused] == [(str(Obstacle.HARD.label), 1)]
    assert SessionHold.objects.open().count() == 2


def test_preview_for_htmx_is_the_part_alone(coder, client, course):
    line = soft(course)[0]

    part = told(client, "line-preview", action="release", line=line.pk)
    page = client.post(reverse("line-preview"), {"action": "release", "line": line.pk})

    assert "<html" not in part.content.decode()
    assert "<html" in page.content.decode()


def test_preview_of_all_takes_what_the_filters_leave(coder, client, course):
    soft(course, days=3)

    preview = told(client, "line-preview", action="release", all="1", query="state=held&start=2025-12-04")

    assert len(preview.context["preview"].will) == 2


def test_preview_of_nothing_says_so(coder, client):
    response = told(client, "line-preview", action="release")

    assert "No line was ticked" in response.content.decode()


def test_preview_names_lines_that_the_person_does_not_see_only_by_number(coder, client):
    line = soft(make_treated_course(make_organization()))[0]

    preview = told(client, "line-preview", action="release", line=line.pk).context["preview"]

    assert (preview.will, preview.refused, preview.gone) == ([], [], 1)


@pytest.mark.parametrize("posted", [{}, {"action": "void"}, {"action": "release", "all": "1", "query": "code=1"}])
def test_preview_of_what_cannot_be_read_is_refused(coder, client, posted):
    assert told(client, "line-preview", **posted).status_code == 400


def test_preview_needs_as_many_queries_for_many_lines_as_for_one(coder, client, organization, course):
    keys = [line.pk for line in soft(course)]
    with CaptureQueriesContext(connection) as one:
        told(client, "line-preview", action="release", line=keys)
    keys += [line.pk for line in soft(make_treated_course(organization), days=5)]

    with CaptureQueriesContext(connection) as many:
        told(client, "line-preview", action="release", line=keys)

    assert len(many) == len(one)


# Doing it


def test_release_moves_the_lines_and_answers_with_their_rows(coder, client, course):
    lines = soft(course, days=2)

    response = told(client, "line-carry-out", action="release", line=[line.pk for line in lines], note="Answered.")

    assert states()["77386 03"] == states()["77386 04"] == "ready"
    assert "2 lines released." in response.content.decode()
    assert f'id="line-{lines[0].pk}" data-row tabindex="-1" hx-swap-oob="true"' in " ".join(
        response.content.decode().split()
    )


def test_release_without_a_note_is_refused_at_the_field(coder, client, course):
    lines = soft(course)

    response = told(client, "line-carry-out", action="release", line=lines[0].pk, note=" ")

    assert response.status_code == 422
    assert "note" in response.context["form"].errors
    assert states()["77386 03"] == "held"


def test_release_never_touches_a_hard_hold(coder, client, course):
    line = hard(course)

    told(client, "line-carry-out", action="release", line=line.pk, note="Let it go.")

    assert states()["77014 03"] == "held"


def test_assign_gives_owner_and_due_day(coder, client, course):
    line = hard(course)

    told(client, "line-carry-out", action="assign", line=line.pk, owner=coder.pk, due_on="2026-11-30")

    hold = SessionHold.objects.open().get()
    assert (hold.owner, hold.due_on) == (coder, date(2026, 11, 30))


def test_assign_to_a_person_elsewhere_is_refused_at_the_field(coder, client, course):
    line = hard(course)
    stranger = make_user(make_organization(), role="coder")

    response = told(client, "line-carry-out", action="assign", line=line.pk, owner=stranger.pk)

    assert response.status_code == 422
    assert "owner" in response.context["form"].errors


def test_hold_keeps_ready_lines_back(coder, client, course):
    captured(course)
    line = ChargeLine.objects.get(role="delivery")

    told(client, "line-carry-out", action="hold", line=line.pk, note="The chart has a query open.")

    assert states() == {"77386 03": "held", "77014 03": "ready"}


def test_note_is_written_on_the_holds(coder, client, course):
    line = hard(course)

    told(client, "line-carry-out", action="note", line=line.pk, note="Physician reminded.")

    assert HoldNote.objects.get().text == "Physician reminded."


def test_without_script_the_list_is_shown_again_with_its_filters(coder, client, course):
    line = soft(course)[0]

    response = client.post(
        reverse("line-carry-out"),
        {"action": "release", "line": line.pk, "note": "Answered.", "query": "state=held&page=x"},
    )

    assert response.url == reverse("charge-review") + "?state=held&page=x"
    assert states()["77386 03"] == "ready"


def test_lines_of_a_department_that_the_person_does_not_see_stay(coder, client, course):
    line = soft(course)[0]
    coder.sees_all_departments = False
    coder.save()
    coder.departments.add(make_department(course.organization))

    told(client, "line-carry-out", action="release", line=line.pk, note="Answered.")

    assert states()["77386 03"] == "held"


def test_auditor_is_refused(organization, client, course):
    line = soft(course)[0]
    client.force_login(make_user(organization, role="auditor"))

    assert told(client, "line-preview", action="release", line=line.pk).status_code == 403
    assert told(client, "line-carry-out", action="release", line=line.pk, note="x").status_code == 403


# Taking it back


def test_release_is_taken_back(coder, client, course):
    line = soft(course)[0]
    done = told(client, "line-carry-out", action="release", line=line.pk, note="Answered.").context["done"]

    told(client, "line-set-back", action="release", hold=done.set_back)

    assert states()["77386 03"] == "held"


def test_hold_is_taken_back(coder, client, course):
    captured(course)
    line = ChargeLine.objects.get(role="delivery")
    done = told(client, "line-carry-out", action="hold", line=line.pk, note="Wait.").context["done"]

    told(client, "line-set-back", action="hold", hold=done.set_back)

    assert states()["77386 03"] == "ready"


def test_assignment_is_taken_back_to_whom_it_was(coder, client, course):
    line = hard(course)
    assign_hold(hold=SessionHold.objects.get(), owner=coder, due_on=TODAY, by=coder)
    done = told(client, "line-carry-out", action="assign", line=line.pk, owner="", due_on="").context["done"]

    told(client, "line-set-back", action="assign", hold=done.set_back)

    hold = SessionHold.objects.open().get()
    assert (hold.owner, hold.due_on) == (coder, TODAY)


@pytest.mark.parametrize("entry", ["x", "1:y", "1::2026-13-01", "9999999999999999999"])
def test_set_back_of_what_cannot_be_read_is_refused(coder, client, entry):
    assert told(client, "line-set-back", action="assign", hold=entry).status_code == 400
