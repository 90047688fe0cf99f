import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

# D13: what is to be done is written in the transaction of its cause, however that was written. What an automation causes
# itself carries the chain of those that led to it.
DUE = """
CREATE FUNCTION automations_before() RETURNS bigint[] LANGUAGE sql STABLE AS $$
    SELECT coalesce(string_to_array(nullif(current_setting('fairlead.automations', true), ''), ',')::bigint[], '{}')
$$;
CREATE FUNCTION automation_of_stage() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO dialer_automationdue (company_id, automation_id, lead_id, actor_id, chain)
    SELECT added.company_id, automation.id, added.lead_id, added.actor_id, automations_before()
    FROM dialer_automation AS automation
    JOIN added ON added.company_id = automation.company_id AND added.kind = 'stage'
    JOIN leads_lead AS lead ON lead.id = added.lead_id AND lead.stage_id = automation.stage_id
    WHERE automation.active AND automation.trigger = 'stage' ORDER BY added.id, automation.id;
    RETURN NULL;
END $$;
CREATE TRIGGER automation_of_stage AFTER INSERT ON leads_activity
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION automation_of_stage();
CREATE FUNCTION automation_of_fact() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO dialer_automationdue (company_id, automation_id, lead_id, actor_id, chain)
    SELECT added.company_id, automation.id, added.lead_id, added.actor_id, automations_before()
    FROM dialer_automation AS automation
    JOIN added ON added.company_id = automation.company_id AND added.kind = automation.trigger
    WHERE automation.active AND automation.trigger IN ('claimed', 'created') AND added.lead_id IS NOT NULL
    ORDER BY added.id, automation.id;
    RETURN NULL;
END $$;
CREATE TRIGGER automation_of_fact AFTER INSERT ON permissions_ledgerentry
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION automation_of_fact();
CREATE FUNCTION automation_of_disposition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO dialer_automationdue (company_id, automation_id, lead_id, actor_id, chain)
    SELECT NEW.company_id, automation.id, NEW.lead_id, NEW.user_id, automations_before()
    FROM dialer_automation AS automation
    WHERE automation.company_id = NEW.company_id AND automation.active AND automation.disposition_id = NEW.disposition_id
        AND (NOT EXISTS (SELECT FROM dialer_automationcampaign WHERE automation_id = automation.id)
            OR EXISTS (SELECT FROM dialer_automationcampaign
                WHERE automation_id = automation.id AND campaign_id = NEW.campaign_id))
    ORDER BY automation.id;
    RETURN NULL;
END $$;
CREATE TRIGGER automation_of_disposition AFTER INSERT OR UPDATE OF disposition_id ON dialer_callattempt
    FOR EACH ROW WHEN (NEW.disposition_id IS NOT NULL) EXECUTE FUNCTION automation_of_disposition();
"""
NOT_DUE = """
DROP TRIGGER automation_of_disposition ON dialer_callattempt;
DROP FUNCTION automation_of_disposition();
DROP TRIGGER automation_of_fact ON permissions_ledgerentry;
DROP FUNCTION automation_of_fact();
DROP TRIGGER automation_of_stage ON leads_activity;
DROP FUNCTION automation_of_stage();
DROP FUNCTION automations_before();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("permissions", "0008_conflicts"),
        ("dialer", "0006_quicker_dialing"),
        ("leads", "0026_tasks"),
        ("organization", "0008_claiming"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Automation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=60)),
                ("active", models.BooleanField(default=True, verbose_name="running")),
                (
                    "trigger",
                    models.CharField(
                        choices=[
                            ("disposition", "A disposition is set"),
                            ("stage", "A stage is reached"),
                            ("claimed", "The lead is claimed"),
                            ("created", "The lead is created"),
                            ("cold", "Nothing has happened for days"),
                        ],
                        max_length=12,
                        verbose_name="when",
                    ),
                ),
                ("days", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("tag", models.CharField(blank=True, default="", max_length=40)),
                (
                    "new_owner",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("submitter", "Whoever did it becomes its owner"),
                            ("agent", "Its assigned Agent becomes its owner"),
                            ("assigned", "Whoever did it becomes its Agent"),
                        ],
                        default="",
                        max_length=9,
                    ),
                ),
                ("clear", models.BooleanField(default=False)),
                ("task", models.CharField(blank=True, default="", max_length=120)),
                ("task_days", models.PositiveSmallIntegerField(blank=True, null=True)),
                (
                    "told",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("agent", "The assigned Agent"),
                            ("owner", "The owner"),
                            ("managers", "The owner’s managers"),
                        ],
                        default="",
                        max_length=8,
                    ),
                ),
                ("message", models.CharField(blank=True, default="", max_length=200)),
                ("version", models.PositiveIntegerField(default=1)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "author",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
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
                    "disposition",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="dialer.disposition",
                    ),
                ),
                (
                    "lead_filter",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="automations",
                        to="dialer.leadfilter",
                    ),
                ),
                (
                    "new_stage",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="leads.stage",
                    ),
                ),
                (
                    "pond",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="leads.pond",
                    ),
                ),
                (
                    "stage",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="leads.stage",
                    ),
                ),
                (
                    "unit",
                    models.ForeignKey(
                        help_text="Its managers change it.",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="organization.unit",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="AutomationCampaign",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "automation",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="dialer.automation",
                    ),
                ),
                (
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="dialer.campaign"
                    ),
                ),
                (
                    "company",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="organization.company",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="automation",
            name="campaigns",
            field=models.ManyToManyField(
                blank=True, related_name="automations", through="dialer.AutomationCampaign", to="dialer.campaign"
            ),
        ),
        migrations.CreateModel(
            name="AutomationDue",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "chain",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), default=list, size=None
                    ),
                ),
                ("tries", models.PositiveSmallIntegerField(db_default=0, default=0)),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "actor",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "automation",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="dialer.automation",
                    ),
                ),
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
                    "lead",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="leads.lead"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="AutomationRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("done", "Done"),
                            ("not_asked", "Not asked for"),
                            ("refused", "Refused"),
                            ("cut", "Cut, a loop"),
                            ("failed", "Failed"),
                        ],
                        max_length=9,
                    ),
                ),
                (
                    "said",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=250), default=list, size=None
                    ),
                ),
                (
                    "actor",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "automation",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="runs",
                        to="dialer.automation",
                    ),
                ),
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
                    "lead",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="leads.lead"
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="automationcampaign",
            constraint=models.UniqueConstraint(fields=("automation", "campaign"), name="automation_campaign_once"),
        ),
        migrations.AddConstraint(
            model_name="automation",
            constraint=models.UniqueConstraint(
                models.F("company"), django.db.models.functions.text.Lower("name"), name="automation_name_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="automation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("days", None), ("disposition__isnull", False), ("stage", None), ("trigger", "disposition")
                    ),
                    models.Q(("days", None), ("disposition", None), ("stage__isnull", False), ("trigger", "stage")),
                    models.Q(("days__gte", 1), ("disposition", None), ("stage", None), ("trigger", "cold")),
                    models.Q(
                        ("days", None), ("disposition", None), ("stage", None), ("trigger__in", ["claimed", "created"])
                    ),
                    _connector="OR",
                ),
                name="automation_trigger",
            ),
        ),
        migrations.AddConstraint(
            model_name="automation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("clear", False), ("new_owner", "")),
                    models.Q(("new_owner", ""), ("pond", None)),
                    models.Q(("clear", False), ("pond", None), models.Q(("new_owner", ""), _negated=True)),
                    _connector="OR",
                ),
                name="automation_one_way",
            ),
        ),
        migrations.AddConstraint(
            model_name="automation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("message", ""), ("told", "")),
                    models.Q(models.Q(("told", ""), _negated=True), models.Q(("message", ""), _negated=True)),
                    _connector="OR",
                ),
                name="automation_message",
            ),
        ),
        migrations.AddIndex(
            model_name="automationdue",
            index=models.Index(fields=["tries", "id"], name="automation_due_turn"),
        ),
        migrations.AddIndex(
            model_name="automationrun",
            index=models.Index(
                models.F("automation"), models.OrderBy(models.F("id"), descending=True), name="automation_run_newest"
            ),
        ),
        migrations.AddIndex(
            model_name="automationrun",
            index=models.Index(
                models.F("lead"),
                models.F("automation"),
                models.OrderBy(models.F("at"), descending=True),
                name="automation_run_of_lead",
            ),
        ),
        migrations.AddConstraint(
            model_name="automation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("task", ""), ("task_days", None)),
                    models.Q(models.Q(("task", ""), _negated=True), ("task_days__isnull", False)),
                    _connector="OR",
                ),
                name="automation_task",
            ),
        ),
        migrations.RunSQL(DUE, NOT_DUE),
    ]
