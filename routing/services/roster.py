"""A roster as the rotation sees it: places in order, each with the reason why it cannot receive now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Count

from crm.organization.models import Membership, Unit, User
from crm.organization.querysets import within
from leads.models import Pond
from leads.services.assigning import assignees_of
from leads.states import code_of
from routing.clock import Clock, set_clock
from routing.models import Decision, Offer, RosterMember, RoutingPolicy
from routing.rotation import Place
from routing.weekly import Span, is_within, read_weekly, spans

A_DAY = timedelta(days=1)
FROM_ROSTER = ("round_robin", "number_one")
ASKED = (  # of a place and its person, for each offer that is handed on
    *("unit", "user", "position", "enrolled", "paused", "weight", "daily_cap", "open_cap", "hours", "states", "credit"),
    *("user__is_active", "user__available", "user__out_of_office_until", "user__time_zone"),
)


@dataclass
class Roster:
    """A unit's policy and places, locked for this transaction."""

    unit: Unit
    policy: RoutingPolicy
    members: list[RosterMember]
    places: list[Place]
    now: datetime
    fallbacks: dict[int | None, User | Pond | None] = field(default_factory=dict)
    assignable: dict[int, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if is_paused(self.policy, self.now):  # while a pause lasts, hours do not count (R7)
            for place in self.places:
                place.off_hours, place.off_in_pause = False, place.off_hours

    def clock(self, window: timedelta, offered_at: datetime) -> Clock:
        """The clock of an offer made now, within this window or the unit's."""
        return set_clock(offered_at, window, pauses_of(self.policy, offered_at))

    def may_assign(self, user_id: int) -> bool:
        """Whether she may be assigned the unit's leads (M1)."""
        if user_id not in self.assignable:
            self.assignable[user_id] = assignees_of(self.unit).filter(pk=user_id).exists()
        return self.assignable[user_id]


SAVE_CREDITS = """
UPDATE routing_rostermember AS member SET credit = standing.credit
FROM unnest(%s::bigint[], %s::int[]) AS standing (id, credit) WHERE member.id = standing.id
"""


def save_credits(rosters: Iterable[Roster]) -> None:
    """Write back what choosing changed."""
    seats = [seat for roster in rosters for seat in zip(roster.members, roster.places, strict=True)]
    changed = [(member.pk, place.credit) for member, place in seats if member.credit != place.credit]
    if changed:
        with connection.cursor() as cursor:
            cursor.execute(SAVE_CREDITS, [list(column) for column in zip(*changed, strict=True)])


def lock_rosters(unit_ids: Iterable[int], now: datetime) -> dict[int, Roster]:
    """The rosters of these units, locked in unit order (after leads, before offers)."""
    units = {
        unit.pk: unit
        for unit in Unit.objects.filter(pk__in=set(unit_ids)).order_by("pk").select_for_update(no_key=True)
    }
    policies = RoutingPolicy.objects.select_related("fallback", "fallback_pond").in_bulk(list(units))
    members: dict[int, list[RosterMember]] = {pk: [] for pk in units}
    for member in RosterMember.objects.filter(unit__in=units).select_related("user").only(*ASKED).in_order():
        members[member.unit_id].append(member)
    belonging = belonging_to(units)
    rosters = {}
    for pk, unit in units.items():
        policy = policies.get(pk) or RoutingPolicy(company_id=unit.company_id)
        policy.unit = unit
        rosters[pk] = Roster(unit, policy, members[pk], _places(unit, members[pk], belonging[pk], now), now)
    return rosters


def belonging_to(unit_ids: Collection[int]) -> dict[int, set[int]]:
    """Who is a member of each of these units, or of one below it."""
    belonging: dict[int, set[int]] = {pk: set() for pk in unit_ids}
    joined = Membership.objects.current().filter(within(list(unit_ids), "unit__")).order_by()
    for user, *line in joined.values_list("user", "unit", "unit__parent", "unit__parent__parent"):
        for pk in belonging.keys() & set(line):
            belonging[pk].add(user)
    return belonging


def places_of(unit: Unit, members: Sequence[RosterMember], now: datetime) -> list[Place]:
    """The places as they stand at this moment, in the order of `members`."""
    return _places(unit, members, belonging_to([unit.pk])[unit.pk], now)


def _places(unit: Unit, members: Sequence[RosterMember], belonging: Collection[int], now: datetime) -> list[Place]:
    rooms = rooms_of(unit, members, now)
    return [
        Place(
            m.user_id,
            m.weight,
            m.credit,
            why_skipped(m, belongs=m.user_id in belonging, now=now),
            room=rooms.get(m.user_id),
            states=frozenset(map(code_of, m.states)),
            off_hours=is_off_hours(m, now),
        )
        for m in members
    ]


def rooms_of(unit: Unit, members: Iterable[RosterMember], now: datetime) -> dict[int, int]:
    """How many leads those with a cap may still have; asks only where there are caps."""
    daily = {m.user_id: m.daily_cap for m in members if m.daily_cap is not None}
    at_once = {m.user_id: m.open_cap for m in members if m.open_cap is not None}
    rooms: dict[int, int] = {}
    for caps, used in ((daily, received_since(unit, daily, day_of(unit, now))), (at_once, open_now(unit, at_once))):
        for user, cap in caps.items():
            rooms[user] = min(rooms.get(user, cap), cap - used.get(user, 0))
    return rooms


def day_of(unit: Unit, now: datetime) -> datetime:
    """When the unit's day began."""
    return now.astimezone(ZoneInfo(unit.time_zone)).replace(hour=0, minute=0, second=0, microsecond=0)


def received_since(unit: Unit, users: Collection[int], since: datetime) -> dict[int, int]:
    """How many leads this roster gave each of them: offered to her alone, handed to her, or claimed among others."""
    if not users:
        return {}
    given = Decision.objects.filter(chosen__in=users, at__gte=since, rotation__unit=unit, method__in=FROM_ROSTER)
    first = Offer.objects.filter(unit=unit, user__in=users, offered_at__gte=since - A_DAY, recipients__isnull=False)
    won = first.filter(state=Offer.State.CLAIMED, closed_at__gte=since)
    counts = Counter(dict(given.order_by().values_list("chosen").annotate(Count("pk"))))
    counts.update(dict(won.order_by().values_list("user").annotate(Count("pk", distinct=True))))
    return counts


def open_now(unit: Unit, users: Collection[int]) -> dict[int, int]:
    """Open offers of this roster to each of them alone."""
    if not users:
        return {}
    offers = Offer.objects.filter(unit=unit, user__in=users, state=Offer.State.OPEN)
    return dict(offers.order_by().values_list("user").annotate(Count("pk")))


def is_off_hours(member: RosterMember, now: datetime) -> bool:
    return bool(member.hours) and not is_within(read_weekly(member.hours), ZoneInfo(member.user.time_zone), now)


def pauses_of(policy: RoutingPolicy, now: datetime) -> Iterator[Span]:
    """The pauses of the unit that are not over (R7)."""
    return spans(read_weekly(policy.pauses), ZoneInfo(policy.unit.time_zone), now)


def paused_units(now: datetime) -> list[int]:
    """The units in which no lead is handed on at this moment."""
    policies = RoutingPolicy.objects.exclude(pauses=[]).select_related("unit").order_by("pk")
    return [policy.pk for policy in policies if is_paused(policy, now)]


def is_paused(policy: RoutingPolicy, now: datetime) -> bool:
    return is_within(read_weekly(policy.pauses), ZoneInfo(policy.unit.time_zone), now)


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


def fallback_for(roster: Roster, but: int | None = None) -> User | Pond | None:
    """Who takes what the roster could not place: the policy's pond or person, else a manager of the unit or above it."""
    if but not in roster.fallbacks:
        roster.fallbacks[but] = _find_fallback(roster.unit, roster.policy, but)
    return roster.fallbacks[but]


def _find_fallback(unit: Unit, policy: RoutingPolicy, but: int | None) -> User | Pond | None:
    if policy.fallback_pond is not None and policy.fallback_pond.closed_at is None:
        return policy.fallback_pond
    fallback = policy.fallback
    if fallback is not None and fallback.is_active and fallback.pk != but:
        return fallback
    above: Unit | None = unit
    while above is not None:
        managers = Membership.objects.current().filter(unit=above, role__in=["owner", "admin"], user__is_active=True)
        found = managers.exclude(user=but).select_related("user").order_by("role", "pk").first()
        if found is not None:
            return found.user
        above = above.parent
    return None
