"""Sums of lines are kept in several grains, and a session's machine is one of what they keep apart."""

import django.db.models.deletion
from django.db import migrations, models

SUM_ANEW = """
INSERT INTO coding_rollupmark (department_id, month)
    SELECT DISTINCT department_id, month FROM coding_chargerollup;
DELETE FROM coding_chargerollup;
"""
MARKS = """
DROP TRIGGER session_moved_marks_rollup ON portal_treatmentsession;
CREATE TRIGGER session_moved_marks_rollup
    AFTER UPDATE OF department_id, physician_id, machine_id, is_inpatient ON portal_treatmentsession FOR EACH ROW
    WHEN ((OLD.department_id, OLD.physician_id, OLD.machine_id, OLD.is_inpatient)
        IS DISTINCT FROM (NEW.department_id, NEW.physician_id, NEW.machine_id, NEW.is_inpatient))
    EXECUTE FUNCTION mark_rollup_of_session();
"""
MARKS_BACK = """
DROP TRIGGER session_moved_marks_rollup ON portal_treatmentsession;
CREATE TRIGGER session_moved_marks_rollup
    AFTER UPDATE OF department_id, physician_id, is_inpatient ON portal_treatmentsession FOR EACH ROW
    WHEN ((OLD.department_id, OLD.physician_id, OLD.is_inpatient)
        IS DISTINCT FROM (NEW.department_id, NEW.physician_id, NEW.is_inpatient))
    EXECUTE FUNCTION mark_rollup_of_session();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("coding", "0009_recapture_for_loads"),
        ("portal", "0008_inbox_in_use"),
    ]

    operations = [
        migrations.RunSQL(SUM_ANEW, SUM_ANEW),
        migrations.RemoveIndex(model_name="chargerollup", name="rollup_by_month"),
        migrations.AddField(
            model_name="chargerollup",
            name="grain",
            field=models.CharField(
                choices=[
                    ("codes", "Modifiers and rate"),
                    ("machines", "Machine"),
                    ("physicians", "Physician"),
                    ("payers", "Payer, modifiers and rate"),
                    ("everything", "Everything"),
                ],
                default="everything",
                max_length=10,
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="chargerollup",
            name="machine",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="portal.machine"
            ),
        ),
        migrations.AlterField(
            model_name="chargerollup",
            name="claim_form",
            field=models.CharField(
                blank=True,
                choices=[
                    ("institutional", "Institutional (UB-04, 837I)"),
                    ("professional", "Professional (CMS-1500, 837P)"),
                    ("global", "Global (freestanding, 837P)"),
                ],
                max_length=16,
            ),
        ),
        migrations.AlterField(
            model_name="chargerollup", name="role", field=models.CharField(blank=True, max_length=16)
        ),
        migrations.AddIndex(
            model_name="chargerollup",
            index=models.Index(fields=["organization", "grain", "month", "department"], name="rollup_by_grain"),
        ),
        migrations.RunSQL(MARKS, MARKS_BACK),
    ]
