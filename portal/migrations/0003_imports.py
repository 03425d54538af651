"""Treatment logs: what was read of them, and the sessions that wait for a person."""

import datetime

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import portal.models.imports

# Each pair of columns must name a row of the same organization as the row that names it.
ONE_ORGANIZATION = """
ALTER TABLE portal_treatmentlogimport
    ADD CONSTRAINT log_import_department_of_organization FOREIGN KEY (department_id, organization_id)
        REFERENCES portal_department (id, organization_id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE portal_treatmentlogupload
    ADD CONSTRAINT log_upload_department_of_organization FOREIGN KEY (department_id, organization_id)
        REFERENCES portal_department (id, organization_id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE portal_sessioncandidate
    ADD CONSTRAINT candidate_import_of_organization FOREIGN KEY (found_in_id, organization_id)
        REFERENCES portal_treatmentlogimport (id, organization_id) DEFERRABLE INITIALLY DEFERRED,
    ADD CONSTRAINT candidate_department_of_organization FOREIGN KEY (department_id, organization_id)
        REFERENCES portal_department (id, organization_id) DEFERRABLE INITIALLY DEFERRED,
    ADD CONSTRAINT candidate_session_of_organization FOREIGN KEY (session_id, organization_id)
        REFERENCES portal_treatmentsession (id, organization_id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE portal_importedrow
    ADD CONSTRAINT imported_row_import_of_organization FOREIGN KEY (found_in_id, organization_id)
        REFERENCES portal_treatmentlogimport (id, organization_id) DEFERRABLE INITIALLY DEFERRED,
    ADD CONSTRAINT imported_row_candidate_of_organization FOREIGN KEY (candidate_id, organization_id)
        REFERENCES portal_sessioncandidate (id, organization_id) DEFERRABLE INITIALLY DEFERRED;
"""
ONE_ORGANIZATION_BACK = """
ALTER TABLE portal_importedrow
    DROP CONSTRAINT imported_row_import_of_organization, DROP CONSTRAINT imported_row_candidate_of_organization;
ALTER TABLE portal_sessioncandidate
    DROP CONSTRAINT candidate_import_of_organization, DROP CONSTRAINT candidate_department_of_organization,
    DROP CONSTRAINT candidate_session_of_organization;
ALTER TABLE portal_treatmentlogupload DROP CONSTRAINT log_upload_department_of_organization;
ALTER TABLE portal_treatmentlogimport DROP CONSTRAINT log_import_department_of_organization;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("portal", "0002_guards"),
    ]

    operations = [
        migrations.CreateModel(
            name="TreatmentLogImport",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(auto_now_add=True)),
                ("candidates", models.PositiveIntegerField()),
                ("deliveries", models.PositiveIntegerField()),
                ("partial", models.PositiveIntegerField()),
                ("rows_ignored", models.PositiveIntegerField()),
                ("new", models.PositiveIntegerField()),
                ("known", models.PositiveIntegerField()),
                ("broken", models.PositiveIntegerField()),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "department",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="portal.department",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="log_imports",
                        to="portal.organization",
                    ),
                ),
            ],
            options={
                "ordering": ["-at", "-id"],
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="SessionCandidate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("source_patient_id", models.BigIntegerField()),
                ("patient_number", models.CharField(blank=True, max_length=40)),
                ("machine_name", models.CharField(blank=True, max_length=60)),
                ("started_at", portal.models.imports.WallClockField()),
                ("ended_at", portal.models.imports.WallClockField(blank=True, null=True)),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "Open"), ("confirmed", "Confirmed"), ("dismissed", "Dismissed")],
                        default="open",
                        max_length=12,
                    ),
                ),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                ("dismiss_reason", models.CharField(blank=True, max_length=300)),
                ("has_changed", models.BooleanField(default=False)),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "department",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="portal.department",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="session_candidates",
                        to="portal.organization",
                    ),
                ),
                (
                    "session",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="candidate",
                        to="portal.treatmentsession",
                    ),
                ),
                (
                    "found_in",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="session_candidates",
                        to="portal.treatmentlogimport",
                    ),
                ),
            ],
            options={
                "ordering": ["started_at", "id"],
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="ImportedRow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("file", models.CharField(max_length=40)),
                ("line", models.PositiveIntegerField()),
                ("key", models.BigIntegerField(blank=True, null=True)),
                (
                    "status",
                    models.CharField(
                        choices=[("used", "Used"), ("ignored", "Ignored"), ("broken", "Broken")], max_length=8
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=300)),
                ("source_patient_id", models.BigIntegerField(blank=True, null=True)),
                ("machine_name", models.CharField(blank=True, max_length=60)),
                ("source_site_id", models.BigIntegerField(blank=True, null=True)),
                ("source_field_id", models.BigIntegerField(blank=True, null=True)),
                ("started_at", portal.models.imports.WallClockField(blank=True, null=True)),
                ("ended_at", portal.models.imports.WallClockField(blank=True, null=True)),
                ("is_complete", models.BooleanField(blank=True, null=True)),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="portal.organization"
                    ),
                ),
                (
                    "candidate",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="rows",
                        to="portal.sessioncandidate",
                    ),
                ),
                (
                    "found_in",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="rows", to="portal.treatmentlogimport"
                    ),
                ),
            ],
            options={
                "ordering": ["found_in", "file", "line"],
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="TreatmentLogUpload",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(auto_now_add=True)),
                ("content", models.BinaryField(help_text="A zip of the four tables.")),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "department",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="portal.department",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="portal.organization"
                    ),
                ),
            ],
            options={
                "ordering": ["-at"],
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="CandidateDelivery",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("source_site_id", models.BigIntegerField()),
                ("site_name", models.CharField(blank=True, max_length=120)),
                ("technique", models.CharField(blank=True, max_length=60)),
                ("dose_per_fraction_cgy", models.PositiveIntegerField(blank=True, null=True)),
                ("fractions", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("fields_on", models.PositiveSmallIntegerField()),
                ("fields_complete", models.PositiveSmallIntegerField()),
                (
                    "prescription",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="portal.prescription",
                    ),
                ),
                (
                    "candidate",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deliveries",
                        to="portal.sessioncandidate",
                    ),
                ),
            ],
            options={
                "ordering": ["candidate", "id"],
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("candidate", "source_site_id"), name="candidate_delivers_a_site_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("fields_complete__lte", models.F("fields_on")), ("fields_on__gte", 1)),
                        name="candidate_delivery_counts_plausible",
                    ),
                ],
            },
        ),
        migrations.AddIndex(
            model_name="treatmentlogimport",
            index=models.Index(fields=["organization", "-at", "-id"], name="portal_trea_organiz_156f0e_idx"),
        ),
        migrations.AddConstraint(
            model_name="treatmentlogimport",
            constraint=models.UniqueConstraint(fields=("id", "organization"), name="log_import_of_organization"),
        ),
        migrations.AddIndex(
            model_name="sessioncandidate",
            index=models.Index(
                fields=["organization", "source_patient_id", "started_at"], name="portal_sess_organiz_726da5_idx"
            ),
        ),
        migrations.AddIndex(
            model_name="sessioncandidate",
            index=models.Index(fields=["found_in", "state"], name="portal_sess_found_i_b66ef2_idx"),
        ),
        migrations.AddConstraint(
            model_name="sessioncandidate",
            constraint=models.UniqueConstraint(fields=("id", "organization"), name="candidate_of_organization"),
        ),
        migrations.AddConstraint(
            model_name="sessioncandidate",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("started_at__gte", datetime.datetime(2000, 1, 1, 0, 0)),
                    ("started_at__lt", datetime.datetime(2100, 1, 1, 0, 0)),
                ),
                name="candidate_date_bounded",
            ),
        ),
        migrations.AddConstraint(
            model_name="sessioncandidate",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("ended_at__isnull", True), ("ended_at__gte", models.F("started_at")), _connector="OR"
                ),
                name="candidate_ends_after_start",
            ),
        ),
        migrations.AddConstraint(
            model_name="sessioncandidate",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("decided_at__isnull", True),
                        ("dismiss_reason", ""),
                        ("session__isnull", True),
                        ("state", "open"),
                    ),
                    models.Q(
                        ("decided_at__isnull", False),
                        ("dismiss_reason", ""),
                        ("session__isnull", False),
                        ("state", "confirmed"),
                    ),
                    models.Q(
                        ("decided_at__isnull", False),
                        ("session__isnull", True),
                        ("state", "dismissed"),
                        models.Q(("dismiss_reason", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="candidate_state_has_its_grounds",
            ),
        ),
        migrations.AddIndex(
            model_name="importedrow",
            index=models.Index(
                fields=["organization", "source_patient_id", "started_at"], name="portal_impo_organiz_d3893b_idx"
            ),
        ),
        migrations.AddConstraint(
            model_name="importedrow",
            constraint=models.UniqueConstraint(fields=("organization", "key"), name="imported_row_key_once"),
        ),
        migrations.AddConstraint(
            model_name="importedrow",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("candidate__isnull", False),
                        ("key__isnull", False),
                        ("reason", ""),
                        ("status", "used"),
                        ("source_field_id__isnull", False),
                        ("source_patient_id__isnull", False),
                        ("source_site_id__isnull", False),
                        ("is_complete__isnull", False),
                        ("started_at__isnull", False),
                    ),
                    models.Q(("key__isnull", False), ("status", "ignored"), models.Q(("reason", ""), _negated=True)),
                    models.Q(
                        ("candidate__isnull", True),
                        ("key__isnull", True),
                        ("status", "broken"),
                        models.Q(("reason", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="imported_row_status_has_its_grounds",
            ),
        ),
        migrations.RunSQL(ONE_ORGANIZATION, ONE_ORGANIZATION_BACK),
    ]
