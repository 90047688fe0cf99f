from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("dialer", "0014_numbers_of_companies"),
    ]

    operations = [
        migrations.AddConstraint(
            model_name="inboundcall",
            constraint=models.UniqueConstraint(fields=("company", "provider_ref"), name="inbound_call_once_in_company"),
        ),
        migrations.AlterField(
            model_name="inboundcall",
            name="provider_ref",
            field=models.CharField(max_length=80),
        ),
    ]
