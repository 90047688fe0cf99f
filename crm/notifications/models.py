"""What people were told, and the mails and pushes on their way. Rows are the promise; workers make them prompt (R10)."""

from __future__ import annotations

from hashlib import sha256

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from crm.organization.models import Company, User


class Notification(models.Model):
    """Something told to one person; `url` is where one tap leads."""

    company = models.ForeignKey(Company, models.PROTECT, related_name="+", db_index=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="notifications", db_index=False)
    kind = models.CharField(max_length=24)
    title = models.CharField(max_length=200)
    body = models.TextField(blank=True, default="")
    url = models.CharField(max_length=200, blank=True, default="")
    lead_id = models.BigIntegerField(null=True, help_text="The lead it speaks of; its name is read when shown.")
    created_at = models.DateTimeField(db_default=Now())
    seen_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(F("user"), F("id").desc(), name="notification_of_user"),
            models.Index(
                fields=["company", "created_at"],
                condition=Q(kind="offer", lead_id__isnull=False),
                name="notification_of_offer",
            ),
        ]

    def __str__(self) -> str:
        return self.title


class PushSubscription(models.Model):
    """A browser in which a person is told by web push, as long as she is signed in there by this session; none: asleep.

    `endpoint` is the browser's address at its push service, `p256dh` and `auth` are the keys by which it alone reads what
    is sent there. It belongs to one person: whoever takes it over gets a new row, and what waits for the other goes.
    """

    company = models.ForeignKey(Company, models.PROTECT, related_name="+", db_index=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="devices")
    session_key = models.CharField(max_length=40, blank=True)
    endpoint = models.CharField(max_length=1000, unique=True)
    p256dh = models.CharField(max_length=100)
    auth = models.CharField(max_length=40)
    device = models.CharField(max_length=60, help_text="Browser and system, in words.")
    created_at = models.DateTimeField(db_default=Now())
    last_success_at = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0, help_text="Since it was last reached.")

    def __str__(self) -> str:
        return self.device

    @property
    def fingerprint(self) -> str:
        """By which a browser finds its own row on the page."""
        return sha256(self.endpoint.encode()).hexdigest()


class Delivery(models.Model):
    """One notification by one channel, by push to one device. It leaves `waiting` once sent, of no use, or tried enough."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        SENT = "sent", "Sent"
        ENDED = "ended", "Of no use any more"
        FAILED = "failed", "Failed"

    class Channel(models.TextChoices):
        EMAIL = "email", "E-mail"
        PUSH = "push", "Web push"

    notification = models.ForeignKey(Notification, models.CASCADE, related_name="deliveries")
    channel = models.CharField(max_length=8, choices=Channel)
    subscription = models.ForeignKey(PushSubscription, models.CASCADE, null=True, related_name="+", db_index=False)
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    tries = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(db_default=Now())
    sent_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["notification", "channel"], condition=Q(subscription=None), name="delivery_mailed_once"
            ),
            models.UniqueConstraint(
                fields=["subscription", "notification"],
                condition=Q(subscription__isnull=False),
                name="delivery_pushed_once",
            ),
            models.CheckConstraint(condition=Q(channel="push") ^ Q(subscription=None), name="delivery_push_has_device"),
        ]
        indexes = [models.Index(fields=["due_at"], condition=Q(state="waiting"), name="delivery_due")]

    def __str__(self) -> str:
        return f"{self.channel} of {self.notification_id}"
