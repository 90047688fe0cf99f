"""Shares: an explicit grant of one lead to one person (V8, rule f)."""

from __future__ import annotations

from django.db import models

from leads.models.lead import Lead
from permissions.grants import Grant


class LeadShare(Grant):
    """Lets a person `view_lead` or `work_lead` one lead, for ever or until a date."""

    content_object = models.ForeignKey(Lead, models.CASCADE, related_name="shares")

    class Meta(Grant.Meta):
        abstract = False
        constraints = [
            models.UniqueConstraint(fields=["user", "content_object"], name="lead_share_once"),
        ]

    def __str__(self) -> str:
        return f"{self.content_object_id} to {self.user_id}"
