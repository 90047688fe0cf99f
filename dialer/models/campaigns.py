"""Campaigns (D1): whose leads are dialed, how, by whom."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower, Now

from crm.organization.models import Company, Unit, User
from dialer.models.dispositions import Disposition
from dialer.models.filters import LeadFilter
from dialer.querysets import CampaignQuerySet


class Campaign(models.Model):
    """Calls to leads of a unit. What may stand beside what is `dialer.campaigns`, and the database's to keep (D2)."""

    class Kind(models.TextChoices):
        NORMAL = "normal", "Normal"
        CALLBACKS = "callbacks", "Callbacks only"

    class Method(models.TextChoices):
        PREVIEW = "preview", "Preview"
        PREVIEW_INBOUND = "preview_inbound", "Preview and inbound"
        PROGRESSIVE = "progressive", "Progressive"
        INBOUND = "inbound", "Inbound"

    class Scope(models.TextChoices):
        UNIT = "unit", "Leads the unit owns"
        BELOW = "below", "Leads it and the units below it own"
        PERSONAL = "personal", "Those, and their members’ personal leads"

    class Order(models.TextChoices):
        NEWEST = "newest", "Newest first"
        OLDEST = "oldest", "Oldest first"
        ATTEMPTS = "attempts", "Fewest attempts first"
        NOT_CALLED = "not_called", "Longest not called first"
        SCORE = "score", "Highest score first"

    class Priority(models.TextChoices):
        FIFO = "fifo", "The first skipped comes back first"
        LIFO = "lifo", "The last skipped comes back first"

    company = models.ForeignKey(Company, models.PROTECT, related_name="+", db_index=False)
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+")
    name = models.CharField(max_length=80)
    active = models.BooleanField(default=True)
    has_added = models.BooleanField(
        default=False, db_default=False, help_text="Leads were added to it, whatever its scope and filter say."
    )

    scope = models.CharField(max_length=8, choices=Scope, default=Scope.BELOW)
    lead_filter = models.ForeignKey(LeadFilter, models.PROTECT, null=True, blank=True, related_name="campaigns")
    kind = models.CharField("type", max_length=9, choices=Kind, default=Kind.NORMAL)
    dial_method = models.CharField(max_length=15, choices=Method, default=Method.PREVIEW)
    enforce_lead_ownership = models.BooleanField(default=True)
    agent_skills = models.BooleanField(default=False)
    default_skill = models.ForeignKey(LeadFilter, models.PROTECT, null=True, blank=True, related_name="default_of")
    hopper_level = models.PositiveSmallIntegerField(default=50, help_text="Per agent where ownership is enforced.")
    order = models.CharField(max_length=10, choices=Order, default=Order.NEWEST)
    preview_seconds = models.PositiveSmallIntegerField(default=0, help_text="0: no limit.")
    may_skip = models.BooleanField(default=True)
    reinsert_skipped = models.BooleanField(default=True)
    secondary_priority = models.CharField(max_length=4, choices=Priority, default=Priority.FIFO)
    attempt_limit = models.PositiveSmallIntegerField(null=True, blank=True)
    opens = models.TimeField(null=True, blank=True, help_text="In the lead's own time zone.")
    closes = models.TimeField(null=True, blank=True)
    open_to_members = models.BooleanField(default=True)
    script = models.TextField(blank=True, default="")

    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now())

    objects = CampaignQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint("company", Lower("name"), name="campaign_name_unique"),
            models.CheckConstraint(
                condition=Q(enforce_lead_ownership=False)
                | Q(kind="normal", dial_method__in=["preview", "preview_inbound"], secondary_priority="fifo"),
                name="campaign_ownership",
            ),
            models.CheckConstraint(
                condition=Q(agent_skills=False) | Q(enforce_lead_ownership=True), name="campaign_skills"
            ),
            models.CheckConstraint(
                condition=Q(default_skill=None) | Q(agent_skills=True), name="campaign_default_skill"
            ),
            models.CheckConstraint(
                condition=Q(hopper_level__gte=1, hopper_level__lte=1000), name="campaign_hopper_level"
            ),
            models.CheckConstraint(condition=Q(attempt_limit=None) | Q(attempt_limit__gte=1), name="campaign_attempts"),
            models.CheckConstraint(
                condition=Q(opens=None, closes=None)
                | Q(opens__isnull=False, closes__isnull=False, closes__gt=F("opens")),
                name="campaign_hours",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class CampaignAgent(models.Model):
    """A person who may join a campaign that is not open to all members of its unit."""

    company = models.ForeignKey(Company, models.PROTECT, related_name="+", db_index=False)
    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="agents", db_index=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["campaign", "user"], name="campaign_agent_once")]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.campaign_id}"


class CampaignDisposition(models.Model):
    """A disposition that can be given in a campaign. `recycle_after` is in minutes; none: as the disposition says."""

    company = models.ForeignKey(Company, models.PROTECT, related_name="+", db_index=False)
    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="dispositions", db_index=False)
    disposition = models.ForeignKey(Disposition, models.PROTECT, related_name="campaigns")
    recycle_after = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "disposition"], name="campaign_disposition_once"),
            models.CheckConstraint(
                condition=Q(recycle_after=None) | Q(recycle_after__gte=1, recycle_after__lte=525_600),
                name="campaign_disposition_recycle",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.disposition_id} in {self.campaign_id}"
