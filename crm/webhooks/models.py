"""Webhooks, what triggers of the database wrote down for them, and their deliveries (I5).

None of these rows holds anything of a lead but its id: what is told is read as it is sent.
"""

from __future__ import annotations

from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from crm.organization.models import Company, User
from leads.models import Lead
from permissions.access import Keyring
from permissions.door import seen_by


class Event(models.TextChoices):
    """What there is to be told of. The first four are kinds of ledger entries; their names stand in the triggers, too."""

    CREATED = "lead.created", "A lead is created"
    ASSIGNED = "lead.assigned", "A lead is assigned"
    OWNER_CHANGED = "lead.owner_changed", "A lead has another owner"
    CLAIMED = "lead.claimed", "A lead is claimed"
    DISPOSITION = "lead.disposition", "A disposition is set"


TEST = "test"


class WebhookQuerySet(models.QuerySet["Webhook"]):
    def of(self, user: User) -> Self:
        """The door: her own; nobody else's, not through her eyes either (V7)."""
        return self.none() if user.seen_through else self.filter(company=user.company_id, user=user)

    def on(self) -> Self:
        return self.filter(off=Webhook.Off.NOT, user__is_active=True)


class Webhook(models.Model):
    """An address that is told of events in the name of one person, of what she may see.

    It stays off until `off` is empty again. `failures` in a row make it rest until `rests_until`, so that an address that
    does not answer costs little; `failing_since` is the first of them.
    """

    class Off(models.TextChoices):
        NOT = "", "On"
        SWITCHED = "switched", "Switched off"
        GONE = "gone", "Switched off: its address answered that it is gone"
        FAILING = "failing", "Switched off: nothing but failures for days"
        ADMIN = "admin", "Switched off by an admin of the company"

    company = models.ForeignKey(Company, models.PROTECT, related_name="+", db_index=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="webhooks")
    name = models.CharField(max_length=80)
    url = models.CharField("address", max_length=500)
    events = ArrayField(models.CharField(max_length=24))
    secret = models.CharField(max_length=80)
    old_secret = models.CharField(max_length=80, blank=True, default="")
    old_until = models.DateTimeField(null=True)
    off = models.CharField("state", max_length=8, choices=Off, blank=True, default=Off.NOT)
    failures = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(null=True)
    rests_until = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField("last delivered", null=True)
    created_at = models.DateTimeField(db_default=Now())

    objects = WebhookQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(events__len__gte=1, events__contained_by=Event.values), name="webhook_of"
            ),
            models.CheckConstraint(condition=Q(old_secret="") ^ Q(old_until__isnull=False), name="webhook_old_secret"),
        ]
        indexes = [models.Index(fields=["company"], condition=Q(off=""), name="webhook_on")]

    def __str__(self) -> str:
        return self.name


class WebhookEvent(models.Model):
    """Something that at least one webhook of the company wants to hear of, written by a trigger with its cause.

    `fact_id` is its ledger entry, or the call attempt with the disposition. The row goes as deliveries are made of it.
    """

    company = models.ForeignKey(Company, models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=24, choices=Event)
    fact_id = models.BigIntegerField()
    lead_id = models.BigIntegerField()
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.kind} {self.lead_id}"


class DeliveryQuerySet(models.QuerySet["WebhookDelivery"]):
    def shown_to(self, keyring: Keyring) -> Self:
        """Tests, and those about leads that she may see now: that there are others would tell of leads."""
        return self.filter(Q(lead=None) | seen_by(keyring, prefix="lead__"))


class WebhookDelivery(models.Model):
    """One event for one webhook. It leaves `waiting` once delivered or tried enough; `number` names it to the outside.

    `event_id` is the event it was made of: one event is one delivery, however often it is worked on.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        DELIVERED = "delivered", "Delivered"
        DEAD = "dead", "Given up"

    webhook = models.ForeignKey(Webhook, models.CASCADE, related_name="deliveries", db_index=False)
    number = models.UUIDField(db_default=RandomUUID(), unique=True)
    kind = models.CharField(max_length=24, choices=[*Event.choices, (TEST, "Test")])
    event_id = models.BigIntegerField(null=True)
    fact_id = models.BigIntegerField(null=True)
    lead = models.ForeignKey(Lead, models.CASCADE, null=True, related_name="+", db_index=False)
    at = models.DateTimeField()
    state = models.CharField(max_length=9, choices=State, default=State.WAITING, db_default=State.WAITING)
    tries = models.PositiveSmallIntegerField(default=0, db_default=0)
    next_at = models.DateTimeField(db_default=Now())
    tried_at = models.DateTimeField(null=True)
    status = models.PositiveSmallIntegerField(null=True, help_text="What the address answered last.")
    error = models.CharField(max_length=200, blank=True, default="", db_default="")

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["webhook", "event_id"], name="webhook_delivery_once"),
            models.UniqueConstraint(
                fields=["webhook"], condition=Q(kind=TEST, state="waiting"), name="webhook_one_test_at_a_time"
            ),
            models.CheckConstraint(
                condition=Q(kind=TEST, lead=None, fact_id=None) | (~Q(kind=TEST) & Q(lead__isnull=False)),
                name="webhook_delivery_of",
            ),
        ]
        indexes = [
            models.Index(F("webhook"), F("id").desc(), name="webhook_delivery_log"),
            models.Index(fields=["webhook", "next_at"], condition=Q(state="waiting"), name="webhook_delivery_due"),
            models.Index(fields=["state", "at"], name="webhook_delivery_old"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.number}"

    @property
    def message_id(self) -> str:
        """By which the receiver knows it again; the same at every try."""
        return f"msg_{self.number.hex}"
