"""A version goes from draft to review to published to retired, reads in review as it will be published, and is frozen then."""

from django.db import migrations

LIFE = """
CREATE OR REPLACE FUNCTION hold_policy_version() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    uncited text;
    submission text[] := '{status,submitted_by_id,submitted_at}';
    publication text[] := '{status,published_by_id,published_at}';
    retirement text[] := '{status,retired_by_id,retired_at,retire_reason}';
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.status <> 'draft' THEN
            RAISE EXCEPTION 'a policy version begins as a draft' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF TG_OP = 'DELETE' THEN
        IF OLD.status <> 'draft' THEN
            RAISE EXCEPTION 'policy version % is no draft and is never deleted', OLD.id
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN OLD;
    END IF;
    IF OLD.status = 'draft' AND NEW.status = 'draft' THEN
        RETURN NEW;
    ELSIF OLD.status = 'draft' AND NEW.status = 'in_review' THEN
        SELECT term.key INTO uncited FROM jsonb_object_keys(NEW.terms) AS term(key)
            WHERE NOT EXISTS (
                SELECT 1 FROM payers_policyclause c WHERE c.version_id = NEW.id AND c.term = term.key
            ) LIMIT 1;
        IF uncited IS NOT NULL THEN
            RAISE EXCEPTION 'term % has no cited clause; a version is reviewed with a citation for each term', uncited
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    ELSIF OLD.status = 'in_review' AND NEW.status = 'draft'
        AND to_jsonb(NEW) - submission = to_jsonb(OLD) - submission THEN
        RETURN NEW;
    ELSIF OLD.status = 'in_review' AND NEW.status = 'published'
        AND to_jsonb(NEW) - publication = to_jsonb(OLD) - publication THEN
        RETURN NEW;
    ELSIF OLD.status = 'published' AND NEW.status = 'retired'
        AND to_jsonb(NEW) - retirement = to_jsonb(OLD) - retirement THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'policy version % is frozen; a correction is a new revision', OLD.id
        USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE TRIGGER policy_example_is_frozen BEFORE INSERT OR UPDATE OR DELETE ON payers_policyexample
    FOR EACH ROW EXECUTE FUNCTION hold_policy_clause();
CREATE TRIGGER policy_example_is_not_truncated BEFORE TRUNCATE ON payers_policyexample
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER policy_review_is_kept BEFORE UPDATE OR DELETE ON payers_policyreview
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER policy_review_is_not_truncated BEFORE TRUNCATE ON payers_policyreview
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- A payer keeps its policy: a shelf is not handed to another payer, nor is its payer to another organization.
CREATE FUNCTION hold_policy_payer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a policy stays with its payer' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER policy_stays_with_its_payer BEFORE UPDATE OF payer_id ON payers_payerpolicy
    FOR EACH ROW WHEN (OLD.payer_id IS DISTINCT FROM NEW.payer_id) EXECUTE FUNCTION hold_policy_payer();
CREATE TRIGGER payer_stays_with_its_organization BEFORE UPDATE OF organization_id ON payers_payer
    FOR EACH ROW WHEN (OLD.organization_id IS DISTINCT FROM NEW.organization_id) EXECUTE FUNCTION hold_policy_payer();

CREATE INDEX policy_clause_words ON payers_policyclause USING gin (
    to_tsvector('english', summary || ' ' || citation_title || ' ' || citation_section)
);
CREATE INDEX policy_version_words ON payers_policyversion USING gin (
    to_tsvector('english', summary || ' ' || guidance)
);
"""
LIFE_BACK = """
DROP INDEX policy_version_words;
DROP INDEX policy_clause_words;
DROP TRIGGER payer_stays_with_its_organization ON payers_payer;
DROP TRIGGER policy_stays_with_its_payer ON payers_payerpolicy;
DROP FUNCTION hold_policy_payer();
DROP TRIGGER policy_review_is_not_truncated ON payers_policyreview;
DROP TRIGGER policy_review_is_kept ON payers_policyreview;
DROP TRIGGER policy_example_is_not_truncated ON payers_policyexample;
DROP TRIGGER policy_example_is_frozen ON payers_policyexample;
"""


class Migration(migrations.Migration):
    dependencies = [("payers", "0003_policy_library")]

    operations = [migrations.RunSQL(LIFE, LIFE_BACK)]
