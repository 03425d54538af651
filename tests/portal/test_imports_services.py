"""Importing logs and deciding on their sessions: what is written once, what follows the log, what stays."""

import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from coding.services import capture_from
from portal.models import (
    AuditEvent,
    ImportedRow,
    RowStatus,
    SessionCandidate,
    TreatmentLogImport,
    TreatmentLogUpload,
    TreatmentSession,
)
from portal.services.imports import (
    CandidateDecided,
    accept_log_change,
    confirm_candidate,
    discard_upload,
    dismiss_candidate,
    import_treatment_log,
    import_upload,
    keep_upload,
    plan_import,
    reopen_candidate,
)
from portal.services.sessions import void_session
from portal.treatment_log_files import read_folder
from tests.builders import (
    TODAY,
    make_department,
    make_machine,
    make_organization,
    make_treated_course,
    make_user,
)
from tests.portal.treatment_logs import FIELD, SAMPLE, SITE, make_log, make_tables, treatment

NOW = datetime(2026, 11, 24, 15, tzinfo=UTC)


@pytest.fixture
def organization(roles):
    return make_organization()


@pytest.fixture
def coder(organization):
    return make_user(organization, role="coder")


@pytest.fixture
def course(organization):
    return make_treated_course(organization)


def confirm(candidate, course, by, **changes):
    prescription = course.prescriptions.get()
    return confirm_candidate(
        **{
            "candidate": candidate,
            "course": course,
            "department": course.department,
            "fractions": {delivery.pk: (prescription, 1) for delivery in candidate.deliveries.all()},
            "today": TODAY,
            "at": NOW,
            "by": by,
            "physician": course.physician,
            "guidance": "cbct",
            "image_review_signed_at": NOW,
        }
        | changes
    )


def imported(organization, *treatments, **tables):
    """The one candidate of a log of one session."""
    found = import_treatment_log(organization=organization, log=make_log(*treatments, **tables), by=None)
    return found.session_candidates.get()


def test_import_keeps_every_row_with_its_candidate(organization, coder):
    found = import_treatment_log(organization=organization, log=read_folder(SAMPLE), by=coder)

    assert (found.candidates, found.deliveries, found.partial, found.rows_ignored) == (6, 7, 1, 6)
    assert (found.new, found.known, found.broken) == (6, 0, 0)
    assert found.session_candidates.count() == 6
    assert found.rows.filter(status=RowStatus.USED, candidate__isnull=False).count() == 14
    assert found.rows.filter(status=RowStatus.IGNORED).count() == 6
    assert AuditEvent.objects.about(found).get().by == coder


def test_import_again_adds_nothing(organization):
    import_treatment_log(organization=organization, log=read_folder(SAMPLE), by=None)

    again = import_treatment_log(organization=organization, log=read_folder(SAMPLE), by=None)

    assert (again.candidates, again.new, again.known) == (6, 0, 6)
    assert SessionCandidate.objects.count() == 6
    assert ImportedRow.objects.count() == 20
    assert not SessionCandidate.objects.filter(has_changed=True).exists()


def test_import_of_another_organization_is_its_own(organization):
    import_treatment_log(organization=organization, log=read_folder(SAMPLE), by=None)

    other = import_treatment_log(organization=make_organization(), log=read_folder(SAMPLE), by=None)

    assert other.new == 6


def test_plan_writes_nothing(organization):
    plan = plan_import(organization=organization, log=read_folder(SAMPLE))

    assert plan.counts["new"] == 6
    assert not TreatmentLogImport.objects.exists()
    assert not ImportedRow.objects.exists()


def test_import_keeps_broken_rows_with_line_and_reason(organization):
    log = make_log(treatment(1), treatment(2, WasBeamOn="perhaps"))

    found = import_treatment_log(organization=organization, log=log, by=None)

    row = found.rows.get(status=RowStatus.BROKEN)
    assert (found.new, found.broken) == (1, 1)
    assert (row.file, row.line) == ("TrackTreatment.csv", 3)
    assert "WasBeamOn" in row.reason


def test_import_the_rest_of_a_session_joins_its_first_part(organization):
    first = treatment(1, WasBeamComplete="False")
    candidate = imported(organization, first)

    again = import_treatment_log(organization=organization, log=make_log(treatment(2, "09:15:00")), by=None)

    candidate.refresh_from_db()
    assert (again.new, again.known) == (0, 1)
    assert SessionCandidate.objects.count() == 1
    assert candidate.rows.count() == 2
    assert candidate.ended_at == datetime(2025, 12, 30, 9, 15, 30)
    assert not candidate.is_partial


def test_import_a_row_that_changed_since_is_followed_while_open(organization):
    candidate = imported(organization, treatment(1, WasBeamComplete="False"))

    import_treatment_log(organization=organization, log=make_log(treatment(1)), by=None)

    candidate.refresh_from_db()
    assert not candidate.is_partial
    assert not candidate.has_changed


