from django.db import migrations

# both images of a lead with one slot find room on the page of its item: with less, every third item moved
ROOM = "ALTER TABLE leads_batchitem SET (fillfactor = 12)"


class Migration(migrations.Migration):
    dependencies = [("leads", "0024_consent")]
    operations = [migrations.RunSQL(ROOM, "ALTER TABLE leads_batchitem SET (fillfactor = 15)")]
