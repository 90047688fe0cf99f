"""Rotations, offers, and the record of each routing decision (R4–R9)."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from crm.organization.models import Company, Unit, User
from leads.models import Lead, Pond
from routing.models.rules import Rule
from routing.querysets import OfferQuerySet


class Rotation(models.Model):
    """A lead on its way through a roster, until someone has it for good."""

    class Outcome(models.TextChoices):
        CLAIMED = "claimed", "Claimed"
        FALLBACK = "fallback", "Went to the fallback"
        HANDED = "handed", "Handed over without a timer"
        POOLED = "pooled", "Moved to a pond"
        TAKEN_OUT = "taken_out", "Taken out of the rotation"
        STRANDED = "stranded", "Nobody to give it to"

    company = models.ForeignKey(Company, models.PROTECT, related_name="+", db_index=False)
    lead = models.ForeignKey(Lead, models.CASCADE, related_name="rotations")
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+", db_index=False)
    rule = models.ForeignKey(Rule, models.PROTECT, null=True, related_name="+", db_index=False)
    pass_number = models.PositiveSmallIntegerField(default=1)
    started_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=12, choices=Outcome, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["lead"], condition=Q(ended_at=None), name="rotation_one_open"),
        ]
        indexes = [models.Index(fields=["company", "started_at"], name="rotation_of_company")]

    def __str__(self) -> str:
        return f"rotation of {self.lead_id}"


class Offer(models.Model):
    """A lead put to an agent with a deadline. At most one is open per lead; it leaves `open` exactly once.

    One to several (first to claim) has its `recipients`, and no `user` before one of them has claimed it. `runs` are the
    stretches of time in which its clock runs, the last one to the deadline (R7). The moments of speed to lead (R11) are
    kept here as they come, by triggers but for the first two; the SQL function `refresh_offers` finds them anew.
    """

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
    user = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    pass_number = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=9, choices=State, default=State.OPEN)
    offered_at = models.DateTimeField(db_default=Now())
    deadline = models.DateTimeField()
    is_first = models.BooleanField(default=False, db_default=False, help_text="Of its lead: nobody had it before.")
    received_at = models.DateTimeField(null=True, help_text="When its lead came; empty on a later way.")
    notified_at = models.DateTimeField(null=True, help_text="When the mail about it was sent.")
    seen_at = models.DateTimeField(null=True, help_text="When she first had it before her.")
    contacted_at = models.DateTimeField(
        null=True, help_text="When she was first in touch with the lead since, by hand."
    )
    runs = models.JSONField(default=list, db_default=[], help_text="[[from, to], …]")
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


class OfferRecipient(models.Model):
    """One of several to whom a lead is offered at once, until she passes or the offer ends."""

    company = models.ForeignKey(Company, models.PROTECT, related_name="+", db_index=False)
    offer = models.ForeignKey(Offer, models.CASCADE, related_name="recipients", db_index=False)
    user = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    ended_at = models.DateTimeField(null=True)
    passed = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["offer", "user"], name="offer_recipient_once")]
        indexes = [models.Index(fields=["user"], condition=Q(ended_at=None), name="offer_recipient_open")]

    def __str__(self) -> str:
        return f"{self.offer_id} to {self.user_id}"


class Decision(models.Model):
    """Why a lead went where it went: who was chosen, and who was skipped for what (R4)."""

    class Aside(models.TextChoices):
        """Why the working hours of who was chosen did not count (R7)."""

        NOBODY = "nobody", "nobody who could take it was within hers"
        PAUSE = "pause", "a pause lasted"

    company = models.ForeignKey(Company, models.PROTECT, related_name="+", db_index=False)
    lead = models.ForeignKey(Lead, models.CASCADE, related_name="routing_decisions")
    rotation = models.ForeignKey(Rotation, models.CASCADE, related_name="decisions", db_index=False)
    at = models.DateTimeField(db_default=Now())
    method = models.CharField(max_length=16)
    cause = models.CharField(max_length=16, help_text="new, expired, declined …")
    pass_number = models.PositiveSmallIntegerField()
    chosen = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    pond = models.ForeignKey(Pond, models.PROTECT, null=True, related_name="+", db_index=False)
    rule = models.ForeignKey(Rule, models.PROTECT, null=True, related_name="+", db_index=False)
    skipped = models.JSONField(default=list, help_text="[[user id, reason], …] in roster order.")
    aside = models.CharField(max_length=8, choices=Aside, blank=True, default="", db_default="")

    def __str__(self) -> str:
        return f"{self.lead_id} → {self.chosen_id}"

    class Meta:
        indexes = [
            models.Index(fields=["chosen", "at"], condition=Q(chosen__isnull=False), name="decision_of_user"),
            models.Index(fields=["company", "at"], condition=Q(method="round_robin"), name="decision_in_turn"),
        ]