def test_import_a_row_that_changed_since_marks_a_confirmed_candidate(organization, coder, course):
    candidate = imported(organization, treatment(1, WasBeamComplete="False"))
    session = confirm(candidate, course, coder, completion="partial")

    import_treatment_log(organization=organization, log=make_log(treatment(1)), by=None)

    candidate.refresh_from_db()
    session.refresh_from_db()
    assert candidate.has_changed
    assert (session.completion, session.revision) == ("partial", 1)


def test_import_a_session_whose_rows_were_all_cancelled_since_is_dismissed(organization):
    candidate = imported(organization, treatment(1))

    import_treatment_log(organization=organization, log=make_log(treatment(1, WasCanceled="True")), by=None)

    candidate.refresh_from_db()
    assert candidate.state == "dismissed"
    assert candidate.dismiss_reason == "The log took every row of this session back."
    assert candidate.rows.get().reason == "cancelled"


def test_import_a_key_of_another_patient_is_broken(organization):
    imported(organization, treatment(1))
    other = make_log(
        treatment(1, Pat_ID1="777"), Site=[SITE | {"Pat_ID1": "777"}], TxField=[FIELD | {"Pat_ID1": "777"}]
    )

    again = import_treatment_log(organization=organization, log=other, by=None)

    assert (again.new, again.known, again.broken) == (0, 0, 1)
    assert "another patient or time" in again.rows.get().reason


def test_import_places_sessions_by_what_machines_are_called(organization):
    named, chosen = make_department(organization), make_department(organization)
    make_machine(named, source_name="61")

    found = import_treatment_log(organization=organization, log=read_folder(SAMPLE), department=chosen, by=None)

    departments = dict(found.session_candidates.values_list("machine_name", "department"))
    assert departments == {"61": named.pk, "62": chosen.pk}


def test_import_takes_the_departments_minutes_of_one_visit(organization):
    department = make_department(organization, minutes_of_one_visit=60)
    make_machine(department, source_name="61")
    log = make_log(treatment(1, "08:05:00"), treatment(2, "09:10:00"))

    found = import_treatment_log(organization=organization, log=log, by=None)

    assert found.candidates == 2


@pytest.mark.django_db(transaction=True)
def test_import_twice_at_once_adds_once(organization):
    log, failures = read_folder(SAMPLE), []
    start = threading.Barrier(2)

    def run():
        start.wait()
        try:
            import_treatment_log(organization=organization, log=log, by=None)
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    workers = [threading.Thread(target=run) for _ in range(2)]
    [worker.start() for worker in workers]
    [worker.join() for worker in workers]

    assert failures == []
    assert SessionCandidate.objects.count() == 6
    assert ImportedRow.objects.count() == 20
    assert sorted(TreatmentLogImport.objects.values_list("new", flat=True)) == [0, 6]


def test_confirm_records_the_session_on_the_departments_clock(organization, coder, course):
    candidate = imported(organization, treatment(1, "23:30:00"))

    session = confirm(candidate, course, coder)

    assert session.started_at == datetime(2025, 12, 31, 4, 30, tzinfo=UTC)
    assert session.date_of_service == date(2025, 12, 30)
    assert (session.source, session.completion) == ("import", "complete")
    assert session.delivered_fractions.get().fraction_number == 1


def test_confirm_remembers_who_and_what_it_became(organization, coder, course):
    candidate = imported(organization, treatment(1))

    session = confirm(candidate, course, coder)

    candidate.refresh_from_db()
    assert (candidate.state, candidate.session, candidate.decided_by) == ("confirmed", session, coder)
    assert candidate.deliveries.get().prescription == course.prescriptions.get()
    assert AuditEvent.objects.about(candidate).first().action == "confirm_candidate"


def test_confirm_goes_on_to_a_charge_line(organization, coder, course):
    session = confirm(imported(organization, treatment(1)), course, coder)

    capture_from(patient=course.patient, day=session.date_of_service, by=coder)

    assert "77386" in session.charge_lines.values_list("code", flat=True)


def test_confirm_twice_is_refused(organization, coder, course):
    candidate = imported(organization, treatment(1))
    confirm(candidate, course, coder)

    with pytest.raises(CandidateDecided):
        confirm(candidate, course, coder)

    assert TreatmentSession.objects.count() == 1


def test_confirm_two_sites_of_one_prescription_delivers_it_once(organization, coder, course):
    boost = SITE | {"SIT_ID": "42", "SIT_SET_ID": "42", "Site_Name": "Boost"}
    candidate = imported(organization, treatment(1), treatment(2, "08:10:00", SIT_ID="42"), Site=[SITE, boost])

    session = confirm(candidate, course, coder)

    assert candidate.deliveries.count() == 2
    assert session.delivered_fractions.count() == 1


