from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("dialer", "0010_loaded_sessions")]

    operations = [
        migrations.AddField(
            model_name="campaign",
            name="has_added",
            field=models.BooleanField(
                db_default=False, default=False, help_text="Leads were added to it, whatever its scope and filter say."
            ),
        ),
        migrations.AddField(model_name="campaignlead", name="added_at", field=models.DateTimeField(null=True)),
    ]
