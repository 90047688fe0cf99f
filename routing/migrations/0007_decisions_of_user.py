from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Beside the writers."""

    atomic = False
    dependencies = [("routing", "0006_rules")]
    operations = [
        AddIndexConcurrently(
            model_name="decision",
            index=models.Index(
                fields=["chosen", "at"], condition=models.Q(chosen__isnull=False), name="decision_of_user"
            ),
        ),
    ]
