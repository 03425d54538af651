"""Every write that a sum of charge lines depends on marks its department's month: no report counts one that grew old."""

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

-- What the sums are grouped by stands on the session, and the setting on the department's dated statuses.
CREATE FUNCTION mark_rollup_of_session() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO coding_rollupmark (department_id, month)
        SELECT DISTINCT place.department_id, date_trunc('month', line.date_of_service)::date
        FROM coding_chargeline line, (VALUES (OLD.department_id), (NEW.department_id)) AS place (department_id)
        WHERE line.session_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER session_moved_marks_rollup
    AFTER UPDATE OF department_id, physician_id, is_inpatient ON portal_treatmentsession FOR EACH ROW
    WHEN ((OLD.department_id, OLD.physician_id, OLD.is_inpatient)
        IS DISTINCT FROM (NEW.department_id, NEW.physician_id, NEW.is_inpatient))
    EXECUTE FUNCTION mark_rollup_of_session();

CREATE FUNCTION mark_rollup_of_status() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    place bigint := COALESCE(NEW.department_id, OLD.department_id);
    first date := LEAST(NEW.effective_from, OLD.effective_from);
BEGIN
    INSERT INTO coding_rollupmark (department_id, month)
        SELECT DISTINCT rollup.department_id, rollup.month FROM coding_chargerollup rollup
        WHERE rollup.department_id = place AND rollup.month >= date_trunc('month', first)::date;
    RETURN NULL;
END $$;
CREATE TRIGGER status_marks_rollup AFTER INSERT OR UPDATE OR DELETE ON portal_departmentstatus
    FOR EACH ROW EXECUTE FUNCTION mark_rollup_of_status();

INSERT INTO coding_rollupmark (department_id, month)
    SELECT DISTINCT session.department_id, date_trunc('month', line.date_of_service)::date
    FROM coding_chargeline line JOIN portal_treatmentsession session ON session.id = line.session_id;
"""
MARKS_BACK = """
DROP TRIGGER status_marks_rollup ON portal_departmentstatus;
DROP FUNCTION mark_rollup_of_status();
DROP TRIGGER session_moved_marks_rollup ON portal_treatmentsession;
DROP FUNCTION mark_rollup_of_session();
DROP TRIGGER line_updated_marks_rollup ON coding_chargeline;
DROP TRIGGER line_inserted_marks_rollup ON coding_chargeline;
DROP FUNCTION mark_rollup();
DELETE FROM coding_rollupmark;
"""


class Migration(migrations.Migration):
    dependencies = [("coding", "0005_rollups")]

    operations = [migrations.RunSQL(MARKS, MARKS_BACK)]
