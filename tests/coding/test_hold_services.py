"""Holds by hand, owners, due days and notes: what they do to lines, and what outlives capturing again."""

from datetime import UTC, date, datetime

import pytest
from django.db import DatabaseError, transaction

from coding.hold_services import NotReady, assign_hold, note_hold, place_hold, release_hold
from coding.models import HELD_BY_HAND, ChargeLine, HoldNote, SessionHold, SessionRuling
from coding.services import capture_charges, mark_exported
from portal.models import AuditEvent
from portal.services.sessions import amend_session, void_session
from tests.builders import make_organization, make_session, make_treated_course, make_user

pytestmark = pytest.mark.django_db
DAY = date(2025, 12, 3)
NOW = datetime(2026, 11, 24, 15, tzinfo=UTC)


@pytest.fixture
def organization():
    return make_organization()


@pytest.fixture
def coder(organization):
    return make_user(organization)


@pytest.fixture
def course(organization):
    return make_treated_course(organization)


@pytest.fixture
def line(course, coder) -> ChargeLine:
    make_session(course, fraction=1)
    capture_charges(patient=course.patient, date_of_service=DAY, by=coder)
    return ChargeLine.objects.get(code="77386")


def states() -> dict[str, str]:
    return {line.code: line.state for line in ChargeLine.objects.live()}


def test_place_hold_keeps_only_its_line_back(line, coder) -> None:
    place_hold(line=line, reason="The chart has a query open.", at=NOW, by=coder)

    assert states() == {"77386": "held", "77014": "ready"}
    assert AuditEvent.objects.filter(action="place_hold", by=coder).count() == 1


def test_place_hold_on_an_exported_line_is_refused(line, coder) -> None:
    mark_exported(lines=[line], by=coder)

    with pytest.raises(NotReady):
        place_hold(line=line, reason="Too late.", at=NOW, by=coder)


def test_hold_by_hand_is_released_with_a_note(line, coder) -> None:
    hold = place_hold(line=line, reason="The chart has a query open.", at=NOW, by=coder)

    release_hold(hold=hold, note="The query was answered.", at=NOW, by=coder)

    assert states()["77386"] == "ready"


def test_hold_by_hand_outlives_capturing_again_on_other_facts(line, course, coder) -> None:
    place_hold(line=line, reason="The chart has a query open.", at=NOW, by=coder)
    course.prescriptions.update(technique="imrt_simple")

    capture_charges(patient=course.patient, date_of_service=DAY, by=coder)

    assert states()["77385"] == "held"


def test_hold_by_hand_closes_with_its_session(line, coder) -> None:
    place_hold(line=line, reason="The chart has a query open.", at=NOW, by=coder)
    void_session(session=line.session, reason="Entered twice", at=NOW, by=coder)

    capture_charges(patient=line.session.course.patient, date_of_service=DAY, by=coder)

    assert SessionHold.objects.open().count() == 0


def test_assign_hold_says_who_and_until_when(line, coder) -> None:
    hold = place_hold(line=line, reason="The chart has a query open.", at=NOW, by=coder)

    assign_hold(hold=hold, owner=coder, due_on=date(2026, 12, 1), by=coder)

    hold.refresh_from_db()
    assert (hold.owner, hold.due_on) == (coder, date(2026, 12, 1))
    event = AuditEvent.objects.get(action="assign_hold")
    assert event.sentence == f"Hold {HELD_BY_HAND} given to {coder.shown_name}, due 12/01/2026"


def test_assign_hold_without_a_change_writes_nothing(line, coder) -> None:
    hold = place_hold(line=line, reason="The chart has a query open.", at=NOW, by=coder)
    assign_hold(hold=hold, owner=coder, due_on=None, by=coder)

    assign_hold(hold=hold, owner=coder, due_on=None, by=coder)

    assert AuditEvent.objects.filter(action="assign_hold").count() == 1


def test_owner_and_due_day_go_over_to_the_next_hold_of_the_name(course, coder) -> None:
    session = make_session(course, fraction=34)
    capture_charges(patient=course.patient, date_of_service=DAY, by=coder)
    assign_hold(hold=SessionHold.objects.open().get(), owner=coder, due_on=date(2026, 12, 1), by=coder)
    session.delivered_fractions.update(fraction_number=35)

    capture_charges(patient=course.patient, date_of_service=DAY, by=coder)

    hold = SessionHold.objects.open().get()
    assert (hold.name, hold.owner, hold.due_on) == ("OVER_PRESCRIPTION", coder, date(2026, 12, 1))


def test_note_on_a_hold_is_never_changed(line, coder) -> None:
    hold = place_hold(line=line, reason="The chart has a query open.", at=NOW, by=coder)
    note_hold(hold=hold, text="Asked the physician.", at=NOW, by=coder)

    with pytest.raises(DatabaseError), transaction.atomic():
        HoldNote.objects.update(text="Never asked.")

    assert HoldNote.objects.get().text == "Asked the physician."


def test_line_carries_the_date_of_service_and_follows_it(line, course, coder) -> None:
    session = line.session
    amend_session(
        session=session,
        revision=session.revision,
        today=NOW.date(),
        by=coder,
        reason="Wrong day",
        started_at=datetime(2025, 12, 4, 15, tzinfo=UTC),
    )

    capture_charges(patient=course.patient, date_of_service=date(2025, 12, 4), by=coder)

    assert set(ChargeLine.objects.live().values_list("date_of_service", flat=True)) == {date(2025, 12, 4)}


def test_ruling_knows_the_last_day_to_file(line) -> None:
    ruling = SessionRuling.objects.current().get()

    assert ruling.file_by == date(2026, 12, 3)
