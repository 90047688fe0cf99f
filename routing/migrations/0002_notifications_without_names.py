"""Notifications told so far name their lead by its id, as new ones do: the name is read when they are shown."""

from django.db import migrations

FORGET_NAMES = """
UPDATE notifications_notification AS told
SET lead_id = lead.id, url = '',
    title = CASE told.kind WHEN 'offer' THEN 'Offered to you: {lead}' ELSE 'Assigned to you: {lead}' END
FROM leads_lead AS lead
WHERE told.kind IN ('offer', 'assigned') AND told.lead_id IS NULL AND told.url = '/people/' || lead.public_id || '/'
"""


class Migration(migrations.Migration):
    dependencies = [
        ("routing", "0001_initial"),
        ("leads", "0006_requests_and_policy"),
        ("notifications", "0002_requests_and_policy"),
    ]

    operations = [migrations.RunSQL(FORGET_NAMES, migrations.RunSQL.noop)]
