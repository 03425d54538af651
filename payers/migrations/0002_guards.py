"""A published policy version is frozen, cited in full, and ends only by being retired; coverages keep to one organization."""

from django.db import migrations

ONE_ORGANIZATION = """
ALTER TABLE payers_coverage
    ADD CONSTRAINT coverage_patient_of_organization FOREIGN KEY (patient_id, organization_id)
        REFERENCES portal_patient (id, organization_id) DEFERRABLE INITIALLY DEFERRED,
    ADD CONSTRAINT coverage_payer_of_organization FOREIGN KEY (payer_id, organization_id)
        REFERENCES payers_payer (id, organization_id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE payers_authorization
    ADD CONSTRAINT authorization_course_of_organization FOREIGN KEY (course_id, organization_id)
        REFERENCES portal_course (id, organization_id) DEFERRABLE INITIALLY DEFERRED,
    ADD CONSTRAINT authorization_payer_of_organization FOREIGN KEY (payer_id, organization_id)
        REFERENCES payers_payer (id, organization_id) DEFERRABLE INITIALLY DEFERRED;
"""
ONE_ORGANIZATION_BACK = """
ALTER TABLE payers_coverage
    DROP CONSTRAINT coverage_patient_of_organization, DROP CONSTRAINT coverage_payer_of_organization;
ALTER TABLE payers_authorization
    DROP CONSTRAINT authorization_course_of_organization, DROP CONSTRAINT authorization_payer_of_organization;
"""

FROZEN = """
CREATE FUNCTION hold_policy_version() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    uncited text;
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.status <> 'draft' THEN
            RAISE EXCEPTION 'a policy version begins as a draft' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF TG_OP = 'DELETE' THEN
        IF OLD.status <> 'draft' THEN
            RAISE EXCEPTION 'policy version % was published and is never deleted', OLD.id
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN OLD;
    END IF;
    IF OLD.status = 'draft' AND NEW.status = 'draft' THEN
        RETURN NEW;
    ELSIF OLD.status = 'draft' AND NEW.status = 'published' THEN
        SELECT term.key INTO uncited FROM jsonb_object_keys(NEW.terms) AS term(key)
            WHERE NOT EXISTS (
                SELECT 1 FROM payers_policyclause c WHERE c.version_id = NEW.id AND c.term = term.key
            ) LIMIT 1;
        IF uncited IS NOT NULL THEN
            RAISE EXCEPTION 'term % has no cited clause; a version is published with a citation for each term', uncited
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    ELSIF OLD.status = 'published' AND NEW.status = 'retired'
        AND to_jsonb(NEW) - '{status,retired_by_id,retired_at,retire_reason}'::text[]
          = to_jsonb(OLD) - '{status,retired_by_id,retired_at,retire_reason}'::text[] THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'policy version % is frozen; a correction is a new revision', OLD.id
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER policy_version_is_frozen BEFORE INSERT OR UPDATE OR DELETE ON payers_policyversion
    FOR EACH ROW EXECUTE FUNCTION hold_policy_version();
CREATE TRIGGER policy_version_is_not_truncated BEFORE TRUNCATE ON payers_policyversion
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION hold_policy_clause() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    touched bigint[] := ARRAY[]::bigint[];
BEGIN
    IF TG_OP <> 'DELETE' THEN touched := touched || NEW.version_id; END IF;
    IF TG_OP <> 'INSERT' THEN touched := touched || OLD.version_id; END IF;
    IF EXISTS (SELECT 1 FROM payers_policyversion v WHERE v.id = ANY (touched) AND v.status <> 'draft') THEN
        RAISE EXCEPTION 'the clauses of a published policy version are frozen'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN COALESCE(NEW, OLD);
END $$;
CREATE TRIGGER policy_clause_is_frozen BEFORE INSERT OR UPDATE OR DELETE ON payers_policyclause
    FOR EACH ROW EXECUTE FUNCTION hold_policy_clause();
CREATE TRIGGER policy_clause_is_not_truncated BEFORE TRUNCATE ON payers_policyclause
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""
FROZEN_BACK = """
DROP TRIGGER policy_clause_is_not_truncated ON payers_policyclause;
DROP TRIGGER policy_clause_is_frozen ON payers_policyclause;
DROP FUNCTION hold_policy_clause();
DROP TRIGGER policy_version_is_not_truncated ON payers_policyversion;
DROP TRIGGER policy_version_is_frozen ON payers_policyversion;
DROP FUNCTION hold_policy_version();
"""


class Migration(migrations.Migration):
    dependencies = [("payers", "0001_initial"), ("portal", "0002_guards")]

    operations = [
        migrations.RunSQL(ONE_ORGANIZATION, ONE_ORGANIZATION_BACK),
        migrations.RunSQL(FROZEN, FROZEN_BACK),
    ]
