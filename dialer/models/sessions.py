"""An agent at work in a campaign (D9), and what she skipped while there (D8)."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from crm.organization.models import Company, User
from dialer.models.campaigns import Campaign
from dialer.querysets import SessionQuerySet
from leads.models import Lead


class AgentSession(models.Model):
    """From logging in to a campaign to logging out of it, or to where her browser was no longer heard of.

    `lead` is the one she has before her: reserved for her in preview, and hers until she has said what came of the call.
    The database takes it out of a preview when it is no longer to be dialed (the trigger of hopper entries).
    """

    class State(models.TextChoices):
        READY = "ready", "Ready"
        PREVIEW = "preview", "Preview"
        ON_CALL = "on_call", "On a call"
        WRAP_UP = "wrap_up", "Wrap-up"
        PAUSED = "paused", "Paused"

    class Pause(models.TextChoices):
        BREAK = "break", "Break"
        LUNCH = "lunch", "Lunch"
        MEETING = "meeting", "Meeting"
        TRAINING = "training", "Training"
        PAPERWORK = "paperwork", "Paperwork"
        TECHNICAL = "technical", "Something does not work"

    company = models.ForeignKey(Company, models.PROTECT, related_name="+", db_index=False)
    user = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="sessions", db_index=False)
    state = models.CharField(max_length=8, choices=State, default=State.READY)
    state_at = models.DateTimeField(db_default=Now())
    pause_reason = models.CharField(max_length=10, choices=Pause, blank=True, default="")
    lead = models.ForeignKey(Lead, models.PROTECT, null=True, related_name="+", db_index=False)
    started_at = models.DateTimeField(db_default=Now())
    heartbeat_at = models.DateTimeField(db_default=Now())
    loaded = models.BooleanField(default=False, db_default=False, help_text="A load has brought what is hers by now.")
    ended_at = models.DateTimeField(null=True)

    objects = SessionQuerySet.as_manager()
    own_skill: Any  # what her lead filter says, or None; set by `whole`

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user"], condition=Q(ended_at=None), name="agent_session_one"),
            models.UniqueConstraint(fields=["lead"], condition=Q(lead__isnull=False), name="agent_session_lead"),
            models.CheckConstraint(
                condition=Q(state__in=["preview", "on_call", "wrap_up"], lead__isnull=False, ended_at=None)
                | Q(state__in=["ready", "paused"], lead=None),
                name="agent_session_has_lead",
            ),
            models.CheckConstraint(
                condition=(Q(state="paused") & ~Q(pause_reason="")) | (~Q(state="paused") & Q(pause_reason="")),
                name="agent_session_why_paused",
            ),
        ]
        indexes = [
            models.Index(fields=["campaign"], condition=Q(ended_at=None), name="agent_session_live"),
            models.Index(F("company"), F("started_at").desc(), name="agent_session_recent"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.campaign_id}"


class Skip(models.Model):
    """She passed over the lead while she was logged in; it comes back after the rest, or not before she logs in anew."""

    company = models.ForeignKey(Company, models.PROTECT, related_name="+", db_index=False)
    session = models.ForeignKey(AgentSession, models.CASCADE, related_name="skips", db_index=False)
    lead = models.ForeignKey(Lead, models.CASCADE, related_name="+")
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["session", "lead"], name="skip_once")]

    def __str__(self) -> str:
        return f"{self.lead_id} by {self.session_id}"
