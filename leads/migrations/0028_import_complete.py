import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models.functions import Lower

USER = settings.AUTH_USER_MODEL
CASCADE, PROTECT = django.db.models.deletion.CASCADE, django.db.models.deletion.PROTECT


def texts(length):
    field = models.CharField(max_length=length)
    return django.contrib.postgres.fields.ArrayField(
        base_field=field, blank=True, db_default=[], default=list, size=None
    )


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0027_general_leads"),
        ("organization", "0001_initial"),
        migrations.swappable_dependency(USER),
    ]

    # columns with a default of the database, and a longer text: none of them writes a table anew
    operations = [
        migrations.AlterField(
            model_name="importrun",
            name="state",
            field=models.CharField(
                choices=[
                    ("draft", "Waiting for its columns"),
                    ("queued", "Queued"),
                    ("running", "Running"),
                    ("done", "Done"),
                    ("cancelled", "Cancelled"),
                    ("failed", "Stopped"),
                ],
                default="draft",
                max_length=12,
            ),
        ),
        migrations.AlterField(
            model_name="importrun", name="delimiter", field=models.CharField(blank=True, max_length=1)
        ),
        migrations.AddField(
            model_name="importrun",
            name="note",
            field=models.TextField(blank=True, db_default="", default="", help_text="What was not read of the file."),
        ),
        migrations.AddField(
            model_name="importrun", name="kinds", field=models.JSONField(blank=True, db_default={}, default=dict)
        ),
        migrations.AddField(
            model_name="importrun",
            name="duplicates",
            field=models.CharField(
                choices=[
                    ("skip", "Skip them"),
                    ("update", "Update the leads that are there"),
                    ("create", "Add them all the same"),
                ],
                db_default="skip",
                default="skip",
                max_length=8,
            ),
        ),
        migrations.AddField(model_name="importrun", name="tags", field=texts(40)),
        migrations.AddField(
            model_name="importrun", name="trial", field=models.BooleanField(db_default=False, default=False)
        ),
        migrations.AddField(
            model_name="importrun", name="cancel_asked", field=models.BooleanField(db_default=False, default=False)
        ),
        migrations.AddField(
            model_name="importrun", name="updated", field=models.PositiveIntegerField(db_default=0, default=0)
        ),
        migrations.AddField(model_name="customfield", name="choices", field=texts(80)),
        migrations.AlterField(
            model_name="importrow",
            name="outcome",
            field=models.CharField(
                choices=[
                    ("imported", "Imported"),
                    ("updated", "Updated"),
                    ("skipped", "Skipped"),
                    ("rejected", "Rejected"),
                ],
                max_length=8,
            ),
        ),
        migrations.AlterField(
            model_name="importrow",
            name="lead_id",
            field=models.BigIntegerField(help_text="The lead made of it, or updated by it.", null=True),
        ),
        migrations.CreateModel(
            name="ImportChange",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "run", "lead_id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(db_index=False, on_delete=CASCADE, related_name="changes", to="leads.importrun"),
                ),
                ("lead_id", models.BigIntegerField()),
                ("number", models.PositiveIntegerField(help_text="Line of the run's file.")),
                ("before", models.JSONField()),
                ("after", models.JSONField()),
            ],
        ),
        migrations.CreateModel(
            name="ImportTemplate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=80)),
                ("shared", models.BooleanField(default=False)),
                ("columns", models.JSONField(default=dict)),
                ("options", models.JSONField(default=dict)),
                ("company", models.ForeignKey(on_delete=PROTECT, related_name="+", to="organization.company")),
                ("created_by", models.ForeignKey(db_index=False, on_delete=CASCADE, related_name="+", to=USER)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint("created_by", Lower("name"), name="import_template_name_unique")
                ],
            },
        ),
    ]
