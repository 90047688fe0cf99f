from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Beside the leads' writers."""

    atomic = False
    dependencies = [("leads", "0014_batches")]
    operations = [
        AddIndexConcurrently(
            model_name="lead",
            index=GinIndex(fields=["tags"], condition=~models.Q(tags=[]), name="lead_tags", fastupdate=False),
        )
    ]
