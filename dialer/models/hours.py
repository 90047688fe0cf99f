"""Calling rules of a company (D14): versions that are added and never changed."""

from __future__ import annotations

from django.db import models
from django.db.models import F
from django.db.models.functions import Now

from crm.organization.models import Company, User


class CallingHours(models.Model):
    """What holds from the day `as_of` on, until the next one does. `states` as `dialer.hours.Rules.of` reads it.

    A company without any has the usual hours, which are version 0.
    """

    company = models.ForeignKey(Company, models.PROTECT, related_name="+", db_index=False)
    version = models.PositiveIntegerField(help_text="1, 2, 3 … within the company.")
    as_of = models.DateField()
    states = models.JSONField()
    consent_for_calls = models.BooleanField(default=False)
    consent_for_texts = models.BooleanField(default=True)
    made_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    made_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["company", "version"], name="calling_hours_version")]
        indexes = [models.Index(F("company"), F("as_of").desc(), F("version").desc(), name="calling_hours_in_force")]

    def __str__(self) -> str:
        return f"version {self.version}"
