"""What routing has for a person in units she would leave, and for a unit that closes."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from django.db.models import Q
from django.db.models.functions import Now

from crm.organization.models import Unit, User
from leads.services.assigning import assignees_of
from leads.services.holdings import Holding
from routing.models import Offer, OfferRecipient, RosterMember, RoutingPolicy
from routing.querysets import OfferQuerySet

PLACE = (
    *("unit_id", "user_id", "position", "enrolled", "paused", "weight", "credit"),
    *("daily_cap", "open_cap", "hours", "states"),
)


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


def held_by(subject: User | Unit, units: Collection[int] | None) -> list[Holding]:
    """The same as numbers, of a person (in these units, or in all) or of a unit."""
    about = Q(unit=subject) if isinstance(subject, Unit) else Q(user=subject)
    falls = Q(unit=subject, fallback__isnull=False) if isinstance(subject, Unit) else Q(fallback=subject)
    within = Q() if units is None else Q(unit__in=units)
    return [
        Holding("Open offers", Offer.objects.filter(about, within, state=Offer.State.OPEN).count(), "are withdrawn"),
        Holding("Places on rosters", RosterMember.objects.filter(about, within).count(), "end"),
        Holding("Fallback of routing", RoutingPolicy.objects.filter(falls, within).count(), "ends"),
    ]


def leave_rosters(user: User, units: Collection[int] | None) -> dict[str, Any]:
    """Take her off the rosters of these units, or all, and from being their fallback: what `join_rosters` needs."""
    within = Q() if units is None else Q(unit__in=units)
    _end_among_others(Offer.objects.open_for(user).filter(within, user=None), user)
    return _end(RosterMember.objects.filter(within, user=user), RoutingPolicy.objects.filter(within, fallback=user))


def _end_among_others(offers: OfferQuerySet, user: User) -> None:
    """What is offered to her and to others stays theirs; with no others left it runs out at its deadline."""
    among = OfferRecipient.objects.filter(user=user, ended_at=None, offer__in=offers.order_by().values("pk"))
    among.update(ended_at=Now(), passed=True)


def clear_roster(unit: Unit) -> dict[str, Any]:
    """The same for all who are on the roster of a unit that closes."""
    fallback = RoutingPolicy.objects.filter(unit=unit, fallback__isnull=False)
    return _end(RosterMember.objects.filter(unit=unit), fallback)


def _end(places: Any, fallbacks: Any) -> dict[str, Any]:
    kept = {
        "places": list(places.order_by("unit", "position", "pk").values(*PLACE)),
        "fallbacks": list(fallbacks.order_by("unit").values_list("unit", "fallback")),
    }
    list(Unit.objects.filter(pk__in=places.values("unit")).order_by("pk").select_for_update(no_key=True))
    places.delete()
    fallbacks.update(fallback=None)
    return kept


def join_rosters(company_id: int, kept: dict[str, Any]) -> None:
    """Each at her place and with her credit, as if she had paused (R3), who is still of the unit. A unit that has another
    fallback keeps it.
    """
    units = Unit.objects.in_bulk({place["unit_id"] for place in kept["places"]})
    there = {pk: set(assignees_of(unit).values_list("pk", flat=True)) for pk, unit in units.items()}
    for place in kept["places"]:
        values = {**place, "company_id": company_id}
        key = {"unit_id": values.pop("unit_id"), "user_id": values.pop("user_id")}
        if key["user_id"] in there[key["unit_id"]]:
            RosterMember.objects.get_or_create(**key, defaults=values)
    for unit, person in kept["fallbacks"]:
        if _active([person]):
            RoutingPolicy.objects.filter(unit=unit, fallback=None).update(fallback=person)


def _active(people: Iterable[int]) -> list[int]:
    return list(User.objects.filter(pk__in=list(people), is_active=True).order_by("pk").values_list("pk", flat=True))
