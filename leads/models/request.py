"""Ownership requests: asking whoever may decide to move a lead (P4)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from crm.organization.models import Company, User
from leads.models.lead import Lead
from leads.querysets import RequestQuerySet


class Kind(models.TextChoices):
    RELEASE = "release", "Release to the pool"
    TRANSFER = "transfer", "Transfer to me"
    GIVE_BACK = "give_back", "Give back"


class State(models.TextChoices):
    OPEN = "open", "Open"
    ACCEPTED = "accepted", "Accepted"
    REFUSED = "refused", "Refused"
    WITHDRAWN = "withdrawn", "Withdrawn"
    LAPSED = "lapsed", "Lapsed"


class OwnershipRequest(models.Model):
    """A person asks for a lead; somebody with `manage` on it answers. It leaves `open` exactly once."""

    company = models.ForeignKey(Company, models.PROTECT, related_name="+", db_index=False)
    lead = models.ForeignKey(Lead, models.CASCADE, related_name="ownership_requests")
    kind = models.CharField(max_length=12, choices=Kind)
    asked_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(db_default=Now())
    note = models.CharField(max_length=500, blank=True, default="")
    state = models.CharField(max_length=12, choices=State, default=State.OPEN)
    answered_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    answered_at = models.DateTimeField(null=True)
    answer = models.CharField(max_length=500, blank=True, default="")

    objects = RequestQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["lead", "asked_by"], condition=Q(state="open"), name="request_one_open"),
            models.CheckConstraint(
                condition=Q(state="open", answered_at=None) | (~Q(state="open") & Q(answered_at__isnull=False)),
                name="request_answered_once",
            ),
        ]
        indexes = [models.Index(fields=["company", "asked_at"], condition=Q(state="open"), name="request_open")]

    def __str__(self) -> str:
        return f"{self.kind} {self.lead_id} by {self.asked_by_id}"
