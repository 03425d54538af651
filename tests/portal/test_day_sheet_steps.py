"""Rows that agree with the treatment log, steps taken back, rows pasted, and rows that somebody else has changed."""

from datetime import UTC, date, datetime, time

import pytest
from django.urls import reverse

from coding.models import ChargeLine
from coding.services import mark_exported
from portal.models import CandidateState, Department, SessionCandidate, SheetStep, TreatmentLogImport, TreatmentSession
from portal.services.day_sheet_reading import machine_day
from portal.services.day_sheets import Outcome, day_rows
from tests.builders import (
    make_department,
    make_machine,
    make_organization,
    make_scheduled_fraction,
    make_treated_course,
    make_user,
)

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 23)
HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def organization(roles):
    return make_organization()


@pytest.fixture
def coder(client, organization):
    user = make_user(organization, role="coder")
    client.force_login(user)
    return user


@pytest.fixture
def machine(organization):
    return make_machine(make_department(organization, confirms_matched_rows=True), source_name="LOG 1")


@pytest.fixture
def log(organization, machine) -> TreatmentLogImport:
    counts = dict.fromkeys(("candidates", "deliveries", "partial", "rows_ignored", "new", "known", "broken"), 0)
    return TreatmentLogImport.objects.create(organization=organization, department=machine.department, **counts)


def planned(machine, at: time = time(9, 0)):
    """A course with its first fraction planned on the machine that day."""
    course = make_treated_course(machine.department.organization, department=machine.department)
    make_scheduled_fraction(course.prescriptions.get(), machine=machine, planned_on=DAY, planned_time=at)
    return course


def logged(log, machine, course, at: time = time(9, 4), *, fields_complete: int = 2, key: int | None = None):
    """An open record of the log, of the course's patient by record number."""
    candidate = SessionCandidate.objects.create(
        organization=log.organization,
        found_in=log,
        department=log.department,
        source_patient_id=key or course.patient_id,
        patient_number=course.patient.number,
        machine_name=machine.source_name,
        started_at=datetime.combine(DAY, at),
    )
    prescription = course.prescriptions.get()
    candidate.deliveries.create(
        source_site_id=prescription.pk,
        site_name=prescription.anatomical_site,
        fields_on=2,
        fields_complete=fields_complete,
    )
    return candidate


def row_of(course, machine):
    return day_rows(machine=machine, day=DAY, courses=[course.pk])[0]


def posted(machine, *courses, **values) -> dict[str, str]:
    """The sheet as a browser posts it, with values for every given row."""
    data = {"machine": machine.pk, "date": DAY.isoformat()}
    for course in courses:
        prefix = f"row-{course.pk}"
        data |= {
            f"{prefix}-mark": row_of(course, machine).mark,
            f"{prefix}-outcome": "",
            f"{prefix}-start": "9:00 AM",
            f"{prefix}-guidance": "none",
        }
        data |= {f"{prefix}-{name}": value for name, value in values.items()}
    return data


def save(client, machine, course, **values):
    data = posted(machine, course, **{"outcome": "treated"} | values) | {"row": course.pk}
    return client.post(reverse("day-sheet-row"), data, **HTMX)


def confirm(client, machine, *courses, **values):
    return client.post(reverse("day-sheet-matched"), posted(machine, *courses, start="9:04 AM", **values), **HTMX)


def undo(client, machine, **more):
    return client.post(reverse("day-sheet-undo"), {"machine": machine.pk, "date": DAY.isoformat()} | more, **HTMX)


def test_record_of_the_log_gives_its_row_the_start(client, coder, machine, log):
    course = planned(machine)
    logged(log, machine, course)

    row = row_of(course, machine)

    assert row.records[0].started_at == datetime(2026, 11, 23, 14, 4, tzinfo=UTC)
    assert machine_day(machine=machine, day=DAY).is_matched(row)


