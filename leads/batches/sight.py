"""Whose sight of the leads changes by a batch: foreseen from the leads' locks and the people's keys, before it is done.

Leads that are alike in their locks are counted together. Offers, which open single leads for an hour, are left out.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Case, Count, OuterRef, Q, QuerySet, Value, When

from crm.organization.models import Company, Membership, User
from leads.batches.standing import waiting
from leads.batches.verb import Act, Moving, Sight
from leads.models import Assignment, Batch, LeadShare, PondMember
from leads.querysets import LeadQuerySet
from leads.services.sharing import VERBS
from permissions.access import KINDS, Keyring, Level, Lock, LockedLead, Standing, make_keyring
from permissions.catalog import Permission
from permissions.door import seen_by
from permissions.managers import managers_of, members_among
from permissions.supposing import locks_of

MOST_SHAPES = 1000
MOST_NAMED = 25  # people beside the managers whose keyrings are read
MOST_SHOWN = 6
ALIKE = ("owner_unit", "owner_user", "origin_unit", "hidden", "privacy", "agent", "slot_locks")
NAMING = {int(Lock.OWNER): "owner", int(Lock.ASSIGNED): "assigned"}
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
    """`count` leads that are alike. `lead` has the locks of owner and origin only; `slots` are those of its slots.

    `marked`: the locks of those slots that were asked for.
    """

    lead: LockedLead
    agent: int | None
    slots: tuple[int, ...]
    marked: tuple[int, ...] = ()
    count: int = 1

    @property
    def locked(self) -> LockedLead:
        return replace(self.lead, locks=() if self.lead.removed else (*locks_of(self.lead, ()), *self.slots))


After = Callable[[Shape], Shape]


def shapes_of(leads: LeadQuerySet, company_id: int, mark: QuerySet[Assignment]) -> list[Shape]:
    """The kinds of leads there are among these, the most frequent first."""
    rows = leads.order_by().annotate(marked=_marked("pk", mark))
    counted = rows.values_list(*ALIKE, "marked").annotate(count=Count("pk")).order_by("-count")[:MOST_SHAPES]
    return [_shape(company_id, row) for row in counted]


def _marked(lead: str, mark: QuerySet[Assignment]) -> ArraySubquery:
    """Who has one of these slots of a lead."""
    return ArraySubquery(mark.filter(lead=OuterRef(lead), user__isnull=False).order_by("user").values("user"))


def _shape(company_id: int, row: Sequence[Any]) -> Shape:
    """The shape of a row of the columns ALIKE, the marked people and how many there are."""
    unit, user, origin, hidden, privacy, agent, slots, marked, count = row
    lead = LockedLead(0, company_id, unit, user, origin, hidden, privacy, ())
    return Shape(lead, agent, tuple(slots), tuple(Lock.ASSIGNED.of(pk) for pk in marked or ()), count)


def sight_after(
    act: Act,
    leads: LeadQuerySet,
    after: After,
    *,
    shares_end: bool = False,
    mark: QuerySet[Assignment] | None = None,
    moving: Moving | None = None,
) -> list[Sight]:
    """Whose sight changes if each shape becomes what `after` makes of it, and each standing what `moving` does."""
    mark = Assignment.objects.none() if mark is None else mark
    shapes = shapes_of(leads, act.batch.company_id, mark)
    pairs = [Pair.of(shape.locked, after(shape).locked, shape.count) for shape in shapes]
    shared = shared_pairs(act.batch, after, shares_end=shares_end, mark=mark)
    return sight_of(pairs, shared, act.actor.company, moving)


def sight_of(
    pairs: Iterable[Pair],
    shared: Mapping[int, Sequence[Pair]],
    company: Company,
    moving: Moving | None = None,
    *,
    also: Sequence[Standing] = (),
) -> list[Sight]:
    """Whose sight changes by what becomes of these leads; `shared` as `shared_pairs` makes it. `also`: who comes back."""
    pairs = [pair for pair in pairs if pair.changed]
    people, others = people_concerned(pairs, shared, company) if pairs or shared else ([], Counter())
    there = {standing.user_id for _, standing in people}
    people += [("member", standing) for standing in also if standing.user_id not in there]
    found: dict[tuple[str, str, str], Counter[int]] = {}
    for kind, standing in people:
        keyring, later = make_keyring(standing), make_keyring(moving(standing)) if moving else None
        for (before, becomes), count in changes(keyring, [*pairs, *shared.get(keyring.user_id, ())], later).items():
            found.setdefault((kind, before.name.lower(), becomes.name.lower()), Counter())[keyring.user_id] += count
    return [
        Sight(*key, people=counts.most_common(), others=others.pop(key[0], 0)) for key, counts in sorted(found.items())
    ]


@dataclass(frozen=True)
class Pair:
    """`count` leads as they are and as they will be, and the locks that this takes away or adds.

    `shared`: what a share gives her, before and after.
    """

    before: LockedLead
    after: LockedLead
    count: int
    changed: frozenset[int]
    shared: tuple[Level, Level] = (Level.NONE, Level.NONE)

    @classmethod
    def of(cls, before: LockedLead, after: LockedLead, count: int) -> Pair:
        return cls(before, after, count, frozenset(before.locks) ^ frozenset(after.locks))


def shared_pairs(batch: Batch, after: After, *, shares_end: bool, mark: QuerySet[Assignment]) -> dict[int, list[Pair]]:
    """For whoever some of its leads are shared with: those once more with the share, and taken off without it."""
    live = LeadShare.grants().live().filter(company=batch.company_id, content_object__in=waiting(batch).values("lead"))
    columns = [f"content_object__{name}" for name in ALIKE]
    rows = live.order_by().annotate(marked=_marked("content_object", mark))
    counted = rows.values_list("user", "permission__codename", *columns, "marked").annotate(count=Count("pk"))
    found: dict[int, list[Pair]] = {}
    for user, verb, *row in counted:
        shape = _shape(batch.company_id, row)
        pair, level = Pair.of(shape.locked, after(shape).locked, shape.count), VERBS[verb]
        given = (level, Level.NONE if shares_end else level)
        found.setdefault(user, []).extend((replace(pair, count=-pair.count), replace(pair, shared=given)))
    return found


def changes(keyring: Keyring, pairs: Iterable[Pair], later: Keyring | None = None) -> Counter[tuple[Level, Level]]:
    """How many leads go from which level to which for her, who has `later` then; those that stay are left out."""
    found: Counter[tuple[Level, Level]] = Counter()
    for pair in pairs:
        if keyring.company is None and pair.changed.isdisjoint(keyring.keys) and len({*pair.shared}) == 1 and not later:
            continue
        was = max(keyring.access(pair.before).level, pair.shared[0])
        becomes = max((later or keyring).access(pair.after).level, pair.shared[1])
        if was != becomes:
            found[was, becomes] += pair.count
    return +found


def people_concerned(
    pairs: Iterable[Pair], sharers: Iterable[int], company: Company
) -> tuple[list[tuple[str, Standing]], Counter[str]]:
    """All managers, those whom the changed locks name or let in, and who has shares, as what they are; of these the ones
    with most leads, the rest counted.
    """
    weights: Counter[int] = Counter()
    for pair in pairs:
        for lock in pair.changed:
            weights[lock] += pair.count
    managers = {one.standing.user_id: one.standing for one in managers_of(company)}
    members = members_by_lock(weights)
    named: dict[int, str] = {}
    for lock, _ in weights.most_common():
        kind = NAMING.get(lock % KINDS)
        named |= {user: kind or "member" for user in ([lock // KINDS] if kind else members[lock]) if user not in named}
    named |= dict.fromkeys(set(sharers) - named.keys(), "shared")
    named = {user: kind for user, kind in named.items() if user not in managers}
    read = dict(islice(named.items(), MOST_NAMED))
    people = [("manager", standing) for standing in managers.values()]
    people += [(read[one.user_id], one) for one in members_among(read, company)]
    return people, Counter(list(named.values())[MOST_NAMED:])


def members_by_lock(locks: Iterable[int]) -> defaultdict[int, list[int]]:
    """Whom locks of units and ponds let in as members, by lock."""
    of = {kind: [lock // KINDS for lock in locks if lock % KINDS == kind] for kind in (Lock.UNIT, Lock.POND)}
    seeing = Q(user__holding__profile__permissions__contains=[Permission.VIEW_UNIT_LEAD.value])
    joined = Membership.objects.current().filter(seeing, unit__in=of[Lock.UNIT]).order_by("pk")
    pooled = PondMember.objects.filter(pond__in=of[Lock.POND]).order_by("pk")
    found: defaultdict[int, list[int]] = defaultdict(list)
    for kind, rows in (
        (Lock.UNIT, joined.values_list("unit", "user")),
        (Lock.POND, pooled.values_list("pond", "user")),
    ):
        for principal, user in rows:
            found[kind.of(principal)].append(user)
    return found


def sight_of_one(
    leads: LeadQuerySet, before: Keyring, after: Callable[[Level], Level] | Keyring, kind: str = "shared"
) -> list[Sight]:
    """What changes for one person: by other keys, or by the level she comes to have of each lead."""
    later = _level(after) if isinstance(after, Keyring) else Value(0)
    rows = leads.annotate(was=_level(before), becomes=later).order_by().values_list("was", "becomes")
    found: Counter[tuple[Level, Level]] = Counter()
    for was, becomes, count in rows.annotate(count=Count("pk")):
        found[Level(was), Level(becomes) if isinstance(after, Keyring) else after(Level(was))] += count
    return [
        Sight(kind, was.name.lower(), becomes.name.lower(), [(before.user_id, count)])
        for (was, becomes), count in sorted(found.items())
        if was != becomes
    ]


def _level(keyring: Keyring) -> Case:
    """The level of each lead for her."""
    levels = (Level.MANAGE, Level.WORK, Level.VIEW, Level.REDACTED)
    return Case(*(When(seen_by(keyring, level), then=Value(int(level))) for level in levels), default=Value(0))


@dataclass(frozen=True)
class SightLine:
    """One line of the preview: what changes for people of one kind; a few by name with their leads, the others counted."""

    group: str
    kind: str
    names: Sequence[tuple[str, int]]
    others: int


def named(sight: Iterable[Mapping[str, Any]], asker: User) -> list[SightLine]:
    """What was foreseen, with the names the asker may see (O6); one line for each kind of people and of change."""
    people: defaultdict[tuple[str, str], Counter[int]] = defaultdict(Counter)
    others: Counter[tuple[str, str]] = Counter()
    for one in sight:
        key = (_group(Level[one["before"].upper()], Level[one["after"].upper()]), KINDS_IN_WORDS[one["kind"]])
        people[key].update(dict(one["people"]))
        others[key] += one["others"]
    ids = {person for counts in people.values() for person in counts}
    names = dict(User.objects.can_be_seen_by(asker).filter(pk__in=ids).order_by("pk").values_list("pk", "name"))
    lines = [_line(*key, counts, others[key], names) for key, counts in people.items()]
    return sorted(lines, key=lambda line: (GROUPS.index(line.group), line.kind))


def _line(group: str, kind: str, people: Counter[int], others: int, names: Mapping[int, str]) -> SightLine:
    shown = [(names[person], count) for person, count in people.most_common() if person in names][:MOST_SHOWN]
    return SightLine(group, kind, shown, others + len(people) - len(shown))


def _group(before: Level, after: Level) -> str:
    if before == Level.NONE:
        return GROUPS[0]
    if after == Level.NONE:
        return GROUPS[1]
    return GROUPS[2] if after > before else GROUPS[3]
