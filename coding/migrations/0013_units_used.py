"""Units used of an authorization are kept; every write that they depend on marks its patient to be counted anew."""

import django.db.models.deletion
from django.db import migrations, models

FUNCTIONS = """
CREATE FUNCTION mark_units_of_courses() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO coding_unitsmark (patient_id)
        SELECT DISTINCT course.patient_id FROM written JOIN portal_course course ON course.id = written.course_id;
    RETURN NULL;
END $$;

CREATE FUNCTION mark_units_of_fractions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO coding_unitsmark (patient_id)
        SELECT DISTINCT course.patient_id FROM written
        JOIN portal_treatmentsession session ON session.id = written.session_id
        JOIN portal_course course ON course.id = session.course_id;
    RETURN NULL;
END $$;

-- What is a visit of its own depends on the department's minutes of one visit.
CREATE FUNCTION mark_units_of_department() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO coding_unitsmark (patient_id)
        SELECT DISTINCT course.patient_id
        FROM portal_treatmentsession session JOIN portal_course course ON course.id = session.course_id
        WHERE session.department_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER department_marks_units AFTER UPDATE OF minutes_of_one_visit ON portal_department FOR EACH ROW
    WHEN (OLD.minutes_of_one_visit <> NEW.minutes_of_one_visit) EXECUTE FUNCTION mark_units_of_department();
"""
FUNCTIONS_BACK = """
DROP TRIGGER department_marks_units ON portal_department;
DROP FUNCTION mark_units_of_department();
DROP FUNCTION mark_units_of_fractions();
DROP FUNCTION mark_units_of_courses();
"""
MARKED_BY = {
    "portal_treatmentsession": "mark_units_of_courses",
    "portal_deliveredfraction": "mark_units_of_fractions",
    "payers_authorization": "mark_units_of_courses",
}
# A row that changes may leave one patient for another: what it was and what it is both count.
EVENTS = (
    ("inserted", "INSERT", "NEW"),
    ("updated", "UPDATE", "NEW"),
    ("was", "UPDATE", "OLD"),
    ("deleted", "DELETE", "OLD"),
)
MARKS = "".join(
    f"CREATE TRIGGER {name}_marks_units AFTER {event} ON {table} REFERENCING {rows} TABLE AS written "
    f"FOR EACH STATEMENT EXECUTE FUNCTION {function}();\n"
    for table, function in MARKED_BY.items()
    for name, event, rows in EVENTS
)
MARKS_BACK = "".join(
    f"DROP TRIGGER {name}_marks_units ON {table};\n" for table in MARKED_BY for name, _event, _rows in EVENTS
)
MARK_ALL = """
INSERT INTO coding_unitsmark (patient_id)
    SELECT DISTINCT course.patient_id
    FROM payers_authorization given JOIN portal_course course ON course.id = given.course_id;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("coding", "0012_rollups_with_corrections"),
        ("payers", "0004_policy_library_guards"),
        ("portal", "0008_inbox_in_use"),
    ]

    operations = [
        migrations.CreateModel(
            name="UnitsMark",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "patient",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="portal.patient",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="UnitsUsed",
            fields=[
                (
                    "authorization",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="units_used",
                        serialize=False,
                        to="payers.authorization",
                    ),
                ),
                ("number", models.PositiveIntegerField()),
            ],
            options={
                "ordering": ["authorization"],
                "default_permissions": (),
            },
        ),
        migrations.RunSQL(FUNCTIONS + MARKS + MARK_ALL, MARKS_BACK + FUNCTIONS_BACK),
    ]
