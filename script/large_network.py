"""A year of a large network, copied by SQL from the demo's clinic into its own organization.

Patients are copied whole, with their course, their sessions and what was charged for them, and moved by whole weeks so
that each stays on its side of the turn of the codes. Departments, machines, physicians, payers and coders are copied
too, and the copies of a patient spread over them.
"""

from datetime import date

from django.db import models
from django.db.backends.utils import CursorWrapper
from row_copies import copy_rows, unguarded

from coding.models import ActMark, ChargeLine, RollupMark, SessionHold, SessionRuling, UnitsMark
from payers.models import Authorization, Coverage, Payer, PayerPolicy, PolicyVersion
from portal.models import (
    AuditEvent,
    Course,
    DeliveredFraction,
    Department,
    DepartmentBiller,
    DepartmentStatus,
    Machine,
    Patient,
    Physician,
    Prescription,
    ScheduledFraction,
    TreatmentSession,
    User,
)

FIRST_DAY, LAST_DAY = date(2025, 7, 1), date(2026, 6, 30)
TURN = date(2026, 1, 1)
SESSIONS = 320_000
# How many there are of each thing, the demo's own included, and which of them the copy of a patient belongs to.
TIMES = {Department: 4, Physician: 10, Payer: 3, User: 20}
WHICH = {
    Department: "copy.number % 4",
    Machine: "copy.number % 4",
    Physician: "copy.number / 4 % 10",
    Payer: "copy.number / 2 % 3",
    PolicyVersion: "copy.number / 2 % 3",
    User: "copy.number / 3 % 20",
}
# Of ten numbers that differ in the last digit alone, one is right.
NEXT_NPI = """(
    SELECT npi::text FROM generate_series(0, 9) digit CROSS JOIN LATERAL (
        SELECT (row.npi::bigint / 10 + copy.number) * 10 + digit AS npi
    ) next WHERE npi_is_valid(npi::text)
)"""
EVENING = "(row.date_of_service + copy.days + time '21:00')::timestamptz"
# Lines from before this day were exported, as far as nothing kept them back.
EXPORTED_BEFORE = date(2026, 5, 1)
# Courses treated since this day go on; the others are completed.
GOES_ON_FROM = date(2026, 6, 1)
# Every patient whose treatment can stand within the year, and by how many weeks it may be moved.
PATIENTS = """
    CREATE TEMPORARY TABLE source AS
    SELECT patient_id, sessions,
           CASE WHEN first < %(turn)s AND last >= %(turn)s THEN 0
                ELSE ceil((CASE WHEN last < %(turn)s THEN %(first)s ELSE %(turn)s END - first) / 7.0)::integer
           END AS least,
           CASE WHEN first < %(turn)s AND last >= %(turn)s THEN 0
                ELSE floor((CASE WHEN last < %(turn)s THEN %(turn)s - 1 ELSE %(last)s END - last) / 7.0)::integer
           END AS most
    FROM (
        SELECT course.patient_id, count(*) AS sessions, min(date_of_service) AS first, max(date_of_service) AS last
        FROM portal_treatmentsession session JOIN portal_course course ON course.id = session.course_id
        WHERE session.voided_at IS NULL GROUP BY course.patient_id
    ) treated
    WHERE first >= %(first)s
"""
PATIENT_COPIES = """
    CREATE TEMPORARY TABLE portal_patient_copy AS
    SELECT source.patient_id AS old, number, 7 * (least + number %% (most - least + 1)) AS days,
           nextval(pg_get_serial_sequence('portal_patient', 'id')) AS new
    FROM source CROSS JOIN generate_series(1, (SELECT ceil(%(sessions)s / sum(sessions))::integer FROM source)) number
"""


def build_large_network() -> None:
    """Copy until the year has `SESSIONS` sessions of copied patients; all that is kept is marked as old."""
    with unguarded() as cursor:
        _copy_clinic(cursor)
        asked = {"first": FIRST_DAY, "last": LAST_DAY, "turn": TURN, "sessions": SESSIONS}
        cursor.execute(PATIENTS, asked)
        cursor.execute(PATIENT_COPIES, asked)
        _copy_patients(cursor)
        _copy_charges(cursor)
        cursor.execute(
            f"INSERT INTO {RollupMark._meta.db_table} (department_id, month) "
            "SELECT DISTINCT department_id, date_trunc('month', date_of_service)::date FROM portal_treatmentsession"
        )
        cursor.execute(
            f"INSERT INTO {ActMark._meta.db_table} (organization_id, day) "
            "SELECT organization_id, (at AT TIME ZONE 'UTC')::date FROM portal_auditevent "
            "UNION SELECT organization_id, (created_at AT TIME ZONE 'UTC')::date FROM coding_chargeline"
        )
        cursor.execute(f"INSERT INTO {UnitsMark._meta.db_table} (patient_id) SELECT id FROM portal_patient")


