"""A small imaginary installation, as plain values: what the access oracle reads and what is built in the database."""

from __future__ import annotations

from dataclasses import dataclass

NOW = 100  # moments are whole numbers; this one is the present


@dataclass(frozen=True)
class Company:
    policy: str  # visible | managed


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


@dataclass(frozen=True)
class World:
    """Everything refers to everything else by its place in these tuples."""

    companies: tuple[Company, ...]
    units: tuple[Unit, ...]
    people: tuple[Person, ...]
    memberships: tuple[Membership, ...]
    leads: tuple[Lead, ...]
