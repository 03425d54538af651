"""Charge capture: what is saved, what stands when it is done again, and what a change of facts does."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from coding.hold_services import HardHold, release_hold, reopen_hold
from coding.models import ChargeLine, LineState, SessionHold, SessionRuling, TraceRecord
from coding.services import (
    capture_charges,
    capture_from,
    mark_exported,
    preview_charges,
    recapture_for_policy,
    void_charge_line,
)
from portal.models import AuditEvent, TreatmentSession
from portal.services.sessions import amend_session, void_session
from tests.builders import (
    make_coverage,
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


def lines(course) -> list[str]:
    """The live lines of a course as `form line state`, in order."""
    live = (
        ChargeLine.objects.live().filter(session__course=course).order_by("session__started_at", "claim_form", "role")
    )
    return [f"{line.claim_form} {line} {line.state}" for line in live]


def make_sessions(course, number: int) -> None:
    for place in range(number):
        started_at = datetime(2025, 12, 1, 15, tzinfo=UTC) + timedelta(days=place)
        make_session(course, fraction=place + 1, started_at=started_at)


def test_capture_on_campus_gives_the_delivery_and_the_guidance_line(course, coder) -> None:
    make_session(course, fraction=1)

    capture_charges(patient=course.patient, date_of_service=DAY, by=coder)

    assert lines(course) == ["institutional 77386 x1 ready", "professional 77014-26 x1 ready"]


def test_capture_saves_ruling_trace_and_audit_event(course, coder) -> None:
    session = make_session(course, fraction=1)

    capture_charges(patient=course.patient, date_of_service=DAY, by=coder)

    ruling = session.rulings.get()
    assert (ruling.revision, ruling.is_current, ruling.error_names) == (1, True, [])
    assert ruling.trace.steps
    assert AuditEvent.objects.about(session).filter(action="capture_charges", by=coder).count() == 1


def test_capture_again_writes_nothing(course, coder) -> None:
    make_session(course, fraction=1)
    capture_charges(patient=course.patient, date_of_service=DAY, by=coder)
    before = (ChargeLine.objects.count(), SessionRuling.objects.count(), AuditEvent.objects.count())

    again = capture_charges(patient=course.patient, date_of_service=DAY, by=coder)

    assert again == []
    assert (ChargeLine.objects.count(), SessionRuling.objects.count(), AuditEvent.objects.count()) == before


def test_capture_shares_one_trace_between_like_sessions(course, coder) -> None:
    for number in range(1, 4):
        make_session(course, fraction=number, started_at=datetime(2025, 12, number, 15, tzinfo=UTC))

    capture_from(patient=course.patient, day=date(2025, 12, 1), by=coder)

    assert SessionRuling.objects.count() == 3
    assert TraceRecord.objects.count() == 1


def test_capture_with_changed_facts_replaces_the_line(course, coder) -> None:
    session = make_session(course, fraction=1)
    capture_charges(patient=course.patient, date_of_service=DAY, by=coder)
    course.prescriptions.update(technique="imrt_simple")

    capture_charges(patient=course.patient, date_of_service=DAY, by=coder)

    assert lines(course) == ["institutional 77385 x1 ready", "professional 77014-26 x1 ready"]
    assert session.rulings.current().get().revision == 2
    assert ChargeLine.objects.filter(code="77386", replaced_in__isnull=False).count() == 1


def test_capture_second_session_sees_the_first(course, coder) -> None:
    course.prescriptions.update(sessions_a_day=2)
    make_session(course, fraction=1)
    make_session(
        course, fraction=2, started_at=datetime(2025, 12, 3, 22, tzinfo=UTC), physician=course.sessions.get().physician
    )

    capture_charges(patient=course.patient, date_of_service=DAY, by=coder)

    assert [line.split()[1] for line in lines(course) if line.startswith("institutional")] == ["77386", "77386-76"]


def test_capture_in_units_moves_the_line_to_the_latest_session(organization, coder) -> None:
    payer = make_payer(organization)
    make_policy_version(payer, terms={"bid": "units", "authorization_required": False})
    course = make_treated_course(organization, payer=payer)
    course.prescriptions.update(sessions_a_day=2)
    make_session(course, fraction=1)
    capture_charges(patient=course.patient, date_of_service=DAY, by=coder)
    make_session(course, fraction=2, started_at=datetime(2025, 12, 3, 22, tzinfo=UTC))

    capture_charges(patient=course.patient, date_of_service=DAY, by=coder)

    assert [line.split()[1:3] for line in lines(course) if line.startswith("institutional")] == [["77386", "x2"]]


def test_capture_order_of_entry_makes_no_difference(organization, coder) -> None:
    first, second = make_treated_course(organization), make_treated_course(organization)
    starts = [datetime(2025, 12, day, 15, tzinfo=UTC) for day in (1, 2, 3)]
    for number, start in enumerate(starts, start=1):
        session = make_session(first, fraction=number, started_at=start)
        capture_from(patient=first.patient, day=session.date_of_service, by=coder)
    for number, start in reversed(list(enumerate(starts, start=1))):
        session = make_session(second, fraction=number, started_at=start)
        capture_from(patient=second.patient, day=session.date_of_service, by=coder)

    assert lines(first) == lines(second)


def test_capture_without_coverage_holds_and_charges_nothing(course, coder) -> None:
    course.patient.coverages.all().delete()
    make_session(course, fraction=1)

    capture_charges(patient=course.patient, date_of_service=DAY, by=coder)

    assert lines(course) == []
    assert [hold.name for hold in SessionHold.objects.open()] == ["COVERAGE_MISSING"]


def test_capture_error_leaves_the_lines_draft(course, coder) -> None:
    make_session(course, fraction=1, requested_code="G6015")

    capture_charges(patient=course.patient, date_of_service=DAY, by=coder)

    assert lines(course)[0] == "institutional 77386 x1 draft"
    assert SessionRuling.objects.current().get().error_names == ["PAYER_CODE_NOT_ACCEPTED"]


def test_release_of_a_soft_hold_makes_the_line_ready(course, coder) -> None:
    make_session(course, fraction=34)
    capture_charges(patient=course.patient, date_of_service=DAY, by=coder)
    hold = SessionHold.objects.open().get()

    release_hold(hold=hold, note="Prescription amended on paper.", at=NOW, by=coder)

    assert hold.name == "OVER_PRESCRIPTION"
    assert [line.split()[-1] for line in lines(course)] == ["ready", "ready"]


def test_release_outlives_capturing_again_while_the_grounds_are_equal(course, coder) -> None:
    session = make_session(course, fraction=34)
    capture_charges(patient=course.patient, date_of_service=DAY, by=coder)
    release_hold(hold=SessionHold.objects.open().get(), note="Seen.", at=NOW, by=coder)
    TreatmentSession.objects.filter(pk=session.pk).update(guidance="stereoscopic")

    capture_charges(patient=course.patient, date_of_service=DAY, by=coder)

    assert [line.split()[1:] for line in lines(course)] == [["77386", "x1", "ready"], ["G6002-26", "x1", "ready"]]
    assert SessionHold.objects.count() == 1


def test_release_ends_when_the_grounds_change(course, coder) -> None:
    session = make_session(course, fraction=34)
    capture_charges(patient=course.patient, date_of_service=DAY, by=coder)
    release_hold(hold=SessionHold.objects.open().get(), note="Seen.", at=NOW, by=coder)
    session.delivered_fractions.update(fraction_number=35)

    capture_charges(patient=course.patient, date_of_service=DAY, by=coder)

    assert SessionHold.objects.open().count() == 1
    assert [line.split()[-1] for line in lines(course)] == ["held", "held"]


def test_reopen_hold_takes_the_release_back(course, coder) -> None:
    make_session(course, fraction=34)
    capture_charges(patient=course.patient, date_of_service=DAY, by=coder)
    hold = release_hold(hold=SessionHold.objects.open().get(), note="Too soon.", at=NOW, by=coder)

    reopen_hold(hold=hold, at=NOW, by=coder)

    assert SessionHold.objects.open().get().name == "OVER_PRESCRIPTION"
    assert [line.split()[-1] for line in lines(course)] == ["held", "held"]


def test_hard_hold_is_released_by_no_one(course, coder) -> None:
    course.prescriptions.update(signed_at=None, signed_by=None)
    make_session(course, fraction=1)
    capture_charges(patient=course.patient, date_of_service=DAY, by=coder)

    with pytest.raises(HardHold):
        release_hold(hold=SessionHold.objects.open().get(), note="Please.", at=NOW, by=coder)


def test_exported_line_is_corrected_beside_not_replaced(course, coder) -> None:
    make_session(course, fraction=1)
    capture_charges(patient=course.patient, date_of_service=DAY, by=coder)
    sent = ChargeLine.objects.get(code="77386")
    mark_exported(lines=[sent], by=coder)
    course.prescriptions.update(technique="imrt_simple")

    capture_charges(patient=course.patient, date_of_service=DAY, by=coder)

    correction = ChargeLine.objects.get(code="77385")
    assert (correction.corrects, correction.state) == (sent, LineState.DRAFT)
    assert lines(course) == ["institutional 77386 x1 exported", "professional 77014-26 x1 ready"]


def test_exported_line_whose_charge_vanished_gets_a_cancellation(course, coder) -> None:
    session = make_session(course, fraction=1)
    capture_charges(patient=course.patient, date_of_service=DAY, by=coder)
    sent = ChargeLine.objects.get(code="77386")
    mark_exported(lines=[sent], by=coder)
    void_session(session=session, reason="Entered for the wrong patient", at=NOW, by=coder)

    capture_charges(patient=course.patient, date_of_service=DAY, by=coder)

    sent.refresh_from_db()
    assert sent.cancellation_drafted_in == session.rulings.current().get()
    assert lines(course) == ["institutional 77386 x1 exported"]


def test_exported_line_leaves_a_second_export_alone(course, coder) -> None:
    make_session(course, fraction=1)
    capture_charges(patient=course.patient, date_of_service=DAY, by=coder)
    sent = ChargeLine.objects.get(code="77386")
    mark_exported(lines=[sent], by=coder)

    with pytest.raises(ValueError, match="only a ready line"):
        mark_exported(lines=[sent], by=coder)


def test_voided_line_does_not_come_back(course, coder) -> None:
    session = make_session(course, fraction=1)
    capture_charges(patient=course.patient, date_of_service=DAY, by=coder)
    void_charge_line(line=ChargeLine.objects.get(code="77386"), reason="Billed elsewhere", by=coder)
    TreatmentSession.objects.filter(pk=session.pk).update(guidance="stereoscopic")

    capture_charges(patient=course.patient, date_of_service=DAY, by=coder)

    assert lines(course) == ["professional G6002-26 x1 ready"]


def test_voided_session_owes_nothing(course, coder) -> None:
    session = make_session(course, fraction=1)
    capture_charges(patient=course.patient, date_of_service=DAY, by=coder)
    void_session(session=session, reason="Entered twice", at=NOW, by=coder)

    capture_charges(patient=course.patient, date_of_service=DAY, by=coder)

    assert lines(course) == []
    assert SessionHold.objects.open().count() == 0


def test_amended_date_moves_the_charge_to_the_other_code_set(course, coder) -> None:
    session = make_session(course, fraction=1)
    capture_charges(patient=course.patient, date_of_service=DAY, by=coder)
    moved = datetime(2026, 1, 5, 15, tzinfo=UTC)
    amend_session(session=session, revision=1, today=date(2026, 1, 6), by=coder, started_at=moved, ended_at=None)

    capture_from(patient=course.patient, day=DAY, by=coder)

    assert lines(course) == ["institutional 77407 x1 ready", "professional 77387-26 x1 ready"]


def test_new_policy_version_changes_only_sessions_from_its_first_day(organization, coder) -> None:
    payer = make_payer(organization, kind="medicare")
    make_policy_version(payer)
    course = make_treated_course(organization, payer=payer)
    course.prescriptions.update(sessions_a_day=2)
    physician = course.physician
    for number, day in enumerate((10, 11), start=0):
        for half, hour in enumerate((13, 21), start=1):
            start = datetime(2025, 12, day, hour, tzinfo=UTC)
            make_session(course, fraction=2 * number + half, started_at=start, physician=physician)
    capture_from(patient=course.patient, day=date(2025, 12, 1), by=coder)
    before = SessionRuling.objects.current().get(session__started_at=datetime(2025, 12, 10, 21, tzinfo=UTC))
    make_policy_version(payer, effective_from=date(2025, 12, 11), terms={"bid": "59"})

    recapture_for_policy(policy=payer.policy, since=date(2015, 1, 1), by=coder)

    seconds = [line.split()[1] for line in lines(course) if "institutional" in line]
    assert seconds == ["77386", "77386-76", "77386", "77386-59"]
    assert SessionRuling.objects.current().get(session=before.session) == before


def test_later_coverage_is_billed_from_its_first_day(organization, coder) -> None:
    course = make_treated_course(organization, kind="medicare", setting="freestanding")
    payer = make_payer(organization, kind="commercial")
    make_policy_version(payer, terms={"authorization_required": False})
    course.patient.coverages.update(ends_on=date(2025, 12, 2))
    make_coverage(course.patient, payer, starts_on=date(2025, 12, 3))
    make_session(course, fraction=1, started_at=datetime(2025, 12, 2, 15, tzinfo=UTC))
    make_session(course, fraction=2, started_at=datetime(2025, 12, 3, 15, tzinfo=UTC))

    capture_from(patient=course.patient, day=date(2025, 12, 1), by=coder)

    assert [line.split()[1] for line in lines(course)] == ["G6015", "77014", "77386", "77387-26"]


def test_motion_management_is_held_until_it_is_documented(organization, coder) -> None:
    course = make_treated_course(organization)
    course.prescriptions.update(motion_management="active")
    make_session(course, fraction=1, started_at=datetime(2026, 1, 5, 15, tzinfo=UTC))
    capture_from(patient=course.patient, day=date(2026, 1, 5), by=coder)
    undocumented = lines(course)
    course.prescriptions.update(motion_documentation="Gating window 3 mm, beam held outside.")

    capture_from(patient=course.patient, day=date(2026, 1, 5), by=coder)

    assert undocumented[0] == "institutional 77412 x1 held"
    assert lines(course)[0] == "institutional 77412 x1 ready"


def test_two_prescriptions_in_one_visit_leave_isocenters_open(organization, coder) -> None:
    course = make_treated_course(organization)
    make_prescription(course, anatomical_site="Neck")
    make_session(course, fraction=1, started_at=datetime(2026, 1, 5, 15, tzinfo=UTC))

    capture_from(patient=course.patient, day=date(2026, 1, 5), by=coder)

    assert "FACT_MISSING" in [hold.name for hold in SessionHold.objects.open()]


def test_preview_gives_the_ruling_and_keeps_nothing(course, coder) -> None:
    ruling = preview_charges(
        course=course,
        started_at=datetime(2026, 1, 5, 15, tzinfo=UTC),
        today=date(2026, 1, 6),
        by=coder,
        fractions=[(course.prescriptions.get(), 1)],
        physician=course.physician,
    )

    assert [charge.code for charge in ruling.charges] == ["77407"]
    assert TreatmentSession.objects.count() == 0


def test_capture_asks_a_fixed_number_of_queries(organization, coder) -> None:
    few, many = make_treated_course(organization), make_treated_course(organization)
    make_sessions(few, 3)
    make_sessions(many, 12)

    with CaptureQueriesContext(connection) as few_queries:
        capture_from(patient=few.patient, day=date(2025, 12, 1), by=coder)
    with CaptureQueriesContext(connection) as many_queries:
        capture_from(patient=many.patient, day=date(2025, 12, 1), by=coder)

    assert len(few_queries) == len(many_queries)


def test_capture_off_campus_department_dates_its_setting(organization, coder) -> None:
    department = make_department(organization, "hospital_off_campus_excepted")
    course = make_treated_course(organization, department=department)
    make_session(course, fraction=1)

    capture_charges(patient=course.patient, date_of_service=DAY, by=coder)

    assert [line.split()[1] for line in lines(course)] == ["77386-PO", "77014-26"]
