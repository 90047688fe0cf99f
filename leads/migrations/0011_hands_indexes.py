from django.contrib.postgres.operations import AddConstraintNotValid, AddIndexConcurrently, ValidateConstraint
from django.db import migrations, models


class Migration(migrations.Migration):
    """Beside the leads' writers: nothing here holds a table for long."""

    atomic = False
    dependencies = [("leads", "0010_hands")]
    operations = [
        AddIndexConcurrently(
            model_name="lead",
            index=models.Index(
                condition=models.Q(("merged_into__isnull", False)), fields=["merged_into"], name="lead_merged_into"
            ),
        ),
        AddConstraintNotValid(
            model_name="lead",
            constraint=models.CheckConstraint(
                condition=models.Q(("merged_into", None), ("removed_at__isnull", False), _connector="OR"),
                name="lead_merged_is_removed",
            ),
        ),
        ValidateConstraint(model_name="lead", name="lead_merged_is_removed"),
        AddIndexConcurrently(
            model_name="assignment",
            index=models.Index(condition=models.Q(("pond__isnull", False)), fields=["pond"], name="assignment_pond"),
        ),
        AddIndexConcurrently(
            model_name="assignment",
            index=models.Index(condition=models.Q(("until__isnull", False)), fields=["until"], name="assignment_until"),
        ),
        AddConstraintNotValid(
            model_name="assignment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("pond", None), ("user__isnull", False)),
                    models.Q(("pond__isnull", False), ("role", "agent"), ("user", None)),
                    _connector="OR",
                ),
                name="assignment_person_or_pond",
            ),
        ),
        ValidateConstraint(model_name="assignment", name="assignment_person_or_pond"),
    ]
