"""Automations (D13): what happens by itself once something has happened to a lead; what is still to be done, and was."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower, Now

from crm.organization.models import Company, Unit, User
from dialer.models.campaigns import Campaign
from dialer.models.dispositions import Disposition
from dialer.models.filters import LeadFilter
from dialer.querysets import OfUnitQuerySet
from leads.models import Lead, Pond, Stage


class Automation(models.Model):
    """When `trigger` happens to a lead of `campaigns` (none: to any) that `lead_filter` matches, do what is set.

    It may what `author`, who saved it last, may with the lead at that moment. Triggers of the database write down what is
    to be done in the transaction of its cause.
    """

    class Trigger(models.TextChoices):
        DISPOSITION = "disposition", "A disposition is set"
        STAGE = "stage", "A stage is reached"
        CLAIMED = "claimed", "The lead is claimed"
        CREATED = "created", "The lead is created"
        COLD = "cold", "Nothing has happened for days"

    class Owner(models.TextChoices):
        SUBMITTER = "submitter", "Whoever did it becomes its owner"
        AGENT = "agent", "Its assigned Agent becomes its owner"
        ASSIGNED = "assigned", "Whoever did it becomes its Agent"

    class Told(models.TextChoices):
        AGENT = "agent", "The assigned Agent"
        OWNER = "owner", "The owner"
        MANAGERS = "managers", "The owner’s managers"

    company = models.ForeignKey(Company, models.PROTECT, related_name="+", db_index=False)
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+", help_text="Its managers change it.")
    name = models.CharField(max_length=60)
    active = models.BooleanField("running", default=True)
    author = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)

    trigger = models.CharField("when", max_length=12, choices=Trigger)
    disposition = models.ForeignKey(
        Disposition, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    stage = models.ForeignKey(Stage, models.PROTECT, null=True, blank=True, related_name="+", db_index=False)
    days = models.PositiveSmallIntegerField(null=True, blank=True)
    campaigns: models.ManyToManyField[Campaign, AutomationCampaign] = models.ManyToManyField(
        Campaign, through="AutomationCampaign", related_name="automations", blank=True
    )
    lead_filter = models.ForeignKey(LeadFilter, models.PROTECT, null=True, blank=True, related_name="automations")

    new_stage = models.ForeignKey(Stage, models.PROTECT, null=True, blank=True, related_name="+", db_index=False)
    tag = models.CharField(max_length=40, blank=True, default="")
    new_owner = models.CharField(max_length=9, choices=Owner, blank=True, default="")
    clear = models.BooleanField(default=False)
    pond = models.ForeignKey(Pond, models.PROTECT, null=True, blank=True, related_name="+", db_index=False)
    task = models.CharField(max_length=120, blank=True, default="")
    task_days = models.PositiveSmallIntegerField(null=True, blank=True)
    told = models.CharField(max_length=8, choices=Told, blank=True, default="")
    message = models.CharField(max_length=200, blank=True, default="")

    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now())

    objects = OfUnitQuerySet["Automation"].as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint("company", Lower("name"), name="automation_name_unique"),
            models.CheckConstraint(
                condition=Q(trigger="disposition", disposition__isnull=False, stage=None, days=None)
                | Q(trigger="stage", disposition=None, stage__isnull=False, days=None)
                | Q(trigger="cold", disposition=None, stage=None, days__gte=1)
                | Q(trigger__in=["claimed", "created"], disposition=None, stage=None, days=None),
                name="automation_trigger",
            ),
            models.CheckConstraint(
                condition=Q(new_owner="", clear=False)
                | Q(new_owner="", pond=None)
                | (Q(clear=False, pond=None) & ~Q(new_owner="")),
                name="automation_one_way",
            ),
            models.CheckConstraint(
                condition=Q(task="", task_days=None) | (~Q(task="") & Q(task_days__isnull=False)),
                name="automation_task",
            ),
            models.CheckConstraint(
                condition=Q(told="", message="") | (~Q(told="") & ~Q(message="")), name="automation_message"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class AutomationCampaign(models.Model):
    """A campaign whose leads an automation is about."""

    company = models.ForeignKey(Company, models.PROTECT, related_name="+", db_index=False)
    automation = models.ForeignKey(Automation, models.CASCADE, related_name="+", db_index=False)
    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["automation", "campaign"], name="automation_campaign_once")]

    def __str__(self) -> str:
        return f"{self.automation_id} in {self.campaign_id}"


class AutomationDue(models.Model):
    """What an automation has still to do. `chain`: the automations that led to it, itself not among them."""

    company = models.ForeignKey(Company, models.PROTECT, related_name="+", db_index=False)
    automation = models.ForeignKey(Automation, models.CASCADE, related_name="+", db_index=False)
    lead = models.ForeignKey(Lead, models.CASCADE, related_name="+", db_index=False)
    actor = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    chain = ArrayField(models.BigIntegerField(), default=list)
    tries = models.PositiveSmallIntegerField(default=0, db_default=0)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["tries", "id"], name="automation_due_turn")]

    def __str__(self) -> str:
        return f"{self.automation_id} for {self.lead_id}"


class AutomationRun(models.Model):
    """What an automation did to a lead, or why it did nothing. Appended, never changed."""

    class Outcome(models.TextChoices):
        DONE = "done", "Done"
        NOT_ASKED = "not_asked", "Not asked for"
        REFUSED = "refused", "Refused"
        CUT = "cut", "Cut, a loop"
        FAILED = "failed", "Failed"

    company = models.ForeignKey(Company, models.PROTECT, related_name="+", db_index=False)
    automation = models.ForeignKey(Automation, models.PROTECT, related_name="runs", db_index=False)
    lead = models.ForeignKey(Lead, models.CASCADE, related_name="+", db_index=False)
    actor = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    at = models.DateTimeField(db_default=Now())
    outcome = models.CharField(max_length=9, choices=Outcome)
    said = ArrayField(models.CharField(max_length=250), default=list)

    class Meta:
        indexes = [
            models.Index(F("automation"), F("id").desc(), name="automation_run_newest"),
            models.Index(F("lead"), F("automation"), F("at").desc(), name="automation_run_of_lead"),
        ]

    def __str__(self) -> str:
        return f"{self.automation_id} on {self.lead_id}: {self.outcome}"
