"""What a draft would have decided, had it been live (R12)."""

from __future__ import annotations

from django.db import models

from crm.organization.models import Company, Unit, User
from leads.models import Pond
from routing.models.offers import Rotation
from routing.models.rules import RuleBook


class ShadowDecision(models.Model):
    """Where a draft would have sent a lead that came, as a `Decision`. Rows are only added, and go with the draft.

    `version` is what the draft was then. `rule` is how people counted and called it: rules of a draft change and go.
    """

    company = models.ForeignKey(Company, models.PROTECT, related_name="+", db_index=False)
    book = models.ForeignKey(RuleBook, models.CASCADE, related_name="shadow_decisions", db_index=False)
    version = models.PositiveIntegerField()
    rotation = models.ForeignKey(Rotation, models.CASCADE, related_name="+")
    at = models.DateTimeField(help_text="When the lead came.")
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+", db_index=False, help_text="Whose roster.")
    rule = models.CharField(max_length=100)
    method = models.CharField(max_length=16)
    chosen = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    pond = models.ForeignKey(Pond, models.PROTECT, null=True, related_name="+", db_index=False)
    skipped = models.JSONField(default=list, help_text="[[user id, reason], …] in roster order.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["book", "rotation"], name="shadow_decision_once")]
        indexes = [models.Index(fields=["book", "at"], name="shadow_decision_of_book")]

    def __str__(self) -> str:
        return f"{self.rotation_id} → {self.chosen_id} in shadow"
