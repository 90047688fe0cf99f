"""Whose sight of the leads changes by a batch: foreseen from the leads' locks and the people's keys, before it is done.

Leads that are alike in their locks are counted together. Shares and offers, which open single leads, are left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Count, Q

from crm.organization.models import Membership, Unit, User
from crm.organization.querysets import MANAGES
from leads.batches.verb import Act, Sight
from leads.models import PondMember
from leads.querysets import LeadQuerySet
from permissions.access import KINDS, Keyring, Level, Lock, LockedLead
from permissions.catalog import Permission
from permissions.keyring import load_keyring
from permissions.supposing import locks_of

MOST_SHAPES = 1000
MOST_NAMED, MOST_AROUND = 25, 20  # people by their slots and by their roles whose keyrings are read
ALIKE = ("owner_unit", "owner_user", "origin_unit", "hidden", "privacy", "agent", "slot_locks")
OF_UNITS = {Lock.UNIT, Lock.ORIGIN, Lock.ORIGIN_HIDDEN}
OF_THE_MANAGED = {Lock.SHOWN, Lock.SHOWN_HIDDEN, Lock.MANAGED}
MOST_SHOWN = 6
KINDS_IN_WORDS = {
    "owner": "Owners",
    "assigned": "Assigned",
    "manager": "Managers",
    "member": "Members",
    "shared": "Shared with",
}
GROUPS = ("Will see them", "Will no longer see them", "Can do more", "Can do less")


@dataclass(frozen=True)
class Shape:
    """`count` leads that are alike. `lead` has the locks of owner and origin only; `slots` are those of its slots."""

    lead: LockedLead
    agent: int | None
    slots: tuple[int, ...]
    count: int = 1

    @property
    def locked(self) -> LockedLead:
        return replace(self.lead, locks=(*locks_of(self.lead, ()), *self.slots))


After = Callable[[Shape], Shape]
Pair = tuple[LockedLead, LockedLead, int]


def shapes_of(leads: LeadQuerySet, company_id: int) -> list[Shape]:
    """The kinds of leads there are among these, the most frequent first."""
    rows = leads.order_by().values_list(*ALIKE).annotate(count=Count("pk")).order_by("-count")[:MOST_SHAPES]
    return [
        Shape(LockedLead(0, company_id, unit, user, origin, hidden, privacy, ()), agent, tuple(slots), count)
        for unit, user, origin, hidden, privacy, agent, slots, count in rows
    ]


def sight_after(act: Act, leads: LeadQuerySet, after: After) -> list[Sight]:
    """Whose sight changes if each shape becomes what `after` makes of it."""
    shapes = shapes_of(leads, act.batch.company_id)
    pairs = [(shape.locked, after(shape).locked, shape.count) for shape in shapes]
    pairs = [pair for pair in pairs if set(pair[0].locks) != set(pair[1].locks)]
    concerned, others = people_concerned(pairs)
    found: dict[tuple[str, str, str], Counter[int]] = {}
    for user in User.objects.filter(pk__in=concerned).select_related("company", "holding__profile").order_by("pk"):
        for (before, later), count in changes(load_keyring(user), pairs).items():
            key = (concerned[user.pk], before.name.lower(), later.name.lower())
            found.setdefault(key, Counter())[user.pk] += count
    return [
        Sight(*key, people=counts.most_common(), others=others.pop(key[0], 0)) for key, counts in sorted(found.items())
    ]


def changes(keyring: Keyring, pairs: Iterable[Pair]) -> Counter[tuple[Level, Level]]:
    """How many leads go from which level to which for her; those that stay are left out."""
    found: Counter[tuple[Level, Level]] = Counter()
    for before, after, count in pairs:
        was, becomes = keyring.access(before).level, keyring.access(after).level
        if was != becomes:
            found[was, becomes] += count
    return found


def people_concerned(pairs: Iterable[Pair]) -> tuple[dict[int, str], Counter[str]]:
    """Whoever a changed lock may concern, and as what; of those named by the leads the ones with most, the rest counted."""
    weights: Counter[int] = Counter()
    for before, after, count in pairs:
        for lock in set(before.locks) ^ set(after.locks):
            weights[lock] += count
    principals: dict[Lock, list[int]] = {kind: [] for kind in Lock}
    for lock, _ in weights.most_common():
        principals[Lock(lock % KINDS)].append(lock // KINDS)
    named = dict.fromkeys(principals[Lock.ASSIGNED], "assigned") | dict.fromkeys(principals[Lock.OWNER], "owner")
    left = Counter(list(named.values())[MOST_NAMED:])
    named = dict(list(named.items())[:MOST_NAMED])
    units = {unit for kind in OF_UNITS for unit in principals[kind]}
    managed = {person for kind in OF_THE_MANAGED for person in principals[kind]}
    around = [*_in_units(units, managed), *((person, "member") for person in _in_ponds(principals[Lock.POND]))]
    return dict(around[:MOST_AROUND]) | named, left


def _in_units(units: set[int], managed: set[int]) -> list[tuple[int, str]]:
    """Managers of the units and of these people, and the units' members whose profile shows them unit leads."""
    places = Q(pk__in=units) | Q(memberships__user__in=managed, memberships__ended_at=None)
    above = list(Unit.objects.filter(places).values_list("pk", "parent", "parent__parent").distinct())
    current = Membership.objects.current().filter(user__is_active=True)
    managers = current.filter(unit__in={unit for row in above for unit in row if unit}, role__in=MANAGES)
    shows = Q(user__holding__profile__permissions__contains=[Permission.VIEW_UNIT_LEAD])
    members = current.filter(shows, unit__in=units)
    return [
        *((person, "member") for person in members.order_by("user").values_list("user", flat=True)),
        *((person, "manager") for person in managers.order_by("user").values_list("user", flat=True)),
    ]


def _in_ponds(ponds: Sequence[int]) -> list[int]:
    return list(
        PondMember.objects.filter(pond__in=ponds, user__is_active=True).values_list("user", flat=True).order_by("user")
    )


@dataclass(frozen=True)
class SightLine:
    """One line of the preview: what changes for people of one kind; a few by name with their leads, the others counted."""

    group: str
    kind: str
    names: Sequence[tuple[str, int]]
    others: int


def named(sight: Iterable[Mapping[str, Any]], asker: User) -> list[SightLine]:
    """What was foreseen, with the names the asker may see (O6)."""
    found = list(sight)
    people = {person for one in found for person, _ in one["people"]}
    names = dict(User.objects.can_be_seen_by(asker).filter(pk__in=people).order_by("pk").values_list("pk", "name"))
    lines = [_line(one, names) for one in found]
    return sorted(lines, key=lambda line: (GROUPS.index(line.group), line.kind))


def _line(one: Mapping[str, Any], names: Mapping[int, str]) -> SightLine:
    shown = [(names[person], count) for person, count in one["people"] if person in names][:MOST_SHOWN]
    others = one["others"] + len(one["people"]) - len(shown)
    return SightLine(
        _group(Level[one["before"].upper()], Level[one["after"].upper()]), KINDS_IN_WORDS[one["kind"]], shown, others
    )


def _group(before: Level, after: Level) -> str:
    if before == Level.NONE:
        return GROUPS[0]
    if after == Level.NONE:
        return GROUPS[1]
    return GROUPS[2] if after > before else GROUPS[3]
