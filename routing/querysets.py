"""Reads of offers, rosters, channels and what came in."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Now

from crm.organization.models import Unit, User

if TYPE_CHECKING:
    from routing.models import Channel, InboundLead, InboundRequest, Offer, RosterMember, RuleBook

OVERDUE = timedelta(minutes=5)  # a try that should have been made that long ago


class OfferQuerySet(models.QuerySet["Offer"]):
    def open_for(self, user: User) -> OfferQuerySet:
        """What is offered to her now, alone or among others, the most urgent first."""
        from routing.models import OfferRecipient

        among = OfferRecipient.objects.filter(user=user, ended_at=None).values("offer")
        mine = Q(user=user) | Q(pk__in=among)
        return self.filter(mine, company=user.company_id, state="open").order_by("deadline", "pk")

    def reported_to(self, user: User, managed: Collection[int], units: Collection[int]) -> OfferQuerySet:
        """Those whose figures she may see: of units she manages, and her own.

        `units` are all those of her company, by which the index finds them and the planner knows how many to expect.
        """
        return self.filter(Q(unit__in=managed) | Q(user=user), company=user.company_id, unit__in=units)


def offered_to(company_id: int, people: Collection[int]) -> list[models.QuerySet[Any, Any]]:
    """Who of these people has which lead on offer, alone or `among` others."""
    from routing.models import Offer, OfferRecipient

    alone = Offer.objects.filter(company=company_id, user__in=people, state="open").order_by()
    among = OfferRecipient.objects.filter(company=company_id, user__in=people, ended_at=None).order_by()
    return [
        alone.values_list("user", "lead", Value("offered")),
        among.values_list("user", "offer__lead", Value("among")),
    ]


class RosterQuerySet(models.QuerySet["RosterMember"]):
    def in_order(self) -> RosterQuerySet:
        return self.order_by("position", "pk")


class RuleBookQuerySet(models.QuerySet["RuleBook"]):
    def of(self, unit: Unit, state: str) -> RuleBook | None:
        """The unit's book in this state, with its rules in order."""
        from routing.models import Rule

        rules = Rule.objects.select_related("roster", "user", "pond").order_by("position")
        return self.filter(unit=unit, state=state).prefetch_related(models.Prefetch("rules", queryset=rules)).first()


class ChannelQuerySet(models.QuerySet["Channel"]):
    def open(self) -> ChannelQuerySet:
        return self.filter(closed_at=None)

    def of(self, user: User) -> ChannelQuerySet:
        """The door: channels of her company."""
        return self.filter(company=user.company_id)

    def managed_by(self, user: User) -> ChannelQuerySet:
        """Her own, and those of units she manages (C2)."""
        units = Unit.objects.managed_by(user)
        return self.of(user).filter(Q(owner_user=user) | Q(owner_unit__in=units.values("pk")))

    def readable_by(self, user: User) -> ChannelQuerySet:
        """Those she manages, and those she connected for a unit that she is still a member of (C2)."""
        units = Unit.objects.joined_by(user)
        joined = Q(created_by=user, owner_unit__in=units.values("pk"))
        return self.of(user).filter(Q(pk__in=self.model.objects.managed_by(user).values("pk")) | joined)


class InboundRequestQuerySet(models.QuerySet["InboundRequest"]):
    def managed_by(self, user: User) -> InboundRequestQuerySet:
        """What came in by channels of hers."""
        from routing.models import Channel

        return self.filter(company=user.company_id, channel__in=Channel.objects.managed_by(user).values("pk"))

    def in_inbox(self) -> InboundRequestQuerySet:
        """Those of which something could not be made a lead of, or fetched so far, and nobody has decided yet."""
        from routing.models import InboundLead

        failed = InboundLead.objects.filter(state=InboundLead.State.FAILED).order_by().values("request")
        return self.filter(Q(state="unreadable") | Q(pk__in=failed) | Q(pk__in=late_to_fetch().values("request")))

    def thrown_away(self) -> InboundRequestQuerySet:
        """Those of which somebody decided that something is not made a lead of, or that looked like spam."""
        from routing.models import InboundLead

        leads = InboundLead.objects.filter(state=InboundLead.State.DISCARDED).order_by().values("request")
        return self.filter(Q(state="discarded") | Q(pk__in=leads))


def late_to_fetch() -> models.QuerySet[InboundLead]:
    """Leads of which there is the id only: a try has failed, or should have been made long ago."""
    from routing.models import InboundLead

    late = ~Q(error="") | Q(next_try_at__lt=Now() - OVERDUE)
    return InboundLead.objects.filter(late, state=InboundLead.State.FETCHING).order_by()
