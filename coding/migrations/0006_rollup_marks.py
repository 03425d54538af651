"""Every write of charge lines marks its department's month, so that no report ever counts a sum that has grown old."""

from django.db import migrations

MARKS = """
CREATE FUNCTION mark_rollup() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO coding_rollupmark (department_id, month)
        SELECT DISTINCT session.department_id, date_trunc('month', written.date_of_service)::date
        FROM written JOIN portal_treatmentsession session ON session.id = written.session_id;
    RETURN NULL;
END $$;
CREATE TRIGGER line_inserted_marks_rollup AFTER INSERT ON coding_chargeline
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION mark_rollup();
CREATE TRIGGER line_updated_marks_rollup AFTER UPDATE ON coding_chargeline
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION mark_rollup();

INSERT INTO coding_rollupmark (department_id, month)
    SELECT DISTINCT session.department_id, date_trunc('month', line.date_of_service)::date
    FROM coding_chargeline line JOIN portal_treatmentsession session ON session.id = line.session_id;
"""
MARKS_BACK = """
DROP TRIGGER line_updated_marks_rollup ON coding_chargeline;
DROP TRIGGER line_inserted_marks_rollup ON coding_chargeline;
DROP FUNCTION mark_rollup();
DELETE FROM coding_rollupmark;
"""


class Migration(migrations.Migration):
    dependencies = [("coding", "0005_rollups_and_rates")]

    operations = [migrations.RunSQL(MARKS, MARKS_BACK)]
