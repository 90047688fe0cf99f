"""What another `personal_leads` policy would change, and for whom (O5): the engine of `access` asked twice. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from permissions.access import Keyring, Level, LockedLead, Privacy, Standing, make_keyring
from permissions.supposing import under


@dataclass(frozen=True)
class Alike:
    """Personal leads that nobody's keys can tell apart: `count` of them, and `lead` to stand for all."""

    lead: LockedLead
    count: int


@dataclass(frozen=True, order=True)
class Shift:
    """What happens to the access of one kind of managers, from a level to another."""

    kind: str
    before: Level
    after: Level


@dataclass
class Extent:
    """How far a shift reaches: whom it concerns, and groups of leads by the id that stands for them."""

    managers: set[int] = field(default_factory=set)
    groups: dict[int, Alike] = field(default_factory=dict)

    @property
    def leads(self) -> int:
        return sum(group.count for group in self.groups.values())

    @property
    def people(self) -> int:
        return len({group.lead.owner_user_id for group in self.groups.values()})


@dataclass(frozen=True)
class Rings:
    """A manager's keyring now, and as it would be."""

    kind: str
    standing: Standing
    now: Keyring
    then: Keyring

    @classmethod
    def of(cls, kind: str, standing: Standing, policy: Privacy) -> Rings:
        return cls(kind, standing, make_keyring(standing), make_keyring(under(policy, standing)))

    def levels(self, group: Alike) -> tuple[Level, Level]:
        return self.now.access(group.lead).level, self.then.access(group.lead).level


def foresee(
    managers: Iterable[tuple[str, Standing]], groups: Sequence[Alike], policy: Privacy, asker_id: int
) -> dict[Shift, Extent]:
    """What changes for these managers (a kind and a standing each) once the policy is `policy`.

    Leads that the asker can see neither now nor then are not counted: nobody counts what she may not see.
    """
    rings = [Rings.of(kind, standing, policy) for kind, standing in managers]
    asker = next((ring for ring in rings if ring.standing.user_id == asker_id), None)
    owned: defaultdict[int | None, list[Alike]] = defaultdict(list)
    for group in groups:
        if asker and max(asker.levels(group)) > Level.NONE:
            owned[group.lead.owner_user_id].append(group)
    found: defaultdict[Shift, Extent] = defaultdict(Extent)
    for ring in rings:
        for group in _within_reach(ring.standing, owned):
            before, after = ring.levels(group)
            if before != after:
                extent = found[Shift(ring.kind, before, after)]
                extent.managers.add(ring.standing.user_id)
                extent.groups[group.lead.id] = group
    return dict(found)


def _within_reach(standing: Standing, owned: dict[int | None, list[Alike]]) -> Iterator[Alike]:
    """The leads of those whose leads the policy opens to her: the people she manages."""
    people = owned if standing.company else owned.keys() & standing.managed_people
    for person in people:
        yield from owned[person]
