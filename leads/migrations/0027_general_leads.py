"""The newest of a company's general leads, for the hoppers of campaigns."""

from __future__ import annotations

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Beside the leads' writers."""

    atomic = False
    dependencies = [("leads", "0026_tasks")]
    operations = [
        AddIndexConcurrently(
            model_name="lead",
            index=models.Index(
                models.F("company"),
                models.OrderBy(models.F("created_at"), descending=True),
                models.OrderBy(models.F("id"), descending=True),
                condition=models.Q(("holder_id", None), ("removed_at", None)),
                name="lead_general",
            ),
        ),
    ]
