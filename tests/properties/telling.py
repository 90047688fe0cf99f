"""Worlds in which every rule and every exception of it matters for somebody: one brokerage under each policy."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.properties.world import Company, Lead, Membership, Person, Pond, Unit, World

UNITS = (
    Unit(0, "company", None),
    Unit(1, "company", None),
    Unit(0, "office", 0),
    Unit(0, "team", 2),
    Unit(0, "office", 0),
)
BROKERAGE, STRANGERS, NORTH, LAKESIDE, SOUTH = range(5)

PEOPLE = (
    Person(0, "company_admin"),
    Person(0, "office_admin"),
    Person(0, "team_lead"),
    Person(0, "agent"),
    Person(0, "agent", hides_from_team=True),
    Person(0, "agent", active=False, left=50),
    Person(0, "agent"),
    Person(0, "office_admin"),
    Person(0, "office_admin", active=False),
    Person(0, "agent"),
    Person(0, "team_lead"),
    Person(0, "team_lead"),
    Person(1, "company_admin"),
    Person(1, "agent"),
)
BROKER, NORTH_ADMIN, LEAD, ANA, HIDING, GONE, MOVED, JOINED_BELOW, DISMISSED, LONER, SENIOR, FORMER_LEAD, BOSS, SAM = (
    range(14)
)

MEMBERSHIPS = (
    Membership(BROKERAGE, BROKER, "owner"),
    Membership(NORTH, NORTH_ADMIN, "admin"),
    Membership(LAKESIDE, LEAD, "admin"),
    Membership(LAKESIDE, ANA, "member"),
    Membership(LAKESIDE, HIDING, "member"),
    Membership(LAKESIDE, GONE, "member", ended=50),
    Membership(SOUTH, GONE, "member", ended=30),
    Membership(LAKESIDE, MOVED, "member", ended=30),
    Membership(SOUTH, MOVED, "member"),
    Membership(NORTH, JOINED_BELOW, "admin"),
    Membership(LAKESIDE, JOINED_BELOW, "member"),
    Membership(NORTH, DISMISSED, "admin"),
    Membership(LAKESIDE, SENIOR, "member"),
    Membership(LAKESIDE, FORMER_LEAD, "admin", ended=30),
    Membership(STRANGERS, BOSS, "owner"),
    Membership(STRANGERS, SAM, "member"),
)

PONDS = (Pond(0, ((ANA, True), (LONER, False), (DISMISSED, True), (SAM, True))), Pond(0, ((MOVED, True),), closed=True))


def personal(owner: int, **fields: Any) -> Lead:
    return replace(Lead(PEOPLE[owner].company, owner_person=owner, became_personal_under="visible"), **fields)


LEADS = (
    Lead(0, owner_unit=SOUTH, origin_unit=SOUTH, shares=((ANA, "view", None),)),
    Lead(0, owner_unit=SOUTH, origin_unit=SOUTH, shares=((ANA, "work", 200), (LONER, "work", 20))),
    Lead(1, owner_unit=STRANGERS, origin_unit=STRANGERS, shares=((ANA, "work", None),)),
    *(personal(LONER, became_personal_under="private", origin_unit=unit) for unit in (LAKESIDE, SOUTH)),
    personal(LONER, became_personal_under="private", origin_unit=LAKESIDE, hidden=True),
    personal(ANA, became_personal_under="private"),
    Lead(0, owner_unit=LAKESIDE, origin_unit=LAKESIDE, assigned=(("agent", ANA), ("lender", LONER))),
    Lead(0, owner_unit=LAKESIDE, origin_unit=LAKESIDE, offers=((HIDING, "open"), (ANA, "expired"))),
    Lead(0, owner_unit=SOUTH, origin_unit=SOUTH, assigned=(("agent", DISMISSED),)),
    Lead(0, owner_unit=BROKERAGE, origin_unit=BROKERAGE, assigned=(("agent", SAM),)),
    Lead(1, owner_unit=STRANGERS, origin_unit=STRANGERS, offers=((ANA, "open"),)),
    Lead(0, owner_unit=SOUTH, origin_unit=SOUTH, among=((ANA, "open"), (HIDING, "passed"), (LEAD, "open"))),
    Lead(0, owner_unit=LAKESIDE, among=((DISMISSED, "open"), (LEAD, "open"), (SENIOR, "open"))),
    Lead(0, owner_unit=SOUTH, assigned=(("agent", MOVED),), among=((MOVED, "claimed"), (ANA, "lost"))),
    Lead(0, owner_unit=SOUTH, among=((ANA, "claimed"), (LEAD, "lost"))),  # and taken from her since
    Lead(0, owner_unit=SOUTH, among=((ANA, "lost"), (LEAD, "passed"))),
    Lead(0, owner_unit=SOUTH, among=((ANA, "open"),), removed=True),
    Lead(1, owner_unit=STRANGERS, origin_unit=STRANGERS, among=((ANA, "open"), (SAM, "open"))),
    *(Lead(0, owner_unit=SOUTH, origin_unit=SOUTH, pond=pond) for pond in range(len(PONDS))),
    personal(HIDING, hidden=True, pond=0),
    Lead(0, owner_unit=LAKESIDE, origin_unit=LAKESIDE, assigned=(("agent", ANA),), removed=True),
    personal(ANA, removed=True),
    *(personal(owner) for owner in range(len(PEOPLE))),
    *(personal(owner, became_personal_under="managed") for owner in (ANA, HIDING, GONE, BROKER, SAM)),
    *(personal(owner, hidden=True) for owner in (ANA, HIDING, GONE, JOINED_BELOW)),
    personal(ANA, hidden=True, became_personal_under="managed", assigned=(("assistant", LONER),), origin_unit=LAKESIDE),
    personal(ANA, hidden=True, offers=((ANA, "expired"),)),
)

POLICIES = ("company_only", "private", "visible", "managed")
TELLING = [
    World((Company(policy), Company("visible")), UNITS, PEOPLE, MEMBERSHIPS, LEADS, PONDS) for policy in POLICIES
]