def test_machine_day_tells_of_a_row_what_the_row_that_is_recorded_tells(client, coder, machine, log):
    entered, open_row, missed = planned(machine), planned(machine, time(10, 0)), planned(machine, time(11, 0))
    logged(log, machine, open_row, time(10, 3))
    save(client, machine, entered)
    save(client, machine, missed, outcome="missed", missed_reason="Holiday")

    shown = machine_day(machine=machine, day=DAY).rows
    recorded = day_rows(machine=machine, day=DAY)

    assert [told_of(row) for row in shown] == [told_of(row) for row in recorded]
    assert [row.outcome for row in shown] == [Outcome.TREATED, None, Outcome.MISSED]


def told_of(row) -> tuple:
    prescriptions = [prescription.pk for prescription in row.visit]
    starts = [item.started_at for item in row.sessions + row.records]
    delivered = [fraction.fraction_number for fraction in row.delivered]
    return row.course.pk, row.mark, row.outcome, row.expected, prescriptions, starts, delivered


def test_record_of_an_unknown_patient_stands_under_the_sheet(client, coder, machine, log):
    course = planned(machine)
    candidate = logged(log, machine, course)
    SessionCandidate.objects.update(patient_number="FX-NOBODY")

    day = machine_day(machine=machine, day=DAY)

    assert ([record.pk for record in day.loose], day.rows[0].records) == ([candidate.pk], [])


def test_record_of_a_partial_session_is_expected_so_and_not_confirmed_with_the_others(client, coder, machine, log):
    course = planned(machine)
    logged(log, machine, course, fields_complete=1)

    day = machine_day(machine=machine, day=DAY)

    assert (day.rows[0].expected, day.is_matched(day.rows[0])) == (Outcome.PARTIAL, False)


def test_matched_rows_are_confirmed_with_their_records_as_one_step(client, coder, machine, log):
    first, second, unlogged = planned(machine), planned(machine), planned(machine)
    logged(log, machine, first)
    logged(log, machine, second)

    response = confirm(client, machine, first, second, unlogged)

    assert response.status_code == 200
    assert set(TreatmentSession.objects.values_list("course", flat=True)) == {first.pk, second.pk}
    assert set(SessionCandidate.objects.values_list("state", flat=True)) == {CandidateState.CONFIRMED}
    assert ChargeLine.objects.live().filter(code="77407").count() == 2
    assert SheetStep.objects.values("batch").distinct().count() == 1


def test_matched_row_that_was_typed_in_is_not_confirmed_with_the_others(client, coder, machine, log):
    course = planned(machine)
    logged(log, machine, course)

    confirm(client, machine, course, outcome="partial")

    assert not TreatmentSession.objects.exists()


def test_matched_rows_of_a_department_that_confirms_one_by_one(client, coder, machine, log):
    course = planned(machine)
    logged(log, machine, course)
    Department.objects.update(confirms_matched_rows=False)

    confirm(client, machine, course)

    assert not TreatmentSession.objects.exists()


def test_undo_takes_all_matched_rows_back_and_opens_their_records(client, coder, machine, log):
    first, second = planned(machine), planned(machine)
    logged(log, machine, first)
    logged(log, machine, second)
    confirm(client, machine, first, second)

    response = undo(client, machine)

    assert "2 rows are as before." in response.content.decode()
    assert not TreatmentSession.objects.standing().exists()
    assert set(SessionCandidate.objects.values_list("state", flat=True)) == {CandidateState.OPEN}
    assert not ChargeLine.objects.live().exists()


def test_undo_goes_back_step_by_step(client, coder, machine):
    course = planned(machine)
    save(client, machine, course)
    save(client, machine, course, outcome="partial")

    undo(client, machine)
    after_one = row_of(course, machine).outcome
    undo(client, machine)

    assert (after_one, row_of(course, machine).outcome) == (Outcome.TREATED, None)


def test_undo_of_a_missed_row_plans_it_again(client, coder, machine):
    course = planned(machine)
    save(client, machine, course, outcome="missed", missed_reason="Machine down")

    undo(client, machine)

    assert not row_of(course, machine).is_missed


