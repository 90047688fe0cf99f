"""The hopper: the leads of a campaign that are ready to be called (D4–D8), and what it knows of those that were."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from crm.organization.models import Company, User
from dialer.models.campaigns import Campaign
from dialer.models.sessions import AgentSession
from leads.models import Lead
from leads.models.lead import company_of_the_lead


class HopperEntry(models.Model):
    """A lead that waits to be called, or is before somebody. Without `agent` it is general: for whoever has the skill.

    A trigger deletes it in the transaction that gives its lead another owner, holder or hiding, forbids calls to it, closes
    its stage or removes it (D5). Those of one load stand at one moment, and `place` mixes what came for several skills.
    A general lead that a program put in is given to nobody before a load has made it `ready` (D6).
    """

    class Source(models.TextChoices):
        LOAD = "load", "Loaded"
        API = "api", "Inserted"
        CALLBACK = "callback", "Callback"

    company = company_of_the_lead()
    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="hopper", db_index=False)
    lead = models.ForeignKey(Lead, models.CASCADE, related_name="+", db_index=False)
    agent = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    priority = models.SmallIntegerField(default=0, db_default=0, help_text="The higher first.")
    source = models.CharField(max_length=8, choices=Source, default=Source.LOAD)
    at = models.DateTimeField(db_default=Now())
    place = models.PositiveIntegerField(default=0, db_default=0)
    ready = models.BooleanField(default=True, db_default=True)
    reserved_by = models.ForeignKey(AgentSession, models.PROTECT, null=True, related_name="+", db_index=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["lead"], name="hopper_entry_of_lead"),
            models.UniqueConstraint(
                fields=["reserved_by"], condition=Q(reserved_by__isnull=False), name="hopper_entry_reserved"
            ),
        ]
        indexes = [
            models.Index(
                F("campaign"), F("agent"), F("priority").desc(), F("at"), F("place"), F("id"), name="hopper_entry_turn"
            )
        ]

    def __str__(self) -> str:
        return f"{self.lead_id} in {self.campaign_id}"


class CampaignLead(models.Model):
    """What a campaign knows of a lead: how often it was called, when it may be again, whether the campaign is done with it.

    One that was added belongs to it whatever its owner and the campaign's filter are (M4).
    """

    company = models.ForeignKey(Company, models.PROTECT, related_name="+", db_index=False)
    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="+", db_index=False)
    lead = models.ForeignKey(Lead, models.CASCADE, related_name="+", db_index=False)
    attempts = models.PositiveIntegerField(default=0)
    last_at = models.DateTimeField(null=True)
    next_at = models.DateTimeField(null=True)
    closed = models.BooleanField(default=False)
    added_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["lead", "campaign"], name="campaign_lead_once")]
        indexes = [
            models.Index(fields=["campaign"], condition=Q(added_at__isnull=False), name="campaign_lead_added"),
        ]

    def __str__(self) -> str:
        return f"{self.lead_id} in {self.campaign_id}"
