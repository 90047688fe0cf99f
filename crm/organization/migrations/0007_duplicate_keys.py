import django.contrib.postgres.fields
from django.db import migrations, models

KEYS = ["email", "phone_name", "phone"]


class Migration(migrations.Migration):
    dependencies = [
        ("organization", "0006_new_address"),
    ]

    operations = [
        migrations.AddField(
            model_name="company",
            name="duplicate_keys",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(
                    choices=[
                        ("email", "The same e-mail"),
                        ("phone_name", "The same phone and name"),
                        ("phone", "The same phone, whatever the name"),
                    ],
                    max_length=12,
                ),
                blank=True,
                db_default=["email", "phone_name"],
                size=None,
            ),
        ),
        migrations.AddConstraint(
            model_name="company",
            constraint=models.CheckConstraint(
                condition=models.Q(("duplicate_keys__contained_by", KEYS)),
                name="company_duplicate_keys",
            ),
        ),
    ]
