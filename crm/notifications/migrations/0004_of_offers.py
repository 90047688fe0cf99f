from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Beside the writers."""

    atomic = False
    dependencies = [("notifications", "0003_web_push")]
    operations = [
        AddIndexConcurrently(
            model_name="notification",
            index=models.Index(
                condition=models.Q(("kind", "offer"), ("lead_id__isnull", False)),
                fields=["company", "created_at"],
                name="notification_of_offer",
            ),
        ),
    ]
