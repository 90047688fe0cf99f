"""Editing a roster and the unit's routing policy. Each change holds the unit, and what it changed is in the ledger."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any, TypeVar

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Max, Q, QuerySet

from crm.organization.models import Membership, Unit, User
from crm.organization.querysets import within
from leads.models import Pond
from leads.querysets import PondQuerySet
from permissions.catalog import Permission
from permissions.ledger import Fact, record
from permissions.models import LedgerEntry
from routing.models import RosterMember, RoutingPolicy

T = TypeVar("T")


class ChangedMeanwhileError(Exception):
    """Somebody else changed it after it was shown."""


class NotEligibleError(Exception):
    """This person has no place on this roster, or may not be its fallback."""


@dataclass(frozen=True)
class PolicyValues:
    """A unit's routing policy as a form shows it. `pauses` is JSON; the fallback is a person, a pond, or a manager."""

    round_robin: bool
    minutes: int
    passes: int
    fallback_id: int | None
    fallback_pond_id: int | None
    pauses: str

    @classmethod
    def of(cls, policy: RoutingPolicy) -> PolicyValues:
        minutes = max(1, round(policy.claim_window.total_seconds() / 60))
        pauses = json.dumps(policy.pauses)
        return cls(policy.round_robin, minutes, policy.passes, policy.fallback_id, policy.fallback_pond_id, pauses)


@dataclass(frozen=True)
class PlaceValues:
    """What a manager sets of a place on a roster. `hours` is JSON; `states` are comma apart."""

    enrolled: bool
    paused: bool
    weight: int
    daily_cap: int | None = None
    open_cap: int | None = None
    hours: str = "[]"
    states: str = ""

    @classmethod
    def of(cls, member: RosterMember) -> PlaceValues:
        hours, states = json.dumps(member.hours), ", ".join(member.states)
        caps = member.daily_cap, member.open_cap
        return cls(member.enrolled, member.paused, member.weight, *caps, hours, states)


def may(actor: User, unit: Unit, verb: Permission) -> bool:
    """Whether she has both the reach (manages the unit) and the verb."""
    return actor.has_perm(verb) and Unit.objects.managed_by(actor).filter(pk=unit.pk).exists()


def policy_of(unit: Unit) -> RoutingPolicy:
    """The unit's policy; the defaults where none was saved yet."""
    saved = (
        RoutingPolicy.objects.select_related("unit", "fallback", "fallback_pond", "cold_pond").filter(unit=unit).first()
    )
    return saved or RoutingPolicy(unit=unit, company_id=unit.company_id)


def line_of(unit: Unit) -> list[int]:
    """The unit and those above it, by id."""
    ids = [unit.pk]
    while unit.parent is not None:
        unit = unit.parent
        ids.append(unit.pk)
    return ids


def fallback_candidates(actor: User, unit: Unit) -> QuerySet[User]:
    """Who may take what the roster could not place: active members of the unit or of one above it whom she can see."""
    members = Membership.objects.current().filter(unit__in=line_of(unit))
    current = RoutingPolicy.objects.filter(unit=unit).values("fallback")
    seen = User.objects.can_be_seen_by(actor).filter(pk__in=members.values("user")).values("pk")
    candidates: QuerySet[User] = User.objects.of(actor).active().filter(Q(pk__in=seen) | Q(pk__in=current))
    return candidates.order_by("name", "pk")


def ponds_of(actor: User, unit: Unit) -> PondQuerySet:
    """The ponds that its leads may be in, and she can see."""
    line = Q(unit__in=line_of(unit)) | within([unit.pk], "unit__")
    return Pond.objects.can_be_seen_by(actor).filter(line, closed_at=None)


@transaction.atomic
def save_policy(*, actor: User, unit: Unit, values: PolicyValues, seen: PolicyValues) -> bool:
    """Make `values` the unit's policy, if it still is as `seen`: whether anything changed.

    Raises PermissionDenied, ChangedMeanwhileError, NotEligibleError (the fallback).
    """
    hold_unit(actor, unit, Permission.MANAGE_ROUTING)
    before = PolicyValues.of(policy_of(unit))
    if not changes(before, values, seen):
        return False
    if values.fallback_id and not fallback_candidates(actor, unit).filter(pk=values.fallback_id).exists():
        raise NotEligibleError
    pond = values.fallback_pond_id
    if pond and pond != before.fallback_pond_id and not ponds_of(actor, unit).filter(pk=pond).exists():
        raise NotEligibleError
    fields = {
        "company_id": unit.company_id,
        "round_robin": values.round_robin,
        "claim_window": timedelta(minutes=values.minutes),
        "passes": values.passes,
        "fallback_id": values.fallback_id,
        "fallback_pond_id": values.fallback_pond_id,
        "pauses": json.loads(values.pauses),
    }
    RoutingPolicy.objects.update_or_create(unit=unit, defaults=fields)
    record_change(actor, unit, "routing", before=asdict(before), after=asdict(values))
    return True


