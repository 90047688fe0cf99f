"""Who works at the demo companies, and how they sign in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

PASSWORD = "fairlead-demo"  # noqa: S105  # meant to be known


@dataclass(frozen=True)
class Person:
    """`name` before the @ signs her in; `role` in the unit called `unit`; `profile` is a built-in one."""

    name: str
    full_name: str
    profile: str
    unit: str
    role: str
    what: str

    def email(self, domain: str) -> str:
        return f"{self.name}@{domain}"


@dataclass(frozen=True)
class Routing:
    """A unit's roster in its order, all enrolled with weight 1, and its policy."""

    unit: str
    roster: tuple[str, ...]
    fallback: str
    claim_window: timedelta


@dataclass(frozen=True)
class Place:
    """`units` are name, kind and parent's name, parents first; the company unit has the company's name."""

    company: str
    domain: str
    policy: str
    units: tuple[tuple[str, str, str], ...]
    people: tuple[Person, ...]
    routing: tuple[Routing, ...]


HARBOR = Place(
    company="Harbor Realty",
    domain="harbor.example",
    policy="visible",
    units=(
        ("North", "office", "Harbor Realty"),
        ("South", "office", "Harbor Realty"),
        ("Lakeside", "team", "North"),
        ("Hilltop", "team", "North"),
        ("Harborfront", "team", "South"),
    ),
    people=(
        Person("broker", "Brooke Keller", "company_admin", "Harbor Realty", "owner", "company admin"),
        Person("north", "Nora Thorne", "office_admin", "North", "admin", "office admin of North"),
        Person("lead", "Leo Hartmann", "team_lead", "Lakeside", "admin", "team lead of Lakeside"),
        Person("ana", "Ana Alvarez", "agent", "Lakeside", "member", "agent, Lakeside"),
        Person("ben", "Ben Brooks", "agent", "Lakeside", "member", "agent, Lakeside"),
        Person("cal", "Cal Chen", "agent", "Lakeside", "member", "agent, Lakeside"),
        Person("dee", "Dee Dawson", "agent", "Hilltop", "member", "agent, Hilltop"),
        Person("eve", "Eve Ellison", "agent", "Harborfront", "member", "agent, Harborfront"),
    ),
    routing=(
        Routing("Lakeside", ("ana", "ben", "cal"), "lead", timedelta(minutes=60)),
        Routing("Hilltop", ("dee",), "north", timedelta(minutes=30)),
        Routing("Harborfront", ("eve",), "broker", timedelta(minutes=30)),
    ),
)

SUMMIT = Place(
    company="Summit Insurance",
    domain="summit.example",
    policy="managed",
    units=(("Call floor", "team", "Summit Insurance"),),
    people=(
        Person("boss", "Bea Osborne", "company_admin", "Summit Insurance", "owner", "company admin"),
        Person("sue", "Sue Sutton", "agent", "Call floor", "member", "agent"),
        Person("sam", "Sam Sato", "agent", "Call floor", "member", "agent"),
        Person("sid", "Sid Singh", "agent", "Call floor", "member", "agent"),
    ),
    routing=(Routing("Call floor", ("sue", "sam", "sid"), "boss", timedelta(minutes=15)),),
)

PLACES = (HARBOR, SUMMIT)


def sign_ins() -> str:
    """The demo's sign-ins in words, one a line."""
    lines = [f"Demo sign-ins, all with the password {PASSWORD}:"]
    for place in PLACES:
        lines.append(f"  {place.company}")
        lines += [f"    {person.email(place.domain):<23} {person.full_name}, {person.what}" for person in place.people]
    return "\n".join(lines)
