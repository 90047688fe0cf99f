"""Conflicts about a person (C8): somebody's personal lead came in anew by a channel of somebody else."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from crm.organization.models import Company, DuplicateKey, User
from leads.models.lead import Lead
from leads.querysets import ConflictQuerySet


class Verdict(models.TextChoices):
    """What became of it; `known` and `arrived` say whose owner has both leads since."""

    OPEN = "open", "Open"
    BOTH = "both", "Both keep theirs"
    KNOWN = "known", "Whoever knew the person has both"
    ARRIVED = "arrived", "Whoever the person came to has both"
    CLOSED = "closed", "Closed by itself"


class Conflict(models.Model):
    """Of the lead there was (`known`) and the one that came in. It holds nothing personal of either. Decided once."""

    company = models.ForeignKey(Company, models.PROTECT, related_name="+", db_index=False)
    known = models.ForeignKey(Lead, models.CASCADE, related_name="+", db_index=False)
    arrived = models.ForeignKey(Lead, models.CASCADE, related_name="+")
    known_by = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False, help_text="Whose it was then.")
    came_by = models.CharField(max_length=80, help_text="The name of the channel then.")
    alike_by = ArrayField(models.CharField(max_length=12, choices=DuplicateKey))
    opened_at = models.DateTimeField(db_default=Now())
    verdict = models.CharField(max_length=8, choices=Verdict, default=Verdict.OPEN)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    decided_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=500, blank=True, default="")

    objects = ConflictQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["known", "arrived"], name="conflict_once"),
            models.CheckConstraint(
                condition=Q(verdict="open", decided_at=None) | (~Q(verdict="open") & Q(decided_at__isnull=False)),
                name="conflict_decided_once",
            ),
        ]
        indexes = [
            models.Index(F("company"), F("opened_at").desc(), name="conflict_recent"),
            models.Index(fields=["company"], condition=Q(verdict="open"), name="conflict_open"),
        ]

    def __str__(self) -> str:
        return f"{self.known_id} and {self.arrived_id}"
