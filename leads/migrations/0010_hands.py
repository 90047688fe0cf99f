import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

SLOTS = """
CREATE OR REPLACE FUNCTION refresh_slots() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM leads_lead WHERE id IN (SELECT lead_id FROM changed) ORDER BY id FOR NO KEY UPDATE;
    UPDATE leads_lead AS lead SET slot_locks = slots.locks, agent_id = slots.agent
    FROM (
        SELECT touched.lead_id,
            coalesce(array_agg(DISTINCT coalesce(slot.user_id * 16 + 7, slot.pond_id * 16 + 8))
                FILTER (WHERE slot.id IS NOT NULL), '{}')::integer[] AS locks,
            max(slot.user_id) FILTER (WHERE slot.role = 'agent') AS agent
        FROM (SELECT DISTINCT lead_id FROM changed) AS touched
        LEFT JOIN leads_assignment AS slot ON slot.lead_id = touched.lead_id
        GROUP BY touched.lead_id
    ) AS slots
    WHERE lead.id = slots.lead_id
        AND (lead.slot_locks, lead.agent_id) IS DISTINCT FROM (slots.locks, slots.agent);
    RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0006_requests_and_policy"),
        ("organization", "0004_requests_and_policy"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Batch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("verb", models.CharField(max_length=24)),
                ("params", models.JSONField(default=dict)),
                ("scope", models.JSONField(default=dict)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("draft", "Preview"),
                            ("queued", "Waiting"),
                            ("running", "Running"),
                            ("done", "Done"),
                            ("cancelled", "Cancelled"),
                            ("failed", "Failed"),
                        ],
                        default="draft",
                        max_length=12,
                    ),
                ),
                ("total", models.PositiveIntegerField(default=0)),
                (
                    "done",
                    models.PositiveIntegerField(default=0, help_text="Items with an outcome, skipped ones among them."),
                ),
                ("changed", models.PositiveIntegerField(default=0)),
                ("cancel_asked", models.BooleanField(default=False)),
                ("problem", models.CharField(blank=True, default="", max_length=200)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("confirmed_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                ("held_until", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="BatchItem",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                (
                    "outcome",
                    models.CharField(
                        blank=True,
                        choices=[("", "Waiting"), ("changed", "Changed"), ("skipped", "Skipped")],
                        db_default="",
                        default="",
                        max_length=8,
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        blank=True, db_default="", default="", help_text="Why it is skipped.", max_length=24
                    ),
                ),
                ("before", models.JSONField(null=True)),
                ("after", models.JSONField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Pond",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=80)),
                ("daily_limit", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="PondClaim",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.CreateModel(
            name="PondMember",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("may_claim", models.BooleanField(db_default=True, default=True)),
                ("joined_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.CreateModel(
            name="SlotRole",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.SlugField(max_length=24)),
                ("name", models.CharField(max_length=40)),
            ],
        ),
        migrations.AddField(
            model_name="assignment",
            name="until",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="lead",
            name="merged_into",
            field=models.ForeignKey(
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="leads.lead",
            ),
        ),
        migrations.AddField(
            model_name="lead",
            name="removed_at",
            field=models.DateTimeField(editable=False, help_text="Deleted, or merged into another.", null=True),
        ),
        migrations.AlterField(
            model_name="assignment",
            name="role",
            field=models.CharField(
                choices=[("agent", "Agent"), ("assistant", "Assistant"), ("lender", "Lender"), ("covered", "Away")],
                default="agent",
                max_length=24,
            ),
        ),
        migrations.AlterField(
            model_name="assignment",
            name="user",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="assignments",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="batch",
            name="actor",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="batch",
            name="company",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="organization.company"
            ),
        ),
        migrations.AddField(
            model_name="batch",
            name="undoes",
            field=models.OneToOneField(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="undone_by", to="leads.batch"
            ),
        ),
        migrations.AddField(
            model_name="batchitem",
            name="batch",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="items", to="leads.batch"
            ),
        ),
        migrations.AddField(
            model_name="batchitem",
            name="company",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="organization.company",
            ),
        ),
        migrations.AddField(
            model_name="batchitem",
            name="lead",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="leads.lead",
            ),
        ),
        migrations.AddField(
            model_name="pond",
            name="company",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="organization.company"
            ),
        ),
        migrations.AddField(
            model_name="pond",
            name="unit",
            field=models.ForeignKey(
                help_text="Its managers run the pond.",
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="organization.unit",
            ),
        ),
        migrations.AddField(
            model_name="assignment",
            name="pond",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="assignments",
                to="leads.pond",
            ),
        ),
        migrations.AddField(
            model_name="pondclaim",
            name="company",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="organization.company"
            ),
        ),
        migrations.AddField(
            model_name="pondclaim",
            name="lead",
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="leads.lead"),
        ),
        migrations.AddField(
            model_name="pondclaim",
            name="pond",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="claims", to="leads.pond"
            ),
        ),
        migrations.AddField(
            model_name="pondclaim",
            name="user",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="pondmember",
            name="company",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="organization.company"
            ),
        ),
        migrations.AddField(
            model_name="pondmember",
            name="pond",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="members", to="leads.pond"
            ),
        ),
        migrations.AddField(
            model_name="pondmember",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="ponds", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="slotrole",
            name="company",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="organization.company"
            ),
        ),
        migrations.AddIndex(
            model_name="batch",
            index=models.Index(
                models.F("company"),
                models.F("actor"),
                models.OrderBy(models.F("id"), descending=True),
                name="batch_of_actor",
            ),
        ),
        migrations.AddIndex(
            model_name="batch",
            index=models.Index(
                condition=models.Q(("state__in", ["queued", "running"])), fields=["held_until"], name="batch_under_way"
            ),
        ),
        migrations.AddConstraint(
            model_name="batch",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("ended_at", None), ("state__in", ["draft", "queued", "running"])),
                    models.Q(("ended_at__isnull", False), ("state__in", ["done", "cancelled", "failed"])),
                    _connector="OR",
                ),
                name="batch_ended_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="batchitem",
            constraint=models.UniqueConstraint(fields=("batch", "number"), name="batch_item_number"),
        ),
        migrations.AddConstraint(
            model_name="batchitem",
            constraint=models.UniqueConstraint(fields=("batch", "lead"), name="batch_item_once"),
        ),
        migrations.AddConstraint(
            model_name="pond",
            constraint=models.UniqueConstraint(
                models.F("company"),
                django.db.models.functions.text.Lower("name"),
                condition=models.Q(("closed_at", None)),
                name="pond_name_unique",
            ),
        ),
        migrations.AddConstraint(
            model_name="pond",
            constraint=models.CheckConstraint(
                condition=models.Q(("daily_limit", None), ("daily_limit__gte", 1), _connector="OR"),
                name="pond_daily_limit",
            ),
        ),
        migrations.AddConstraint(
            model_name="pond",
            constraint=models.CheckConstraint(condition=models.Q(("pk__lt", 134217728)), name="pond_id_fits_a_lock"),
        ),
        migrations.AddIndex(
            model_name="pondclaim",
            index=models.Index(fields=["pond", "user", "at"], name="pond_claim_of_user"),
        ),
        migrations.AddConstraint(
            model_name="pondmember",
            constraint=models.UniqueConstraint(fields=("pond", "user"), name="pond_member_once"),
        ),
        migrations.AddConstraint(
            model_name="slotrole",
            constraint=models.UniqueConstraint(fields=("company", "code"), name="slot_role_code_unique"),
        ),
        migrations.AddConstraint(
            model_name="slotrole",
            constraint=models.UniqueConstraint(
                models.F("company"), django.db.models.functions.text.Lower("name"), name="slot_role_name_unique"
            ),
        ),
        migrations.RunSQL(SLOTS, migrations.RunSQL.noop),
    ]
