import django.db.models.deletion
from django.db import migrations, models


def of_the_lead(model: str) -> migrations.AlterField:
    """The lead's own constraint, and its company's, are enough: a child takes the company from its lead."""
    company = models.ForeignKey(
        db_constraint=False,
        db_index=False,
        on_delete=django.db.models.deletion.PROTECT,
        related_name="+",
        to="organization.company",
    )
    return migrations.AlterField(model_name=model, name="company", field=company)


class Migration(migrations.Migration):
    """Each constraint goes in a transaction of its own, so that no table is locked while another is waited for."""

    atomic = False
    dependencies = [("leads", "0012_import_hidden"), ("organization", "0004_requests_and_policy")]
    operations = [of_the_lead(model) for model in ("contactpoint", "leadsearch", "assignment", "activity")]
