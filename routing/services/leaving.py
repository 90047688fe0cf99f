"""What routing has for a person in units she would leave."""

from __future__ import annotations

from typing import Any

from django.db.models import Max

from crm.organization.models import Unit, User
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


PLACE = ("unit_id", "enrolled", "paused", "weight")


def leave_rosters(user: User) -> dict[str, Any]:
    """Take her off all rosters, and from being anybody's fallback: what `join_rosters` needs to undo it."""
    places = RosterMember.objects.filter(user=user)
    fallbacks = RoutingPolicy.objects.filter(fallback=user)
    kept = {
        "places": list(places.order_by("unit").values(*PLACE)),
        "fallbacks": list(fallbacks.order_by("unit").values_list("unit", flat=True)),
    }
    list(Unit.objects.filter(pk__in=places.values("unit")).order_by("pk").select_for_update(no_key=True))
    places.delete()
    fallbacks.update(fallback=None)
    return kept


def join_rosters(user: User, kept: dict[str, Any]) -> None:
    """At the end of each, without credit, as whoever joins late (R3). A unit that has another fallback now keeps it."""
    for place in kept["places"]:
        last = RosterMember.objects.filter(unit=place["unit_id"]).aggregate(last=Max("position"))["last"] or 0
        values = {**place, "company_id": user.company_id, "position": last + 1}
        RosterMember.objects.get_or_create(unit_id=values.pop("unit_id"), user=user, defaults=values)
    RoutingPolicy.objects.filter(unit__in=kept["fallbacks"], fallback=None).update(fallback=user)
