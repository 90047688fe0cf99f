"""An item's lead comes first in its index, so that a range of a batch's numbers has an index to itself."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("leads", "0017_hidden")]

    operations = [
        migrations.RemoveConstraint(model_name="batchitem", name="batch_item_once"),
        migrations.AddConstraint(
            model_name="batchitem",
            constraint=models.UniqueConstraint(fields=("lead", "batch"), name="batch_item_of_lead"),
        ),
    ]
