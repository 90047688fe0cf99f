from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Beside the writers."""

    atomic = False
    dependencies = [("routing", "0010_rotations_of_company")]
    operations = [
        AddIndexConcurrently(
            model_name="decision",
            index=models.Index(
                condition=models.Q(("method", "round_robin")), fields=["company", "at"], name="decision_in_turn"
            ),
        ),
    ]
