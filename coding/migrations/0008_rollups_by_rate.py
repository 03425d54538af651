"""Sums of lines are told apart by the rate that their expected amounts come from; what was summed before is old."""

from django.db import migrations, models

SUM_ANEW = """
INSERT INTO coding_rollupmark (department_id, month)
    SELECT DISTINCT department_id, month FROM coding_chargerollup;
"""


class Migration(migrations.Migration):
    dependencies = [("coding", "0007_contract_rates")]

    operations = [
        migrations.AddField(
            model_name="chargerollup",
            name="expected_from",
            field=models.CharField(blank=True, default="", max_length=60),
            preserve_default=False,
        ),
        migrations.RunSQL(SUM_ANEW, migrations.RunSQL.noop),
    ]
