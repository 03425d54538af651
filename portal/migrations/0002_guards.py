"""What the clinic's tables must always hold and Django cannot say: one organization throughout, NPIs, an audit trail."""

from django.db import migrations

NPI = """
CREATE FUNCTION npi_is_valid(npi text) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT npi ~ '^[0-9]{10}$' AND (24 + (
        SELECT sum(CASE WHEN place % 2 = 1
                        THEN (digit * 2) / 10 + (digit * 2) % 10
                        ELSE digit END)
        FROM (SELECT place, substr(npi, place, 1)::int AS digit FROM generate_series(1, 10) AS place) AS digits
    )) % 10 = 0
$$;
ALTER TABLE portal_department ADD CONSTRAINT department_npi_valid CHECK (npi_is_valid(npi));
ALTER TABLE portal_departmentbiller ADD CONSTRAINT department_biller_npi_valid CHECK (npi_is_valid(npi));
ALTER TABLE portal_physician ADD CONSTRAINT physician_npi_valid CHECK (npi_is_valid(npi));
"""
NPI_BACK = """
ALTER TABLE portal_department DROP CONSTRAINT department_npi_valid;
ALTER TABLE portal_departmentbiller DROP CONSTRAINT department_biller_npi_valid;
ALTER TABLE portal_physician DROP CONSTRAINT physician_npi_valid;
DROP FUNCTION npi_is_valid(text);
"""

# Each pair of columns must name a row of the same organization (or department, or course) as the row that names it.
ONE_ORGANIZATION = """
ALTER TABLE portal_course
    ADD CONSTRAINT course_patient_of_organization FOREIGN KEY (patient_id, organization_id)
        REFERENCES portal_patient (id, organization_id) DEFERRABLE INITIALLY DEFERRED,
    ADD CONSTRAINT course_department_of_organization FOREIGN KEY (department_id, organization_id)
        REFERENCES portal_department (id, organization_id) DEFERRABLE INITIALLY DEFERRED,
    ADD CONSTRAINT course_physician_of_organization FOREIGN KEY (physician_id, organization_id)
        REFERENCES portal_physician (id, organization_id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE portal_treatmentsession
    ADD CONSTRAINT session_course_of_organization FOREIGN KEY (course_id, organization_id)
        REFERENCES portal_course (id, organization_id) DEFERRABLE INITIALLY DEFERRED,
    ADD CONSTRAINT session_department_of_organization FOREIGN KEY (department_id, organization_id)
        REFERENCES portal_department (id, organization_id) DEFERRABLE INITIALLY DEFERRED,
    ADD CONSTRAINT session_physician_of_organization FOREIGN KEY (physician_id, organization_id)
        REFERENCES portal_physician (id, organization_id) DEFERRABLE INITIALLY DEFERRED,
    ADD CONSTRAINT session_machine_of_department FOREIGN KEY (machine_id, department_id)
        REFERENCES portal_machine (id, department_id) DEFERRABLE INITIALLY DEFERRED,
    ADD CONSTRAINT session_day_is_that_of_its_start CHECK (
        date_of_service BETWEEN (started_at AT TIME ZONE 'UTC')::date - 1 AND (started_at AT TIME ZONE 'UTC')::date + 1
    );
"""
ONE_ORGANIZATION_BACK = """
ALTER TABLE portal_course
    DROP CONSTRAINT course_patient_of_organization, DROP CONSTRAINT course_department_of_organization,
    DROP CONSTRAINT course_physician_of_organization;
ALTER TABLE portal_treatmentsession
    DROP CONSTRAINT session_course_of_organization, DROP CONSTRAINT session_department_of_organization,
    DROP CONSTRAINT session_physician_of_organization, DROP CONSTRAINT session_machine_of_department,
    DROP CONSTRAINT session_day_is_that_of_its_start;
"""

APPEND_ONLY = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: rows are added and never changed', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER audit_event_is_append_only BEFORE UPDATE OR DELETE ON portal_auditevent
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_event_is_not_truncated BEFORE TRUNCATE ON portal_auditevent
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER session_is_voided_not_deleted BEFORE DELETE ON portal_treatmentsession
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""
APPEND_ONLY_BACK = """
DROP TRIGGER session_is_voided_not_deleted ON portal_treatmentsession;
DROP TRIGGER audit_event_is_not_truncated ON portal_auditevent;
DROP TRIGGER audit_event_is_append_only ON portal_auditevent;
DROP FUNCTION refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("portal", "0001_initial")]

    operations = [
        migrations.RunSQL(NPI, NPI_BACK),
        migrations.RunSQL(ONE_ORGANIZATION, ONE_ORGANIZATION_BACK),
        migrations.RunSQL(APPEND_ONLY, APPEND_ONLY_BACK),
    ]
