"""Ponds: shared pools of leads that their members see and claim from (rule e, R8)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Now

from crm.organization.models import Company, Unit, User
from leads.querysets import PondQuerySet


class Pond(models.Model):
    """A pool of a unit. `daily_limit` is how many leads a member may take from it in a day (her own); none: no limit."""

    company = models.ForeignKey(Company, models.PROTECT, related_name="+")
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+", help_text="Its managers run the pond.")
    name = models.CharField(max_length=80)
    daily_limit = models.PositiveSmallIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = PondQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint("company", Lower("name"), condition=Q(closed_at=None), name="pond_name_unique"),
            models.CheckConstraint(condition=Q(daily_limit=None) | Q(daily_limit__gte=1), name="pond_daily_limit"),
            models.CheckConstraint(condition=Q(pk__lt=2**27), name="pond_id_fits_a_lock"),
        ]

    def __str__(self) -> str:
        return self.name


class PondMember(models.Model):
    """A person who belongs to a pond. One who may not claim only looks."""

    company = models.ForeignKey(Company, models.PROTECT, related_name="+", db_index=False)
    pond = models.ForeignKey(Pond, models.CASCADE, related_name="members", db_index=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="ponds")
    may_claim = models.BooleanField(default=True, db_default=True)
    joined_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["pond", "user"], name="pond_member_once")]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.pond_id}"


class PondClaim(models.Model):
    """Somebody took a lead out of a pond; counted against the daily limit."""

    company = models.ForeignKey(Company, models.PROTECT, related_name="+", db_index=False)
    pond = models.ForeignKey(Pond, models.CASCADE, related_name="claims", db_index=False)
    user = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    lead = models.ForeignKey("leads.Lead", models.CASCADE, related_name="+")
    at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["pond", "user", "at"], name="pond_claim_of_user")]

    def __str__(self) -> str:
        return f"{self.lead_id} by {self.user_id}"
