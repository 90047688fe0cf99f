"""Reads of offers and rosters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

from crm.organization.models import User

if TYPE_CHECKING:
    from routing.models import Offer, RosterMember


class OfferQuerySet(models.QuerySet["Offer"]):
    def open_for(self, user: User) -> OfferQuerySet:
        """What is offered to her now, the most urgent first."""
        return self.filter(company=user.company_id, user=user, state="open").order_by("deadline", "pk")


class RosterQuerySet(models.QuerySet["RosterMember"]):
    def in_order(self) -> RosterQuerySet:
        return self.order_by("position", "pk")
