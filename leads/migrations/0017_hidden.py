from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import F


class Migration(migrations.Migration):
    """Beside the leads' writers."""

    atomic = False
    dependencies = [("leads", "0016_roomy_items")]
    operations = [
        AddIndexConcurrently(
            model_name="lead",
            index=models.Index(
                F("company"), F("last_activity_at").desc(), condition=models.Q(hidden=True), name="lead_hidden"
            ),
        )
    ]
