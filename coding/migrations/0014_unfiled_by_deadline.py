"""Lines carry the last day to file, in the order of the filing clock; rulings say whether they wrote any line."""

from django.db import migrations, models
from django.db.models import Q

# Triggers refuse to change a line or a ruling; here each is given what the rows have said all along, of which no sum
# is kept. Deferred checks are made at once, since a table with checks outstanding cannot be altered.
FILL = """
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE coding_chargeline DISABLE TRIGGER USER;
UPDATE coding_chargeline SET file_by = ruling.file_by
    FROM coding_sessionruling AS ruling WHERE ruling.id = coding_chargeline.ruling_id AND ruling.file_by IS NOT NULL;
ALTER TABLE coding_chargeline ENABLE TRIGGER USER;
ALTER TABLE coding_sessionruling DISABLE TRIGGER USER;
UPDATE coding_sessionruling SET has_lines = true
    WHERE EXISTS (SELECT FROM coding_chargeline AS line WHERE line.ruling_id = coding_sessionruling.id);
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE coding_sessionruling ENABLE TRIGGER USER;
"""

GUARD = """
CREATE FUNCTION hold_deadline_of_line() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM coding_sessionruling
        WHERE id = NEW.ruling_id AND has_lines AND file_by IS NOT DISTINCT FROM NEW.file_by
    ) THEN
        RAISE EXCEPTION 'a charge line has the last day to file of its ruling, and the ruling says that it has lines'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER charge_line_is_as_its_ruling_says BEFORE INSERT ON coding_chargeline
    FOR EACH ROW EXECUTE FUNCTION hold_deadline_of_line();
"""
GUARD_BACK = """
DROP TRIGGER charge_line_is_as_its_ruling_says ON coding_chargeline;
DROP FUNCTION hold_deadline_of_line();
"""


class Migration(migrations.Migration):
    dependencies = [("coding", "0013_units_used")]

    operations = [
        migrations.AddField("chargeline", "file_by", models.DateField(blank=True, null=True)),
        migrations.AddField("sessionruling", "has_lines", models.BooleanField(default=False)),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.RunSQL(GUARD, GUARD_BACK),
        migrations.AddIndex(
            "chargeline",
            models.Index(
                fields=["organization", "file_by", "id"],
                condition=Q(state__in=("held", "ready", "draft"), replaced_in__isnull=True),
                name="line_unfiled_by_deadline",
            ),
        ),
        migrations.AddIndex(
            "sessionruling",
            models.Index(
                fields=["session"], condition=Q(is_current=True, has_lines=False), name="ruling_without_lines"
            ),
        ),
    ]