def test_undo_refuses_a_row_that_somebody_changed_since(client, coder, machine, organization):
    course = planned(machine)
    save(client, machine, course)
    client.force_login(make_user(organization, role="coder"))
    save(client, machine, course, outcome="partial")
    client.force_login(coder)

    response = undo(client, machine)

    assert response.status_code == 409
    assert row_of(course, machine).outcome == Outcome.PARTIAL


def test_undo_refuses_a_row_whose_line_is_exported(client, coder, machine):
    course = planned(machine)
    save(client, machine, course)
    mark_exported(lines=list(ChargeLine.objects.filter(state="ready")), by=coder)

    response = undo(client, machine)

    assert response.status_code == 409
    assert TreatmentSession.objects.standing().count() == 1


def test_undo_leaves_the_steps_of_others(client, coder, machine, organization):
    course = planned(machine)
    save(client, machine, course)
    client.force_login(make_user(organization, role="coder"))

    response = undo(client, machine)

    assert "nothing of yours" in response.content.decode()
    assert TreatmentSession.objects.standing().count() == 1


def test_changed_row_is_refused_with_both_values_and_who_saved_it(client, coder, machine, organization):
    course = planned(machine)
    mine = posted(machine, course, outcome="partial", start="9:30 AM") | {"row": course.pk}
    client.force_login(make_user(organization, role="coder", first_name="Dana", last_name="Whitfield"))
    save(client, machine, course)
    client.force_login(coder)

    response = client.post(reverse("day-sheet-row"), mine, **HTMX)

    content = response.content.decode()
    assert response.status_code == 409
    assert all(words in content for words in ("Dana Whitfield", "9:00 AM", "9:30 AM", "Treated", "Partial"))
    assert row_of(course, machine).outcome == Outcome.TREATED


def test_changes_bring_only_the_rows_of_others(client, coder, machine):
    mine, theirs = planned(machine), planned(machine)
    seen = ",".join(f"{course.pk}.{row_of(course, machine).mark}" for course in (mine, theirs))
    asked = {"machine": machine.pk, "date": DAY.isoformat(), "seen": seen}
    before = client.get(reverse("day-sheet-changes"), asked, **HTMX)
    save(client, machine, theirs)

    after = client.get(reverse("day-sheet-changes"), asked, **HTMX).content.decode()

    assert before.status_code == 204
    assert f'id="row-{theirs.pk}"' in after
    assert f'id="row-{mine.pk}"' not in after


def test_pasted_rows_follow_one_another_and_name_what_is_no_time(client, coder, machine):
    first, second = planned(machine, time(8, 0)), planned(machine, time(9, 0))
    data = {"machine": machine.pk, "date": DAY.isoformat(), "text": "8:05\n25:99", "column": "start"}

    answer = client.post(reverse("day-sheet-paste"), data, **HTMX).json()

    assert answer["fills"][str(first.pk)] == {"start": "8:05 AM", "outcome": "treated"}
    assert answer["fills"][str(second.pk)]["start"] == "25:99"
    assert answer["problems"] == ["Row 2, start: 25:99 is not a time."]


def test_pasted_rows_find_their_patients_by_record_number(client, coder, machine):
    first, second = planned(machine, time(8, 0)), planned(machine, time(9, 0))
    text = f"Record number\tOutcome\tStart\n{second.patient.number}\tmissed: Machine down\t\nFX-NOBODY\ttreated\t8:00"
    data = {"machine": machine.pk, "date": DAY.isoformat(), "text": text}

    answer = client.post(reverse("day-sheet-paste"), data, **HTMX).json()

    assert answer["fills"] == {str(second.pk): {"outcome": "missed", "missed_reason": "Machine down"}}
    assert answer["problems"] == ["Line 2: no row of this sheet has the record number FX-NOBODY."]
    assert str(first.pk) not in answer["fills"]


def test_pasted_rows_are_not_saved_without_script_either(client, coder, machine):
    course = planned(machine)
    data = {"machine": machine.pk, "date": DAY.isoformat(), "text": "9:05", "column": "start"}

    response = client.post(reverse("day-sheet-paste"), data)

    assert 'value="9:05 AM"' in response.content.decode()
    assert not course.sessions.exists()
