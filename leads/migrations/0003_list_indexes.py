import django.db.models.deletion
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models
from django.db.models import F, Func

# the constraint stays as it is but for its name, so that no lead is looked at
PUBLIC_ID = """
ALTER TABLE leads_lead RENAME CONSTRAINT leads_lead_public_id_key TO lead_public_id_unique;
DROP INDEX leads_lead_public_id_7e324f9e_like;
"""
PUBLIC_ID_UNDONE = """
ALTER TABLE leads_lead RENAME CONSTRAINT lead_public_id_unique TO leads_lead_public_id_key;
CREATE INDEX leads_lead_public_id_7e324f9e_like ON leads_lead (public_id varchar_pattern_ops);
"""
# ten thousand locks are remembered, and an analysis of a million leads takes seconds
STATISTICS = "ALTER TABLE leads_lead ALTER COLUMN locks SET STATISTICS 1000"


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("leads", "0002_imports")]

    operations = [
        migrations.RunSQL(STATISTICS, migrations.RunSQL.noop),
        migrations.RunSQL(
            PUBLIC_ID,
            PUBLIC_ID_UNDONE,
            state_operations=[
                migrations.AlterField(
                    model_name="lead",
                    name="public_id",
                    field=models.CharField(db_default=Func(function="lead_public_id"), editable=False, max_length=12),
                ),
                migrations.AddConstraint(
                    model_name="lead",
                    constraint=models.UniqueConstraint(fields=("public_id",), name="lead_public_id_unique"),
                ),
            ],
        ),
        AddIndexConcurrently(
            model_name="lead",
            index=models.Index(fields=["company", "stage", "source", "state"], name="lead_filters"),
        ),
        AddIndexConcurrently(
            model_name="lead",
            index=models.Index(fields=["company", "score"], name="lead_score"),
        ),
        RemoveIndexConcurrently(model_name="lead", name="lead_locks"),
        AddIndexConcurrently(
            model_name="lead",
            index=GinIndex(OpClass(F("locks"), "array_ops"), name="lead_locks", fastupdate=False),
        ),
        migrations.AlterField(
            model_name="contactpoint",
            name="lead",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="contact_points",
                to="leads.lead",
            ),
        ),
    ]