def _copy_clinic(cursor: CursorWrapper) -> None:
    """Copies 1 and up of departments, machines, physicians, payers and people; number 0 is the demo's own."""
    again = "' ' || copy.number + 1"
    _several(cursor, Department)
    _copy(cursor, Department, name=f"row.name || {again}")
    for model in (DepartmentStatus, DepartmentBiller):
        copy_rows(
            cursor,
            model,
            "JOIN portal_department_copy copy ON copy.old = row.department_id AND number > 0",
            department_id="copy.new",
        )
    _below(cursor, Machine, Department, "department_id")
    _copy(cursor, Machine, department_id="copy.parent")
    _several(cursor, Physician)
    _copy(cursor, Physician, family_name=f"row.family_name || {again}", npi=NEXT_NPI)
    _several(cursor, Payer)
    _copy(cursor, Payer, slug="row.slug || '-' || copy.number + 1", name=f"row.name || {again}")
    _below(cursor, PayerPolicy, Payer, "payer_id")
    _copy(cursor, PayerPolicy, payer_id="copy.parent")
    _below(cursor, PolicyVersion, PayerPolicy, "policy_id")
    _copy(cursor, PolicyVersion, policy_id="copy.parent")
    _several(cursor, User)
    _copy(cursor, User, username="row.username || '-' || copy.number + 1", last_name=f"row.last_name || {again}")


def _copy_patients(cursor: CursorWrapper) -> None:
    """Patients with courses, coverages, authorizations, schedules and sessions."""
    numbered = "|| '-' || copy.number"
    _copy(cursor, Patient, number=f"row.number {numbered}")
    _under(cursor, Course, Patient, "patient_id")
    course = {"department_id": _one_of(Department, "department_id"), "physician_id": _one_of(Physician, "physician_id")}
    last_day = "(SELECT max(date_of_service) FROM portal_treatmentsession WHERE course_id = row.id) + copy.days"
    course["status"] = f"CASE WHEN {last_day} < '{GOES_ON_FROM}' THEN 'completed' ELSE row.status END"
    _copy(cursor, Course, patient_id="copy.parent", account_number=f"row.account_number {numbered}", **course)
    copy_rows(
        cursor,
        Coverage,
        "JOIN portal_patient_copy copy ON copy.old = row.patient_id",
        patient_id="copy.new",
        payer_id=_one_of(Payer, "payer_id"),
    )
    copy_rows(
        cursor,
        Authorization,
        "JOIN portal_course_copy copy ON copy.old = row.course_id",
        course_id="copy.new",
        payer_id=_one_of(Payer, "payer_id"),
        **_moved("starts_on", "ends_on"),
    )
    _under(cursor, Prescription, Course, "course_id")
    _copy(cursor, Prescription, course_id="copy.parent")
    copy_rows(
        cursor,
        ScheduledFraction,
        "JOIN portal_prescription_copy copy ON copy.old = row.prescription_id",
        prescription_id="copy.new",
        machine_id=_one_of(Machine, "machine_id"),
        **_moved("planned_on"),
    )
    _under(cursor, TreatmentSession, Course, "course_id")
    _copy(
        cursor,
        TreatmentSession,
        course_id="copy.parent",
        department_id=_one_of(Department, "department_id"),
        machine_id=_one_of(Machine, "machine_id"),
        physician_id=_one_of(Physician, "physician_id"),
        recorded_by_id=_one_of(User, "recorded_by_id"),
        recorded_at=EVENING,
        **_moved("date_of_service", "coded_on"),
        **_moved("started_at", "ended_at", "image_review_signed_at", unit=" * interval '1 day'"),
    )
    copy_rows(
        cursor,
        DeliveredFraction,
        "JOIN portal_treatmentsession_copy copy ON copy.old = row.session_id "
        "JOIN portal_prescription_copy ordered ON ordered.old = row.prescription_id AND ordered.number = copy.number",
        session_id="copy.new",
        prescription_id="ordered.new",
    )


