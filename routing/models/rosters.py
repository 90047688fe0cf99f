"""A unit's routing policy, and who is on its roster (R1–R3, R7)."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from crm.organization.models import Company, Unit, User
from leads.models import Pond
from routing.querysets import RosterQuerySet


class RoutingPolicy(models.Model):
    """How a unit hands out its new leads. `pauses` are times of the week in the unit's zone, as `weekly.read_weekly`."""

    company = models.ForeignKey(Company, models.PROTECT, related_name="+")
    unit = models.OneToOneField(Unit, models.PROTECT, primary_key=True, related_name="routing_policy")
    round_robin = models.BooleanField(
        default=True, help_text="Off: number one on the roster gets all, without a timer."
    )
    claim_window = models.DurationField(default=timedelta(minutes=60))
    passes = models.PositiveSmallIntegerField(default=2, help_text="Rounds through the roster before the fallback.")
    fallback = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    fallback_pond = models.ForeignKey(Pond, models.PROTECT, null=True, blank=True, related_name="+")
    cold_days = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="After so many without contact a lead goes on; empty: it stays."
    )
    cold_pond = models.ForeignKey(
        Pond, models.PROTECT, null=True, blank=True, related_name="+", help_text="Empty: round the roster."
    )
    pauses = models.JSONField(default=list, db_default=[], blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(claim_window__gt=timedelta(0), claim_window__lte=timedelta(days=1)), name="policy_window"
            ),
            models.CheckConstraint(condition=Q(passes__gte=1, passes__lte=10), name="policy_passes"),
            models.CheckConstraint(
                condition=Q(cold_days=None, cold_pond=None) | Q(cold_days__gte=1, cold_days__lte=730),
                name="policy_cold",
            ),
            models.CheckConstraint(condition=Q(fallback=None) | Q(fallback_pond=None), name="policy_one_fallback"),
        ]

    def __str__(self) -> str:
        return f"routing of {self.unit_id}"


class RosterMember(models.Model):
    """A person's place on a unit's roster. `credit` is her standing in the smooth weighted rotation.

    `hours` are times of the week in her own zone, as `weekly.read_weekly`; `states` where she is licensed. Empty: any.
    """

    company = models.ForeignKey(Company, models.PROTECT, related_name="+")
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="roster", db_index=False)
    user = models.ForeignKey(User, models.PROTECT, related_name="roster_places")
    position = models.PositiveSmallIntegerField()
    enrolled = models.BooleanField(default=False, help_text="Approved to receive leads.")
    paused = models.BooleanField(default=False)
    weight = models.PositiveSmallIntegerField(default=1)
    daily_cap = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Leads in a day of the unit; 0: none."
    )
    open_cap = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Offers open at once; 0: none.")
    hours = models.JSONField(default=list, db_default=[], blank=True)
    states = ArrayField(models.CharField(max_length=40), default=list, db_default=[], blank=True)
    credit = models.IntegerField(default=0)
    joined_at = models.DateTimeField(db_default=Now())

    objects = RosterQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["unit", "user"], name="roster_member_once"),
            models.CheckConstraint(condition=Q(weight__gte=1, weight__lte=10), name="roster_weight"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} on the roster of {self.unit_id}"
