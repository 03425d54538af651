"""What clears a hold beside it, and what is done to many at once: shown first, done, told, taken back."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.urls import reverse

from coding.engine.findings import CATALOGUE, NAME_OF_EDIT
from coding.engine.vocabulary import Severity
from coding.forms.hold_acts import PARTS
from coding.hold_services import note_hold, place_hold, release_hold
from coding.models import HELD_BY_HAND, ChargeLine, HoldNote, SessionHold
from coding.services import capture_from
from portal.models import AuditEvent
from portal.presenters.remedies import ASKED_OUTSIDE, CLEARED_BY, MISSING_FACTS
from tests.builders import (
    make_authorization,
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
TYPED = "12/03/2025 10:30 AM"
BESIDE = {"HX-Request": "true"}
NOTE = {"note": "The record shows why."}


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


def captured(course, *, starts=(FIRST_START,), **facts):
    """The course with a session at each of the starts, charges captured."""
    for number, start in enumerate(starts, start=1):
        make_session(course, fraction=number, started_at=start, **facts)
    capture_from(patient=course.patient, day=date(2015, 1, 1), by=None)
    return course


def hold_of(course, name):
    return SessionHold.objects.open().filter(session__course=course).get(name=name)


def soft_holds(course, number):
    """As many open holds that a note may release, one a day."""
    captured(course, starts=[FIRST_START + timedelta(days=n) for n in range(number)], completion="partial")
    return list(SessionHold.objects.open().order_by("pk"))


def act(client, hold, typed, **headers):
    return client.post(reverse("hold-act", args=[hold.pk]), typed, headers=headers)


def told(response):
    return " ".join(response.content.decode().split())


def messages_of(client):
    """What the next page says of what was just done."""
    return [str(message) for message in client.get(reverse("home")).context["messages"]]


# Every hold has a way out


def test_every_hold_of_the_catalogue_has_an_act_or_says_whom_to_ask():
    holds = {NAME_OF_EDIT.get(edit, w.name) for edit, w in CATALOGUE.items() if w.severity is Severity.HOLD}

    answered = set(CLEARED_BY) | set(ASKED_OUTSIDE)

    assert holds | {HELD_BY_HAND} == answered


def test_every_act_in_place_has_its_form():
    clearings = [*CLEARED_BY.values(), *(clearing for _word, clearing in MISSING_FACTS)]

    acts = {clearing.act for clearing in clearings if clearing.act}

    assert acts | {"isocenters"} == set(PARTS)


# What clears a hold, in place


def test_act_records_the_sign_off_and_the_line_is_ready(coder, client, course):
    captured(course, image_review_signed_at=None)
    hold = hold_of(course, "IMAGE_UNSIGNED")

    response = act(client, hold, {"image_review_signed_at": TYPED, "revision": 1})

    hold.refresh_from_db()
    assert response.url == reverse("hold-detail", args=[hold.pk])
    assert hold.closed_at is not None
    assert ChargeLine.objects.live().get(role="guidance").state == "ready"
    assert "The hold is gone. 77014-26 x1 is ready." in messages_of(client)


def test_act_gives_the_session_the_hold_as_reason_and_changes_nothing_else(coder, client, course):
    captured(course, image_review_signed_at=None, ended_at=FIRST_START + timedelta(minutes=9, seconds=31))
    hold = hold_of(course, "IMAGE_UNSIGNED")

    act(client, hold, {"image_review_signed_at": TYPED, "revision": 1})

    event = AuditEvent.objects.get(action="amend_session")
    assert "To clear a hold: Images not signed" in event.sentence
    assert list(event.changes) == ["image_review_signed_at"]


def test_act_without_a_change_says_so_at_the_field(coder, client, course):
    captured(course, image_review_signed_at=None)
    hold = hold_of(course, "IMAGE_UNSIGNED")

    response = act(client, hold, {"image_review_signed_at": "", "revision": 1})

    assert response.status_code == 422
    assert "Nothing was changed here" in told(response)
    assert not AuditEvent.objects.filter(action="amend_session").exists()


def test_act_that_cannot_be_read_keeps_what_was_typed(coder, client, course):
    captured(course, image_review_signed_at=None)
    hold = hold_of(course, "IMAGE_UNSIGNED")

    response = act(client, hold, {"image_review_signed_at": "last week", "revision": 1})

    assert response.status_code == 422
    assert "last week" in told(response)
    assert "must be a day and a time" in told(response)


def test_act_on_a_session_that_somebody_saved_meanwhile_keeps_what_was_typed(coder, client, course):
    captured(course, image_review_signed_at=None)
    hold = hold_of(course, "IMAGE_UNSIGNED")
    hold.session.revision = 2
    hold.session.save()

    response = act(client, hold, {"image_review_signed_at": TYPED, "revision": 1})
    again = act(client, hold, {"image_review_signed_at": TYPED, "revision": 2})

    assert response.status_code == 422
    assert "Somebody saved this session" in told(response)
    assert 'name="revision" value="2"' in told(response)
    assert again.status_code == 302


def test_act_corrects_both_times_of_the_day(coder, client, organization):
    payer = make_payer(organization)
    make_policy_version(payer, terms={"bid": "76", "min_gap": 360})
    course = make_treated_course(organization, payer=payer)
    course.prescriptions.update(sessions_a_day=2)
    captured(course, starts=[FIRST_START, FIRST_START + timedelta(hours=5)])
    hold = hold_of(course, "BID_GAP")
    page = client.get(reverse("hold-detail", args=[hold.pk])).context["view"]
    typed = {field.html_name: field.value() or "" for part in page.act.parts for field in [*part.fields, *part.hidden]}
    second = page.act.parts[1].form

    act(client, hold, {**typed, second.add_prefix("start"): "4:30 PM", second.add_prefix("end"): ""})

    assert not SessionHold.objects.open().filter(name="BID_GAP").exists()


@pytest.mark.parametrize(
    ("prescribed", "name", "typed"),
    [
        ({"signed_at": None, "signed_by": None}, "RX_NOT_SIGNED", ("signed_at", "signed_by")),
        (
            {"plan_approved_at": None, "plan_approved_by": None},
            "PLAN_NOT_APPROVED",
            ("plan_approved_at", "plan_approved_by"),
        ),
    ],
)
def test_act_records_signature_and_approval(coder, client, course, prescribed, name, typed):
    prescription = course.prescriptions.get()
    course.prescriptions.update(**prescribed)
    captured(course)
    hold = hold_of(course, name)
    at, by = (f"prescription-{prescription.pk}-{field}" for field in typed)

    act(client, hold, {at: "12/01/2025 9:00 AM", by: course.physician_id})

    hold.refresh_from_db()
    assert hold.closed_at is not None


def test_act_that_does_not_clear_the_hold_says_that_it_stands(coder, client, course):
    prescription = course.prescriptions.get()
    course.prescriptions.update(signed_at=None, signed_by=None)
    captured(course)
    hold = hold_of(course, "RX_NOT_SIGNED")
    at, by = (f"prescription-{prescription.pk}-{field}" for field in ("signed_at", "signed_by"))

    act(client, hold, {at: "12/05/2025 9:00 AM", by: course.physician_id})

    assert messages_of(client)[0].startswith("It is saved, and the hold still stands")


def test_act_enters_the_motion_documentation(coder, client, course):
    prescription = course.prescriptions.get()
    course.prescriptions.update(motion_management="active")
    captured(course, starts=[datetime(2026, 1, 5, 15, tzinfo=UTC)])
    hold = hold_of(course, "LEVEL3_DOCUMENTATION")

    act(client, hold, {f"prescription-{prescription.pk}-motion_documentation": "Breath hold, 3 mm window."})

    assert ChargeLine.objects.live().get(role="delivery", claim_form="institutional").state == "ready"


def test_act_marks_the_treatment_record_and_the_lines_appear(coder, client, course):
    captured(course, has_treatment_record=False)
    hold = hold_of(course, "RECORD_MISSING")

    act(client, hold, {"has_treatment_record": "on", "revision": 1})

    assert ChargeLine.objects.live().count() == 2


def test_act_enters_the_coverage(coder, client, organization, course):
    payer = course.patient.coverages.get().payer
    course.patient.coverages.all().delete()
    captured(course)
    hold = hold_of(course, "COVERAGE_MISSING")

    act(client, hold, {"payer": payer.pk, "rank": 1, "starts_on": "01/01/2025", "member_number": "", "ends_on": ""})

    assert ChargeLine.objects.live().filter(state="ready").count() == 2


def needs_authorization(organization):
    payer = make_payer(organization)
    make_policy_version(payer, terms={"authorization_required": True})
    return make_treated_course(organization, payer=payer)


def test_act_enters_the_authorization(coder, client, organization):
    course = captured(needs_authorization(organization))
    hold = hold_of(course, "AUTH_MISSING")
    payer = course.patient.coverages.get().payer

    act(client, hold, {"payer": payer.pk, "number": "N-1", "starts_on": "12/01/2025"})

    hold.refresh_from_db()
    assert hold.closed_at is not None
    assert course.authorizations.get().number == "N-1"


def test_act_amends_the_authorization_that_ran_out(coder, client, organization):
    course = needs_authorization(organization)
    payer = course.patient.coverages.get().payer
    make_authorization(course, payer, number="N-1", ends_on=date(2025, 12, 1))
    captured(course)
    hold = hold_of(course, "AUTH_EXPIRED")

    act(client, hold, {"payer": payer.pk, "number": "N-1", "starts_on": "01/01/2015", "ends_on": "12/31/2025"})

    assert course.authorizations.get().ends_on == date(2025, 12, 31)
    assert not SessionHold.objects.open().exists()


def test_act_with_a_number_that_the_course_has_is_refused_at_the_field(coder, client, organization):
    course = captured(needs_authorization(organization))
    hold = hold_of(course, "AUTH_MISSING")
    other = make_payer(organization)
    make_authorization(course, other, number="N-1")

    response = act(client, hold, {"payer": other.pk, "number": "N-1", "starts_on": "12/01/2025"})

    assert "number" in response.context["refused"].errors


def test_act_enters_the_diagnoses(coder, client, course):
    course.diagnoses = []
    course.save()
    captured(course)
    hold = hold_of(course, "DX_MISSING")

    act(client, hold, {"diagnoses": "C02.1"})

    course.refresh_from_db()
    assert course.diagnoses == ["C02.1"]
    assert not SessionHold.objects.open().exists()


def test_act_corrects_the_fraction_number(coder, client, course):
    prescription = course.prescriptions.get()
    session = make_session(course, fraction=34)
    capture_from(patient=course.patient, day=date(2015, 1, 1), by=None)
    hold = hold_of(course, "OVER_PRESCRIPTION")

    act(
        client,
        hold,
        {f"prescription-{prescription.pk}-fractions": 33, f"fraction_{prescription.pk}": 33, "revision": 1},
    )

    assert session.delivered_fractions.get().fraction_number == 33
    assert not SessionHold.objects.open().filter(name="OVER_PRESCRIPTION").exists()


def test_act_is_refused_to_an_auditor(organization, client, course):
    captured(course, image_review_signed_at=None)
    client.force_login(make_user(organization, role="auditor"))

    assert act(client, hold_of(course, "IMAGE_UNSIGNED"), {}).status_code == 403


def test_act_on_a_hold_that_is_gone_leads_to_what_became_of_it(coder, client, course):
    hold = soft_holds(course, 1)[0]
    release_hold(hold=hold, note="Seen", at=NOW, by=coder)

    response = act(client, hold, {"completion": "complete", "revision": 1})

    assert response.url == reverse("hold-detail", args=[hold.pk])
    assert ["not open any more" in message for message in messages_of(client)] == [True]


def test_act_beside_the_list_puts_the_patients_rows_in_their_places(coder, client, course):
    days = [FIRST_START, FIRST_START + timedelta(days=1)]
    captured(course, starts=days, image_review_signed_at=None)
    signed, other = SessionHold.objects.open().order_by("session__started_at")

    response = client.post(
        reverse("hold-act", args=[signed.pk]),
        {"image_review_signed_at": TYPED, "revision": 1, "shown": [signed.pk, other.pk]},
        headers=BESIDE,
    )

    assert f"outerHTML:#hold-{signed.pk}" in told(response)
    assert "Gone: the facts changed." in told(response)
    assert f"outerHTML:#hold-{other.pk}" in told(response)


# Owner, due day and notes of one


def test_assign_gives_the_hold_an_owner_and_a_due_day(coder, client, course):
    hold = soft_holds(course, 1)[0]

    client.post(reverse("hold-assign", args=[hold.pk]), {"owner": coder.pk, "due_on": "2026-11-30"})

    hold.refresh_from_db()
    assert (hold.owner, hold.due_on) == (coder, date(2026, 11, 30))


def test_assign_by_taking_it_names_the_person_who_presses(coder, client, course):
    hold = soft_holds(course, 1)[0]

    client.post(reverse("hold-assign", args=[hold.pk]), {"owner": "", "due_on": "", "take": "1"})

    hold.refresh_from_db()
    assert hold.owner == coder


def test_assign_refuses_people_of_another_organization(coder, client, course):
    hold = soft_holds(course, 1)[0]
    stranger = make_user(make_organization(), role="coder")

    response = client.post(reverse("hold-assign", args=[hold.pk]), {"owner": stranger.pk, "due_on": ""})

    assert response.status_code == 422
    hold.refresh_from_db()
    assert hold.owner is None


def test_note_is_read_on_the_page_and_in_the_history(coder, client, course):
    hold = soft_holds(course, 1)[0]

    client.post(reverse("hold-note", args=[hold.pk]), {"note": "Asked the physicist."})

    view = client.get(reverse("hold-detail", args=[hold.pk])).context["view"]
    assert [note.text for note in view.notes] == ["Asked the physicist."]
    assert ["Asked the physicist." in happened.sentence for happened in view.history] == [True, False]


def test_note_without_words_is_refused(coder, client, course):
    hold = soft_holds(course, 1)[0]

    response = client.post(reverse("hold-note", args=[hold.pk]), {"note": " "})

    assert response.status_code == 422
    assert not HoldNote.objects.exists()


def test_history_tells_by_which_change_a_hold_was_closed(coder, client, course):
    captured(course, image_review_signed_at=None)
    hold = hold_of(course, "IMAGE_UNSIGNED")
    act(client, hold, {"image_review_signed_at": TYPED, "revision": 1})

    history = client.get(reverse("hold-detail", args=[hold.pk])).context["view"].history

    assert history[0].sentence.startswith("Closed by a change: Session of 12/03/2025 amended")
    assert history[0].who == coder.shown_name
    assert history[-1].sentence.startswith("Opened: ")


def test_hold_by_hand_says_who_placed_it_and_why(coder, client, course):
    captured(course)
    line = ChargeLine.objects.live().get(role="delivery", claim_form="institutional")
    hold = place_hold(line=line, reason="Wait for the letter.", at=NOW, by=coder)

    view = client.get(reverse("hold-detail", args=[hold.pk])).context["view"]

    assert view.title == f"Held by {coder.shown_name}: Wait for the letter."
    assert view.act is None
    assert "Ask the person who placed it" in view.asked_outside


# Several at once


def many(client, action, holds, page="hold-carry-out", **more):
    return client.post(reverse(page), {"action": action, "hold": [hold.pk for hold in holds], **more})


def test_preview_shows_what_will_and_what_will_not_happen_and_does_nothing(coder, client, course):
    captured(course, completion="partial", image_review_signed_at=None)
    holds = list(SessionHold.objects.open())

    response = many(client, "release", holds, "hold-preview")

    preview = response.context["preview"]
    assert preview.sentence == "1 hold will be released"
    assert [group.reason for group in preview.refused] == ["Hard: cleared by the facts, no role releases it"]
    assert SessionHold.objects.open().count() == 2


def test_preview_of_all_takes_what_the_filters_leave(coder, client, course):
    soft_holds(course, 3)

    response = client.post(reverse("hold-preview"), {"action": "assign", "all": "1", "query": "start=2025-12-04"})

    assert len(response.context["preview"].will) == 2


def test_preview_of_nothing_says_what_to_do(coder, client):
    assert "No hold was ticked" in told(many(client, "note", [], "hold-preview"))


def test_carry_out_releases_the_soft_and_never_the_hard(coder, client, course):
    captured(course, completion="partial", image_review_signed_at=None)

    response = many(client, "release", SessionHold.objects.open(), **NOTE)

    assert response.status_code == 302
    assert list(SessionHold.objects.open().values_list("name", flat=True)) == ["IMAGE_UNSIGNED"]


def test_carry_out_without_a_note_is_refused_and_keeps_the_choice(coder, client, course):
    holds = soft_holds(course, 2)

    response = many(client, "release", holds, note="")

    assert response.status_code == 422
    assert [told.hold for told in response.context["preview"].will] == holds
    assert SessionHold.objects.open().count() == 2


def test_carry_out_assigns_and_notes(coder, client, course):
    holds = soft_holds(course, 2)

    many(client, "assign", holds, owner=coder.pk, due_on="2026-11-30")
    many(client, "note", holds, note="Asked.")

    assert SessionHold.objects.filter(owner=coder, due_on=date(2026, 11, 30)).count() == 2
    assert HoldNote.objects.count() == 2


def test_take_is_done_at_once_and_keeps_the_due_days(coder, client, course):
    holds = soft_holds(course, 2)
    SessionHold.objects.filter(pk=holds[0].pk).update(due_on=date(2026, 11, 30))

    many(client, "take", holds, "hold-preview")

    mine = SessionHold.objects.filter(owner=coder).order_by("pk")
    assert list(mine.values_list("due_on", flat=True)) == [date(2026, 11, 30), None]


def test_carry_out_of_another_organization_does_nothing(coder, client):
    holds = soft_holds(make_treated_course(make_organization()), 1)

    many(client, "release", holds, **NOTE)

    assert SessionHold.objects.open().count() == 1


def test_carry_out_beside_the_list_offers_the_way_back(coder, client, course):
    hold = soft_holds(course, 1)[0]
    asked = {"action": "release", "hold": hold.pk, "shown": hold.pk, **NOTE}

    done = client.post(reverse("hold-carry-out"), asked, headers=BESIDE)

    assert "1 hold released." in told(done)
    assert "Take the release back" in told(done)
    assert [age.number for age in done.context["ages"]] == ["0", "0", "0", "0"]


def test_set_back_takes_a_release_back_in_the_same_row(coder, client, course):
    hold = release_hold(hold=soft_holds(course, 1)[0], note="Seen", at=NOW, by=coder)
    asked = {"action": "release", "set_back": hold.pk, "shown": hold.pk}

    response = client.post(reverse("hold-set-back"), asked, headers=BESIDE)

    again = SessionHold.objects.open().get()
    assert f'id="hold-{again.pk}"' in told(response)
    assert f"outerHTML:#hold-{hold.pk}" in told(response)


def test_set_back_gives_a_hold_its_owner_back(coder, client, course):
    hold = soft_holds(course, 1)[0]
    many(client, "take", [hold], "hold-preview")

    client.post(reverse("hold-set-back"), {"action": "assign", "set_back": f"{hold.pk}::"})

    hold.refresh_from_db()
    assert hold.owner is None


@pytest.mark.parametrize("entry", ["x", "1:y", "1:2:soon", "9" * 30])
def test_set_back_of_what_cannot_be_read_is_refused(coder, client, entry):
    assert client.post(reverse("hold-set-back"), {"action": "assign", "set_back": entry}).status_code == 400


def test_unknown_action_is_refused(coder, client):
    assert client.post(reverse("hold-preview"), {"action": "burn"}).status_code == 400


def test_notes_of_a_hold_outlive_its_closing(coder, client, course):
    hold = soft_holds(course, 1)[0]
    note_hold(hold=hold, text="Asked.", at=NOW, by=coder)
    released = release_hold(hold=hold, note="Seen", at=NOW, by=coder)
    client.post(reverse("hold-reopen", args=[released.pk]))

    again = SessionHold.objects.open().get()

    assert [note.text for note in client.get(reverse("hold-detail", args=[again.pk])).context["view"].notes] == [
        "Asked."
    ]
