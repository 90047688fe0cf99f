"""The permission record (D14): what was known when somebody was about to be called, and what became of it."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from crm.organization.models import Company, User
from dialer.models.campaigns import Campaign
from dialer.models.dispositions import Disposition
from leads.models import Lead


class Gate(models.TextChoices):
    """Why somebody cannot be called, the most lasting first."""

    NUMBER = "number", "No such number"
    OWNERSHIP = "ownership", "Not hers to call"
    DO_NOT_CALL = "do_not_call", "Do not call"
    LISTED = "listed", "On the do-not-call list"
    OPTED_OUT = "opted_out", "Opted out"
    CONSENT = "consent", "No consent"
    FINISHED = "finished", "The campaign is done with it"
    ATTEMPTS = "attempts", "Most attempts made"
    LATER = "later", "To be tried again later"
    HOURS = "hours", "Outside calling hours"


class CallAttempt(models.Model):
    """A call or text that somebody wanted to make, and what the gates said. The database refuses to rewrite that.

    `zones`: where the lead may be; `by_unit` where nothing says so, and it is the unit's zone that counts.
    """

    class Kind(models.TextChoices):
        CALL = "call", "Call"
        TEXT = "text", "Text"

    company = models.ForeignKey(Company, models.PROTECT, related_name="+", db_index=False)
    campaign = models.ForeignKey(Campaign, models.PROTECT, null=True, related_name="+", db_index=False)
    lead = models.ForeignKey(Lead, models.PROTECT, related_name="+", db_index=False)
    user = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    kind = models.CharField(max_length=4, choices=Kind, default=Kind.CALL)
    number = models.CharField(max_length=254)
    at = models.DateTimeField()
    refused_by = models.CharField(max_length=12, choices=Gate, blank=True, default="")
    local_times = ArrayField(models.CharField(max_length=40))
    zones = ArrayField(models.CharField(max_length=64))
    by_unit = models.BooleanField(default=False)
    state = models.CharField(max_length=2, blank=True, default="")
    hours_version = models.PositiveIntegerField()
    list_version = models.PositiveBigIntegerField()

    provider = models.CharField(max_length=12, blank=True, default="")
    provider_ref = models.CharField(max_length=80, blank=True, default="")
    activity_id = models.BigIntegerField(null=True, help_text="Its line on the timeline.")
    status = models.CharField(max_length=16, blank=True, default="")
    answered_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    disposition = models.ForeignKey(Disposition, models.PROTECT, null=True, related_name="+", db_index=False)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "provider_ref"], condition=~Q(provider_ref=""), name="call_attempt_ref"
            ),
        ]
        indexes = [
            models.Index(F("lead"), F("id").desc(), name="call_attempt_of_lead"),
            models.Index(F("company"), F("at").desc(), name="call_attempt_recent"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.lead_id}"

    @property
    def allowed(self) -> bool:
        return not self.refused_by
