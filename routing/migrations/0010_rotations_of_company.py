from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Beside the writers."""

    atomic = False
    dependencies = [("routing", "0009_shadow_decisions")]
    operations = [
        AddIndexConcurrently(
            model_name="rotation",
            index=models.Index(fields=["company", "started_at"], name="rotation_of_company"),
        ),
    ]