@transaction.atomic
def add_to_roster(*, actor: User, unit: Unit, user_id: int) -> bool:
    """Enrol a member of the unit, or of one below it, at the roster's end: whether she was not on it before.

    She starts with no credit, so that whoever joins late gets her turns from now on and no others (R3).
    Raises PermissionDenied, NotEligibleError.
    """
    hold_unit(actor, unit, Permission.MANAGE_ROSTER)
    members = Membership.objects.current().filter(within([unit.pk], "unit__"), user__is_active=True)
    if not members.filter(user=user_id).exists():
        raise NotEligibleError
    places = RosterMember.objects.filter(unit=unit)
    last = places.aggregate(last=Max("position"))["last"] or 0
    _, added = RosterMember.objects.get_or_create(
        unit=unit, user_id=user_id, defaults={"company_id": unit.company_id, "position": last + 1, "enrolled": True}
    )
    if added:
        record_change(actor, unit, "roster", user_id, change="added", position=last + 1)
    return added


@transaction.atomic
def save_place(*, actor: User, unit: Unit, user_id: int, values: PlaceValues, seen: PlaceValues) -> bool:
    """Enrolment, pause and weight, if they still are as `seen`: whether anything changed. Credit and place stay (R3).

    Raises PermissionDenied, ChangedMeanwhileError, NotEligibleError (she is not on the roster).
    """
    hold_unit(actor, unit, Permission.MANAGE_ROSTER)
    member = _place(unit, user_id)
    before = PlaceValues.of(member)
    if not changes(before, values, seen):
        return False
    member.enrolled, member.paused, member.weight = values.enrolled, values.paused, values.weight
    member.daily_cap, member.open_cap = values.daily_cap, values.open_cap
    member.hours, member.states = json.loads(values.hours), [one for one in values.states.split(", ") if one]
    member.save()
    record_change(actor, unit, "roster", user_id, change="set", before=asdict(before), after=asdict(values))
    return True


@transaction.atomic
def pause_place(*, actor: User, unit: Unit, user_id: int, paused: bool) -> bool:
    """Pause or resume: whether anything changed. Raises PermissionDenied, NotEligibleError."""
    hold_unit(actor, unit, Permission.MANAGE_ROSTER)
    seen = PlaceValues.of(_place(unit, user_id))
    values = replace(seen, paused=paused)
    return save_place(actor=actor, unit=unit, user_id=user_id, values=values, seen=seen)


@transaction.atomic
def swap_places(*, actor: User, unit: Unit, upper_id: int, lower_id: int) -> bool:
    """Let `lower` go before `upper`, where it directly follows: whether it did. The same click twice moves once."""
    hold_unit(actor, unit, Permission.MANAGE_ROSTER)
    order = list(RosterMember.objects.filter(unit=unit).in_order())
    ids = [member.user_id for member in order]
    if upper_id not in ids or ids[ids.index(upper_id) + 1 :][:1] != [lower_id]:
        return False
    at = ids.index(upper_id)
    order[at], order[at + 1] = order[at + 1], order[at]
    for position, member in enumerate(order, start=1):
        member.position = position
    RosterMember.objects.bulk_update(order, ["position"])
    record_change(actor, unit, "roster", lower_id, change="moved", position=at + 1, before_user=upper_id)
    return True


@transaction.atomic
def remove_from_roster(*, actor: User, unit: Unit, user_id: int) -> bool:
    """Take her off the roster: whether she was on it. Offers she has stay hers until they end."""
    hold_unit(actor, unit, Permission.MANAGE_ROSTER)
    member = RosterMember.objects.filter(unit=unit, user=user_id).first()
    if member is None:
        return False
    before = asdict(PlaceValues.of(member)) | {"position": member.position, "credit": member.credit}
    member.delete()
    record_change(actor, unit, "roster", user_id, change="removed", before=before)
    return True


def changes(before: T, values: T, seen: T) -> bool:
    """Whether the new values are others. Raises ChangedMeanwhileError where what they replace is not as it was `seen`."""
    if before != values and before != seen:
        raise ChangedMeanwhileError
    return before != values


def hold_unit(actor: User, unit: Unit, verb: Permission) -> None:
    """The unit's lock, as handing out takes it, once it is clear that she may."""
    if not may(actor, unit, verb):
        raise PermissionDenied("This is for the managers of the unit.")
    Unit.objects.select_for_update(no_key=True).get(pk=unit.pk)


def _place(unit: Unit, user_id: int) -> RosterMember:
    member = RosterMember.objects.filter(unit=unit, user=user_id).first()
    if member is None:
        raise NotEligibleError
    return member


def record_change(actor: User, unit: Unit, why: str, user_id: int | None = None, **detail: Any) -> None:
    """The ledger's row of a change to how a unit hands out its leads."""
    record(
        Fact(
            company_id=unit.company_id,
            kind=LedgerEntry.Kind.POLICY_CHANGED,
            actor_id=actor.pk,
            to_unit_id=unit.pk,
            to_user_id=user_id,
            why=why,
            detail=detail,
        )
    )
