"""Which leads: filters by name (D3), and those that are an agent's skills."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Now

from crm.organization.models import Company, Unit, User
from dialer.querysets import OfUnitQuerySet


class LeadFilter(models.Model):
    """`sets` as `dialer.filtering` writes them; `version` counts the changes."""

    company = models.ForeignKey(Company, models.PROTECT, related_name="+", db_index=False)
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+", help_text="Its managers change the filter.")
    name = models.CharField(max_length=80)
    sets = models.JSONField()
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now())

    objects = OfUnitQuerySet["LeadFilter"].as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint("company", Lower("name"), name="lead_filter_name_unique"),
            models.CheckConstraint(condition=~Q(sets=[]), name="lead_filter_says_something"),
        ]

    def __str__(self) -> str:
        return self.name


class AgentSkill(models.Model):
    """The general leads that a person can take, in campaigns with agent skills."""

    company = models.ForeignKey(Company, models.PROTECT, related_name="+", db_index=False)
    user = models.OneToOneField(User, models.CASCADE, related_name="+")
    lead_filter = models.ForeignKey(LeadFilter, models.PROTECT, related_name="skilled")

    def __str__(self) -> str:
        return f"{self.user_id}: {self.lead_filter_id}"
