"""Locks and keys: the access rules of product.md (V2) as data. Pure: standard library only.

A lead carries *locks*, integers the database derives from its owner, hidden, privacy, origin and slots (the SQL function
`lead_locks` and the slot trigger). A person has a *keyring*: lock → level and reason. She sees a lead when one of her keys
fits one of its locks; her level is the best of the fitting keys, and the fitting keys are the reasons.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum, StrEnum
from itertools import chain

KINDS = 16  # a lock is principal id × 16 + kind, in four bytes


class Level(IntEnum):
    NONE = 0
    REDACTED = 1
    VIEW = 2
    WORK = 3
    MANAGE = 4


class Lock(IntEnum):
    """The kinds of lock. The same numbers stand in the SQL function `lead_locks` and in the slot trigger."""

    UNIT = 0  # owned by this unit
    OWNER = 1  # personal lead of this person
    SHOWN = 2  # her personal lead, open, from a time when managers could see it
    SHOWN_HIDDEN = 3  # the same, hidden
    MANAGED = 4  # her personal lead, open, from a time when managers could act on it
    ORIGIN = 5  # personal lead, open, that this unit's channel generated
    ORIGIN_HIDDEN = 6  # the same, hidden
    ASSIGNED = 7  # this person is in one of its slots
    POND = 8  # in this pond

    def of(self, principal: int) -> int:
        return principal * KINDS + self


class Privacy(IntEnum):
    """The `personal_leads` policy a lead remembers from when it became personal. The stricter of then and now counts."""

    PRIVATE = 0
    VISIBLE = 1
    MANAGED = 2


class Reason(StrEnum):
    """Why a person has access, by the letter of V2's table."""

    OWNER = "a"
    MANAGES_OWNER_UNIT = "b"
    ASSIGNED = "c"
    OFFERED = "d"
    IN_POND = "e"
    SHARED = "f"
    MEMBER_OF_OWNER_UNIT = "g"
    MANAGES_OWNER = "h"
    MANAGES_OWNER_HIDDEN = "i"
    ORIGINATED = "j"


@dataclass(frozen=True)
class Key:
    """What fits one lock, or names one lead: the level it opens and why."""

    level: Level
    reason: Reason


@dataclass(frozen=True)
class Access:
    """A person's access to one lead: the best level, and every reason with its own level, best first."""

    level: Level
    reasons: tuple[Key, ...]

    def at_most(self, limit: Level) -> Access:
        """No more than `limit`; where that is nothing, no reason counts."""
        capped = tuple(Key(min(key.level, limit), key.reason) for key in self.reasons)
        return Access(min(self.level, limit), capped if limit > Level.NONE else ())


@dataclass(frozen=True)
class LockedLead:
    """The columns access is decided on."""

    id: int
    company_id: int
    owner_unit_id: int | None
    owner_user_id: int | None
    origin_unit_id: int | None
    hidden: bool
    privacy: int | None
    locks: tuple[int, ...]
    removed: bool = False  # deleted, or merged into another: nobody's any more


@dataclass(frozen=True)
class CompanyReach:
    """A company manager's reach, kept as conditions on columns: one key per unit and person would be thousands.

    `privacy` is what the policy of today grants; `unmanaged` are the people nobody manages (no role of member anywhere);
    `originated`: her profile shows personal leads that the company generated.
    """

    privacy: Privacy
    unmanaged: frozenset[int]
    originated: bool = False

    def keys(self, lead: LockedLead) -> Iterable[Key]:
        if lead.owner_unit_id is not None:
            yield Key(Level.MANAGE, Reason.MANAGES_OWNER_UNIT)
            return
        granted = min(self.privacy, lead.privacy or Privacy.PRIVATE)
        if granted > Privacy.PRIVATE and lead.owner_user_id not in self.unmanaged:
            yield manager_key(granted, hidden=lead.hidden)
        if self.originated and lead.origin_unit_id is not None:
            yield Key(Level.REDACTED if lead.hidden else Level.VIEW, Reason.ORIGINATED)


def manager_key(granted: int, *, hidden: bool) -> Key:
    """What a manager of the owner may do with a personal lead under the stricter policy (rules h and i)."""
    if hidden:
        return Key(Level.REDACTED, Reason.MANAGES_OWNER_HIDDEN)
    return Key(Level.MANAGE if granted == Privacy.MANAGED else Level.VIEW, Reason.MANAGES_OWNER)


