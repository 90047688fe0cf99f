"""The newest of the leads somebody holds, for her hopper."""

from __future__ import annotations

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Beside the leads' writers."""

    atomic = False
    dependencies = [("leads", "0038_import_reading")]
    operations = [
        AddIndexConcurrently(
            model_name="lead",
            index=models.Index(
                models.F("holder_id"),
                models.OrderBy(models.F("created_at"), descending=True),
                models.OrderBy(models.F("id"), descending=True),
                condition=models.Q(("removed_at", None)),
                name="lead_held",
            ),
        ),
    ]