def test_confirm_teaches_the_machine_its_name_in_the_log(organization, coder, course):
    machine = course.department.machines.get()
    log = make_log(treatment(1, "08:05:00"), treatment(2, "15:05:00"))
    first, second = import_treatment_log(organization=organization, log=log, by=None).session_candidates.all()

    confirm(first, course, coder, machine=machine)

    machine.refresh_from_db()
    second.refresh_from_db()
    assert machine.source_name == "61"
    assert second.department == course.department


def test_confirm_leaves_the_name_of_another_machine_alone(organization, coder, course):
    machine = course.department.machines.get()
    make_machine(course.department, source_name="61")

    confirm(imported(organization, treatment(1)), course, coder, machine=machine)

    machine.refresh_from_db()
    assert machine.source_name == ""


def test_dismiss_and_take_it_back(organization, coder):
    candidate = imported(organization, treatment(1))

    dismissed = dismiss_candidate(candidate=candidate, reason="Phantom", at=NOW, by=coder)
    reopened = reopen_candidate(candidate=candidate, by=coder)

    assert (dismissed.state, dismissed.decided_by) == ("dismissed", coder)
    assert (reopened.state, reopened.dismiss_reason, reopened.decided_at) == ("open", "", None)
    actions = AuditEvent.objects.about(candidate).values_list("action", flat=True)
    assert list(actions) == ["reopen_candidate", "dismiss_candidate"]


def test_dismiss_a_confirmed_candidate_is_refused(organization, coder, course):
    candidate = imported(organization, treatment(1))
    confirm(candidate, course, coder)

    with pytest.raises(CandidateDecided):
        dismiss_candidate(candidate=candidate, reason="Phantom", at=NOW, by=coder)


def test_reopen_is_refused_while_the_session_stands(organization, coder, course):
    candidate = imported(organization, treatment(1))
    confirm(candidate, course, coder)

    with pytest.raises(CandidateDecided):
        reopen_candidate(candidate=candidate, by=coder)


def test_reopen_once_the_session_is_voided(organization, coder, course):
    candidate = imported(organization, treatment(1))
    session = confirm(candidate, course, coder)
    void_session(session=session, reason="Wrong course", at=NOW, by=coder)

    reopened = reopen_candidate(candidate=candidate, by=coder)

    assert (reopened.state, reopened.session) == ("open", None)


def test_accept_log_change_clears_the_mark(organization, coder, course):
    candidate = imported(organization, treatment(1))
    confirm(candidate, course, coder)
    SessionCandidate.objects.update(has_changed=True)

    accepted = accept_log_change(candidate=candidate, by=coder)

    assert not accepted.has_changed
    assert accepted.state == "confirmed"


def test_upload_is_kept_for_the_preview_and_gone_once_imported(organization, coder):
    upload = keep_upload(organization=organization, department=None, tables=make_tables(), at=NOW, by=coder)

    found = import_upload(upload=upload, by=coder)

    assert found.new == 1
    assert not TreatmentLogUpload.objects.exists()


def test_upload_replaces_the_persons_earlier_one_and_what_was_left_for_a_day(organization, coder):
    left = keep_upload(
        organization=organization, department=None, tables=make_tables(), at=NOW, by=make_user(organization)
    )
    TreatmentLogUpload.objects.filter(pk=left.pk).update(at=NOW - timedelta(days=1, minutes=1))
    keep_upload(organization=organization, department=None, tables=make_tables(), at=NOW, by=coder)

    last = keep_upload(organization=organization, department=None, tables=make_tables(), at=NOW, by=coder)

    assert list(TreatmentLogUpload.objects.all()) == [last]


def test_upload_discarded_imports_nothing(organization, coder):
    upload = keep_upload(organization=organization, department=None, tables=make_tables(), at=NOW, by=coder)

    discard_upload(upload=upload, by=coder)

    assert not TreatmentLogUpload.objects.exists()
    assert not TreatmentLogImport.objects.exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "confirmed"},
        {"state": "dismissed", "decided_at": NOW},
        {"dismiss_reason": "without being dismissed"},
        {"ended_at": datetime(2025, 12, 29)},
        {"started_at": datetime(1999, 12, 31)},
    ],
)
def test_candidate_guards(organization, changes):
    candidate = imported(organization, treatment(1))

    with pytest.raises(IntegrityError), transaction.atomic():
        SessionCandidate.objects.filter(pk=candidate.pk).update(**changes)


def test_imported_row_guard_one_key_an_organization(organization):
    row = imported(organization, treatment(1)).rows.get()
    row.pk = None

    with pytest.raises(IntegrityError, match="imported_row_key_once"), transaction.atomic():
        row.save()


def test_candidate_guard_department_of_the_same_organization(organization):
    candidate = imported(organization, treatment(1))
    stranger = make_department(make_organization())

    with pytest.raises(IntegrityError, match="candidate_department_of_organization"), transaction.atomic():
        SessionCandidate.objects.filter(pk=candidate.pk).update(department=stranger)
        connection.check_constraints()