@dataclass(frozen=True)
class Keyring:
    """All of one person's keys at one moment. `leads` are keys to single leads, that end by the clock (offers, shares).

    `held` are the permissions of her profile: what she may do where a key lets her in (`verbs`). `within` is the keyring of
    the person through whom everything is seen while she views the product as this one (V7).
    """

    user_id: int
    company_id: int
    keys: Mapping[int, tuple[Key, ...]] = field(default_factory=dict)
    leads: Mapping[int, tuple[Key, ...]] = field(default_factory=dict)
    company: CompanyReach | None = None
    held: frozenset[str] = frozenset()
    within: Keyring | None = None

    def access(self, lead: LockedLead) -> Access:
        """The one function that decides (V1)."""
        hers = self._access(lead)
        return hers if self.within is None else hers.at_most(self.within.access(lead).level)

    def limited_to(self, within: Keyring) -> Keyring:
        """What both may see and do."""
        return replace(self, within=within, held=self.held & within.held)

    def _access(self, lead: LockedLead) -> Access:
        if lead.company_id != self.company_id or lead.removed:
            return Access(Level.NONE, ())
        fitting = [key for lock in lead.locks for key in self.keys.get(lock, ())]
        fitting.extend(self.leads.get(lead.id, ()))
        if self.company is not None:
            fitting.extend(self.company.keys(lead))
        best = {key.reason: key for key in sorted(fitting, key=lambda key: key.level)}
        reasons = tuple(sorted(best.values(), key=lambda key: (-key.level, key.reason)))
        return Access(reasons[0].level if reasons else Level.NONE, reasons)

    @property
    def manages_units(self) -> bool:
        return self.company is not None or bool(self.locks_because(Reason.MANAGES_OWNER_UNIT))

    @property
    def redacts(self) -> bool:
        """Whether she may see leads as redacted, should there be such."""
        cuts = chain(self.keys.values(), self.leads.values())
        return self.company is not None or any(key.level == Level.REDACTED for cut in cuts for key in cut)

    def locks_at(self, level: Level) -> list[int]:
        """The locks that open at least `level`."""
        return sorted(lock for lock, keys in self.keys.items() if any(key.level >= level for key in keys))

    def locks_because(self, reason: Reason) -> list[int]:
        """The locks that open for this reason."""
        return sorted(lock for lock, keys in self.keys.items() if any(key.reason == reason for key in keys))

    def leads_at(self, level: Level) -> list[int]:
        return sorted(lead for lead, keys in self.leads.items() if any(key.level >= level for key in keys))


@dataclass(frozen=True)
class Standing:
    """Where a person stands, as facts: the input of her keyring."""

    user_id: int
    company_id: int
    policy: Privacy = Privacy.VISIBLE
    joined_units: frozenset[int] = frozenset()
    managed_units: frozenset[int] = frozenset()
    managed_people: frozenset[int] = frozenset()
    held: frozenset[str] = frozenset()
    view_unit_lead: bool = False
    view_originated_lead: bool = False
    company: CompanyReach | None = None
    leads: tuple[tuple[int, Key], ...] = ()
    ponds: frozenset[int] = frozenset()  # those she may claim from
    ponds_looked_at: frozenset[int] = frozenset()  # those she belongs to without a right to claim


def make_keyring(standing: Standing) -> Keyring:
    """The keys that V2 gives to a person who stands so. A lock that two rules open has two keys."""
    keys: dict[int, tuple[Key, ...]] = {}

    def cut(lock: int, level: Level, reason: Reason) -> None:
        keys[lock] = (*keys.get(lock, ()), Key(level, reason))

    cut(Lock.OWNER.of(standing.user_id), Level.MANAGE, Reason.OWNER)
    cut(Lock.ASSIGNED.of(standing.user_id), Level.WORK, Reason.ASSIGNED)
    for pond in standing.ponds:
        cut(Lock.POND.of(pond), Level.WORK, Reason.IN_POND)
    for pond in standing.ponds_looked_at:
        cut(Lock.POND.of(pond), Level.VIEW, Reason.IN_POND)
    if standing.view_unit_lead:
        for unit in standing.joined_units:
            cut(Lock.UNIT.of(unit), Level.VIEW, Reason.MEMBER_OF_OWNER_UNIT)
    if standing.company is None:
        _cut_manager_keys(standing, cut)
    single: dict[int, tuple[Key, ...]] = {}
    for lead, key in standing.leads:
        single[lead] = (*single.get(lead, ()), key)
    return Keyring(
        user_id=standing.user_id,
        company_id=standing.company_id,
        keys=keys,
        leads=single,
        company=standing.company,
        held=standing.held,
    )


def _cut_manager_keys(standing: Standing, cut: Callable[[int, Level, Reason], None]) -> None:
    """The keys of managers of offices and teams: rules b, h, i and j."""
    for unit in standing.managed_units:
        cut(Lock.UNIT.of(unit), Level.MANAGE, Reason.MANAGES_OWNER_UNIT)
        if standing.view_originated_lead:
            cut(Lock.ORIGIN.of(unit), Level.VIEW, Reason.ORIGINATED)
            cut(Lock.ORIGIN_HIDDEN.of(unit), Level.REDACTED, Reason.ORIGINATED)
    for person in standing.managed_people if standing.policy > Privacy.PRIVATE else ():
        cut(Lock.SHOWN.of(person), Level.VIEW, Reason.MANAGES_OWNER)
        cut(Lock.SHOWN_HIDDEN.of(person), Level.REDACTED, Reason.MANAGES_OWNER_HIDDEN)
        if standing.policy == Privacy.MANAGED:
            cut(Lock.MANAGED.of(person), Level.MANAGE, Reason.MANAGES_OWNER)
