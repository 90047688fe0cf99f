"""What follows by itself (D13): when this happens to a lead, these things are done; and every time that it did."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower, Now

from crm.organization.models import Company, User
from dialer.models.campaigns import Campaign
from dialer.models.dispositions import Disposition
from dialer.models.filters import LeadFilter
from leads.models import Lead, Pond, Stage


class Automation(models.Model):
    """One trigger, conditions that narrow it, and at least one thing to do. “The agent” is whoever set it off."""

    class Trigger(models.TextChoices):
        DISPOSITION = "disposition", "A disposition is given"
        STAGE = "stage", "The stage changes"

    class Hand(models.TextChoices):
        OWNER = "owner", "Make the agent its owner"
        ASSIGN = "assign", "Assign it to the agent"
        CLEAR = "clear", "Clear its Agent slot"
        POND = "pond", "Move it to a pond"

    company = models.ForeignKey(Company, models.PROTECT, related_name="+", db_index=False)
    name = models.CharField(max_length=80)
    active = models.BooleanField(default=True)
    trigger = models.CharField("when", max_length=12, choices=Trigger)
    disposition = models.ForeignKey(Disposition, models.PROTECT, null=True, blank=True, related_name="+")
    stage = models.ForeignKey(Stage, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="to stage")
    campaign = models.ForeignKey(Campaign, models.PROTECT, null=True, blank=True, related_name="+")
    lead_filter = models.ForeignKey(LeadFilter, models.PROTECT, null=True, blank=True, related_name="+")
    hand = models.CharField("whose it is then", max_length=6, choices=Hand, blank=True, default="")
    pond = models.ForeignKey(Pond, models.PROTECT, null=True, blank=True, related_name="+")
    to_stage = models.ForeignKey(
        Stage, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="move it to stage"
    )
    add_tag = models.CharField("tag it", max_length=40, blank=True, default="")
    task_title = models.CharField("plan a task for the agent", max_length=200, blank=True, default="")
    task_in_days = models.PositiveSmallIntegerField("due in days", default=1)
    notify_holder = models.BooleanField("tell who holds it", default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint("company", Lower("name"), name="automation_name_unique"),
            models.CheckConstraint(
                condition=Q(trigger="disposition", disposition__isnull=False, stage=None)
                | Q(trigger="stage", stage__isnull=False, disposition=None, campaign=None),
                name="automation_trigger",
                violation_error_message="Choose the disposition that sets it off, in any campaign or in one; or the stage.",
            ),
            models.CheckConstraint(
                condition=Q(hand="pond", pond__isnull=False) | (~Q(hand="pond") & Q(pond=None)),
                name="automation_pond",
                violation_error_message="Choose the pond where it is moved to one, and only there.",
            ),
            models.CheckConstraint(
                condition=~Q(hand="", to_stage=None, add_tag="", task_title="", notify_holder=False),
                name="automation_does_something",
                violation_error_message="Say at least one thing to do.",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class AutomationRun(models.Model):
    """One time that it was set off: what it did, or why it left something."""

    company = models.ForeignKey(Company, models.PROTECT, related_name="+", db_index=False)
    automation = models.ForeignKey(Automation, models.CASCADE, related_name="runs", db_index=False)
    lead = models.ForeignKey(Lead, models.CASCADE, related_name="+", db_index=False)
    actor = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    did = models.CharField(max_length=300, blank=True, default="")
    left = models.CharField(max_length=300, blank=True, default="")
    at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(F("automation"), F("id").desc(), name="automation_runs")]

    def __str__(self) -> str:
        return self.did or self.left
