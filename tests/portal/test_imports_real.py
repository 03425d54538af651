"""The real treatment log that is shared outside the repository: what was counted in it by hand holds."""

from collections import Counter
from datetime import UTC, date, datetime
from io import StringIO

import pytest
from django.core.management import call_command

from coding.models import SessionRuling
from coding.services import capture_from
from portal.models import Prescription, SessionCandidate, TreatmentSession
from portal.services.imports import confirm_candidate, import_treatment_log
from portal.treatment_log_files import logged_sessions, read_folder
from tests.builders import (
    TODAY,
    make_course,
    make_coverage,
    make_department,
    make_organization,
    make_patient,
    make_payer,
    make_physician,
    make_policy_version,
    make_prescription,
    make_user,
)

NOW = datetime(2026, 11, 24, 15, tzinfo=UTC)
SIGNED = datetime(2012, 1, 2, 15, tzinfo=UTC)
COUNTS = "candidates: 14, deliveries: 15, partial: 3, rows ignored: 200"
# Whole sessions in 2017 and later: filed far too late, and without a word on why the treatment was complex.
LATE = {"TIMELY_FILING", "COMPLEXITY_DOCUMENTATION"}
WHOLE, CUT_SHORT, NONE = (("77014", "26"), ("77386", "")), (("77014", "26"), ("77386", "52")), ()
ANSWERS = {
    (10033, "2013-10-17"): (NONE, {"DOS_BEFORE_CODE", "DX_CODE_SET_DATE", "TIMELY_FILING"}),
    (10033, "2013-10-18"): (NONE, {"DOS_BEFORE_CODE", "DX_CODE_SET_DATE", "TIMELY_FILING"}),
    (10035, "2013-10-18"): (NONE, {"DOS_BEFORE_CODE", "DX_CODE_SET_DATE", "TIMELY_FILING"}),
    (10110, "2015-09-01"): (WHOLE, LATE | {"DX_CODE_SET_DATE"}),
    (10110, "2015-09-02"): (WHOLE, LATE | {"DX_CODE_SET_DATE"}),
    (10104, "2017-09-01"): (WHOLE, LATE),
    (10108, "2017-09-01"): (WHOLE, LATE),
    (10106, "2017-09-05"): (CUT_SHORT, LATE | {"PARTIAL_REVIEW"}),
    (10112, "2017-09-11"): (CUT_SHORT, LATE | {"PARTIAL_REVIEW"}),
    (10106, "2017-09-19"): (CUT_SHORT, LATE | {"PARTIAL_REVIEW"}),
    (10110, "2017-09-20"): (WHOLE, LATE),
    (20592, "2018-05-02"): (WHOLE, LATE),
    (31587, "2021-02-01"): (WHOLE, LATE),
    (31587, "2021-02-02"): (WHOLE, LATE),
}


@pytest.fixture(scope="session")
def folder(shared_folder):
    return shared_folder / "inputs" / "mosaiq"


@pytest.fixture(scope="session")
def log(folder):
    return read_folder(folder)


@pytest.fixture
def organization(roles):
    return make_organization()


def logged_session_of(log, patient, day):
    """The one session of a patient of the log on a day."""
    (session,) = [
        session
        for session in logged_sessions(log.treated)
        if (session.source_patient_id, session.started_at.date().isoformat()) == (patient, day)
    ]
    return session


def run(folder, *arguments):
    out = StringIO()
    call_command("import_sessions", str(folder), *arguments, stdout=out)
    return out.getvalue().splitlines()


def prescription_of(course, delivery) -> Prescription:
    known = course.prescriptions.filter(anatomical_site=delivery.site_name).first()
    return known or make_prescription(
        course,
        anatomical_site=delivery.site_name,
        dose_per_fraction_cgy=delivery.dose_per_fraction_cgy,
        fractions=delivery.fractions,
        signed_at=SIGNED,
        plan_approved_at=SIGNED,
    )


