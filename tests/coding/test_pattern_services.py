"""What may be charged for planned days, asked of the engine under the payer's terms; the lines of a whole pattern."""

from datetime import UTC, date, datetime

import pytest

from coding.models import ChargeLine
from coding.pattern_services import LineExported, fill_and_capture, outlook, preview_lines, undo_and_capture
from coding.services import mark_exported
from portal.models import AuditEvent, TreatmentSession
from portal.services.patterns import Delivery, PlannedFraction
from tests.builders import make_organization, make_payer, make_policy_version, make_treated_course, make_user

pytestmark = pytest.mark.django_db
LAST_OF_2025, FIRST_OF_2026 = date(2025, 12, 31), date(2026, 1, 1)
NOW = datetime(2026, 11, 24, 15, tzinfo=UTC)


@pytest.fixture
def organization():
    return make_organization()


def prescription_under(organization, **terms):
    """A prescription of a patient whose payer's policy has these terms."""
    payer = make_payer(organization, name="Test payer", kind="medicare")
    make_policy_version(payer, terms=terms)
    return make_treated_course(organization, payer=payer).prescriptions.get()


def delivered(prescription, by) -> dict:
    """The words that fill a pattern of two fractions, both delivered as planned."""
    days = (LAST_OF_2025, date(2026, 1, 2))
    return {
        "prescription": prescription,
        "fractions": [PlannedFraction(number, day) for number, day in enumerate(days, start=1)],
        "machine": prescription.course.department.machines.get(),
        "today": NOW.date(),
        "by": by,
        "deliveries": [
            Delivery(number, datetime(day.year, day.month, day.day, 15, tzinfo=UTC))
            for number, day in enumerate(days, start=1)
        ],
    }


def test_outlook_follows_the_code_set_of_each_day(organization):
    seen = outlook(prescription=prescription_under(organization), days=[LAST_OF_2025, FIRST_OF_2026])

    assert seen.codes == {LAST_OF_2025: ("77386",), FIRST_OF_2026: ("77407", "77412")}


def test_outlook_of_a_payer_that_keeps_the_deleted_codes(organization):
    prescription = prescription_under(organization, keep_until="2026-02-28")

    seen = outlook(prescription=prescription, days=[date(2026, 2, 28), date(2026, 3, 1)])

    assert list(seen.codes.values()) == [("77386",), ("77407", "77412")]


def test_outlook_says_how_far_apart_and_on_whose_word(organization):
    seen = outlook(prescription=prescription_under(organization, min_gap=240), days=[FIRST_OF_2026])

    assert (seen.min_gap, seen.said_by) == (240, "policy version Test payer from 01/01/2015")


def test_outlook_without_a_payer_is_that_of_the_house(organization):
    prescription = prescription_under(organization)
    prescription.course.patient.coverages.all().delete()

    seen = outlook(prescription=prescription, days=[FIRST_OF_2026])

    assert (seen.min_gap, seen.codes[FIRST_OF_2026]) == (360, ("77407", "77412"))


def test_preview_lines_keeps_nothing(organization):
    prescription = prescription_under(organization)

    lines = preview_lines(**delivered(prescription, make_user(organization)))

    assert [(line.code, line.state) for line in lines] == [("77386", "ready"), ("77407", "ready")]
    assert not TreatmentSession.objects.exists()
    assert not AuditEvent.objects.about(prescription).exists()


def test_undo_and_capture_leaves_no_standing_line(organization):
    prescription, coder = prescription_under(organization), make_user(organization)
    filled = fill_and_capture(**delivered(prescription, coder))

    undo_and_capture(event=filled.event, prescription=prescription, reason="Pattern undone", at=NOW, by=coder)

    assert not ChargeLine.objects.standing().exists()
    assert TreatmentSession.objects.filter(voided_by=coder, void_reason="Pattern undone").count() == 2


def test_undo_and_capture_of_an_exported_line_undoes_nothing(organization):
    prescription, coder = prescription_under(organization), make_user(organization)
    filled = fill_and_capture(**delivered(prescription, coder))
    mark_exported(lines=[ChargeLine.objects.first()], by=coder)

    with pytest.raises(LineExported):
        undo_and_capture(event=filled.event, prescription=prescription, reason="Pattern undone", at=NOW, by=coder)

    assert TreatmentSession.objects.standing().count() == 2
