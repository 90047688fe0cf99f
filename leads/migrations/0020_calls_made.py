from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

AT_ONCE = 10_000
COUNT = """
UPDATE leads_lead AS lead
SET attempts = calls.number, last_called_at = calls.last, last_outcome = calls.outcome
FROM (
    SELECT lead_id, count(*) AS number, max(at) AS last, (array_agg(outcome ORDER BY at DESC, id DESC))[1] AS outcome
    FROM leads_activity
    WHERE kind = 'call' AND direction <> 'in' AND lead_id > %(after)s AND lead_id <= %(after)s + %(step)s
    GROUP BY lead_id
) AS calls
WHERE lead.id = calls.lead_id
"""


def count_calls(apps: Any, schema_editor: Any) -> None:
    """In stretches of ids, each committed by itself."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) FROM leads_lead")
        for after in range(0, cursor.fetchone()[0], AT_ONCE):
            cursor.execute(COUNT, {"after": after, "step": AT_ONCE})


class Migration(migrations.Migration):
    """Beside the leads' writers."""

    atomic = False
    dependencies = [("leads", "0019_calls")]
    operations = [
        migrations.RunPython(count_calls, migrations.RunPython.noop),
        AddIndexConcurrently(
            model_name="lead", index=models.Index(fields=["company", "attempts"], name="lead_attempts")
        ),
        AddIndexConcurrently(
            model_name="lead", index=models.Index(fields=["company", "last_outcome"], name="lead_last_outcome")
        ),
    ]
