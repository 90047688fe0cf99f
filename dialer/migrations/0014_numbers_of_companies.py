from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("dialer", "0013_taken_is_told"),
    ]

    operations = [
        migrations.AddConstraint(
            model_name="phonenumber",
            constraint=models.UniqueConstraint(
                condition=models.Q(("active", True)),
                fields=("company", "number"),
                name="phone_number_once_in_company",
                violation_error_message="This number is there already.",
            ),
        ),
        migrations.RemoveConstraint(
            model_name="phonenumber",
            name="phone_number_once",
        ),
    ]
