"""A roster as the rotation sees it: places in order, each with the reason why it cannot receive now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from crm.organization.models import Membership, Unit, User
from crm.organization.querysets import within
from routing.models import RosterMember, RoutingPolicy
from routing.rotation import Place


@dataclass
class Roster:
    """A unit's policy and places, locked for this transaction; `save_credits` writes back what choosing changed."""

    unit: Unit
    policy: RoutingPolicy
    members: list[RosterMember]
    places: list[Place]

    def save_credits(self) -> None:
        changed = []
        for member, place in zip(self.members, self.places, strict=True):
            if member.credit != place.credit:
                member.credit = place.credit
                changed.append(member)
        RosterMember.objects.bulk_update(changed, ["credit"])


def lock_rosters(unit_ids: Iterable[int], now: datetime) -> dict[int, Roster]:
    """The rosters of these units, locked in unit order (after leads, before offers)."""
    rosters = {}
    for unit in Unit.objects.filter(pk__in=set(unit_ids)).order_by("pk").select_for_update(no_key=True):
        policy = RoutingPolicy.objects.filter(unit=unit).first() or RoutingPolicy(unit=unit, company_id=unit.company_id)
        members = list(RosterMember.objects.filter(unit=unit).select_related("user").in_order())
        belonging = set(Membership.objects.current().filter(within([unit.pk], "unit__")).values_list("user", flat=True))
        places = [
            Place(m.user_id, m.weight, m.credit, why_skipped(m, belongs=m.user_id in belonging, now=now))
            for m in members
        ]
        rosters[unit.pk] = Roster(unit, policy, members, places)
    return rosters


def why_skipped(member: RosterMember, *, belongs: bool, now: datetime) -> str:
    """Why this place cannot receive a lead now, or nothing (R4)."""
    user = member.user
    if not user.is_active:
        return "deactivated"
    if not belongs:
        return "no longer a member"
    if not member.enrolled:
        return "not enrolled"
    if member.paused:
        return "paused"
    if user.out_of_office_until and user.out_of_office_until > now:
        return "out of office"
    return "" if user.available else "not taking leads"


def fallback_for(roster: Roster, but: int | None = None) -> User | None:
    """Who takes what the roster could not place: the policy's person, else a manager of the unit or of one above it."""
    fallback = roster.policy.fallback
    if fallback is not None and fallback.is_active and fallback.pk != but:
        return fallback
    unit: Unit | None = roster.unit
    while unit is not None:
        managers = Membership.objects.current().filter(unit=unit, role__in=["owner", "admin"], user__is_active=True)
        found = managers.exclude(user=but).select_related("user").order_by("role", "pk").first()
        if found is not None:
            return found.user
        unit = unit.parent
    return None
