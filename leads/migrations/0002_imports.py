import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models
from django.db.models import Func, Q

USER = settings.AUTH_USER_MODEL
CASCADE, PROTECT = django.db.models.deletion.CASCADE, django.db.models.deletion.PROTECT
DO_NOTHING = django.db.models.deletion.DO_NOTHING


def pair(*fields):
    return models.CompositePrimaryKey(*fields, blank=True, editable=False, primary_key=True, serialize=False)


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0001_initial"),
        ("organization", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.DeleteModel(name="ImportRow"),
        migrations.DeleteModel(name="ImportRun"),
        migrations.CreateModel(
            name="ImportRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("company", models.ForeignKey(on_delete=PROTECT, related_name="+", to="organization.company")),
                (
                    "public_id",
                    models.CharField(db_default=Func(function="lead_public_id"), editable=False, max_length=12),
                ),
                ("created_by", models.ForeignKey(on_delete=PROTECT, related_name="import_runs", to=USER)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("file_name", models.CharField(max_length=200)),
                ("encoding", models.CharField(max_length=16)),
                ("delimiter", models.CharField(max_length=1)),
                (
                    "header",
                    django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), default=list, size=None),
                ),
                (
                    "mapping",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=80), default=list, size=None
                    ),
                ),
                (
                    "owner_unit",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=PROTECT, related_name="+", to="organization.unit"
                    ),
                ),
                (
                    "owner_user",
                    models.ForeignKey(blank=True, null=True, on_delete=PROTECT, related_name="+", to=USER),
                ),
                ("route", models.BooleanField(default=False)),
                ("source_name", models.CharField(default="Import", max_length=80)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("draft", "Waiting for its columns"),
                            ("queued", "Queued"),
                            ("running", "Running"),
                            ("done", "Done"),
                            ("failed", "Stopped"),
                        ],
                        default="draft",
                        max_length=8,
                    ),
                ),
                (
                    "total",
                    models.PositiveIntegerField(default=0, help_text="Records of the file, the header left out."),
                ),
                ("handled", models.PositiveIntegerField(default=0, help_text="Records with an outcome so far.")),
                ("imported", models.PositiveIntegerField(default=0)),
                ("skipped", models.PositiveIntegerField(default=0)),
                ("rejected", models.PositiveIntegerField(default=0)),
                (
                    "tries",
                    models.PositiveSmallIntegerField(default=0, help_text="Starts since the last chunk that went in."),
                ),
                (
                    "touched_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        help_text="The last sign of life of whoever works on it.",
                    ),
                ),
                ("error", models.TextField(blank=True, default="")),
                ("started_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=["public_id"], name="import_run_public_id_unique"),
                    models.CheckConstraint(
                        condition=Q(("owner_unit", None), ("owner_user", None), _connector="OR"),
                        name="import_run_one_owner",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ImportPart",
            fields=[
                ("pk", pair("run", "number")),
                (
                    "run",
                    models.ForeignKey(db_index=False, on_delete=CASCADE, related_name="parts", to="leads.importrun"),
                ),
                ("number", models.PositiveIntegerField(help_text="0, 1, 2 …")),
                ("data", models.BinaryField()),
            ],
        ),
        migrations.CreateModel(
            name="ImportRow",
            fields=[
                ("pk", pair("run", "number")),
                (
                    "run",
                    models.ForeignKey(db_index=False, on_delete=CASCADE, related_name="rows", to="leads.importrun"),
                ),
                (
                    "number",
                    models.PositiveIntegerField(help_text="Line of the file on which it starts, the first being 1."),
                ),
                ("cells", models.JSONField(default=list)),
                (
                    "outcome",
                    models.CharField(
                        choices=[("imported", "Imported"), ("skipped", "Skipped"), ("rejected", "Rejected")],
                        max_length=8,
                    ),
                ),
                ("reason", models.TextField(blank=True, default="")),
                ("lead_id", models.BigIntegerField(help_text="The lead made of it.", null=True)),
            ],
        ),
        migrations.CreateModel(
            name="ImportedKey",
            fields=[
                ("pk", pair("created_by", "key")),
                (
                    "created_by",
                    models.ForeignKey(
                        db_constraint=False, db_index=False, on_delete=CASCADE, related_name="+", to=USER
                    ),
                ),
                ("key", models.UUIDField()),
                (
                    "run",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=DO_NOTHING,
                        related_name="+",
                        to="leads.importrun",
                    ),
                ),
                ("number", models.PositiveIntegerField(help_text="Line of that run's file.")),
            ],
        ),
    ]
