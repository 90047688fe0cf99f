from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("leads", "0028_import_complete")]
    operations = [
        migrations.AlterField(
            model_name="activity",
            name="outcome",
            field=models.CharField(
                blank=True,
                choices=[
                    ("reached", "Reached"),
                    ("no_answer", "No answer"),
                    ("voicemail", "Left voicemail"),
                    ("busy", "Busy"),
                    ("wrong_number", "Wrong number"),
                    ("undelivered", "Not delivered"),
                    ("resent", "Not delivered, sent again"),
                ],
                default="",
                max_length=16,
            ),
        ),
    ]
