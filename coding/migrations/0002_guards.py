"""The content of a line never changes and its state keeps to its way; rulings, traces and holds are history."""

from django.db import migrations

ONE_ORGANIZATION = """
ALTER TABLE coding_chargeline
    ADD CONSTRAINT line_session_of_organization FOREIGN KEY (session_id, organization_id)
        REFERENCES portal_treatmentsession (id, organization_id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE coding_sessionhold
    ADD CONSTRAINT hold_session_of_organization FOREIGN KEY (session_id, organization_id)
        REFERENCES portal_treatmentsession (id, organization_id) DEFERRABLE INITIALLY DEFERRED;
"""
ONE_ORGANIZATION_BACK = """
ALTER TABLE coding_chargeline DROP CONSTRAINT line_session_of_organization;
ALTER TABLE coding_sessionhold DROP CONSTRAINT hold_session_of_organization;
"""

LINES = """
CREATE FUNCTION hold_charge_line() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    movable CONSTANT text[] :=
        '{state,replaced_in_id,cancellation_drafted_in_id,voided_by_id,void_reason}';
    way CONSTANT text := OLD.state || ' to ' || NEW.state;
BEGIN
    IF to_jsonb(NEW) - movable <> to_jsonb(OLD) - movable THEN
        RAISE EXCEPTION 'the content of charge line % never changes after insert', OLD.id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF OLD.replaced_in_id IS NOT NULL THEN
        RAISE EXCEPTION 'charge line % was replaced and is history', OLD.id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.replaced_in_id IS NOT NULL AND (OLD.state NOT IN ('draft', 'held', 'ready') OR NEW.state <> OLD.state) THEN
        RAISE EXCEPTION 'a % line is corrected or left, never replaced', OLD.state
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.state <> OLD.state AND way NOT IN (
        'draft to held', 'draft to ready', 'held to ready', 'ready to held', 'ready to exported',
        'draft to void', 'held to void', 'ready to void', 'exported to void'
    ) THEN
        RAISE EXCEPTION 'a charge line does not move from %', way USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF OLD.state = 'void' THEN
        RAISE EXCEPTION 'charge line % is void and stays as it is', OLD.id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER charge_line_keeps_to_its_way BEFORE UPDATE ON coding_chargeline
    FOR EACH ROW EXECUTE FUNCTION hold_charge_line();

CREATE FUNCTION hold_new_charge_line() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state NOT IN ('draft', 'held', 'ready') OR NEW.replaced_in_id IS NOT NULL THEN
        RAISE EXCEPTION 'a charge line begins as draft, held or ready' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF array_length(NEW.modifiers, 1) > 4
        OR (SELECT count(*) <> count(DISTINCT m) FROM unnest(NEW.modifiers) AS m) THEN
        RAISE EXCEPTION 'a charge line has at most four modifiers, none twice'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER charge_line_begins_unsent BEFORE INSERT ON coding_chargeline
    FOR EACH ROW EXECUTE FUNCTION hold_new_charge_line();

CREATE TRIGGER charge_line_is_voided_not_deleted BEFORE DELETE ON coding_chargeline
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER charge_line_is_not_truncated BEFORE TRUNCATE ON coding_chargeline
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""
LINES_BACK = """
DROP TRIGGER charge_line_is_not_truncated ON coding_chargeline;
DROP TRIGGER charge_line_is_voided_not_deleted ON coding_chargeline;
DROP TRIGGER charge_line_begins_unsent ON coding_chargeline;
DROP FUNCTION hold_new_charge_line();
DROP TRIGGER charge_line_keeps_to_its_way ON coding_chargeline;
DROP FUNCTION hold_charge_line();
"""

HISTORY = """
CREATE FUNCTION hold_ruling() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF to_jsonb(NEW) - 'is_current' <> to_jsonb(OLD) - 'is_current' OR (NEW.is_current AND NOT OLD.is_current) THEN
        RAISE EXCEPTION 'ruling % is history; a new answer is a new revision', OLD.id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER ruling_is_history BEFORE UPDATE ON coding_sessionruling
    FOR EACH ROW EXECUTE FUNCTION hold_ruling();
CREATE TRIGGER ruling_is_kept BEFORE DELETE ON coding_sessionruling
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ruling_is_not_truncated BEFORE TRUNCATE ON coding_sessionruling
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER trace_is_history BEFORE UPDATE OR DELETE ON coding_tracerecord
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER trace_is_not_truncated BEFORE TRUNCATE ON coding_tracerecord
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION hold_session_hold() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    movable CONSTANT text[] := '{released_at,released_by_id,release_note,closed_at}';
BEGIN
    IF to_jsonb(NEW) - movable <> to_jsonb(OLD) - movable
        OR (OLD.closed_at IS NOT NULL)
        OR (OLD.released_at IS NOT NULL AND NEW.released_at IS DISTINCT FROM OLD.released_at) THEN
        RAISE EXCEPTION 'hold % is history; changed grounds open a new one', OLD.id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER hold_is_history BEFORE UPDATE ON coding_sessionhold
    FOR EACH ROW EXECUTE FUNCTION hold_session_hold();
CREATE TRIGGER hold_is_kept BEFORE DELETE ON coding_sessionhold
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER hold_is_not_truncated BEFORE TRUNCATE ON coding_sessionhold
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""
HISTORY_BACK = """
DROP TRIGGER hold_is_not_truncated ON coding_sessionhold;
DROP TRIGGER hold_is_kept ON coding_sessionhold;
DROP TRIGGER hold_is_history ON coding_sessionhold;
DROP FUNCTION hold_session_hold();
DROP TRIGGER trace_is_not_truncated ON coding_tracerecord;
DROP TRIGGER trace_is_history ON coding_tracerecord;
DROP TRIGGER ruling_is_not_truncated ON coding_sessionruling;
DROP TRIGGER ruling_is_kept ON coding_sessionruling;
DROP TRIGGER ruling_is_history ON coding_sessionruling;
DROP FUNCTION hold_ruling();
"""


class Migration(migrations.Migration):
    dependencies = [("coding", "0001_initial"), ("portal", "0002_guards")]

    operations = [
        migrations.RunSQL(ONE_ORGANIZATION, ONE_ORGANIZATION_BACK),
        migrations.RunSQL(LINES, LINES_BACK),
        migrations.RunSQL(HISTORY, HISTORY_BACK),
    ]
