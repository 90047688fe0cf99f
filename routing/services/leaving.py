"""What routing has for a person in units she would leave."""

from __future__ import annotations

from crm.organization.models import User
from routing.models import Offer, RosterMember, RoutingPolicy


def held_there(user: User, units: frozenset[int]) -> list[str]:
    """Her open offers, her places on rosters, and where she is the fallback."""
    offers = Offer.objects.open_for(user).filter(unit__in=units).count()
    places = RosterMember.objects.filter(user=user, unit__in=units).count()
    fallbacks = RoutingPolicy.objects.filter(fallback=user, unit__in=units).count()
    return [
        *([f"has {offers} open offer{'s' if offers > 1 else ''} there"] if offers else []),
        *([f"is on {places} roster{'s' if places > 1 else ''} there"] if places else []),
        *(["gets what nobody there claims"] if fallbacks else []),
    ]