def confirm_all(organization, log, diagnoses):
    """Confirm every candidate as complex IMRT for Medicare at one hospital, with cone-beam guidance that was signed."""
    coder, department = make_user(organization, role="coder"), make_department(organization)
    payer = make_payer(organization, kind="medicare")
    make_policy_version(payer, effective_from=date(2012, 1, 1))
    found = import_treatment_log(organization=organization, log=log, by=coder)
    courses = {}
    for candidate in found.session_candidates.order_by("started_at"):
        if candidate.source_patient_id not in courses:
            patient = make_patient(organization)
            make_coverage(patient, payer)
            physician = make_physician(organization)
            courses[candidate.source_patient_id] = make_course(
                patient, department, physician=physician, diagnoses=diagnoses
            )
        course = courses[candidate.source_patient_id]
        session = confirm_candidate(
            candidate=candidate,
            course=course,
            department=department,
            fractions={d.pk: (prescription_of(course, d), None) for d in candidate.deliveries.all()},
            today=TODAY,
            at=NOW,
            by=coder,
            physician=course.physician,
            completion="partial" if candidate.is_partial else "complete",
            guidance="cbct",
            image_review_signed_at=NOW,
        )
        capture_from(patient=course.patient, day=session.date_of_service, by=coder)


def answers(organization):
    """What each candidate became: its live lines by code and first modifier, and the names of its findings."""
    told = {}
    for candidate in SessionCandidate.objects.filter(organization=organization).select_related("session"):
        ruling = SessionRuling.objects.current().get(session=candidate.session)
        lines = candidate.session.charge_lines.live().order_by("code")
        told[candidate.source_patient_id, candidate.session.date_of_service.isoformat()] = (
            tuple((line.code, "".join(line.modifiers)) for line in lines),
            {finding["name"] for finding in ruling.findings},
        )
    return told


def test_real_log_counts(log):
    sessions = logged_sessions(log.treated)

    assert len(log.treated) == 51
    assert len(log.ignored) == 200
    assert len(sessions) == 14
    assert sum(len(session.deliveries) for session in sessions) == 15
    assert sum(session.is_partial for session in sessions) == 3
    assert log.broken == []


def test_real_log_ignored_rows_are_181_cancelled_and_26_in_qa_mode_of_which_7_are_both(log):
    reasons = Counter(reason for row in log.ignored for reason in row.reason.split(", "))
    both = [row for row in log.ignored if {"cancelled", "in QA mode"} <= set(row.reason.split(", "))]

    assert (reasons["cancelled"], reasons["in QA mode"], len(both)) == (181, 26, 7)


def test_real_log_two_sites_of_one_session_are_two_deliveries(log):
    session = logged_session_of(log, 10033, "2013-10-17")

    assert [log.sites[d.site_id].name for d in session.deliveries] == ["8x4x5", "4x4x5LOW"]


@pytest.mark.parametrize(
    ("patient", "day", "fields_on", "fields_complete"),
    [(10106, "2017-09-05", 5, 1), (10106, "2017-09-19", 5, 2), (10112, "2017-09-11", 2, 1)],
)
def test_real_log_partial_sessions(log, patient, day, fields_on, fields_complete):
    session = logged_session_of(log, patient, day)

    assert session.is_partial
    assert [(d.fields_on, d.fields_complete) for d in session.deliveries] == [(fields_on, fields_complete)]


def test_real_log_session_resumed_after_70_minutes_is_one(log):
    session = logged_session_of(log, 10106, "2017-09-19")

    assert len(session.rows) == 7
    assert session.started_at == datetime(2017, 9, 19, 8, 25, 44, 33000)
    assert session.ended_at == datetime(2017, 9, 19, 9, 37, 42, 610000)


def test_real_log_texts_without_their_padding_and_a_phantom_like_any_patient(log):
    assert log.sites[63].technique == "4 Field Box"
    assert log.patient_numbers[10106] == "abc2"
    assert len(logged_session_of(log, 20592, "2018-05-02").rows) == 7


def test_real_log_by_command_first_again_and_dry(organization, folder):
    dry, first, again = run(folder, "--dry-run"), run(folder), run(folder)

    assert dry[-2:] == ["new: 14, known: 0, broken: 0", COUNTS]
    assert first[-2:] == ["new: 14, known: 0, broken: 0", COUNTS]
    assert again[-2:] == ["new: 0, known: 14, broken: 0", COUNTS]
    assert SessionCandidate.objects.count() == 14


def test_real_log_confirmed_sessions_become_charge_lines_or_named_findings(organization, log):
    confirm_all(organization, log, diagnoses=["C61"])

    assert answers(organization) == ANSWERS
    assert TreatmentSession.objects.filter(source="import").count() == 14


def test_real_log_sessions_before_october_2015_take_icd_9(organization, log):
    confirm_all(organization, log, diagnoses=["185"])

    told = answers(organization)

    assert "DX_CODE_SET_DATE" not in told[10110, "2015-09-01"][1] | told[10110, "2015-09-02"][1]
    assert "DX_CODE_SET_DATE" in told[10110, "2017-09-20"][1]
