"""Corrections are kept with the other lines: a line that changes marks the months of the corrections that name it."""

from django.db import migrations

MARKS = """
CREATE OR REPLACE FUNCTION mark_rollup() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO coding_rollupmark (department_id, month)
        SELECT session.department_id, date_trunc('month', written.date_of_service)::date
        FROM written JOIN portal_treatmentsession session ON session.id = written.session_id
        UNION
        SELECT session.department_id, date_trunc('month', correction.date_of_service)::date
        FROM written JOIN coding_chargeline correction ON correction.corrects_id = written.id
        JOIN portal_treatmentsession session ON session.id = correction.session_id;
    RETURN NULL;
END $$;

INSERT INTO coding_rollupmark (department_id, month)
    SELECT DISTINCT session.department_id, date_trunc('month', line.date_of_service)::date
    FROM coding_chargeline line JOIN portal_treatmentsession session ON session.id = line.session_id
    WHERE line.corrects_id IS NOT NULL;
"""
MARKS_BACK = """
CREATE OR REPLACE FUNCTION mark_rollup() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO coding_rollupmark (department_id, month)
        SELECT DISTINCT session.department_id, date_trunc('month', written.date_of_service)::date
        FROM written JOIN portal_treatmentsession session ON session.id = written.session_id;
    RETURN NULL;
END $$;

INSERT INTO coding_rollupmark (department_id, month)
    SELECT DISTINCT session.department_id, date_trunc('month', line.date_of_service)::date
    FROM coding_chargeline line JOIN portal_treatmentsession session ON session.id = line.session_id
    WHERE line.corrects_id IS NOT NULL;
"""


class Migration(migrations.Migration):
    dependencies = [("coding", "0011_act_rollups")]

    operations = [migrations.RunSQL(MARKS, MARKS_BACK)]
