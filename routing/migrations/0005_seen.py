from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("routing", "0004_hosted_forms")]

    operations = [
        migrations.AddField(
            model_name="offer",
            name="seen_at",
            field=models.DateTimeField(help_text="When she first had it before her.", null=True),
        ),
    ]
