"""Closed days, saved views, courses opened lately, and the steps of a day sheet."""

import datetime

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("portal", "0003_imports"),
    ]

    operations = [
        migrations.AddField(
            model_name="department",
            name="confirms_matched_rows",
            field=models.BooleanField(
                default=False,
                help_text="On the day sheet, for rows that agree with a record of the treatment log in every point.",
                verbose_name="confirm all matched rows at once",
            ),
        ),
        migrations.CreateModel(
            name="ClosedDay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                ("reason", models.CharField(max_length=120)),
                (
                    "department",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="closed_days", to="portal.department"
                    ),
                ),
                (
                    "machine",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: the whole department.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="closed_days",
                        to="portal.machine",
                    ),
                ),
            ],
            options={
                "ordering": ["department", "day", "machine"],
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("department", "machine", "day"), name="closed_day_once_a_machine", nulls_distinct=False
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("day__gte", datetime.date(2000, 1, 1)), ("day__lte", datetime.date(2099, 12, 31))
                        ),
                        name="closed_day_bounded",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True), name="closed_day_has_a_reason"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RecentCourse",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("opened_at", models.DateTimeField()),
                (
                    "course",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="portal.course"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="recent_courses",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-opened_at"],
                "default_permissions": (),
                "constraints": [models.UniqueConstraint(fields=("user", "course"), name="recent_course_once")],
            },
        ),
        migrations.CreateModel(
            name="SavedView",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("place", models.CharField(choices=[("charges", "Charge review"), ("holds", "Holds")], max_length=16)),
                ("name", models.CharField(max_length=60)),
                ("query", models.CharField(blank=True, max_length=600)),
                ("is_shared", models.BooleanField(default=False, verbose_name="shared with everyone")),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="saved_views",
                        to="portal.organization",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="saved_views",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["name", "id"],
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(fields=("owner", "place", "name"), name="saved_view_name_once"),
                    models.CheckConstraint(
                        condition=models.Q(("place__in", ["charges", "holds"])), name="saved_view_place_known"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SheetStep",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                ("batch", models.UUIDField()),
                ("before", models.JSONField()),
                ("mark_after", models.TextField()),
                ("at", models.DateTimeField()),
                ("undone_at", models.DateTimeField(blank=True, null=True)),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "course",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="portal.course"
                    ),
                ),
                (
                    "machine",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="portal.machine"
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="portal.organization"
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "default_permissions": (),
                "indexes": [
                    models.Index(fields=["machine", "day", "by", "-id"], name="portal_shee_machine_a3b26c_idx"),
                    models.Index(fields=["machine", "day", "course", "-id"], name="portal_shee_machine_e9f135_idx"),
                ],
            },
        ),
    ]
