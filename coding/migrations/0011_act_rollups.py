"""Acts of people are summed up by day; whatever somebody does marks its day as one to be summed anew."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

MARKS = """
CREATE FUNCTION mark_acts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO coding_actmark (organization_id, day)
        SELECT DISTINCT organization_id, (at AT TIME ZONE 'UTC')::date FROM written;
    RETURN NULL;
END $$;
CREATE TRIGGER event_marks_acts AFTER INSERT ON portal_auditevent
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION mark_acts();

CREATE FUNCTION mark_acts_of_lines() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO coding_actmark (organization_id, day)
        SELECT DISTINCT organization_id, (created_at AT TIME ZONE 'UTC')::date FROM written;
    RETURN NULL;
END $$;
CREATE TRIGGER line_inserted_marks_acts AFTER INSERT ON coding_chargeline
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION mark_acts_of_lines();

-- A clock that nobody read by before has no sums yet: all days are summed anew.
CREATE FUNCTION mark_acts_of_zone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO coding_actmark (organization_id, day)
        SELECT DISTINCT acts.organization_id, acts.day + shift
        FROM coding_actrollup acts, generate_series(-1, 1) shift
        WHERE acts.organization_id = NEW.organization_id;
    RETURN NULL;
END $$;
CREATE TRIGGER department_marks_acts AFTER INSERT OR UPDATE OF time_zone, organization_id ON portal_department
    FOR EACH ROW EXECUTE FUNCTION mark_acts_of_zone();

INSERT INTO coding_actmark (organization_id, day)
    SELECT organization_id, (at AT TIME ZONE 'UTC')::date FROM portal_auditevent
    UNION SELECT organization_id, (created_at AT TIME ZONE 'UTC')::date FROM coding_chargeline;
"""
MARKS_BACK = """
DROP TRIGGER department_marks_acts ON portal_department;
DROP FUNCTION mark_acts_of_zone();
DROP TRIGGER line_inserted_marks_acts ON coding_chargeline;
DROP FUNCTION mark_acts_of_lines();
DROP TRIGGER event_marks_acts ON portal_auditevent;
DROP FUNCTION mark_acts();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("coding", "0010_rollups_by_grain"),
        ("portal", "0008_inbox_in_use"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ActMark",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
            ],
            options={
                "ordering": ["id"],
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="ActRollup",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("zone", models.CharField(max_length=40)),
                ("day", models.DateField()),
                ("action", models.CharField(max_length=40)),
                ("times", models.PositiveIntegerField()),
            ],
            options={
                "ordering": ["organization", "zone", "day", "id"],
                "default_permissions": (),
            },
        ),
        migrations.AddIndex(
            model_name="chargeline",
            index=models.Index(fields=["organization", "created_at"], name="line_by_capture"),
        ),
        migrations.AddField(
            model_name="actmark",
            name="organization",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="portal.organization",
            ),
        ),
        migrations.AddField(
            model_name="actrollup",
            name="by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="actrollup",
            name="organization",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="portal.organization"
            ),
        ),
        migrations.AddIndex(
            model_name="actrollup",
            index=models.Index(fields=["organization", "zone", "day"], name="acts_by_day"),
        ),
        migrations.AddConstraint(
            model_name="actrollup",
            constraint=models.CheckConstraint(
                condition=models.Q(("times__gte", 1)), name="act_rollup_counts_something"
            ),
        ),
        migrations.RunSQL(MARKS, MARKS_BACK),
    ]
