"""Whose figures a person may see (P2: her own, her team's, her office's, all)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from django.db.models import Q, QuerySet

from crm.organization.models import Membership, Unit, User
from crm.organization.querysets import within
from routing.models import Offer


@dataclass(frozen=True)
class Reach:
    """Of offers made by units she manages, and of those made to her; of leads of those units, of their people and her."""

    user: User

    @cached_property
    def _managed(self) -> dict[int, str]:
        return dict(Unit.objects.managed_by(self.user).order_by("pk").values_list("pk", "kind"))

    @property
    def managed(self) -> list[int]:
        return list(self._managed)

    @property
    def is_whole(self) -> bool:
        """Whether she manages the company."""
        return Unit.Kind.COMPANY in self._managed.values()

    @cached_property
    def company(self) -> list[int]:
        return list(Unit.objects.of(self.user).order_by("pk").values_list("pk", flat=True))

    def offers(self) -> QuerySet[Offer]:
        return Offer.objects.reported_to(self.user, self.managed, self.company)

    def units(self) -> QuerySet[Unit]:
        """Those by whose name she may ask: which she manages, and her own."""
        hers = Q(pk__in=Unit.objects.joined_by(self.user).values("pk"))
        return Unit.objects.of(self.user).filter(hers | Q(pk__in=self.managed)).order_by("name", "pk")

    def people(self) -> QuerySet[User]:
        """Those by whose name she may ask: herself, and who is or was in a unit that she manages."""
        members = Membership.objects.filter(unit__in=self.managed).order_by().values("user")
        found: QuerySet[User] = User.objects.of(self.user).filter(Q(pk=self.user.pk) | Q(pk__in=members))
        return found.order_by("name", "pk")

    def managed_in(self, unit: Unit | None) -> QuerySet[Unit]:
        """The units she manages; with `unit` that one and those below it."""
        found = Unit.objects.of(self.user).filter(pk__in=self.managed).order_by()
        return found if unit is None else found.filter(within([unit.pk]))

    def team(self, unit: Unit | None = None) -> QuerySet[User]:
        """Whose leads are hers to follow: all of the company or members of these units, also who left; and herself."""
        found: QuerySet[User] = User.objects.of(self.user).order_by("name", "pk")
        if self.is_whole and unit is None:
            return found
        lasting = Membership.objects.lasting().filter(unit__in=self.managed_in(unit).values("pk"))
        mine = Q(pk=self.user.pk)
        if unit is not None:
            joined = Membership.objects.current().filter(within([unit.pk], "unit__"), user=self.user)
            mine &= Q(pk__in=joined.order_by().values("user"))
        return found.filter(mine | Q(pk__in=lasting.order_by().values("user")))
