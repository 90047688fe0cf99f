"""Where leads come in (C1): to whom each channel's leads belong, whose routing they follow, and the key it asks for."""

from __future__ import annotations

from django.db import models
from django.db.models import Func, Q
from django.db.models.functions import Now

from crm.organization.models import Company, Unit, User
from routing.querysets import ChannelQuerySet


class Channel(models.Model):
    """One address at which leads arrive. `secret` is the last part of who may send; the one before it lasts a while."""

    class Kind(models.TextChoices):
        WEBSITE = "website", "Website"
        AGENT_SITE = "agent_site", "Agent’s own site"
        ZILLOW = "zillow", "Zillow"
        REALTOR = "realtor", "Realtor.com"
        FACEBOOK = "facebook", "Facebook Lead Ads"
        EVENTS = "events", "Real-estate events (JSON)"
        ADF = "adf", "ADF/XML"
        FORM = "form", "Other form"
        JSON = "json", "Other JSON"

    company = models.ForeignKey(Company, models.PROTECT, related_name="+")
    public_id = models.CharField(max_length=12, editable=False, unique=True, db_default=Func(function="lead_public_id"))
    kind = models.CharField(max_length=12, choices=Kind)
    name = models.CharField(max_length=80)
    owner_unit = models.ForeignKey(Unit, models.PROTECT, null=True, blank=True, related_name="+")
    owner_user = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    routing_unit = models.ForeignKey(
        Unit, models.PROTECT, null=True, blank=True, related_name="+", help_text="Whose routing its leads follow."
    )
    hidden = models.BooleanField(default=False, help_text="Its leads start hidden from managers.")
    secret = models.CharField(max_length=64)
    old_secret = models.CharField(max_length=64, blank=True, default="")
    old_until = models.DateTimeField(null=True)
    signing_secret = models.CharField(
        max_length=200,
        blank=True,
        default="",
        help_text="The vendor’s own, with which it signs: Facebook’s app secret.",
    )
    access_token = models.CharField(
        max_length=400, blank=True, default="", help_text="With which Facebook’s leads are read."
    )
    form_title = models.CharField(max_length=120, blank=True, default="", db_default="")
    form_consent = models.TextField(
        blank=True, default="", db_default="", help_text="What somebody agrees to who fills in its form."
    )
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    closed_at = models.DateTimeField(null=True)

    objects = ChannelQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(owner_unit__isnull=False, owner_user=None) | Q(owner_unit=None, owner_user__isnull=False),
                name="channel_one_owner",
            ),
            models.CheckConstraint(
                condition=Q(hidden=False) | Q(owner_user__isnull=False), name="channel_hidden_personal"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def owner(self) -> Unit | User:
        owner = self.owner_unit or self.owner_user
        assert owner is not None  # channel_one_owner
        return owner


class FieldMap(models.Model):
    """What the questions of one form mean (C4): question → column of the lead, custom field, or nothing."""

    company = models.ForeignKey(Company, models.PROTECT, related_name="+", db_index=False)
    channel = models.ForeignKey(Channel, models.CASCADE, related_name="field_maps")
    form_id = models.CharField(max_length=80, blank=True, default="")
    fields = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "form_id"], name="field_map_once")]

    def __str__(self) -> str:
        return f"{self.form_id} of {self.channel_id}"
