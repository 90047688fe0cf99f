from django.db import migrations

# an item is written twice: first few bytes, then its images. With room for them on its page the indexes stay as they are
ROOM = "ALTER TABLE leads_batchitem SET (fillfactor = 15)"
# each batch is new to the statistics when it is worked on; told of none, the planner takes no batch for empty
NONE = "ALTER TABLE leads_batchitem ALTER COLUMN batch_id SET STATISTICS 0"


class Migration(migrations.Migration):
    dependencies = [("leads", "0015_tags")]
    operations = [
        migrations.RunSQL(ROOM, "ALTER TABLE leads_batchitem RESET (fillfactor)"),
        migrations.RunSQL(NONE, "ALTER TABLE leads_batchitem ALTER COLUMN batch_id SET STATISTICS -1"),
    ]
