"""Rosters, rotations, offers, and the record of each routing decision (R1–R9)."""

from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from crm.organization.models import Company, Unit, User
from leads.models import Lead
from routing.querysets import OfferQuerySet, RosterQuerySet


class RoutingPolicy(models.Model):
    """How a unit hands out its new leads."""

    company = models.ForeignKey(Company, models.PROTECT, related_name="+")
    unit = models.OneToOneField(Unit, models.PROTECT, primary_key=True, related_name="routing_policy")
    round_robin = models.BooleanField(
        default=True, help_text="Off: number one on the roster gets all, without a timer."
    )
    claim_window = models.DurationField(default=timedelta(minutes=60))
    passes = models.PositiveSmallIntegerField(default=2, help_text="Rounds through the roster before the fallback.")
    fallback = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(claim_window__gt=timedelta(0), claim_window__lte=timedelta(days=1)), name="policy_window"
            ),
            models.CheckConstraint(condition=Q(passes__gte=1, passes__lte=10), name="policy_passes"),
        ]

    def __str__(self) -> str:
        return f"routing of {self.unit_id}"


class RosterMember(models.Model):
    """A person's place on a unit's roster. `credit` is her standing in the smooth weighted rotation."""

    company = models.ForeignKey(Company, models.PROTECT, related_name="+")
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="roster", db_index=False)
    user = models.ForeignKey(User, models.PROTECT, related_name="roster_places")
    position = models.PositiveSmallIntegerField()
    enrolled = models.BooleanField(default=False, help_text="Approved to receive leads.")
    paused = models.BooleanField(default=False)
    weight = models.PositiveSmallIntegerField(default=1)
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


class Rotation(models.Model):
    """A lead on its way through a roster, until someone has it for good."""

    class Outcome(models.TextChoices):
        CLAIMED = "claimed", "Claimed"
        FALLBACK = "fallback", "Went to the fallback"
        HANDED = "handed", "Handed to number one"
        TAKEN_OUT = "taken_out", "Taken out of the rotation"
        STRANDED = "stranded", "Nobody to give it to"

    company = models.ForeignKey(Company, models.PROTECT, related_name="+", db_index=False)
    lead = models.ForeignKey(Lead, models.CASCADE, related_name="rotations")
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+", db_index=False)
    pass_number = models.PositiveSmallIntegerField(default=1)
    started_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=12, choices=Outcome, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["lead"], condition=Q(ended_at=None), name="rotation_one_open"),
        ]

    def __str__(self) -> str:
        return f"rotation of {self.lead_id}"


class Offer(models.Model):
    """A lead put to one agent with a deadline. At most one is open per lead; it leaves `open` exactly once."""

    class State(models.TextChoices):
        OPEN = "open", "Open"
        CLAIMED = "claimed", "Claimed"
        EXPIRED = "expired", "Expired"
        DECLINED = "declined", "Declined"
        WITHDRAWN = "withdrawn", "Withdrawn"

    company = models.ForeignKey(Company, models.PROTECT, related_name="+", db_index=False)
    rotation = models.ForeignKey(Rotation, models.CASCADE, related_name="offers")
    lead = models.ForeignKey(Lead, models.CASCADE, related_name="offers")
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+", db_index=False)
    user = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    pass_number = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=9, choices=State, default=State.OPEN)
    offered_at = models.DateTimeField(db_default=Now())
    deadline = models.DateTimeField()
    seen_at = models.DateTimeField(null=True, help_text="When she first had it before her.")
    closed_at = models.DateTimeField(null=True)
    claimed_by = models.CharField(
        max_length=12, blank=True, default="", help_text="What claimed it: call, note, button …"
    )

    objects = OfferQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["lead"], condition=Q(state="open"), name="offer_one_open"),
            models.CheckConstraint(
                condition=Q(state="open", closed_at=None) | (~Q(state="open") & Q(closed_at__isnull=False)),
                name="offer_closed_once",
            ),
        ]
        indexes = [
            models.Index(fields=["deadline"], condition=Q(state="open"), name="offer_due"),
            models.Index(fields=["user", "deadline"], condition=Q(state="open"), name="offer_of_user"),
            models.Index(F("unit"), F("offered_at").desc(), name="offer_of_unit"),
        ]

    def __str__(self) -> str:
        return f"{self.lead_id} to {self.user_id}"


class Decision(models.Model):
    """Why a lead went where it went: who was chosen, and who was skipped for what (R4)."""

    company = models.ForeignKey(Company, models.PROTECT, related_name="+", db_index=False)
    lead = models.ForeignKey(Lead, models.CASCADE, related_name="routing_decisions")
    rotation = models.ForeignKey(Rotation, models.CASCADE, related_name="decisions", db_index=False)
    at = models.DateTimeField(db_default=Now())
    method = models.CharField(max_length=16)
    cause = models.CharField(max_length=16, help_text="new, expired, declined …")
    pass_number = models.PositiveSmallIntegerField()
    chosen = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    skipped = models.JSONField(default=list, help_text="[[user id, reason], …] in roster order.")

    def __str__(self) -> str:
        return f"{self.lead_id} → {self.chosen_id}"
