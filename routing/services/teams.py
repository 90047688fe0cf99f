"""The units a person is in or manages, as the team list shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Now

from crm.organization.models import Membership, Unit, User
from routing.models import RosterMember, RoutingPolicy


@dataclass(frozen=True)
class Team:
    """A unit with its people (direct members) and its roster: how many places, how many of them take leads."""

    unit: Unit
    hers: bool
    people: int = 0
    places: int = 0
    taking: int = 0
    round_robin: bool = True


def teams_of(user: User) -> list[Team]:
    """The open units she is in, then those she manages, by name."""
    joined = set(Unit.objects.joined_by(user).values_list("pk", flat=True))
    managed = Unit.objects.managed_by(user).values("pk")
    reached = Unit.objects.of(user).open().filter(Q(pk__in=joined) | Q(pk__in=managed))
    units = list(reached.select_related("parent").order_by("name", "pk"))
    people = _counts(Membership.objects.current().filter(unit__in=units, user__is_active=True))
    places = RosterMember.objects.filter(unit__in=units)
    listed = _counts(places)
    away = Q(user__available=False) | Q(user__out_of_office_until__gt=Now())
    taking = _counts(places.filter(~away, enrolled=True, paused=False, user__is_active=True))
    off = set(RoutingPolicy.objects.filter(unit__in=units, round_robin=False).values_list("unit", flat=True))
    rows = [
        Team(u, u.pk in joined, people.get(u.pk, 0), listed.get(u.pk, 0), taking.get(u.pk, 0), u.pk not in off)
        for u in units
    ]
    return sorted(rows, key=lambda row: not row.hers)


def _counts(rows: QuerySet[Any]) -> dict[int, int]:
    return dict(rows.order_by().values_list("unit").annotate(Count("pk")))
