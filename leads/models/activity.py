"""The timeline (L3): what was done with a lead. Appended, never overwritten; ledger facts join it when it is read."""

from __future__ import annotations

from django.db import models
from django.db.models import F
from django.db.models.functions import Now

from crm.organization.models import User
from leads.models.lead import Lead, company_of_the_lead
from leads.querysets import ActivityQuerySet


class Activity(models.Model):
    """One act: who, when, what came of it."""

    class Kind(models.TextChoices):
        CALL = "call", "Call"
        TEXT = "text", "Text"
        EMAIL = "email", "E-mail"
        NOTE = "note", "Note"
        MEETING = "meeting", "Meeting"
        TASK = "task", "Task"
        STAGE = "stage", "Stage change"
        INQUIRY = "inquiry", "Inquiry"
        SYSTEM = "system", "System"

    class Direction(models.TextChoices):
        IN = "in", "Incoming"
        OUT = "out", "Outgoing"

    class Outcome(models.TextChoices):
        REACHED = "reached", "Reached"
        NO_ANSWER = "no_answer", "No answer"
        VOICEMAIL = "voicemail", "Left voicemail"
        BUSY = "busy", "Busy"
        WRONG_NUMBER = "wrong_number", "Wrong number"

    class Delivery(models.TextChoices):
        """Of an e-mail that is on its way, of a text or an e-mail that did not arrive."""

        SENDING = "sending", "Being sent"
        FAILED = "undelivered", "Not delivered"
        RESENT = "resent", "Not delivered, sent again"

    company = company_of_the_lead()
    lead = models.ForeignKey(Lead, models.CASCADE, related_name="activities", db_index=False)
    kind = models.CharField(max_length=8, choices=Kind)
    at = models.DateTimeField(db_default=Now())
    actor = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    direction = models.CharField(max_length=3, choices=Direction, blank=True, default="")
    outcome = models.CharField(max_length=16, choices=[*Outcome.choices, *Delivery.choices], blank=True, default="")
    body = models.TextField(blank=True, default="")
    automatic = models.BooleanField(default=False)
    bulk = models.BooleanField(default=False)

    objects = ActivityQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(F("lead"), F("at").desc(), F("id").desc(), name="activity_timeline")]

    def __str__(self) -> str:
        return f"{self.kind} on {self.lead_id}"
