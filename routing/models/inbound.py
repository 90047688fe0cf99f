"""What came in, as it was sent, and each lead that was read in it (C4)."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from crm.organization.models import Company, User
from leads.models import Lead
from routing.models.channels import Channel
from routing.querysets import InboundRequestQuerySet


class InboundRequest(models.Model):
    """A request as it was sent, stored before anything is made of it. The same bytes again count up `times`."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        READ = "read", "Read"
        UNREADABLE = "unreadable", "Could not be read"
        DISCARDED = "discarded", "Discarded"

    company = models.ForeignKey(Company, models.PROTECT, related_name="+", db_index=False)
    channel = models.ForeignKey(Channel, models.PROTECT, related_name="requests", db_index=False)
    received_at = models.DateTimeField(db_default=Now())
    content_type = models.CharField(max_length=120, blank=True, default="")
    body = models.BinaryField()
    digest = models.BinaryField(max_length=32, help_text="SHA-256 of the body.")
    times = models.PositiveIntegerField(default=1, db_default=1)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING, db_default="waiting")
    error = models.TextField(blank=True, default="", db_default="")

    objects = InboundRequestQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "digest"], name="inbound_once")]
        indexes = [
            models.Index(fields=["id"], condition=Q(state="waiting"), name="inbound_waiting"),
            models.Index(F("channel"), F("received_at").desc(), name="inbound_of_channel"),
            models.Index(F("company"), F("received_at").desc(), condition=Q(state="unreadable"), name="inbound_unread"),
        ]

    def __str__(self) -> str:
        return f"request {self.pk} of {self.channel_id}"


class InboundLead(models.Model):
    """One lead of a request, known by the sender's id for it or by its content, so that it is made once."""

    class State(models.TextChoices):
        FETCHING = "fetching", "To be fetched"
        WAITING = "waiting", "Waiting"
        CREATED = "created", "New lead"
        INQUIRY = "inquiry", "Known person"
        IGNORED = "ignored", "Nothing to do"
        FAILED = "failed", "Failed"
        DISCARDED = "discarded", "Discarded"

    company = models.ForeignKey(Company, models.PROTECT, related_name="+", db_index=False)
    channel = models.ForeignKey(Channel, models.PROTECT, related_name="+", db_index=False)
    request = models.ForeignKey(InboundRequest, models.CASCADE, related_name="leads")
    number = models.PositiveSmallIntegerField(help_text="Its place in the request, from 0.")
    key = models.BinaryField(max_length=32, help_text="SHA-256 of the sender’s id or of the content.")
    form_id = models.CharField(max_length=80, blank=True, default="")
    pointer = models.CharField(max_length=80, blank=True, default="", help_text="The id under which it is fetched.")
    fetched = models.BinaryField(null=True, help_text="What was fetched, as it was sent.")
    state = models.CharField(max_length=10, choices=State)
    error = models.TextField(blank=True, default="")
    tries = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True)
    lead = models.ForeignKey(Lead, models.SET_NULL, null=True, related_name="arrivals")
    asked = models.JSONField(null=True, help_text="Of the property asked about: state, postal_code, city, price.")
    settled_at = models.DateTimeField(null=True)
    settled_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "key"], name="inbound_lead_once")]
        indexes = [
            models.Index(fields=["id"], condition=Q(state="waiting"), name="inbound_lead_waiting"),
            models.Index(fields=["next_try_at"], condition=Q(state="fetching"), name="inbound_lead_fetching"),
            models.Index(F("company"), F("id").desc(), condition=Q(state="failed"), name="inbound_lead_failed"),
        ]

    def __str__(self) -> str:
        return f"lead {self.number} of request {self.request_id}"
