"""A unit's rules (R1): which leads go which way. Books are not changed once they are live; the next begins as a draft."""

from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from crm.organization.models import Company, Unit, User
from leads.models import Pond
from routing.querysets import RuleBookQuerySet

LAST = 32_000  # where the catch-all stands


class RuleBook(models.Model):
    """All rules of a unit, in order. At most one is live and one a draft."""

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        LIVE = "live", "Live"
        PAST = "past", "Past"

    company = models.ForeignKey(Company, models.PROTECT, related_name="+", db_index=False)
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="rule_books", db_index=False)
    state = models.CharField(max_length=5, choices=State, default=State.DRAFT)
    version = models.PositiveIntegerField(default=1, help_text="Counts the changes of a draft.")
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    created_at = models.DateTimeField(db_default=Now())
    live_from = models.DateTimeField(null=True)
    live_until = models.DateTimeField(null=True)
    shadowed_from = models.DateTimeField(null=True, help_text="Since when the draft decides in shadow, or last did.")
    shadowed_until = models.DateTimeField(null=True)
    shadow_credits = models.JSONField(
        default=dict, db_default={}, help_text="Standings of its own: {unit id: {user id: credit}}."
    )

    objects = RuleBookQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["unit"], condition=Q(state="live"), name="rule_book_one_live"),
            models.UniqueConstraint(fields=["unit"], condition=Q(state="draft"), name="rule_book_one_draft"),
        ]

    def __str__(self) -> str:
        return f"rules of {self.unit_id}"

    @property
    def in_shadow(self) -> bool:
        return self.state == self.State.DRAFT and self.shadowed_from is not None and self.shadowed_until is None


class Rule(models.Model):
    """Leads that meet the conditions go this way. The last one has none: it catches all the others.

    `roster`: whose roster the method means, where it is not the unit's own. `conditions` as in `routing.rules`.
    """

    class Method(models.TextChoices):
        ROUND_ROBIN = "round_robin", "Round robin"
        FIRST_TO_CLAIM = "first_to_claim", "First to claim"
        NUMBER_ONE = "number_one", "Roster first"
        PERSON = "person", "One person"
        POND = "pond", "Pond"

    company = models.ForeignKey(Company, models.PROTECT, related_name="+", db_index=False)
    book = models.ForeignKey(RuleBook, models.CASCADE, related_name="rules", db_index=False)
    position = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=80, blank=True, default="")
    conditions = models.JSONField(default=dict, blank=True)
    method = models.CharField(max_length=16, choices=Method, default=Method.ROUND_ROBIN)
    roster = models.ForeignKey(Unit, models.PROTECT, null=True, blank=True, related_name="+")
    user = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    pond = models.ForeignKey(Pond, models.PROTECT, null=True, blank=True, related_name="+")
    claim_window = models.DurationField(null=True, blank=True, help_text="Empty: the unit's.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["book", "position"], name="rule_order", deferrable=models.Deferrable.DEFERRED
            ),
            models.CheckConstraint(condition=Q(position__lte=LAST), name="rule_position"),
            models.CheckConstraint(condition=~Q(position=LAST) | Q(conditions={}), name="rule_catch_all"),
            models.CheckConstraint(
                condition=Q(method="person", user__isnull=False) | (~Q(method="person") & Q(user=None)),
                name="rule_person",
            ),
            models.CheckConstraint(
                condition=Q(method="pond", pond__isnull=False) | (~Q(method="pond") & Q(pond=None)), name="rule_pond"
            ),
            models.CheckConstraint(
                condition=Q(claim_window=None) | Q(claim_window__gt=timedelta(0), claim_window__lte=timedelta(days=1)),
                name="rule_window",
            ),
        ]

    def __str__(self) -> str:
        return self.name or f"rule {self.position}"

    @property
    def is_last(self) -> bool:
        return self.position == LAST
