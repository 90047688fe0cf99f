"""Teams that hand out leads, each with a roster of fifty of its members."""

from __future__ import annotations

from crm.organization.models import Company, Membership, Unit, User
from leads.models import Lead
from routing.models import RosterMember, RoutingPolicy

ROSTERS, PEOPLE = 20, 50


def make_rosters(company: Company, count: int = ROSTERS) -> dict[int, list[int]]:
    """By unit, the people on its roster in their order; they join it where they are not in it yet."""
    units = Unit.objects.filter(company=company, kind=Unit.Kind.TEAM).order_by("pk")[:count]
    agents = User.objects.filter(company=company, is_active=True, holding__profile__code="agent")
    people = list(agents.order_by("pk").values_list("pk", flat=True))
    rosters = {
        unit.pk: [people[(number * PEOPLE + place) % len(people)] for place in range(PEOPLE)]
        for number, unit in enumerate(units)
    }
    RoutingPolicy.objects.bulk_create(RoutingPolicy(company=company, unit_id=unit) for unit in rosters)
    Membership.objects.bulk_create(
        (Membership(company=company, unit_id=unit, user_id=user) for unit, users in rosters.items() for user in users),
        ignore_conflicts=True,
    )
    RosterMember.objects.bulk_create(
        RosterMember(company=company, unit_id=unit, user_id=user, position=place, enrolled=True)
        for unit, users in rosters.items()
        for place, user in enumerate(users, start=1)
    )
    return rosters


def free_leads(company: Company, count: int) -> list[int]:
    """So many leads of units, with an agent who works them, that were never offered."""
    leads = Lead.objects.filter(company=company, owner_unit__isnull=False, agent__isnull=False, offers=None)
    return list(leads.order_by("pk").values_list("pk", flat=True)[:count])
