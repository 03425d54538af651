"""Lines carry their date of service, rulings the last day to file, holds an owner, a due day and notes."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# The trigger refuses to change a line; here every line is given what its session has said all along. Deferred checks
# are made at once, since a table with checks outstanding cannot be altered.
DATE_LINES = """
ALTER TABLE coding_chargeline DISABLE TRIGGER charge_line_keeps_to_its_way;
UPDATE coding_chargeline SET date_of_service = session.date_of_service
    FROM portal_treatmentsession AS session WHERE session.id = coding_chargeline.session_id;
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE coding_chargeline ENABLE TRIGGER charge_line_keeps_to_its_way;
"""

HOLDS_MOVE = """
CREATE OR REPLACE FUNCTION hold_session_hold() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    movable CONSTANT text[] := '{released_at,released_by_id,release_note,closed_at,owner_id,due_on}';
BEGIN
    IF to_jsonb(NEW) - movable <> to_jsonb(OLD) - movable
        OR (OLD.closed_at IS NOT NULL)
        OR (OLD.released_at IS NOT NULL AND NEW.released_at IS DISTINCT FROM OLD.released_at) THEN
        RAISE EXCEPTION 'hold % is history; changed grounds open a new one', OLD.id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER hold_note_is_append_only BEFORE UPDATE OR DELETE ON coding_holdnote
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER hold_note_is_not_truncated BEFORE TRUNCATE ON coding_holdnote
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""
HOLDS_MOVE_BACK = """
DROP TRIGGER hold_note_is_not_truncated ON coding_holdnote;
DROP TRIGGER hold_note_is_append_only ON coding_holdnote;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("coding", "0002_guards"),
        ("payers", "0002_guards"),
        ("portal", "0004_the_coders_day"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="HoldNote",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("text", models.CharField(max_length=500)),
                ("at", models.DateTimeField()),
            ],
            options={
                "ordering": ["at", "id"],
                "default_permissions": (),
            },
        ),
        migrations.RemoveIndex(
            model_name="chargeline",
            name="line_by_state",
        ),
        migrations.AddField(
            model_name="chargeline",
            name="date_of_service",
            field=models.DateField(null=True),
        ),
        migrations.RunSQL(DATE_LINES, migrations.RunSQL.noop),
        migrations.AlterField(
            model_name="chargeline",
            name="date_of_service",
            field=models.DateField(),
        ),
        migrations.AddField(
            model_name="sessionhold",
            name="due_on",
            field=models.DateField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="sessionhold",
            name="owner",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="holds_owned",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="sessionhold",
            name="placed_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="sessionruling",
            name="file_by",
            field=models.DateField(blank=True, null=True),
        ),
        migrations.AddIndex(
            model_name="chargeline",
            index=models.Index(
                condition=models.Q(models.Q(("state", "void"), _negated=True), ("replaced_in__isnull", True)),
                fields=["organization", "-date_of_service", "-id"],
                name="line_by_day",
            ),
        ),
        migrations.AddIndex(
            model_name="chargeline",
            index=models.Index(
                condition=models.Q(("replaced_in__isnull", True)),
                fields=["organization", "state", "-date_of_service", "-id"],
                name="line_by_state_and_day",
            ),
        ),
        migrations.AddIndex(
            model_name="sessionhold",
            index=models.Index(
                condition=models.Q(("closed_at__isnull", True), ("released_at__isnull", True)),
                fields=["owner", "due_on", "id"],
                name="hold_open_by_owner",
            ),
        ),
        migrations.AddIndex(
            model_name="sessionruling",
            index=models.Index(condition=models.Q(("is_current", True)), fields=["file_by"], name="ruling_by_deadline"),
        ),
        migrations.AddConstraint(
            model_name="sessionhold",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("placed_by__isnull", True), models.Q(("name", "HELD_BY_HAND"), _negated=True)),
                    models.Q(("is_hard", False), ("name", "HELD_BY_HAND"), ("placed_by__isnull", False)),
                    _connector="OR",
                ),
                name="hold_by_hand_is_soft_and_of_someone",
            ),
        ),
        migrations.AddField(
            model_name="holdnote",
            name="by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="holdnote",
            name="hold",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="notes", to="coding.sessionhold"
            ),
        ),
        migrations.AddConstraint(
            model_name="holdnote",
            constraint=models.CheckConstraint(
                condition=models.Q(("text", ""), _negated=True), name="hold_note_says_something"
            ),
        ),
        migrations.RunSQL(HOLDS_MOVE, HOLDS_MOVE_BACK),
    ]
