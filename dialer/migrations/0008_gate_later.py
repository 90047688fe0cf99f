from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("dialer", "0007_automations"),
    ]

    operations = [
        migrations.AlterField(
            model_name="callattempt",
            name="refused_by",
            field=models.CharField(
                blank=True,
                choices=[
                    ("number", "No such number"),
                    ("ownership", "Not hers to call"),
                    ("do_not_call", "Do not call"),
                    ("listed", "On the do-not-call list"),
                    ("opted_out", "Opted out"),
                    ("consent", "No consent"),
                    ("finished", "The campaign is done with it"),
                    ("attempts", "Most attempts made"),
                    ("later", "To be tried again later"),
                    ("hours", "Outside calling hours"),
                ],
                default="",
                max_length=12,
            ),
        ),
    ]
