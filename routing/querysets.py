"""Reads of offers and rosters."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from django.db import models

from crm.organization.models import User

if TYPE_CHECKING:
    from routing.models import Offer, RosterMember


class OfferQuerySet(models.QuerySet["Offer"]):
    def open_to(self, company_id: int, people: Collection[int]) -> OfferQuerySet:
        return self.filter(company=company_id, user__in=people, state="open")

    def open_for(self, user: User) -> OfferQuerySet:
        """What is offered to her now, the most urgent first."""
        return self.open_to(user.company_id, [user.pk]).order_by("deadline", "pk")


class RosterQuerySet(models.QuerySet["RosterMember"]):
    def in_order(self) -> RosterQuerySet:
        return self.order_by("position", "pk")
