from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("routing", "0014_mails_of_offers")]
    operations = [
        migrations.AddField(
            model_name="decision",
            name="aside",
            field=models.CharField(
                blank=True,
                choices=[("nobody", "nobody who could take it was within hers"), ("pause", "a pause lasted")],
                db_default="",
                default="",
                max_length=8,
            ),
        ),
    ]
