"""What a lead agreed to, or asked to be left alone with (L1, D14). Appended; the latest word of each kind counts."""

from __future__ import annotations

from django.db import models
from django.db.models import F
from django.db.models.functions import Now

from crm.organization.models import User
from leads.models.lead import Lead, company_of_the_lead


class Consent(models.Model):
    """Given, or taken back: an opt-out. `words` are those agreed to, or how it was said."""

    class Kind(models.TextChoices):
        CALL = "call", "Calls"
        TEXT = "text", "Texts"
        EMAIL = "email", "E-mails"

    company = company_of_the_lead()
    lead = models.ForeignKey(Lead, models.CASCADE, related_name="consents", db_index=False)
    kind = models.CharField(max_length=5, choices=Kind)
    given = models.BooleanField()
    words = models.CharField(max_length=500, blank=True, default="")
    recorded_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    at = models.DateTimeField(db_default=Now())
    came_from = models.ForeignKey(
        "self",
        models.DO_NOTHING,
        null=True,
        related_name="+",
        db_index=False,
        db_constraint=False,
        help_text="The word of a lead that was merged into this one, which counts here too.",
    )

    class Meta:
        indexes = [models.Index(F("lead"), F("kind"), F("id").desc(), name="consent_latest")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.lead_id}"
