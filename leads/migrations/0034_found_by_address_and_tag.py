from typing import Any

from django.db import migrations

STEP = 5_000  # leads, each step a transaction of its own
WRITE = """
UPDATE leads_leadsearch AS search
SET text = lower(concat_ws(' ', search.text, nullif(lead.street, ''), nullif(lead.city, ''), nullif(lead.state, ''),
    nullif(lead.postal_code, ''), nullif(array_to_string(lead.tags, ' '), '')))
FROM leads_lead AS lead
WHERE lead.id = search.lead_id AND lead.id > %s AND lead.id <= %s
    AND (lead.street, lead.city, lead.state, lead.postal_code, lead.tags) IS DISTINCT FROM ('', '', '', '', '{}')
"""


def write_texts(apps: Any, schema_editor: Any) -> None:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) FROM leads_lead")
        [(last,)] = cursor.fetchall()
        for start in range(0, last, STEP):
            cursor.execute(WRITE, [start, start + STEP])


class Migration(migrations.Migration):
    atomic = False
    dependencies = [
        ("leads", "0033_templates"),
    ]

    operations = [migrations.RunPython(write_texts, migrations.RunPython.noop, elidable=True)]
