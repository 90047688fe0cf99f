from django.db import migrations

# a name that one lead in a thousand has must not look rarer than three hundred leads of one agent
STATISTICS = "ALTER TABLE leads_leadsearch ALTER COLUMN text SET STATISTICS 1000"


class Migration(migrations.Migration):
    dependencies = [("leads", "0003_list_indexes")]

    operations = [migrations.RunSQL(STATISTICS, "ALTER TABLE leads_leadsearch ALTER COLUMN text SET STATISTICS -1")]
