from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Beside those who call."""

    atomic = False
    dependencies = [("dialer", "0011_added_leads")]
    operations = [
        AddIndexConcurrently(
            model_name="campaignlead",
            index=models.Index(
                fields=["campaign"], condition=models.Q(added_at__isnull=False), name="campaign_lead_added"
            ),
        )
    ]
