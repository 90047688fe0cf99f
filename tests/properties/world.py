"""A small imaginary installation, as plain values: what the access oracle reads and what is built in the database."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from itertools import chain

NOW = 100  # moments are whole numbers; this one is the present


@dataclass(frozen=True)
class Company:
    policy: str  # company_only | private | visible | managed


@dataclass(frozen=True)
class Unit:
    company: int
    kind: str  # company | office | team
    parent: int | None
    closed: bool = False


@dataclass(frozen=True)
class Person:
    company: int
    profile: str | None
    active: bool = True
    left: int | None = None  # when she left the company
    hides_from_team: bool = False


@dataclass(frozen=True)
class Membership:
    unit: int
    person: int
    role: str  # owner | admin | member
    started: int = 0
    ended: int | None = None


@dataclass(frozen=True)
class Lead:
    company: int
    owner_unit: int | None = None
    owner_person: int | None = None
    hidden: bool = False
    became_personal_under: str | None = None  # the policy of that time
    origin_unit: int | None = None  # of a lead of company origin; None: an agent generated it
    assigned: tuple[tuple[str, int], ...] = ()  # slot, person
    offers: tuple[tuple[int, str], ...] = ()  # person, state
    among: tuple[tuple[int, str], ...] = ()  # one to several: person, and open, passed, claimed or lost to her
    shares: tuple[tuple[int, str, int | None], ...] = ()  # person, view or work, until (None: for ever)
    pond: int | None = None  # in its agent slot
    removed: bool = False  # deleted, or merged into another

    @property
    def on_offer_to(self) -> set[int]:
        """Alone, or among others."""
        return {person for person, state in (*self.offers, *self.among) if state == "open"}

    @property
    def made_to(self) -> list[int | None]:
        """Whose each of its offers is; one to several is nobody's before she has claimed it."""
        winner = next((person for person, state in self.among if state == "claimed"), None)
        return [*(person for person, _ in self.offers), *([winner] if self.among else [])]


@dataclass(frozen=True)
class Pond:
    company: int
    members: tuple[tuple[int, bool], ...] = ()  # person, may claim
    closed: bool = False


@dataclass(frozen=True)
class World:
    """Everything refers to everything else by its place in these tuples."""

    companies: tuple[Company, ...]
    units: tuple[Unit, ...]
    people: tuple[Person, ...]
    memberships: tuple[Membership, ...]
    leads: tuple[Lead, ...]
    ponds: tuple[Pond, ...] = ()


def beside(*worlds: World) -> World:
    """One installation with the companies of all these worlds in it."""
    parts: list[World] = []
    for world in worlds:
        sizes = [sum(len(getattr(part, kind)) for part in parts) for kind in ("companies", "units", "people", "ponds")]
        parts.append(moved(world, *sizes))
    return World(*(tuple(chain(*(getattr(part, kind.name) for part in parts))) for kind in fields(World)))


def moved(world: World, companies: int, units: int, people: int, ponds: int) -> World:
    """The world with all its references so many places further on."""

    def on(place: int | None, by: int) -> int | None:
        return None if place is None else place + by

    def lead_on(lead: Lead) -> Lead:
        return replace(
            lead,
            company=lead.company + companies,
            owner_unit=on(lead.owner_unit, units),
            owner_person=on(lead.owner_person, people),
            origin_unit=on(lead.origin_unit, units),
            assigned=tuple((slot, person + people) for slot, person in lead.assigned),
            offers=tuple((person + people, state) for person, state in lead.offers),
            among=tuple((person + people, state) for person, state in lead.among),
            shares=tuple((person + people, given, until) for person, given, until in lead.shares),
            pond=on(lead.pond, ponds),
        )

    def pond_on(pond: Pond) -> Pond:
        members = tuple((person + people, may_claim) for person, may_claim in pond.members)
        return replace(pond, company=pond.company + companies, members=members)

    return World(
        world.companies,
        tuple(replace(one, company=one.company + companies, parent=on(one.parent, units)) for one in world.units),
        tuple(replace(one, company=one.company + companies) for one in world.people),
        tuple(replace(one, unit=one.unit + units, person=one.person + people) for one in world.memberships),
        tuple(lead_on(lead) for lead in world.leads),
        tuple(pond_on(pond) for pond in world.ponds),
    )
