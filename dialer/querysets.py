"""Reads of campaigns, lead filters and dispositions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, TypeVar

from django.db import models
from django.db.models import F, OuterRef, Q, Subquery

from crm.organization.models import Membership, Unit, User
from permissions.catalog import Permission

if TYPE_CHECKING:
    from dialer.models import AgentSession, Campaign, Disposition

M = TypeVar("M", bound=models.Model)


class OfUnitQuerySet(models.QuerySet[M]):
    """Rows that belong to a unit."""

    def of(self, user: User) -> Self:
        """The door: those of her company."""
        return self.filter(company=user.company_id)

    def managed_by(self, user: User) -> Self:
        """Those of units she manages, with the permission."""
        if not user.has_perm(Permission.MANAGE_CAMPAIGN):
            return self.none()
        return self.of(user).filter(unit__in=Unit.objects.managed_by(user).values("pk"))

    def watched_by(self, user: User) -> Self:
        """Those of units she manages, where her profile lets her see the hopper (D15)."""
        if not user.has_perm(Permission.VIEW_HOPPER):
            return self.none()
        return self.of(user).filter(unit__in=Unit.objects.managed_by(user).values("pk"))

    def can_be_chosen_by(self, user: User) -> Self:
        """Those of the units she may choose (O6)."""
        return self.of(user).filter(unit__in=Unit.objects.can_be_seen_by(user).values("pk"))


class CampaignQuerySet(OfUnitQuerySet["Campaign"]):
    def joinable_by(self, user: User) -> Self:
        """Running ones that she may join (D1): of her units and those above them, or where she is named."""
        hers = Membership.objects.current().filter(user=user).values("unit")
        above = Unit.objects.filter(Q(pk__in=hers) | Q(children__in=hers) | Q(children__children__in=hers))
        open_to_her = Q(open_to_members=True, unit__in=above.values("pk"))
        return self.of(user).filter(open_to_her | Q(agents__user=user, open_to_members=False), active=True).distinct()

    def fed_by(self, user: User) -> Self:
        """Those whose hopper she may put leads into: she runs them, or may join them."""
        hers = self.managed_by(user).order_by().values("pk").union(self.joinable_by(user).order_by().values("pk"))
        return self.of(user).filter(pk__in=hers)

    def whole(self) -> Self:
        """With all that a load asks of one, in one query."""
        return self.select_related("company", "unit", "lead_filter")


class DispositionQuerySet(models.QuerySet["Disposition"]):
    def in_use(self, company_id: int) -> Self:
        """Those that may be given now, by their keys; those without one come last."""
        return self.filter(company=company_id, archived=False).order_by(
            F("position").asc(nulls_last=True), "name", "pk"
        )


class SessionQuerySet(models.QuerySet["AgentSession"]):
    def live(self) -> Self:
        return self.filter(ended_at=None)

    def of(self, user: User) -> Self:
        """The door: her own."""
        return self.filter(company=user.company_id, user=user)

    def whole(self) -> Self:
        """With all that is asked of one at every step, in one query."""
        from dialer.models import AgentSkill

        skills = AgentSkill.objects.filter(user=OuterRef("user"))
        related = self.select_related("campaign__unit", "campaign__default_skill", "lead", "user__company")
        return related.annotate(own_skill=Subquery(skills.values("lead_filter__sets")[:1]))