def _copy_charges(cursor: CursorWrapper) -> None:
    """Rulings, lines in every state, holds of which a third is still open, and what people are told to have done."""
    _under(cursor, SessionRuling, TreatmentSession, "session_id")
    session_of_copy = "JOIN portal_treatmentsession session ON session.id = copy.parent"
    evening = "session.recorded_at + interval '1 hour'"
    _copy(
        cursor,
        SessionRuling,
        session_of_copy,
        session_id="copy.parent",
        captured_at=evening,
        captured_by_id=_one_of(User, "captured_by_id"),
        policy_version_id=_one_of(PolicyVersion, "policy_version_id"),
        **_moved("file_by"),
    )
    is_over = "copy.number % 3 > 0"
    state = (
        f"CASE WHEN row.state = 'draft' OR row.state = 'held' AND NOT {is_over} THEN row.state "
        "WHEN row.id * copy.number % 97 = 0 THEN 'void' "
        f"WHEN session.date_of_service < '{EXPORTED_BEFORE}' THEN 'exported' ELSE 'ready' END"
    )
    of_ruling = f"JOIN coding_sessionruling_copy copy ON copy.old = row.ruling_id {session_of_copy}"
    under_ruling = {"session_id": "copy.parent", "ruling_id": "copy.new"}
    copy_rows(
        cursor,
        ChargeLine,
        of_ruling,
        **under_ruling,
        state=state,
        void_reason=f"CASE WHEN {state} = 'void' THEN 'Entered twice' ELSE '' END",
        created_at=evening,
        rendering_provider_id=_one_of(Physician, "rendering_provider_id"),
        cancellation_drafted_in_id="NULL",
        **_moved("date_of_service", "file_by"),
    )
    copy_rows(
        cursor,
        SessionHold,
        of_ruling,
        **under_ruling,
        opened_at=evening,
        closed_at=f"CASE WHEN {is_over} THEN {evening} + interval '3 days' END",
    )
    copy_rows(
        cursor,
        AuditEvent,
        "JOIN portal_treatmentsession_copy copy ON copy.old = row.subject_id "
        "AND row.subject_kind = 'portal.treatmentsession' "
        "JOIN portal_treatmentsession session ON session.id = copy.new",
        at="session.recorded_at",
        by_id=_one_of(User, "by_id"),
        subject_id="copy.new",
    )


def _several(cursor: CursorWrapper, model: type[models.Model]) -> None:
    """Number the copies of every row of a small table; copy 0 is the row itself."""
    table = model._meta.db_table
    cursor.execute(
        f"CREATE TEMPORARY TABLE {table}_copy AS SELECT row.id AS old, number, CASE WHEN number = 0 THEN row.id "
        f"ELSE nextval(pg_get_serial_sequence('{table}', 'id')) END AS new "
        f"FROM {table} row CROSS JOIN generate_series(0, %s) number",
        [TIMES[model] - 1],
    )
    _find_fast(cursor, table)


def _below(cursor: CursorWrapper, model: type[models.Model], parent: type[models.Model], link: str) -> None:
    """Number the copies of rows that stand below those of a small table, in `parent` of each."""
    table = model._meta.db_table
    cursor.execute(
        f"CREATE TEMPORARY TABLE {table}_copy AS SELECT row.id AS old, above.number, above.new AS parent, "
        f"CASE WHEN above.number = 0 THEN row.id ELSE nextval(pg_get_serial_sequence('{table}', 'id')) END AS new "
        f"FROM {table} row JOIN {parent._meta.db_table}_copy above ON above.old = row.{link}"
    )
    _find_fast(cursor, table)


def _under(cursor: CursorWrapper, model: type[models.Model], parent: type[models.Model], link: str) -> None:
    """Number the copies of rows that belong to copied patients, which have no copy 0."""
    table = model._meta.db_table
    cursor.execute(
        f"CREATE TEMPORARY TABLE {table}_copy AS SELECT row.id AS old, above.number, above.days, above.new AS parent, "
        f"nextval(pg_get_serial_sequence('{table}', 'id')) AS new "
        f"FROM {table} row JOIN {parent._meta.db_table}_copy above ON above.old = row.{link}"
    )
    _find_fast(cursor, table)


def _find_fast(cursor: CursorWrapper, table: str) -> None:
    cursor.execute(f"CREATE INDEX ON {table}_copy (old, number)")
    cursor.execute(f"ANALYZE {table}_copy")


def _copy(cursor: CursorWrapper, model: type[models.Model], joined: str = "", **changed: str) -> None:
    """Insert the numbered copies of a table; copy 0 is there already."""
    table = model._meta.db_table
    copies = f"JOIN {table}_copy copy ON copy.old = row.id AND copy.number > 0 {joined}"
    copy_rows(cursor, model, copies, id="copy.new", **changed)


def _one_of(model: type[models.Model], column: str) -> str:
    """The record of a small table that a copied row names instead of its own."""
    table = model._meta.db_table
    return f"(SELECT one.new FROM {table}_copy one WHERE one.old = row.{column} AND one.number = {WHICH[model]})"


def _moved(*columns: str, unit: str = "") -> dict[str, str]:
    """Columns of a day or an instant, moved with their patient."""
    return {column: f"row.{column} + copy.days{unit}" for column in columns}
