import django.db.models.deletion
from django.conf import settings
from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint
from django.db import migrations, models
from django.db.models import Q
from django.db.models.functions import Now


def once(name: str, fields: list[str], condition: Q, where: str) -> migrations.SeparateDatabaseAndState:
    """A unique constraint that is built beside the writers."""
    build = f"CREATE UNIQUE INDEX CONCURRENTLY {name} ON notifications_delivery ({', '.join(fields)}) WHERE {where}"
    names = [field.removesuffix("_id") for field in fields]
    constraint = models.UniqueConstraint(fields=names, condition=condition, name=name)
    return migrations.SeparateDatabaseAndState(
        [migrations.RunSQL(build, f"DROP INDEX CONCURRENTLY {name}")],
        [migrations.AddConstraint("delivery", constraint)],
    )


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("notifications", "0002_requests_and_policy"), ("organization", "0008_claiming")]
    operations = [
        migrations.CreateModel(
            name="PushSubscription",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("session_key", models.CharField(blank=True, max_length=40)),
                ("endpoint", models.CharField(max_length=1000, unique=True)),
                ("p256dh", models.CharField(max_length=100)),
                ("auth", models.CharField(max_length=40)),
                ("device", models.CharField(help_text="Browser and system, in words.", max_length=60)),
                ("created_at", models.DateTimeField(db_default=Now())),
                ("last_success_at", models.DateTimeField(null=True)),
                ("failures", models.PositiveIntegerField(default=0, help_text="Since it was last reached.")),
                (
                    "company",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="organization.company",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="devices", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
        ),
        migrations.AlterField(
            model_name="delivery",
            name="channel",
            field=models.CharField(choices=[("email", "E-mail"), ("push", "Web push")], max_length=8),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="state",
            field=models.CharField(
                choices=[
                    ("waiting", "Waiting"),
                    ("sent", "Sent"),
                    ("ended", "Of no use any more"),
                    ("failed", "Failed"),
                ],
                default="waiting",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="delivery",
            name="subscription",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="notifications.pushsubscription",
            ),
        ),
        once("delivery_mailed_once", ["notification_id", "channel"], Q(subscription=None), "subscription_id IS NULL"),
        once(
            "delivery_pushed_once",
            ["subscription_id", "notification_id"],
            Q(subscription__isnull=False),
            "subscription_id IS NOT NULL",
        ),
        migrations.RemoveConstraint(model_name="delivery", name="delivery_once"),
        AddConstraintNotValid(
            model_name="delivery",
            constraint=models.CheckConstraint(
                condition=Q(channel="push") ^ Q(subscription=None), name="delivery_push_has_device"
            ),
        ),
        ValidateConstraint(model_name="delivery", name="delivery_push_has_device"),
    ]
